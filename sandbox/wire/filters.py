"""The filter and sort words of OneRoster: field, comparison, value in quotes, AND or OR.

Belongs here: turning a filter into a test of a row. Does not: HTTP.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.wire.http import parse_time
from sandbox.wire.school_rows import Ref

Body = dict[str, Any]
Test = Callable[[Body], bool]
_TERM = re.compile(r"\s*([A-Za-z_.]+)\s*(>=|<=|!=|=|>|<|~)\s*'([^']*)'\s*")
_FIELD_NAMES = (
    "sourcedId status dateLastModified title name type identifier startDate endDate schoolYear courseCode classCode "
    "classType enabledUser givenName familyName username role user class school course org category lineItem student "
    "scoreStatus scoreDate score dueDate assignDate academicSession"
)
_FIELDS = frozenset(_FIELD_NAMES.split())


class FilterError(ValueError):
    """A filter that cannot be read, or names a field that does not exist."""


def compile_filter(text: str) -> Test:
    """Return the test a filter asks for; an empty filter passes everything."""
    tests: list[Test] = []
    joins: list[str] = []
    rest = text
    while rest:
        found = _TERM.match(rest)
        if not found:
            raise FilterError("the filter cannot be read")
        tests.append(_test(*found.groups()))
        rest = rest[found.end() :]
        if rest:
            word = re.match(r"(AND|OR)\b", rest)
            if not word or not rest[word.end() :].strip():
                raise FilterError("terms of a filter are joined by AND or OR")
            joins.append(word.group())
            rest = rest[word.end() :]
    return lambda row: _joined([test(row) for test in tests], joins)


def _joined(results: list[bool], joins: list[str]) -> bool:
    """Join results from left to right."""
    value = results[0] if results else True
    for word, result in zip(joins, results[1:], strict=True):
        value = (value and result) if word == "AND" else (value or result)
    return value


def _test(field: str, sign: str, wanted: str) -> Test:
    """Return the test of one term."""
    if field.split(".")[0] not in _FIELDS:
        raise FilterError(f"no field {field}")
    return lambda row: _compare(plain(row, field), sign, wanted)


def plain(row: Body, field: str) -> Any:
    """Return a field's value; of a reference its sourcedId."""
    value = row.get(field.split(".")[0])
    return value.id if isinstance(value, Ref) else value


def _compare(value: Any, sign: str, wanted: str) -> bool:
    """Compare a value with the text of a filter, as numbers or times where they are such."""
    if value is None:
        return sign == "!="
    left, right = _alike(value, wanted)
    match sign:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
    return wanted.casefold() in str(value).casefold()


def _alike(value: Any, wanted: str) -> tuple[Any, Any]:
    """Return both sides in a type that compares."""
    if isinstance(value, int | float):
        try:
            return float(value), float(wanted)
        except ValueError as bad:
            raise FilterError("a number is wanted") from bad
    if isinstance(value, str) and value.endswith("Z") and isinstance(parse_time(value), datetime):
        at = parse_time(wanted)
        if at is None:
            raise FilterError("a time is wanted")
        return parse_time(value), at
    return str(value), wanted


def sort_key(field: str) -> Callable[[Body], tuple[str, str]]:
    """Return a key to sort rows by a field; rows that lack it come first."""
    return lambda row: (str(plain(row, field) or ""), str(row["sourcedId"]))
