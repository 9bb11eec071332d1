"""Values as they stand on the wire, read strictly: times, days, decimals, flags.

Belongs here: what several protocols write alike. Does not: the fields of any one protocol.
Each function raises ValueError (or another of base.ROW_ERRORS) for what it cannot read.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from models.clock import SHANGHAI

T = TypeVar("T")
REMEMBERED = 4096
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
    """Read an instant that may be absent; nearly every one is written with its Z."""
    if type(value) is str and value[-1:] == "Z":
        return datetime.fromisoformat(value)
    return instant(value) if value not in (None, "") else None


def decimal(value: Any) -> Decimal:
    """Read a number exactly as it is written: 59.95 stays 59.95. One too large for any mark or amount is none."""
    known = NUMBERS.get(type(value))
    return _decimal(value) if known is None else known[value]


def _decimal(value: Any) -> Decimal:
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
    if type(value) is str and "\x00" not in value and (found := value.strip()):
        return found
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    if "\x00" in value:
        raise ValueError("a NUL in a text")
    return value.strip()


class Remembered(dict[Any, T]):
    """A way to read a value that remembers what it has read: a source says few days, words and references, often.

    Only values of one type are remembered, so that 1, 1.0 and True stay apart; the rest are read anew.
    """

    def __init__(self, read: Callable[[Any], T], kind: type = str) -> None:
        """Nothing read yet."""
        super().__init__()
        self._read, self._kind = read, kind

    def __missing__(self, value: Any) -> T:
        """Read a value for the first time."""
        found = self._read(value)
        if type(value) is self._kind:
            if len(self) >= REMEMBERED:
                self.clear()
            self[value] = found
        return found


DAYS: Remembered[date | None] = Remembered(optional_day)
TEXTS: Remembered[str] = Remembered(text)
IDENTIFIERS: Remembered[str] = Remembered(identifier)
NUMBERS: dict[type, Remembered[Decimal]] = {kind: Remembered(_decimal, kind) for kind in (int, float)}
