"""Workbooks: opened only once they are known to be harmless, read with merged cells filled, copied with reasons.

Belongs here: .xlsx and .xlsm by openpyxl. Does not: what the lines mean (roster.py).
"""

import os
import re
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from connectors.spreadsheet.roster import ROW_CAP, Roster, Sheet, UnreadableSheet

UNPACKED_CAP = 48 * 1024 * 1024
PARTS_CAP = 2_000
COLUMN_CAP = 200
BLANK_LINES = 500  # so many empty lines in a row end a sheet, whatever its declared size
CHUNK = 1 << 16
ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
RESULT, REASON = "结果 result", "原因 reason"


def read(path: Path) -> list[Sheet]:
    """Read every visible sheet. Raises UnreadableSheet."""
    with _opened(path, data_only=True) as book:
        return [Sheet(page.title, _lines(page)) for page in book.worksheets if page.sheet_state == "visible"]


def write(source: Path, roster: Roster, texts: dict[int, tuple[str, str]], target: Path) -> None:
    """Save a copy with two columns more; formulas, merged cells and other sheets stay as they are."""
    with _opened(source, keep_vba=source.suffix.lower() == ".xlsm") as book:
        page = book[roster.sheet] if roster.sheet in book.sheetnames else book.worksheets[0]
        column = roster.width + 1
        for offset, title in enumerate((RESULT, REASON)):
            _put(page, roster.header_row, column + offset, title, like=column - 1)
            page.column_dimensions[page.cell(roster.header_row, column + offset).column_letter].width = 14 + 46 * offset
        for row, words in texts.items():
            for offset, word in enumerate(words):
                _put(page, row, column + offset, word, like=column - 1)
        with private_copy(target) as path:
            book.save(path)


def _put(page: Any, row: int, column: int, text: str, *, like: int) -> None:
    """Write a text that can be no formula, in the looks of its neighbour."""
    cell, neighbour = page.cell(row, column), page.cell(row, like)
    if not hasattr(cell, "data_type"):
        return  # in the middle of somebody's merged cells
    cell.value, cell.data_type = text, "s"
    if getattr(neighbour, "has_style", False):
        cell.font, cell.border, cell.alignment = copy(neighbour.font), copy(neighbour.border), copy(neighbour.alignment)


@contextmanager
def private_copy(target: Path) -> Iterator[str]:
    """Give a path to write to that only its owner may read; it takes the target's place once it is whole."""
    handle, path = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
    os.close(handle)
    try:
        yield path
        Path(path).replace(target)
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, **options: Any) -> Iterator[Any]:
    from xml.etree.ElementTree import ParseError

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    _inspect(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl names each part of a workbook that it does not keep
        try:
            book = load_workbook(path, **options)
        except (InvalidFileException, BadZipFile, ParseError, KeyError, ValueError, TypeError, AttributeError,
                IndexError, OSError) as error:  # fmt: skip
            raise _broken(path) from error
        try:
            yield book
        finally:
            book.close()
            if book.vba_archive:
                book.vba_archive.close()


def _broken(path: Path) -> UnreadableSheet:
    return UnreadableSheet(f"{path.name} is no workbook: open it in Excel or WPS, save it as .xlsx, then import that")


def _inspect(path: Path) -> None:
    """Unpack without keeping anything: what the archive says of its own size may be a lie."""
    total = 0
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > PARTS_CAP:
                raise _too_large(path)
            for part in parts:
                with archive.open(part) as file:
                    total = _measure(path, file, total)
    except (BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _broken(path) from error


def _measure(path: Path, file: Any, total: int) -> int:
    before = b""
    while chunk := file.read(CHUNK):
        total += len(chunk)
        if total > UNPACKED_CAP:
            raise _too_large(path)
        if ENTITY.search(before + chunk):
            raise _broken(path)
        before = chunk[-10:]
    return total


def _too_large(path: Path) -> UnreadableSheet:
    return UnreadableSheet(f"{path.name} unpacks to far more than a roster: send the list of nominees alone, as .xlsx")


def _lines(page: Any) -> list[list[Any]]:
    """The cells of a sheet line by line, merged cells filled with their one value."""
    merged = _merged(page)
    width = min(page.max_column or 1, COLUMN_CAP)
    lines: list[list[Any]] = []
    blank = 0
    for number, line in enumerate(page.iter_rows(max_col=width, values_only=True), start=1):
        filled = [merged.get((number, column), cell) for column, cell in enumerate(line, start=1)]
        while filled and filled[-1] in (None, ""):
            filled.pop()
        lines.append(filled)
        blank = 0 if filled else blank + 1
        if blank > BLANK_LINES or len(lines) > 2 * ROW_CAP:
            break
    return lines


def _merged(page: Any) -> dict[tuple[int, int], Any]:
    """The value of each cell of a merged range that is as small as ranges of a header are."""
    cells: dict[tuple[int, int], Any] = {}
    for area in page.merged_cells.ranges:
        if area.size["rows"] * area.size["columns"] > COLUMN_CAP * 10:
            continue
        value = page.cell(area.min_row, area.min_col).value
        cells |= dict.fromkeys(area.cells, value)
    return cells
