"""China's official calendar: make-up weekends, and years that are not out yet."""

from datetime import date, timedelta

import pytest

from connectors.calendar import china_calendar, published_years
from models.rules.workdays import PLAIN_WEEK

PUBLISHED = sorted(published_years())
UNPUBLISHED = max(PUBLISHED) + 1


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2024, 2, 4), True),  # a Sunday worked for Spring Festival
        (date(2024, 2, 12), False),  # a Monday of Spring Festival
        (date(2024, 9, 29), True),  # a Sunday worked for National Day
        (date(2024, 10, 1), False),
        (date(2024, 10, 7), False),
        (date(2024, 10, 8), True),
        (date(2024, 10, 12), True),  # a Saturday worked for National Day
        (date(2024, 10, 13), False),
        (date(2025, 1, 26), True),
        (date(2025, 1, 28), False),
        (date(2025, 10, 11), True),
    ],
)
def test_a_day_is_worked_as_the_state_council_said(day: date, works: bool) -> None:
    assert china_calendar().is_working_day(day) is works


def test_five_working_days_cross_national_day_with_its_make_up_weekends() -> None:
    assert china_calendar().add_working_days(date(2024, 9, 27), 5) == date(2024, 10, 10)
    assert PLAIN_WEEK.add_working_days(date(2024, 9, 27), 5) == date(2024, 10, 4)


def test_a_year_that_is_not_out_counts_by_the_plain_week_and_says_so() -> None:
    calendar = china_calendar()
    days = [date(UNPUBLISHED, 1, 1) + timedelta(days=step) for step in range(365)]
    assert all(calendar.is_provisional(day) for day in days)
    assert all(calendar.is_working_day(day) is PLAIN_WEEK.is_working_day(day) for day in days)
    assert not calendar.is_provisional(date(max(PUBLISHED), 12, 31))


def test_only_the_years_asked_for_are_known() -> None:
    calendar = china_calendar([2024, UNPUBLISHED])
    assert calendar.years == {2024}
    assert {day.year for day in calendar.off | calendar.working} == {2024}
    assert china_calendar([UNPUBLISHED]) == PLAIN_WEEK
    assert china_calendar([]) == PLAIN_WEEK


@pytest.mark.parametrize("year", [year for year in PUBLISHED if year >= 2016])
def test_every_published_year_makes_up_on_weekends_and_rests_on_the_great_days(year: int) -> None:
    calendar = china_calendar()
    working = [day for day in calendar.working if day.year == year]
    assert all(day.weekday() >= 5 for day in working)
    assert not calendar.off & calendar.working
    assert not any(calendar.is_working_day(date(year, month, day)) for month, day in ((1, 1), (5, 1), (10, 1)))
    assert 240 <= calendar.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) <= 256
