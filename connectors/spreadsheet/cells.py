"""What stands in a cell, read strictly: numbers of people and papers, days, words; the rule a wrong one breaks.

Belongs here: cells that several kinds of sheet hold. Does not: which cells a sheet has (table.py).
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connectors import values
from connectors.spreadsheet.workbook import UNCALCULATED
from models.rules.identifiers import Invalid, normalise, sheet_date
from models.rules.identifiers import resident_id as resident_id_of

EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number, whatever was typed
NUMBER = re.compile(r"[0-9A-Z][0-9A-Z._-]{2,39}")
LONGEST = 200
Values = Mapping[str, Any]


class WrongCell(ValueError):
    """A cell cannot be read; `rule` is the name of the rule it breaks."""

    def __init__(self, rule: str) -> None:
        """Name the rule."""
        super().__init__(rule)
        self.rule = rule


def cell(row: Values, *names: str) -> Any:
    """Give what stands in the first of these columns that holds anything. Raises WrongCell for an unfinished formula."""
    found = next((row[name] for name in names if row.get(name) is not None), None)
    if found == UNCALCULATED:
        raise WrongCell("formula-uncalculated")
    return found


def number(row: Values, *names: str, missing: str) -> str:
    """Read a number that names a person or a paper, as text; `missing` is the rule an empty cell breaks."""
    found = cell(row, *names)
    if found is None:
        raise WrongCell(missing)
    if isinstance(found, bool) or (isinstance(found, int | float) and abs(found) >= EXACT):
        raise WrongCell("number-lost-digits")
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    text = normalise(str(found))
    if not NUMBER.fullmatch(text):
        raise WrongCell("number-form")
    return text


def resident_id(row: Values) -> str:
    """Read a resident ID. Raises WrongCell."""
    try:
        return resident_id_of(cell(row, "resident_id")).number
    except Invalid as error:
        raise WrongCell(error.rule) from None


def day(row: Values, *names: str) -> date:
    """Read a day that must be there, however the sheet holds it. Raises WrongCell."""
    found = optional_day(row, *names)
    if found is None:
        raise WrongCell("date-missing")
    return found


def optional_day(row: Values, *names: str) -> date | None:
    """Read a day that may be absent. Raises WrongCell."""
    found = cell(row, *names)
    if found is None:
        return None
    if isinstance(found, bool) or len(str(found)) > LONGEST:
        raise WrongCell("date-invalid")
    try:
        return sheet_date(found)
    except Invalid as error:
        raise WrongCell(error.rule) from None


def word(row: Values, *names: str) -> str | None:
    """Read a word by which things are told apart: without spaces, in plain letters; None for an empty cell."""
    found = cell(row, *names)
    return normalise(str(found)[:LONGEST]).casefold() or None if found is not None else None


def text(row: Values, *names: str) -> str | None:
    """Read a sentence, without the characters nobody sees."""
    found = cell(row, *names)
    shown = "".join(
        letter for letter in str(found if found is not None else "")[:LONGEST] if letter.isprintable()
    ).strip()
    return shown or None


def points(found: Any) -> Decimal:
    """Read a mark in points as it is written. Raises WrongCell."""
    if found == UNCALCULATED:
        raise WrongCell("formula-uncalculated")
    if isinstance(found, str):
        found = normalise(found[:LONGEST]).removesuffix("分")
    try:
        return values.decimal(found)
    except ValueError:
        raise WrongCell("mark-unreadable") from None
