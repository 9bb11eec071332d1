"""Rosters as enterprises send them: workbooks and CSV, read without trusting them, and handed back with reasons.

Belongs here: from a file to rows of named cells, and the copy with its reasons. Does not: what a cell must hold
(models/rules/eligibility.py). Cells are given as they stand: text, numbers or dates.
"""

from pathlib import Path

from connectors.spreadsheet import delimited, workbook
from connectors.spreadsheet.roster import Roster, RosterRow, UnreadableSheet, roster_of

FILE_CAP = 20 * 1024 * 1024
WORKBOOKS, TEXTS = (".xlsx", ".xlsm"), (".csv", ".txt", ".tsv")
ZIP, OLE = b"PK", b"\xd0\xcf\x11\xe0"

__all__ = ["Roster", "RosterRow", "UnreadableSheet", "read_roster", "write_reasons"]


def read_roster(path: Path) -> Roster:
    """Read the roster in a file. Raises UnreadableSheet in one sentence for a file that holds none."""
    if _is_workbook(path):
        return roster_of(path, workbook.read(path))
    return roster_of(path, delimited.read(path))


def write_reasons(source: Path, roster: Roster, texts: dict[int, tuple[str, str]], target: Path) -> None:
    """Write a copy of the sheet with a result and a reason for each row, readable by its owner alone.

    `texts` gives both by the number of the row in the sheet; everything else in the copy is as it was.
    """
    if _is_workbook(source):
        workbook.write(source, roster, texts, target)
    else:
        delimited.write(source, roster, texts, target)


def _is_workbook(path: Path) -> bool:
    """Tell a workbook from text by its first bytes, not by its name alone."""
    name, suffix = path.name, path.suffix.lower()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UnreadableSheet(f"{name} cannot be opened: check its name, and that it is a file you may read") from error
    if size == 0:
        raise UnreadableSheet(f"{name} is empty: ask the enterprise to send the roster again")
    if size > FILE_CAP:
        raise UnreadableSheet(f"{name} is larger than 20 MB: a roster is not; send the list of nominees alone")
    if start == OLE:
        raise UnreadableSheet(
            f"{name} is an old .xls or has a password: save it as .xlsx without one, then import that"
        )
    if start[:2] == ZIP:
        return True
    if suffix in WORKBOOKS or suffix not in TEXTS:
        raise UnreadableSheet(
            f"{name} is no workbook: open it in Excel or WPS, save it as .xlsx or .csv, then import that"
        )
    return False
