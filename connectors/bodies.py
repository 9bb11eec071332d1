"""JSON as it comes from outside, read strictly: nothing absurd gets further than here.

Belongs here: which bodies are JSON for us, how deep a value is, and writing one down. Does not: fetching them (http.py), their fields.
"""

import json
from decimal import Decimal
from typing import Any

import orjson

DEEPEST = 64  # levels of JSON; every standard we read stays under ten
LONGEST_WHOLE = 18  # digits: what is longer fits no whole number of a database
MARK = b"\xef\xbb\xbf"  # of UTF-8, which some servers put before their JSON


def parsed(raw: bytes | bytearray, exact: bool) -> Any:
    """Read JSON: orjson refuses NaN, infinity, lone surrogates, 1,024 levels and numbers beyond all measure.

    What carries money (`exact`) is read again with exact decimals, without doubled names and no deeper than any
    standard is. Raises ValueError.
    """
    if raw.startswith(MARK):
        raw = raw[len(MARK) :]
    value = orjson.loads(raw)
    if not exact:
        return value
    if is_deep(value):
        raise ValueError("more levels than any standard has")
    return json.loads(raw, object_pairs_hook=_unique, parse_float=Decimal, parse_int=_whole)


def is_deep(value: Any) -> bool:
    """Whether a value has more levels than are read: nothing that follows may run out of stack."""
    level = [value]
    for _ in range(DEEPEST):
        inside = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [child for children in inside for child in children]
        if not level:
            return False
    return True


def shallow(value: Any, levels: int = DEEPEST) -> Any:
    """Give a value with what lies deeper than any standard cut off, so that it can be written down."""
    if not isinstance(value, dict | list):
        return value
    if not levels:
        return "…"
    if isinstance(value, dict):
        return {name: shallow(one, levels - 1) for name, one in value.items()}
    return [shallow(one, levels - 1) for one in value]


def written(value: Any, sort: bool = False) -> str:
    """Write down as JSON whatever came from outside; json takes what orjson refuses: whole numbers beyond 64 bits."""
    options = orjson.OPT_NON_STR_KEYS | (orjson.OPT_SORT_KEYS if sort else 0)
    try:
        return orjson.dumps(value, default=str, option=options).decode()
    except TypeError:
        return json.dumps(value, default=str, sort_keys=sort)


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= LONGEST_WHOLE else Decimal(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a thing twice: which of two amounts would count?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
