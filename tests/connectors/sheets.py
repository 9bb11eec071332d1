"""Rosters made for one test: workbooks and texts with exactly the lines it names."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

HEADER = ("姓名", "性别", "身份证号", "户口性质", "文化程度", "手机号码", "入职日期", "工会会员")
GOOD = ("张一", "男", "320214199102102177", "农村", "高中", "13911112222", "2020-06-08", "是")
Line = Sequence[Any]


def workbook(path: Path, lines: Iterable[Line], dress: Callable[[Any, Any], None] | None = None) -> Path:
    """Save lines as the first sheet of a workbook; `dress` gets the book and the sheet before it is saved."""
    book = Workbook()
    page = book.active
    assert page is not None
    for line in lines:
        page.append(list(line))
    if dress is not None:
        dress(book, page)
    book.save(path)
    book.close()
    return path


def text(path: Path, lines: Iterable[Line], encoding: str = "utf-8", delimiter: str = ",", end: str = "\r\n") -> Path:
    """Save lines as a text with delimiters."""
    path.write_bytes("".join(delimiter.join(map(str, line)) + end for line in lines).encode(encoding))
    return path


def bomb(path: Path, size: int = 1 << 30) -> Path:
    """Save a workbook whose sheet unpacks to a gigabyte of spaces."""
    sound = workbook(path.with_name("sound.xlsx"), [HEADER, GOOD])
    blank = b" " * (1 << 20)
    with ZipFile(sound) as old, ZipFile(path, "w", ZIP_DEFLATED, compresslevel=9) as new:
        for part in old.infolist():
            if part.filename != "xl/worksheets/sheet1.xml":
                new.writestr(part.filename, old.read(part))
                continue
            with new.open(part.filename, "w", force_zip64=True) as file:
                file.write(old.read(part))
                for _ in range(size // len(blank)):
                    file.write(blank)
    return path
