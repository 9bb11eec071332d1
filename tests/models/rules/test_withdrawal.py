"""For which reasons and on which days a participant may leave."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.withdrawal import REASONS, has_left, judge_withdrawal

NOMINATED, TODAY = date(2026, 5, 18), date(2026, 11, 2)
days = st.dates(NOMINATED - timedelta(days=30), TODAY + timedelta(days=30))


@given(st.booleans(), st.none() | days)
def test_leaving_counts_from_the_nomination_to_today(active: bool, left_on: date | None) -> None:
    counts = left_on is not None and NOMINATED <= left_on <= TODAY
    assert has_left(active, left_on, NOMINATED, TODAY) == (counts and not active)


@given(st.sampled_from(sorted(REASONS)), st.sampled_from(["active", "held", "withdrawn"]), days)
def test_a_known_reason_and_a_day_that_can_be_withdraw(rule: str, status: str, day: date) -> None:
    decision = judge_withdrawal(rule, status, day, NOMINATED, TODAY)
    assert decision.outcome == ("pass" if NOMINATED <= day <= TODAY else "refused")
    if decision.outcome == "pass":
        assert decision.reason == REASONS[rule]


@pytest.mark.parametrize(
    ("rule", "status", "day", "broken"),
    [
        ("moved-away", "active", TODAY, "reason-unknown"),
        ("expelled", "completed", TODAY, "ended"),
        ("expelled", "refused", TODAY, "ended"),
        ("expelled", "active", TODAY + timedelta(days=1), "day"),
        ("expelled", "active", NOMINATED - timedelta(days=1), "day"),
    ],
)
def test_what_cannot_be_a_withdrawal_is_refused_in_one_sentence(rule: str, status: str, day: date, broken: str) -> None:
    decision = judge_withdrawal(rule, status, day, NOMINATED, TODAY)
    assert (decision.outcome, decision.rule) == ("refused", broken)
    assert decision.reason
