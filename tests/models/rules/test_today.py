"""A day that remembers: no decision taken by it comes out otherwise before the day it gives."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.graduation import add_months, judge_graduation
from models.rules.policy import DEFAULT_POLICIES, Policy, policy_on
from models.rules.teaching import teaching_over
from models.rules.today import Today

D, X = date(2026, 9, 1), date(2026, 9, 10)
TOMORROW = date(2026, 9, 2)
days = st.dates(date(2026, 1, 1), date(2028, 12, 31))
spans = st.timedeltas(timedelta(days=-90), timedelta(days=90)).map(lambda span: timedelta(days=span.days))

COMPARED: dict[str, tuple[Callable[[Any], Any], date | None]] = {
    "before": (lambda today: today < X, X),
    "until": (lambda today: today <= X, X + timedelta(days=1)),
    "after": (lambda today: X < today, X + timedelta(days=1)),  # noqa: SIM300  (the other day asks)
    "from": (lambda today: X <= today, X),  # noqa: SIM300
    "on": (lambda today: today == X, X),
    "on this very day": (lambda today: today == D, TOMORROW),
    "a day that is past": (lambda today: today < date(2026, 1, 1), None),
    "between": (lambda today: D <= today <= X, X + timedelta(days=1)),
    "the earlier of two": (lambda today: min(X, today), X),
    "three days on": (lambda today: today + timedelta(days=3) < X, date(2026, 9, 7)),
    "three days ago": (lambda today: today - timedelta(days=3) <= X, date(2026, 9, 14)),
    "two days that both move": (lambda today: today < today + timedelta(days=1), None),
    "the end of all days": (lambda today: today <= date.max or date.max < today - timedelta(days=31), None),
    "before the beginning": (lambda today: today + timedelta(days=9) < date.min, None),
    "days since": (lambda today: today - D, TOMORROW),
    "days until": (lambda today: X - today, TOMORROW),
    "its year": (lambda today: today.year, TOMORROW),
    "its weekday": (lambda today: today.weekday(), TOMORROW),
    "its words": (lambda today: f"{today} {today!r}", TOMORROW),
    "in a set": (lambda today: today in {X}, TOMORROW),
    "a month on": (lambda today: add_months(today, 1), TOMORROW),
    "nothing": (lambda today: None, None),
    "something else": (lambda today: today == "2026-09-10", None),
}


@pytest.mark.parametrize("what", COMPARED)
def test_a_day_knows_when_what_was_asked_of_it_changes(what: str) -> None:
    ask, changes_on = COMPARED[what]
    today = Today(D)
    answer = ask(today)
    assert today.changes_on == changes_on
    assert answer == ask(D) or what == "its words"


def test_the_first_of_several_changes_counts() -> None:
    today = Today(D)
    assert today < date(2027, 1, 1)
    assert today < X
    assert today < date(2026, 12, 1)
    assert today.changes_on == X


def test_a_day_with_a_memory_is_made_of_a_day_or_of_its_parts() -> None:
    assert Today(D) == Today(2026, 9, 1) == D
    assert datetime.combine(Today(D), datetime.min.time()) == datetime(2026, 9, 1)


@given(today=days, other=days, later=st.integers(1, 400), shift=spans)
def test_no_comparison_comes_out_otherwise_before_the_day_it_gives(
    today: date, other: date, later: int, shift: timedelta
) -> None:
    """Whatever the comparison, and however far the day was shifted."""
    asks: tuple[Callable[[date], Any], ...] = (
        lambda day: day + shift < other, lambda day: day + shift <= other, lambda day: other < day - shift,
        lambda day: other <= day, lambda day: day + shift == other, lambda day: day != other,
        lambda day: min(day, other) == other, lambda day: sorted([other, day])[0] == other,
    )  # fmt: skip
    for ask in asks:
        asking = Today(today)
        answer = ask(asking)
        on = today + timedelta(days=later)
        if asking.changes_on is None or on < asking.changes_on:
            assert ask(on) == answer


@given(today=days, ends=st.lists(days, max_size=4), started=days, later=st.integers(1, 400), from_=days)
def test_no_rule_decides_otherwise_before_the_day_it_gives(
    today: date, ends: list[date], started: date, later: int, from_: date
) -> None:
    """Rules with loops, early ends and arithmetic of their own, and the choice of a policy."""
    policies = (*DEFAULT_POLICIES, Policy("next", from_, min_study_months=3))

    def decide(day: date) -> Any:
        policy = policy_on(policies, day)
        over = teaching_over(["a"], [], [("a", end) for end in ends], day)
        return policy.version, over, judge_graduation(policy.credits_to_graduate, started, day, policy)

    asking = Today(today)
    decided, on = decide(asking), today + timedelta(days=later)
    if asking.changes_on is None or on < asking.changes_on:
        assert decide(on) == decided
