"""Policies: an installation's own numbers, each from its day on; and the limits they set for waits."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.graduation import judge_graduation, judge_status
from models.rules.lifecycle import WAIT_KINDS
from models.rules.policy import DEFAULT_POLICIES, Policy, policies_from, policy_on
from models.rules.stalls import due_on, judge_wait, limits_of
from models.rules.workdays import PLAIN_WEEK

DEFAULT = DEFAULT_POLICIES[0]
MONDAY = date(2027, 3, 1)


@given(st.lists(st.dates(date(2016, 3, 2), date(2040, 1, 1)), unique=True, max_size=6), st.dates(date(2016, 3, 1)))
def test_on_any_day_the_latest_policy_that_took_effect_holds(days: list[date], today: date) -> None:
    """Whatever the order in which they are written down."""
    policies = policies_from({"version": f"v{day}", "effective_from": day} for day in days)
    holds = policy_on(policies, today)
    assert holds.effective_from <= today
    assert not any(holds.effective_from < one.effective_from <= today for one in policies)
    assert policy_on(tuple(reversed(policies)), today) is holds


def test_each_policy_is_a_change_of_the_one_before_it() -> None:
    policies = policies_from([
        {"version": "JS-2", "effective_from": date(2028, 1, 1), "min_age": 16},
        {"version": "JS-1", "effective_from": date(2027, 1, 1), "attendance_threshold": 0.8, "pass_mark": 65},
    ])  # fmt: skip
    assert [one.version for one in policies] == ["2019-1", "JS-1", "JS-2"]
    last = policy_on(policies, date(2028, 1, 1))
    assert (last.attendance_threshold, last.pass_mark, last.min_age) == (Decimal("0.8"), Decimal(65), 16)
    assert policy_on(policies, date(2027, 12, 31)).min_age == 18
    assert policy_on(policies, date(2026, 12, 31)) == DEFAULT
    assert policies_from([]) == DEFAULT_POLICIES


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effective_from": None}, "the day from which it holds"),
        ({"effective_from": "2027-01-01"}, "the day from which it holds"),
        ({"effective_from": date(2016, 3, 1)}, "own day"),
        ({"version": ""}, "version of its own"),
        ({"version": "2019-1"}, "version of its own"),
        ({"min_aeg": 16}, "has no min_aeg"),
        ({"min_age": 16.5}, "whole number"),
        ({"min_age": "many"}, "must be a number"),
        ({"min_age": True}, "must be a number"),
        ({"attendance_threshold": 70}, "cannot be 70"),
        ({"pass_mark": -1}, "cannot be -1"),
        ({"head_warning_low": float("nan")}, "must be a number"),
        ({"limits": {"review-decision": "soon"}}, "limits of review-decision"),
        ({"limits": {"review-decision": [-1]}}, "limits of review-decision"),
        ({"limits": {"review-decison": 7}}, "no kind of stall"),
        ({"limits": 7}, "table by kind"),
        ({"whom": {"review-decision": "unoin"}}, "are roles"),
        ({"whom": {"review-decision": []}}, "are roles"),
        ({"severity": {"review-decision": "high"}}, "urgent, warning, info"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_in_a_sentence(change: dict[str, Any], said: str) -> None:
    good = {"version": "JS-1", "effective_from": date(2027, 1, 1)}
    with pytest.raises(ValueError, match=said):
        policies_from([{**good, **change}])


def test_two_policies_of_one_day_are_refused() -> None:
    day = date(2027, 1, 1)
    with pytest.raises(ValueError, match="own day"):
        policies_from([{"version": "a", "effective_from": day}, {"version": "b", "effective_from": day}])


@pytest.mark.parametrize("kind", sorted(WAIT_KINDS))
@given(days=st.lists(st.integers(0, 30), min_size=1, max_size=3))
def test_a_policy_moves_the_limits_of_a_wait_and_nothing_else_of_them(kind: str, days: list[int]) -> None:
    (_, policy) = policies_from([
        {"version": "JS-1", "effective_from": date(2027, 1, 1), "limits": {kind: days}}
    ])  # fmt: skip
    standing, moved = WAIT_KINDS[kind].limits, limits_of(kind, policy)
    assert [(one.unit, one.holder) for one in moved] == [(one.unit, one.holder) for one in standing]
    assert [one.days for one in moved] == [*days[: len(standing)], *(one.days for one in standing[len(days) :])]
    assert limits_of(kind, DEFAULT) == limits_of(kind) == standing


def test_who_is_told_and_how_urgently_is_a_policys_too_and_a_later_one_keeps_what_it_does_not_change() -> None:
    policies = policies_from([
        {"version": "1", "effective_from": date(2027, 1, 1), "whom": {"objection": "coordinator"},
         "severity": {"objection": "urgent"}, "limits": {"objection": 4}},
        {"version": "2", "effective_from": date(2028, 1, 1), "whom": {"consent": ["coordinator"]}, "limits": {"consent": [3]}},
    ])  # fmt: skip
    last = policies[-1]
    assert last.whom == {"objection": ("coordinator",), "consent": ("coordinator",)}
    assert last.limits == {"objection": (4,), "consent": (3,)}
    assert last.severity == {"objection": "urgent"}


def test_a_moved_limit_is_when_a_wait_stalls() -> None:
    (_, policy) = policies_from([
        {"version": "JS-1", "effective_from": date(2027, 1, 1), "limits": {"review-decision": 7}}
    ])  # fmt: skip
    due = due_on("review-decision", MONDAY, PLAIN_WEEK, policy)
    assert due == date(2027, 3, 10)
    assert not judge_wait("review-decision", MONDAY, due, PLAIN_WEEK, policy=policy).stalled
    assert judge_wait("review-decision", MONDAY, due + timedelta(days=1), PLAIN_WEEK, policy=policy).stalled
    assert judge_wait("review-decision", MONDAY, due, PLAIN_WEEK).stalled


@given(st.dates(date(2016, 3, 1), date(2060, 1, 1)), st.integers(0, 6000), st.decimals(0, 200, places=1))
def test_nobody_graduates_too_early_too_late_or_with_too_few_credits(
    started: date, days: int, credits: Decimal
) -> None:
    """76 credits, two and a half years at the least, eight at the most."""
    today = started + timedelta(days=days)
    outcome = judge_graduation(credits, started, today, DEFAULT).outcome
    if outcome == "pass":
        assert credits >= 76
        assert 912 <= days < 2923
    else:
        assert credits < 76 or days < 915 or days >= 2921


def test_the_status_lapses_on_its_eighth_anniversary() -> None:
    start = date(2024, 2, 29)
    assert judge_status(start, date(2032, 2, 28), DEFAULT).outcome == "pass"
    assert judge_status(start, date(2032, 2, 29), DEFAULT).rule == "status-lapsed"
    assert judge_graduation(Decimal(76), start, date(2032, 2, 29), DEFAULT).rule == "status-lapsed"
    assert judge_status(start, date(2030, 2, 28), Policy("x", start, status_lapse_years=6)).rule == "status-lapsed"
