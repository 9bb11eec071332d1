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
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from connectors.spreadsheet.roster import ROW_CAP, Content, CutOff, Roster, Sheet, UnreadableSheet

UNPACKED_CAP = 48 * 1024 * 1024
PARTS_CAP = 2_000
COLUMN_CAP = 200
BLANK_LINES = 500  # so many empty lines in a row end a sheet, whatever its declared size
CHUNK = 1 << 16
ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
FORMULA = re.compile(rb"<f[ >/]")
UNCALCULATED = "#公式未计算"
RESULT, REASON = "结果 result", "原因 reason"
Place = tuple[int, int]


def read(file: Content) -> list[Sheet]:
    """Read every visible sheet. Raises UnreadableSheet."""
    with _opened(file, data_only=True) as book:
        blank = _never_calculated(file, book) if _has_formulas(file) else {}
        return [Sheet(page.title, _lines(page, blank.get(page.title, {})))
                for page in book.worksheets if page.sheet_state == "visible"]  # fmt: skip


def _has_formulas(file: Content) -> bool:
    """Whether any sheet holds a formula; most hold none."""
    with ZipFile(BytesIO(file.raw)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(FORMULA.search(archive.read(name)) for name in names)


def _never_calculated(file: Content, book: Any) -> dict[str, dict[Place, str]]:
    """Give the formulas for which no value was saved, by sheet: they look empty, and are not.

    One whose value is an empty text has a type of its own.
    """
    found: dict[str, dict[Place, str]] = {}
    with _opened(file) as formulas:
        for page in formulas.worksheets:
            for cell in (cell for line in page.iter_rows(max_col=COLUMN_CAP) for cell in line):
                saved = book[page.title].cell(cell.row, cell.column) if cell.data_type == "f" else None
                if saved is not None and saved.value is None and saved.data_type != "str":
                    found.setdefault(page.title, {})[cell.row, cell.column] = UNCALCULATED
    return found


def write(source: Path, roster: Roster, texts: dict[int, tuple[str, str]], target: Path) -> None:
    """Save a copy with two columns more; formulas, merged cells and other sheets stay as they are."""
    with _opened(Content.of(source), keep_vba=source.suffix.lower() == ".xlsm") as book:
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
def _opened(file: Content, **options: Any) -> Iterator[Any]:
    from xml.etree.ElementTree import ParseError

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    _inspect(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl names each part of a workbook that it does not keep
        try:
            book = load_workbook(BytesIO(file.raw), **options)
        except (InvalidFileException, BadZipFile, ParseError, KeyError, ValueError, TypeError, AttributeError,
                IndexError, OSError) as error:  # fmt: skip
            raise _broken(file) from error
        try:
            yield book
        finally:
            book.close()
            if book.vba_archive:
                book.vba_archive.close()


def _broken(file: Content) -> UnreadableSheet:
    return UnreadableSheet(f"{file.name} is no workbook: open it in Excel or WPS, save it as .xlsx, then import that")


def _inspect(file: Content) -> None:
    """Unpack without keeping anything: what the archive says of its own size may be a lie."""
    total = 0
    try:
        with ZipFile(BytesIO(file.raw)) as archive:
            parts = archive.infolist()
            if len(parts) > PARTS_CAP:
                raise _too_large(file)
            for part in parts:
                with archive.open(part) as opened:
                    total = _measure(file, opened, total)
    except (BadZipFile, zlib.error, EOFError) as error:
        raise CutOff(str(_broken(file))) from error
    except (NotImplementedError, RuntimeError, OSError) as error:
        raise _broken(file) from error


def _measure(file: Content, opened: Any, total: int) -> int:
    before = b""
    while chunk := opened.read(CHUNK):
        total += len(chunk)
        if total > UNPACKED_CAP:
            raise _too_large(file)
        if ENTITY.search(before + chunk):
            raise _broken(file)
        before = chunk[-10:]
    return total


def _too_large(file: Content) -> UnreadableSheet:
    return UnreadableSheet(f"{file.name} unpacks to far more than a roster: send the list of nominees alone, as .xlsx")


def _lines(page: Any, more: dict[Place, str]) -> list[list[Any]]:
    """The cells of a sheet line by line, merged cells filled with their one value, and `more` that only seem empty."""
    merged = _merged(page) | more
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


def _merged(page: Any) -> dict[Place, Any]:
    """The value of each cell of a merged range that is as small as ranges of a header are."""
    cells: dict[Place, Any] = {}
    for area in page.merged_cells.ranges:
        if area.size["rows"] * area.size["columns"] > COLUMN_CAP * 10:
            continue
        value = page.cell(area.min_row, area.min_col).value
        cells |= dict.fromkeys(area.cells, value)
    return cells
