"""Spreadsheets as people make them: rosters, drop folders, and what is handed back with reasons.

Belongs here: from a file to rows of named cells, the copy of a roster with its reasons; the connector of a drop folder
(connector.py) and all it needs. Does not: what a cell must hold (models/rules). Cells are given as they stand: text,
numbers or dates.
"""

from collections.abc import Mapping
from pathlib import Path

from connectors.spreadsheet import delimited, workbook
from connectors.spreadsheet.roster import (
    FIELD_OF,
    Content,
    CutOff,
    Roster,
    RosterRow,
    Sheet,
    UnreadableSheet,
    roster_of,
)  # fmt: skip

FILE_CAP = 20 * 1024 * 1024
WORKBOOKS, TEXTS = (".xlsx", ".xlsm"), (".csv", ".txt", ".tsv")
ZIP, OLE = b"PK", b"\xd0\xcf\x11\xe0"

__all__ = [
    "Content", "CutOff", "Roster", "RosterRow", "Sheet", "UnreadableSheet", "read_roster", "sheets_of", "write_reasons",
]  # fmt: skip


def read_roster(path: Path) -> Roster:
    """Read the roster in a file. Raises UnreadableSheet in one sentence for a file that holds none."""
    file = _content(path)
    return roster_of(file, sheets_of(file))


def sheets_of(file: Content, known: Mapping[str, str] = FIELD_OF) -> list[Sheet]:
    """Give the sheets of a workbook, or the one of a text; `known` are the words of its headers. Raises UnreadableSheet."""
    return workbook.read(file) if _is_workbook(file) else delimited.read(file, known)


def write_reasons(source: Path, roster: Roster, texts: dict[int, tuple[str, str]], target: Path) -> None:
    """Write a copy of the sheet with a result and a reason for each row, readable by its owner alone.

    `texts` gives both by the number of the row in the sheet; everything else in the copy is as it was.
    """
    if _is_workbook(_content(source)):
        workbook.write(source, roster, texts, target)
    else:
        delimited.write(source, roster, texts, target)


def _content(path: Path) -> Content:
    """Read a file that is no larger than any roster."""
    try:
        if path.stat().st_size > FILE_CAP:
            raise _too_large(path.name)
        return Content.of(path)
    except OSError as error:
        raise UnreadableSheet(
            f"{path.name} cannot be opened: check its name, and that it is a file you may read"
        ) from error


def _too_large(name: str) -> UnreadableSheet:
    return UnreadableSheet(f"{name} is larger than 20 MB: no list is; send the list alone")


def _is_workbook(file: Content) -> bool:
    """Tell a workbook from text by its first bytes, not by its name alone."""
    name, suffix, start = file.name, Path(file.name).suffix.lower(), file.raw[:4]
    if not file.raw:
        raise UnreadableSheet(f"{name} is empty: ask for it to be sent again")
    if len(file.raw) > FILE_CAP:
        raise _too_large(name)
    if start == OLE:
        raise UnreadableSheet(f"{name} is an old .xls or has a password: save it as .xlsx without one, then send that")
    if start[:2] == ZIP:
        return True
    if suffix in WORKBOOKS or suffix not in TEXTS:
        raise UnreadableSheet(
            f"{name} is no workbook: open it in Excel or WPS, save it as .xlsx or .csv, then send that"
        )
    return False
