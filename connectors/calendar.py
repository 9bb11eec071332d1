"""China's official working days, from the holidays library, as the value the rules take.

Belongs here: which days are holidays, which weekends are worked (调休), which years are published.
Does not: counting days (models/rules/workdays.py).
"""

from collections.abc import Iterable
from functools import cache

from models.rules.workdays import Calendar


@cache
def published_years() -> frozenset[int]:
    """Give the years whose official calendar the installed library knows, make-up weekends included."""
    from holidays.countries.china import China

    return frozenset(China().special_public_holidays)  # type: ignore[no-untyped-call]


def china_calendar(years: Iterable[int] | None = None) -> Calendar:
    """Give China's calendar for `years` (all published ones unless told); unpublished ones count by the plain week."""
    return _calendar(published_years() if years is None else published_years() & frozenset(years))


@cache
def _calendar(known: frozenset[int]) -> Calendar:
    from holidays.countries.china import China

    if not known:
        return Calendar()
    days = China(years=known)  # type: ignore[no-untyped-call]
    working = frozenset(day for day in days.weekend_workdays if day.year in known)
    off = frozenset(day for day in days if day.year in known) - working
    return Calendar(off=off, working=working, years=known)
