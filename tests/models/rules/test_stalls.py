"""Limits: passed one after the other, none before its day, whatever the calendar and a policy say."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.graduation import add_months
from models.rules.lifecycle import ALL_KINDS, WAIT_KINDS
from models.rules.policy import DEFAULT_POLICIES, Policy
from models.rules.stalls import (
    begins_on,
    due_on,
    judge_coming,
    judge_number,
    judge_wait,
    limit_day,
    limits_of,
    severity_of,
    stalled_from,
)
from models.rules.workdays import PLAIN_WEEK, Calendar

START = date(2026, 1, 1)
YEAR = [START + timedelta(days=number) for number in range(365)]
calendars = st.builds(
    Calendar,
    off=st.frozensets(st.sampled_from([day for day in YEAR if day.weekday() < 5]), max_size=40),
    working=st.frozensets(st.sampled_from([day for day in YEAR if day.weekday() >= 5]), max_size=10),
    years=st.just(frozenset({2026})),
)
limited = st.sampled_from(sorted(kind.name for kind in WAIT_KINDS.values() if kind.limits))


def policy(**changes: object) -> Policy:
    """A policy with some values of its own."""
    return Policy("JS-1", START, **changes)  # type: ignore[arg-type]


@given(limited, st.sampled_from(YEAR), calendars, st.lists(st.integers(0, 90), max_size=3))
def test_a_level_is_reached_once_and_never_left_while_days_go_by(
    kind: str, since: date, calendar: Calendar, days: list[int]
) -> None:
    rules = policy(limits={kind: tuple(days)})
    levels = [judge_wait(kind, since, since + timedelta(days=day), calendar, policy=rules).level for day in range(200)]
    assert levels == sorted(levels)
    assert set(levels) <= set(range(len(limits_of(kind, rules)) + 1))


@given(limited, st.sampled_from(YEAR), calendars)
def test_what_counts_in_working_days_is_first_late_on_a_working_day_and_never_by_its_due_date(
    kind: str, since: date, calendar: Calendar
) -> None:
    limit = WAIT_KINDS[kind].limits[0]
    due = limit_day(limit, since, calendar)
    late = stalled_from(limit, due, calendar)
    assert not judge_wait(kind, since, max(due, late - timedelta(days=1)), calendar).stalled
    assert judge_wait(kind, since, late, calendar).stalled
    assert due_on(kind, since, calendar) == due
    if limit.unit == "working":
        assert calendar.is_working_day(late)
        assert calendar.working_days_between(since, late) == limit.days + 1


@given(st.sampled_from(YEAR), st.integers(1, 10))
def test_nights_are_over_on_the_morning_after_the_last(since: date, nights: int) -> None:
    """Of a session on day D three nights are those of D, D+1 and D+2: first late on D+3."""
    rules = policy(limits={"attendance-unreported": (nights,)})
    judged = [
        judge_wait("attendance-unreported", since, since + timedelta(days=day), PLAIN_WEEK, policy=rules).stalled
        for day in (nights - 1, nights)
    ]
    assert judged == [False, True]


def test_a_second_limit_that_a_policy_puts_before_the_first_waits_for_it() -> None:
    """Nobody is late before what he was given, whatever comes after it."""
    rules = policy(limits={"exam-result": (40, 10)})
    judged = [
        judge_wait("exam-result", START, START + timedelta(days=day), PLAIN_WEEK, policy=rules) for day in (20, 40, 41)
    ]
    assert [(one.stalled, one.level) for one in judged] == [(False, 0), (False, 0), (True, 2)]


def test_a_further_day_with_a_further_role_is_one_escalation_more() -> None:
    both = policy(limits={"review-decision": (7, 12)}, whom={"review-decision": ("union", "coordinator")})
    assert [(one.days, one.unit, one.holder) for one in limits_of("review-decision", both)] == [
        (7, "working", "union"), (12, "working", "coordinator"),
    ]  # fmt: skip
    assert len(limits_of("review-decision", policy(limits={"review-decision": (7, 12)}))) == 1
    assert [one.holder for one in limits_of("review-decision", policy(whom={"review-decision": ("coordinator",)}))] == [
        "coordinator"
    ]
    late = judge_wait("review-decision", START, START + timedelta(days=60), PLAIN_WEEK, policy=both)
    assert (late.level, late.holder) == (2, "coordinator")


def test_what_never_stalls_cannot_be_given_a_limit() -> None:
    rules = policy(limits={"study-time": (1,)}, whom={"study-time": ("school",)})
    assert limits_of("study-time", rules) == ()
    assert not judge_wait("study-time", START, date(2030, 1, 1), PLAIN_WEEK, policy=rules).stalled


@pytest.mark.parametrize("kind", sorted(ALL_KINDS))
def test_a_policy_says_how_urgent_a_kind_is_and_else_the_table_does(kind: str) -> None:
    assert severity_of(kind) == severity_of(kind, DEFAULT_POLICIES[0]) == ALL_KINDS[kind].severity
    assert severity_of(kind, policy(severity={kind: "urgent"})) == "urgent"


def test_a_number_is_judged_by_the_limits_it_has_reached() -> None:
    assert [judge_number("money-nearly-used", used).level for used in (0, 89, 90, 99, 100, 120)] == [0, 0, 1, 1, 2, 2]
    assert [judge_number("source-silent", nights).level for nights in (0, 2, 3, 30)] == [0, 0, 1, 1]
    assert judge_number("stream-held", 0).stalled


@given(st.dates(date(2026, 6, 1), date(2034, 1, 1)), st.integers(-30, 30))
def test_a_day_to_come_is_near_from_the_day_of_its_limit_to_its_own(day: date, shift: int) -> None:
    first, _, last = limits_of("window-closing")
    today = day - timedelta(days=14) + timedelta(days=shift)
    judged = judge_coming("window-closing", day, today)
    assert judged.stalled == (begins_on(first, day) <= today <= day)
    assert (judged.level == 3) == (begins_on(last, day) <= today <= day)
    assert judged.due_on == day


@given(st.dates(date(2010, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
def test_months_before_a_day_are_months_back(day: date, months: int) -> None:
    earlier = add_months(day, -months)
    assert (day.year - earlier.year) * 12 + day.month - earlier.month == months
    assert earlier.day == day.day or (earlier.day < day.day and (earlier + timedelta(days=1)).day == 1)
