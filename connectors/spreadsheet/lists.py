"""Lists that go out into a drop folder: one workbook a cohort, one row a key, each written once.

Belongs here: their columns, adding a row, and who is named in them. Does not: when a row is due (tasks).
They hold personal numbers, as the partner API's bodies do: their file is its owner's alone.
"""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from connectors.errors import Refused
from connectors.spreadsheet import Content, UnreadableSheet
from connectors.spreadsheet.answers import LISTS
from connectors.spreadsheet.folder import Folder
from connectors.spreadsheet.survey import is_sheet, listed
from connectors.spreadsheet.table import tables_of
from models.rules.identifiers import normalise

COLUMNS: dict[str, dict[str, str]] = {
    "applications": {
        "application_id": "申请编号", "cohort": "班级", "programme": "专业", "level": "层次", "name": "姓名", "sex": "性别",
        "resident_id": "身份证号", "mobile": "手机号码", "entry_level": "文化程度",
    },
    "skill-registrations": {
        "registration_id": "评价申请编号", "cohort": "班级", "name": "姓名", "resident_id": "身份证号", "occupation": "职业工种",
        "level": "申报级别",
    },
    "graduations": {"graduation_id": "毕业申请编号", "student_number": "学号", "credits": "已获学分"},
}  # fmt: skip
# Empty columns for the answer: the list is filled in, and put into the folder of answers.
ANSWERED = {
    "applications": ("录取结果", "原因", "录取日期", "学号", "注册日期"),
    "skill-registrations": ("评价结果", "评价日期", "技能证书编号", "发证日期"),
    "graduations": ("毕业证书编号", "发证日期"),
}
WORDS = {"male": "男", "female": "女", "junior-college": "专科", "bachelor": "本科"}
Lines = list[list[Any]]


def add_row(folder: Folder, system: str, resource: str, key: str, body: Mapping[str, Any]) -> None:
    """Put a row into the list of its cohort, unless its id stands there already.

    Raises Refused for what no list carries, and OSError or OutsideError when the folder takes nothing.
    """
    columns = COLUMNS.get(resource)
    if columns is None:
        raise Refused(
            system, f"send {resource}", "a folder of spreadsheets carries no such thing: connect a partner for it"
        )
    path = f"{resource}/{_name(body.get('cohort'))}.xlsx"
    row = [WORDS.get(str(body.get(name)), body.get(name)) for name in columns]
    standing = _standing(folder, path)
    if standing is None:
        lines: Lines = [[*columns.values(), *ANSWERED[resource]], row]
        folder.write(path, _book(None, lines), private=True)
    elif not _holds(standing, path, resource, str(body[LISTS[resource][0]])):
        folder.write(path, _book(standing, [row]), private=True)


def _name(cohort: Any) -> str:
    """A cohort's code as the name of a file."""
    kept = "".join(letter for letter in str(cohort or "list") if letter.isalnum() or letter in "-_.")
    return kept.strip(".") or "list"


def _standing(folder: Folder, path: str) -> bytes | None:
    try:
        return folder.read(path)
    except FileNotFoundError:
        return None


def _holds(raw: bytes, path: str, resource: str, key: str) -> bool:
    column = LISTS[resource][0]
    return any(str(row.get(column)) == key for row in _rows(Content(path, raw)))


def _book(standing: bytes | None, lines: Lines) -> bytes:
    """Add lines to a workbook, or begin one; every cell is text, so that no number loses its digits."""
    from openpyxl import Workbook, load_workbook

    book = load_workbook(io.BytesIO(standing)) if standing is not None else Workbook()
    page = book.worksheets[0]
    for line in lines:
        page.append([None if value is None else str(value) for value in line])
        for cell in page[page.max_row]:
            cell.number_format = "@"
            if cell.value is not None:
                cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    book.close()
    return out.getvalue()


def _rows(content: Content) -> Iterator[Mapping[str, Any]]:
    for table in tables_of(content):
        yield from (row.values for row in table.rows)


def ids_sent(folder: Folder) -> dict[str, dict[str, frozenset[str]]]:
    """Give our ids by the number of the worker, for each resource, as the lists in the folder have them."""
    there = {entry.name for entry in folder.entries() if entry.is_folder}
    return {resource: _ids_in(folder, resource) for resource in LISTS if resource in there}


def _ids_in(folder: Folder, resource: str) -> dict[str, frozenset[str]]:
    column, number = LISTS[resource]
    found: dict[str, set[str]] = defaultdict(set)
    for entry in listed(folder, resource):
        if not is_sheet(entry) or PurePosixPath(entry.name).suffix.lower() != ".xlsx":
            continue
        try:
            rows = list(_rows(Content(entry.name, folder.read(f"{resource}/{entry.name}"))))
        except (OSError, UnreadableSheet):
            continue  # a list that was spoilt: its rows are then known by their ids alone
        for row in rows:
            if row.get(column) and row.get(number):
                found[normalise(str(row[number]))].add(str(row[column]))
    return {key: frozenset(ids) for key, ids in found.items()}
