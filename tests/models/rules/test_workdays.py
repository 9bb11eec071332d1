"""Working days across National Day and its make-up weekends."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calendar import china_calendar
from models.rules.workdays import PLAIN_WEEK, Calendar

# National Day and Mid-Autumn 2023 as the State Council announced them.
GOLDEN_WEEK_2023 = Calendar(
    off=frozenset(date(2023, 9, 29) + timedelta(days=step) for step in range(8)),
    working=frozenset({date(2023, 10, 7), date(2023, 10, 8)}),
    years=frozenset({2023}),
)
days = st.dates(date(2023, 1, 1), date(2023, 12, 31))


def test_working_days_cross_national_day_with_its_make_up_weekend() -> None:
    assert GOLDEN_WEEK_2023.add_working_days(date(2023, 9, 28), 1) == date(2023, 10, 7)
    assert GOLDEN_WEEK_2023.add_working_days(date(2023, 9, 28), 2) == date(2023, 10, 8)
    assert GOLDEN_WEEK_2023.add_working_days(date(2023, 9, 27), 5) == date(2023, 10, 10)
    assert GOLDEN_WEEK_2023.working_days_between(date(2023, 9, 28), date(2023, 10, 8)) == 2


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        # 2024: off 1 to 7 October, worked on Sunday 29 September and Saturday 12 October.
        (date(2024, 9, 27), 1, date(2024, 9, 29)),
        (date(2024, 9, 27), 5, date(2024, 10, 10)),
        (date(2024, 9, 30), 5, date(2024, 10, 12)),
        # 2025, with Mid-Autumn: off 1 to 8 October, worked on Sunday 28 September and Saturday 11 October.
        (date(2025, 9, 26), 5, date(2025, 10, 10)),
        (date(2025, 9, 30), 3, date(2025, 10, 11)),
        # 2026: off 1 to 7 October, worked on Sunday 20 September and Saturday 10 October.
        (date(2026, 9, 18), 1, date(2026, 9, 20)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
    ],
)
def test_the_official_calendar_crosses_national_day(start: date, count: int, end: date) -> None:
    assert china_calendar().add_working_days(start, count) == end
    assert china_calendar().working_days_between(start, end) == count


def test_a_due_date_moves_when_a_years_calendar_comes_out() -> None:
    start = date(2026, 9, 28)
    before, after = china_calendar([2025]), china_calendar([2025, 2026])
    assert (before.is_provisional(start), after.is_provisional(start)) == (True, False)
    assert before.add_working_days(start, 5) == date(2026, 10, 5)
    assert after.add_working_days(start, 5) == date(2026, 10, 10)


def test_the_plain_week_has_no_make_up_weekend() -> None:
    assert not PLAIN_WEEK.is_working_day(date(2023, 10, 7))
    assert PLAIN_WEEK.is_working_day(date(2023, 10, 2))


def test_a_year_whose_calendar_is_not_out_is_provisional() -> None:
    assert GOLDEN_WEEK_2023.is_provisional(date(2024, 1, 2))
    assert not GOLDEN_WEEK_2023.is_provisional(date(2023, 1, 2))


@given(start=days, count=st.integers(1, 40))
def test_adding_working_days_ends_on_one_and_is_counted_back(start: date, count: int) -> None:
    end = GOLDEN_WEEK_2023.add_working_days(start, count)
    assert GOLDEN_WEEK_2023.is_working_day(end)
    assert GOLDEN_WEEK_2023.working_days_between(start, end) == count


@given(start=days, end=days)
def test_days_between_never_go_below_zero(start: date, end: date) -> None:
    assert GOLDEN_WEEK_2023.working_days_between(start, end) >= 0
