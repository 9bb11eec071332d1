"""Retention: which record of which age stays, is reduced or goes, whatever the periods an office sets."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.policy import DEFAULT_POLICIES, policies_from
from models.rules.retention import (
    Traces,
    effect_goes,
    file_goes,
    held_back_goes,
    is_over,
    row_goes,
    worker_fate,
    years_after,
)

POLICY = DEFAULT_POLICIES[0]
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
TRACES = st.builds(Traces, st.none() | DAYS, st.none() | DAYS, st.booleans())
POLICIES = st.builds(
    lambda years, more: replace(POLICY, retention_years=years, finance_retention_years=years + more),
    st.integers(0, 20), st.integers(0, 40),
)  # fmt: skip
ORDER = ("stays", "reduced", "anonymised")


@given(TRACES, DAYS, DAYS, POLICIES)
def test_nothing_comes_back_as_time_goes_by(traces: Traces, one: date, other: date, policy: object) -> None:
    earlier, later = sorted((one, other))
    fates = [ORDER.index(worker_fate(traces, day, policy)) for day in (earlier, later)]  # type: ignore[arg-type]
    assert fates == sorted(fates)


@given(st.none() | DAYS, st.none() | DAYS, DAYS, POLICIES)
def test_nobody_who_is_under_way_or_awaits_money_is_touched(
    ended: date | None, booked: date | None, today: date, policy: object
) -> None:
    assert worker_fate(Traces(None, booked), today, policy) == "stays"  # type: ignore[arg-type]
    assert worker_fate(Traces(ended, booked, unsettled=True), today, policy) == "stays"  # type: ignore[arg-type]


@given(TRACES, DAYS)
def test_records_of_processing_stay_three_years_and_vouchers_thirty(traces: Traces, today: date) -> None:
    fate = worker_fate(traces, today, POLICY)
    if fate != "stays":
        assert traces.ended_on is not None
        assert today > years_after(traces.ended_on, 3)
    if fate == "anonymised" and traces.last_booked_on is not None:
        assert today > years_after(traces.last_booked_on, 30)


@given(DAYS, DAYS)
def test_who_was_never_paid_is_anonymous_once_the_records_may_go(ended: date, today: date) -> None:
    wanted = "anonymised" if today > years_after(ended, 3) else "stays"
    assert worker_fate(Traces(ended), today, POLICY) == wanted


@pytest.mark.parametrize(
    ("today", "fate"),
    [(date(2029, 6, 30), "stays"), (date(2029, 7, 1), "reduced"), (date(2056, 3, 1), "reduced"),
     (date(2056, 3, 2), "anonymised")],
)  # fmt: skip
def test_each_step_comes_the_day_after_its_period(today: date, fate: str) -> None:
    assert worker_fate(Traces(date(2026, 6, 30), date(2026, 3, 1)), today, POLICY) == fate


@given(DAYS, st.integers(0, 50), DAYS)
def test_a_period_of_years_ends_on_the_same_day(day: date, years: int, today: date) -> None:
    end = years_after(day, years)
    assert (end.year, end.month) == (day.year + years, day.month)
    assert end.day == day.day or (day.month, day.day, end.day) == (2, 29, 28)
    assert is_over(day, years, today) == (today > end)


def test_the_end_of_the_calendar_is_no_error() -> None:
    assert years_after(date(9990, 2, 28), 99) == date(9999, 2, 28)


def test_a_payment_order_is_kept_as_a_voucher_and_what_was_not_sent_stays() -> None:
    today, sent = date(2031, 1, 1), date(2026, 6, 30)
    assert effect_goes("partner.applications", sent, today, POLICY)
    assert not effect_goes("partner.payments", sent, today, POLICY)
    assert effect_goes("partner.payments", sent, date(2056, 7, 1), POLICY)
    assert not effect_goes("partner.applications", None, date(2100, 1, 1), POLICY)


@given(DAYS, st.none() | DAYS, DAYS)
def test_the_quarantine_is_cleared_ninety_days_after_the_cure_or_with_the_records(
    first: date, cured: date | None, today: date
) -> None:
    wanted = today > years_after(first, 3) if cured is None else today > cured + timedelta(days=90)
    assert held_back_goes(first, cured, today, POLICY) == wanted


def test_rows_that_made_nobody_and_files_have_their_periods() -> None:
    assert not row_goes(date(2026, 6, 30), date(2029, 6, 30), POLICY)
    assert row_goes(date(2026, 6, 30), date(2029, 7, 1), POLICY)
    assert not file_goes(date(2026, 6, 30), date(2026, 9, 28), POLICY)
    assert file_goes(date(2026, 6, 30), date(2026, 9, 29), POLICY)


def test_an_office_sets_its_own_periods_in_its_policy() -> None:
    own = policies_from([
        {"version": "JS-1", "effective_from": date(2027, 1, 1), "retention_years": 5, "files_retention_days": 7}
    ])[-1]  # fmt: skip
    assert worker_fate(Traces(date(2026, 6, 30)), date(2031, 6, 30), own) == "stays"
    assert worker_fate(Traces(date(2026, 6, 30)), date(2031, 7, 1), own) == "anonymised"
    assert file_goes(date(2026, 6, 1), date(2026, 6, 9), own)
