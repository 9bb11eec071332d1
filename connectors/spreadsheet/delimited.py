"""Text with delimiters: CSV as Excel, WPS and HR systems write it, in UTF-8, UTF-16 or GB18030.

Belongs here: encodings, delimiters, and the copy with reasons. Does not: what the lines mean (roster.py).
"""

import codecs
import csv
import io
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from connectors.spreadsheet.roster import (
    FIELD_OF,
    ROW_CAP,
    Content,
    Roster,
    Sheet,
    UnreadableSheet,
    find_header,
)  # fmt: skip
from connectors.spreadsheet.workbook import REASON, RESULT, private_copy

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DELIMITERS = (",", "\t", ";", "，", "；", "|")
LINE_CAP = 2 * ROW_CAP
Lines = list[list[str]]


def read(file: Content, known: Mapping[str, str] = FIELD_OF) -> list[Sheet]:
    """Read the lines of a text; its delimiter is the one by which most columns are known. Raises UnreadableSheet."""
    text, _ = _decoded(file)
    return [Sheet(None, _parsed(file, text, _delimiter(file, text, known), LINE_CAP))]


def write(source: Path, roster: Roster, texts: dict[int, tuple[str, str]], target: Path) -> None:
    """Write a copy with two columns more, in the encoding, delimiter and line ends of the source."""
    file = Content.of(source)
    text, encoding = _decoded(file)
    delimiter = _delimiter(file, text, FIELD_OF)
    out = io.StringIO()
    ending = "\r\n" if "\r\n" in text else "\n"
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    for number, line in enumerate(_parsed(file, text, delimiter), start=1):
        words = (RESULT, REASON) if number == roster.header_row else texts.get(number, ())
        padding = [""] * (roster.width - len(line)) if words else []
        writer.writerow([*line, *padding, *map(_harmless, words)])
    with private_copy(target) as path:
        Path(path).write_bytes(out.getvalue().encode(encoding))


def _harmless(text: str) -> str:
    """A text that a spreadsheet would take for a formula is made plain."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _decoded(file: Content) -> tuple[str, str]:
    """Decode strictly: UTF-8, with a mark or without, UTF-16 with one, else GB18030."""
    marked = next((name for mark, name in BOMS if file.raw.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "gb18030"]:
        try:
            text = file.raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, encoding
    raise UnreadableSheet(
        f"{file.name} is no text of a known encoding: save it as CSV UTF-8 or as .xlsx, then import that"
    )


def _delimiter(file: Content, text: str, known: Mapping[str, str]) -> str:
    """The delimiter by which the best header is found."""

    def columns(delimiter: str) -> int:
        header = find_header(_parsed(file, text[:20_000], delimiter), known)
        return len(header.columns) if header else 0

    return max(DELIMITERS, key=columns)


def _parsed(file: Content, text: str, delimiter: str, most: int | None = None) -> Lines:
    try:
        return list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), most))
    except csv.Error as error:
        raise UnreadableSheet(
            f"{file.name} cannot be read as lines of cells: save it as .xlsx, then import that"
        ) from error
