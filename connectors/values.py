"""Values as they stand on the wire, read strictly: times, days, decimals, flags.

Belongs here: what several protocols write alike. Does not: the fields of any one protocol.
Each function raises ValueError (or another of base.ROW_ERRORS) for what it cannot read.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from models.clock import SHANGHAI

NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?(E[+-]?0?[0-9])?", re.IGNORECASE)


def instant(value: Any) -> datetime:
    """Read an ISO 8601 instant; one without an offset is China's."""
    at = datetime.fromisoformat(_text(value))
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def day(value: Any) -> date:
    """Read a day; of an instant, the day it is in China."""
    text = _text(value)
    return date.fromisoformat(text) if len(text) == 10 else instant(text).astimezone(SHANGHAI).date()


def optional_day(value: Any) -> date | None:
    """Read a day that may be absent."""
    return day(value) if value not in (None, "") else None


def optional_instant(value: Any) -> datetime | None:
    """Read an instant that may be absent."""
    return instant(value) if value not in (None, "") else None


def decimal(value: Any) -> Decimal:
    """Read a number exactly as it is written: 59.95 stays 59.95. One too large for any mark or amount is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("not a number")
    written = str(value).strip()
    if not NUMBER.fullmatch(written):
        raise ValueError("not a number of a usual size")
    return Decimal(written)


def optional_decimal(value: Any) -> Decimal | None:
    """Read a number that may be absent."""
    return decimal(value) if value not in (None, "") else None


def flag(value: Any) -> bool:
    """Read a flag, which some standards write as text."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[_text(value).lower()]


def text(value: Any) -> str:
    """Read a text that must be there."""
    found = _text(value)
    if not found:
        raise ValueError("an empty text")
    return found


def optional_text(value: Any) -> str | None:
    """Read a text that may be absent."""
    return _text(value) or None if value is not None else None


def words(value: Any) -> str:
    """Read a text that may be absent or empty."""
    return optional_text(value) or ""


def identifier(value: Any) -> str:
    """Read an id, which some systems write as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    if "\x00" in value:
        raise ValueError("a NUL in a text")
    return value.strip()
