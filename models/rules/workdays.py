"""Working days: the plain week, public holidays and make-up weekends (调休).

Belongs here: counting days over a calendar given as a value. Does not: where calendars come from (connectors/calendar.py).
"""

from dataclasses import dataclass
from datetime import date, timedelta

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar: weekdays that are off, weekend days that are worked, and the years it is known for."""

    off: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Say whether a day is worked; a year whose calendar is not out counts by the plain week."""
        if day in self.working:
            return True
        return day.weekday() < SATURDAY and day not in self.off

    def is_provisional(self, day: date) -> bool:
        """Say whether a day lies in a year whose calendar is not out yet."""
        return day.year not in self.years

    def add_working_days(self, start: date, days: int) -> date:
        """Give the day that lies `days` working days after `start`; start itself does not count."""
        day = start
        while days > 0:
            day += timedelta(days=1)
            days -= self.is_working_day(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to and including `end`; 0 when end is not later."""
        span = (end - start).days
        return sum(self.is_working_day(start + timedelta(days=step)) for step in range(1, span + 1))


PLAIN_WEEK = Calendar()
