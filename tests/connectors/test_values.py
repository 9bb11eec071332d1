"""Values read again and again: what is remembered never stands for something else, and never grows without end."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors import values
from connectors.base import ROW_ERRORS


@pytest.mark.parametrize("first", [1, 1.0, True, "1"])
@pytest.mark.parametrize("value", [1, 1.0, "1"])
def test_numbers_that_are_equal_and_differ_in_kind_stay_apart(first: Any, value: Any) -> None:
    for number in (first, value):
        if number is not True:
            assert str(values.decimal(number)) == str(number)
    with pytest.raises(ValueError, match="not a number"):
        values.decimal(True)


@pytest.mark.parametrize("value", [None, True, [], {}, 1e300, float("nan"), 10**25, "1_0", "１"])
def test_what_is_no_number_is_none_each_time(value: Any) -> None:
    for _ in range(2):
        with pytest.raises(ROW_ERRORS):
            values.decimal(value)


@pytest.mark.parametrize("value", [True, False, None, [], {}, "", " ", "a\x00b", 1.5])
def test_what_is_no_id_is_none_though_an_equal_number_was_one(value: Any) -> None:
    assert (values.IDENTIFIERS[1], values.IDENTIFIERS[0], values.IDENTIFIERS[" 1 "]) == ("1", "0", "1")
    with pytest.raises(ROW_ERRORS):
        values.IDENTIFIERS[value]
    with pytest.raises(ROW_ERRORS):
        values.identifier(value)


def test_days_are_remembered_and_may_be_absent() -> None:
    assert [values.DAYS[one] for one in ("2026-05-01", "2026-05-01", "", None)] == [date(2026, 5, 1)] * 2 + [None] * 2
    with pytest.raises(ROW_ERRORS):
        values.DAYS["2026-02-30"]


@pytest.mark.parametrize("text", ["Z", "2026-05-01Z", "\x002026-05-01T08:00:00Z", "2026-05-01T25:00:00Z", "now Z"])
def test_an_instant_that_only_ends_like_one_is_none(text: str) -> None:
    with pytest.raises(ROW_ERRORS):
        values.optional_instant(text)


def test_an_instant_is_the_same_however_it_is_written() -> None:
    at = datetime.fromisoformat("2026-05-01T08:00:00+08:00")
    texts = ("2026-05-01T00:00:00.000Z", " 2026-05-01T08:00:00 ", "2026-05-01T08:00:00+08:00")
    assert [values.optional_instant(text) for text in texts] == [at] * 3


def test_what_is_remembered_has_an_end() -> None:
    for number in range(3 * values.REMEMBERED):
        assert values.decimal(number) == Decimal(number)
    assert len(values.NUMBERS[int]) <= values.REMEMBERED
