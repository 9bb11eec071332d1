"""From lines of cells to a roster: where the header is, which column is which, and which lines are nominees.

Belongs here: titles, headers of one or two lines, synonyms, totals, signatures. Does not: files (workbook.py,
delimited.py) or whether a cell's value may stand (models/rules).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from models.rules.identifiers import Invalid, credit_code

HEADER_LINES = 30  # a header further down is none
ROW_CAP = 20_000
CELL_CAP = 1_000
LONGEST_LABEL = 100
ID_DIGITS = 6  # fewer digits were never meant as an ID number
NEEDED = ("name", "resident_id")
LEAST_COLUMNS = 2  # one known word alone may stand in any title

SYNONYMS: dict[str, tuple[str, ...]] = {
    "name": ("姓名", "职工姓名", "员工姓名", "学员姓名", "名字", "name", "fullname"),
    "sex": ("性别", "sex", "gender"),
    "resident_id": ("身份证号", "身份证号码", "公民身份号码", "公民身份证号码", "居民身份证号码", "居民身份证号", "身份证", "证件号码",
                    "证件号", "residentid", "idnumber", "idcard"),
    "household": ("户口性质", "户籍性质", "户口类型", "户口类别", "户籍类型", "户籍情况", "户口", "户籍", "household", "hukou"),
    "education": ("文化程度", "学历", "最高学历", "教育程度", "现有学历", "education"),
    "mobile": ("手机号码", "手机号", "手机", "联系电话", "联系方式", "移动电话", "电话", "本人电话", "mobile", "phone"),
    "hired_on": ("入职日期", "入职时间", "进厂日期", "进厂时间", "到岗日期", "入厂日期", "参加本单位工作时间", "hiredon", "hiredate"),
    "union_member": ("是否工会会员", "工会会员", "是否会员", "是否为工会会员", "unionmember"),
    "employee_number": ("工号", "员工编号", "职工编号", "员工号", "职工号", "人员编号", "employeenumber", "employeeid"),
    "bank_card": ("银行卡号", "银行账号", "银行帐号", "工资卡号", "卡号", "bankcard", "bankaccount"),
    "full_time_student": ("是否全日制在校生", "全日制在校生", "是否在校生", "fulltimestudent"),
    "employer_code": ("统一社会信用代码", "社会信用代码", "企业代码", "单位代码", "employercode"),
    "employer": ("工作单位", "单位名称", "企业名称", "所在单位", "所在企业", "推荐单位", "employer", "company"),
    "remarks": ("备注", "说明", "remarks", "note"),
}  # fmt: skip
FIELD_OF = {word: field for field, words in SYNONYMS.items() for word in words}
IN_CHINESE = {"name": "姓名", "resident_id": "身份证号"}
TOTALS = re.compile(r"\A(合计|总计|小计|共计|累计|total|sum)|\A共.{0,12}人\Z", re.IGNORECASE)
SIGNATURES = re.compile(
    r"(填表人|制表人|填报人|审核人|经办人|负责人|联系人|盖章|签字|填表日期|填报日期|制表日期|注[:：]|备注[:：]|说明[:：])"
)
CODE = re.compile(r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])")

Line = Sequence[Any]


class UnreadableSheet(ValueError):
    """A file holds nothing that can be read; the sentence says what to do, and quotes no cell."""


class CutOff(UnreadableSheet):
    """A workbook is damaged, or not all of it is there yet."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file's name and bytes, wherever it lies."""

    name: str
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, path: Path) -> "Content":
        """Read a file of this machine."""
        return cls(path.name, path.read_bytes())


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A nominee's row, numbered as in the sheet, with what stands in the columns that are known."""

    row: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of one sheet, the first being number 1."""

    name: str | None
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Roster:
    """What a file holds: the nominees, the enterprise if the file names it, and where its header ends."""

    rows: tuple[RosterRow, ...]
    enterprise_code: str | None
    sheet: str | None
    header_row: int
    width: int


@dataclass(frozen=True, slots=True)
class Header:
    """A header: its last line, the field of each known column, and the fields that two columns claim."""

    row: int
    columns: dict[int, str]
    doubled: frozenset[str]


def roster_of(file: Content, sheets: Iterable[Sheet]) -> Roster:
    """Find the sheet with the best header and read its rows. Raises UnreadableSheet."""
    found = [(header, sheet) for sheet in sheets if (header := find_header(sheet.lines)) is not None]
    found = [(header, sheet) for header, sheet in found if set(NEEDED) <= set(header.columns.values())]
    if not found:
        names = " and ".join(f"{IN_CHINESE[field]} ({field.replace('_', ' ')})" for field in NEEDED)
        raise UnreadableSheet(f"{file.name} has no header of a roster: it needs at least the columns {names}")
    header, sheet = max(found, key=lambda one: len(one[0].columns))
    if header.doubled & set(NEEDED):
        twice = IN_CHINESE[sorted(header.doubled & set(NEEDED))[0]]
        raise UnreadableSheet(f"{file.name} has two columns {twice}: remove the one that does not count")
    rows = _rows(file, sheet.lines, header)
    if not rows:
        raise UnreadableSheet(f"{file.name} has a header and no nominee under it: ask the enterprise for the full list")
    width = max(len(sheet.lines[header.row - 1]), *(len(sheet.lines[row.row - 1]) for row in rows))
    return Roster(rows, _enterprise(sheet.lines[: header.row - 1], rows), sheet.name, header.row, width)


def label(value: Any) -> str:
    """Give a header's word as it is known: no spaces, brackets, asterisks or letters' case; a long text is none."""
    if isinstance(value, str) and len(value) > LONGEST_LABEL:
        return ""
    text = unicodedata.normalize("NFKC", str(value or ""))
    return re.sub(r"\(.*?\)|（.*?）|[\s*:_：·.、-]", "", text).casefold()


def find_header(lines: Sequence[Line], known: Mapping[str, str] = FIELD_OF) -> Header | None:
    """The line, or the two lines together, in which most columns are known; the first among equals.

    `known` gives the field of each word, as `label` writes it.
    """
    best: Header | None = None
    for place, line in enumerate(lines[:HEADER_LINES]):
        above = lines[place - 1] if place else ()
        for upper in ((), above):
            header = header_at(place + 1, upper, line, known)
            if best is None or len(header.columns) > len(best.columns):
                best = header
    return best if best is not None and len(best.columns) >= LEAST_COLUMNS else None


def header_at(row: int, upper: Line, lower: Line, known: Mapping[str, str]) -> Header:
    """Read a line as a header; in one of two lines a column without a word below has the word above."""
    columns: dict[int, str] = {}
    doubled = set()
    known_below = any(label(cell) in known for cell in lower)
    for column in range(max(len(lower), len(upper) if known_below else 0)):
        words = [line[column] for line in (lower, upper) if column < len(line) and line[column] not in (None, "")]
        field = next((known[label(word)] for word in words if label(word) in known), None)
        if field in columns.values():
            doubled.add(str(field))
        elif field is not None:
            columns[column] = field
    return Header(row, columns, frozenset(doubled))


def _rows(file: Content, lines: Sequence[Line], header: Header) -> tuple[RosterRow, ...]:
    rows = []
    for number, line in enumerate(lines[header.row :], start=header.row + 1):
        values = {field: clean(line[column]) for column, field in header.columns.items() if column < len(line)}
        if _is_nominee(line, values, header):
            _check_lengths(file, number, values)
            rows.append(RosterRow(number, values))
    if len(rows) > ROW_CAP:
        raise UnreadableSheet(f"{file.name} has more than {ROW_CAP} rows: split it, then import the parts")
    return tuple(rows)


def _check_lengths(file: Content, number: int, values: dict[str, Any]) -> None:
    if any(isinstance(value, str) and len(value) > CELL_CAP for value in values.values()):
        raise UnreadableSheet(
            f"{file.name} has a cell of more than {CELL_CAP} characters in row {number}: correct that row"
        )


def _is_nominee(line: Line, values: dict[str, Any], header: Header) -> bool:
    """Whether a line under the header is a nominee: not blank, no total, no signature, no header again."""
    told = [value for field, value in values.items() if value is not None and field != "remarks"]
    if not told:
        return False
    if values.get("name") is None or not _is_number(values.get("resident_id")):
        texts = [str(clean(cell)) for cell in line if clean(cell) is not None]
        if any(TOTALS.search(text.replace(" ", "")) or SIGNATURES.search(text) for text in texts):
            return False
        if values.get("resident_id") is None and values.get("name") is None and len(told) < len(NEEDED):
            return False
    again = sum(label(values.get(field)) in FIELD_OF for field in header.columns.values())
    return again < len(NEEDED)


def _is_number(value: Any) -> bool:
    """Whether a cell could be meant as an ID number, right or wrong; a count or a signature is not."""
    return sum(letter.isdecimal() for letter in str(value)) >= ID_DIGITS


def clean(value: Any) -> Any:
    """Give a cell as it stands: text without the spaces, tabs and quotes around it; None for an empty one."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        return value.strip().strip("\ufeff\u200b\t'`").strip() or None
    return value if isinstance(value, int | float | date) else None


def _enterprise(above: Sequence[Line], rows: Sequence[RosterRow]) -> str | None:
    """The enterprise, by a valid credit code above the header, or by the one that stands in every row."""
    texts = [
        unicodedata.normalize("NFKC", str(cell)).upper() for line in above for cell in line if cell not in (None, "")
    ]
    named = {code for text in texts for code in CODE.findall(text) if _is_code(code)}
    in_rows = {str(row.values.get("employer_code") or "").upper() for row in rows}
    for codes in (named, in_rows):
        if len(codes) == 1 and _is_code(next(iter(codes))):
            return next(iter(codes))
    return None


def _is_code(text: str) -> bool:
    try:
        credit_code(text)
    except Invalid:
        return False
    return True
