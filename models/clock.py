"""The one place where the wall clock is read.

Belongs here: the present instant and the business date. Does not: working days (rules/workdays.py).
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Give the present instant in UTC."""
    return datetime.now(UTC)


def business_date(as_of: date | None = None) -> date:
    """Give the business date: `as_of` when a command or flow moved it, else today in Shanghai."""
    return as_of if as_of is not None else now().astimezone(SHANGHAI).date()
