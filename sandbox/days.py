"""The calendar of the world as literal dates, and the hour at which a thing happens on its day.

Belongs here: working days 2023-2026 as the State Council announced them. Does not: any rule of the programme.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from zlib import crc32

CHINA = timezone(timedelta(hours=8))
FIRST_DAY = date(2023, 5, 15)
LAST_DAY = date(2026, 11, 20)


def _spell(first: str, last: str) -> list[date]:
    """Return every day from first to last, both included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


HOLIDAYS = frozenset(
    day
    for first, last in (
        ("2023-05-01", "2023-05-03"), ("2023-06-22", "2023-06-24"), ("2023-09-29", "2023-10-06"),
        ("2024-01-01", "2024-01-01"), ("2024-02-10", "2024-02-17"), ("2024-04-04", "2024-04-06"),
        ("2024-05-01", "2024-05-05"), ("2024-06-10", "2024-06-10"), ("2024-09-15", "2024-09-17"),
        ("2024-10-01", "2024-10-07"), ("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04"),
        ("2025-04-04", "2025-04-06"), ("2025-05-01", "2025-05-05"), ("2025-05-31", "2025-06-02"),
        ("2025-10-01", "2025-10-08"), ("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"),
        ("2026-04-04", "2026-04-06"), ("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21"),
        ("2026-09-25", "2026-09-27"), ("2026-10-01", "2026-10-07"),
    )
    for day in _spell(first, last)
)  # fmt: skip

MAKE_UP_DAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        "2023-05-06", "2023-06-25", "2023-10-07", "2023-10-08", "2024-02-04", "2024-02-18", "2024-04-07",
        "2024-04-28", "2024-05-11", "2024-09-14", "2024-09-29", "2024-10-12", "2025-01-26", "2025-02-08",
        "2025-04-27", "2025-09-28", "2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09",
        "2026-09-20", "2026-10-10",
    )
)  # fmt: skip


def is_working_day(day: date) -> bool:
    """Say whether offices are open on the day: plain weekdays, no holidays, and make-up weekends."""
    return day in MAKE_UP_DAYS or (day.weekday() < 5 and day not in HOLIDAYS)


def after_working_days(day: date, count: int) -> date:
    """Return the working day that comes `count` working days after the day."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def moment(day: date, salt: str) -> datetime:
    """Return a time of that day in office hours, the same for the same salt."""
    minutes = crc32(salt.encode()) % 480
    return datetime(day.year, day.month, day.day, 9, tzinfo=CHINA) + timedelta(minutes=minutes)


def local_iso(at: datetime) -> str:
    """Return the time as ISO 8601 with China's offset."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def utc_iso(at: datetime) -> str:
    """Return the time as ISO 8601 in UTC with milliseconds and a Z, as OneRoster and xAPI write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
