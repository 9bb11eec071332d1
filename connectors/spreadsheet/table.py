"""From sheets to tables of named cells: the words of a header, what stands above it, headers that come again.

Belongs here: everything about the shape of a sheet that is no roster. Does not: which table is which (kinds.py) or
what a cell must hold (answers.py, marks.py). The shapes and the tolerance are those of rosters (roster.py).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.spreadsheet import Content, UnreadableSheet, sheets_of
from connectors.spreadsheet.roster import (
    LEAST_COLUMNS,
    ROW_CAP,
    SIGNATURES,
    SYNONYMS,
    TOTALS,
    Header,
    Line,
    Sheet,
    clean,
    find_header,
    header_at,
    label,
)

WORDS: dict[str, tuple[str, ...]] = {
    "application_id": ("申请编号", "入学申请编号", "报名申请编号", "applicationid", "application"),
    "registration_id": ("评价申请编号", "评价编号", "评价报名编号", "考核编号", "鉴定编号", "registrationid", "registration"),
    "graduation_id": ("毕业申请编号", "graduationid", "graduation"),
    "resident_id": SYNONYMS["resident_id"],
    "student_number": ("学号", "学生学号", "学籍号", "studentnumber", "studentno", "studentid"),
    "admission": ("录取结果", "录取状态", "录取情况", "是否录取", "录取", "admission", "admissionresult", "admissionstatus"),
    "reason": ("原因", "未录取原因", "不录取原因", "理由", "reason"),
    "decided_on": ("录取日期", "录取时间", "decidedon"),
    "registered_on": ("注册日期", "注册时间", "入学日期", "报到日期", "registeredon"),
    "module_code": ("课程代码", "课程编号", "课程编码", "课程号", "modulecode", "coursecode", "module", "course"),
    "module_title": ("课程名称", "课程", "科目", "modulename", "coursename"),
    "term": ("学期", "学年学期", "开课学期", "term", "semester"),
    "part": ("成绩性质", "成绩类别", "成绩类型", "考试性质", "part"),
    "score": ("成绩", "分数", "得分", "score", "mark"),
    "formative": ("平时成绩", "平时", "平时分", "过程性成绩", "过程性考核", "形成性考核", "formative"),
    "final": ("期末成绩", "期末", "期末考试", "终结性成绩", "终结性考核", "考试成绩", "卷面成绩", "final", "exam"),
    "make_up": ("补考成绩", "补考", "makeup"),
    "exam_on": ("考试日期", "考试时间", "examon", "examdate"),
    "skill": ("评价结果", "评价结论", "鉴定结果", "考核结果", "是否合格", "skillresult"),
    "assessed_on": ("评价日期", "考核日期", "鉴定日期", "评价时间", "assessedon"),
    "skill_number": ("技能证书编号", "职业技能等级证书编号", "等级证书编号", "skillcertificatenumber"),
    "skill_level": ("等级", "技能等级", "职业技能等级", "级别", "level"),
    "diploma_number": ("毕业证书编号", "毕业证编号", "毕业证书号", "毕业证号", "diplomanumber"),
    "issued_on": ("发证日期", "发证时间", "颁证日期", "毕业日期", "issuedon"),
    # What only the folder it lies in makes clear.
    "status": ("结果", "状态", "status", "result"),
    "number": ("证书编号", "证书号", "编号", "number", "certificatenumber"),
    "day": ("日期", "时间", "date", "day"),
}  # fmt: skip
KNOWN = {word: name for name, words in WORDS.items() for word in words}
# What may stand once above a header, for all rows under it.
ABOVE = frozenset({"module_code", "term", "part", "exam_on", "decided_on", "registered_on", "assessed_on", "issued_on"})
LABELLED = re.compile(r"([^\s:：;；,，]{2,16})\s*[:：]\s*")
YEARS = re.compile(r"20[0-9]{2}\s*[-–—~～至/]\s*(20)?[0-9]{2}.{0,12}(学期|学年)|20[0-9]{2}年?(春|秋)")
IDS = ("application_id", "registration_id", "graduation_id", "resident_id", "student_number")
DIGITS = re.compile(r"[0-9０-９]{3}")
AN_ID = re.compile(r"[0-9０-９-]")
LONGEST_CELL = 1_000


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its sheet and number as people see them, and what stands in the columns that are known."""

    place: str
    values: dict[str, Any] = field(repr=False)


@dataclass(slots=True)
class Table:
    """A header's fields, with what stands above it, and the rows under it."""

    columns: frozenset[str]
    doubled: frozenset[str] = frozenset()
    rows: list[TableRow] = field(default_factory=list, repr=False)


def tables_of(file: Content) -> list[Table]:
    """Give the tables of all sheets of a file that have rows; a sheet without a known header holds none.

    Raises UnreadableSheet for a file that is no sheet, has no row under its headers, or more than a sheet may have.
    """
    sheets = sheets_of(file, KNOWN)
    headed = [sheet for sheet in sheets if find_header(sheet.lines, KNOWN) is not None]
    tables = [table for sheet in headed for table in _tables(sheet, f"{sheet.name}!" if len(headed) > 1 else "")]
    if headed and not tables:
        raise UnreadableSheet(f"{file.name} has a header and no row under it: fill it in, or take it away")
    if sum(len(table.rows) for table in tables) > ROW_CAP:
        raise UnreadableSheet(f"{file.name} has more than {ROW_CAP} rows: split it, then send the parts")
    return tables


def _tables(sheet: Sheet, prefix: str) -> Iterator[Table]:
    """Read a sheet from its header on; a header that comes again begins a table, with what was told in between.

    A page's header that is only printed again tells nothing new, so the table goes on under the same words.
    """
    header = find_header(sheet.lines, KNOWN)
    if header is None:
        return
    above = _told(sheet.lines[: header.row - 1])
    table = _begun(header, above)
    for number, line in enumerate(sheet.lines[header.row :], start=header.row + 1):
        again = _header_again(header, number, sheet.lines[number - 2], line)
        values = {name: clean(line[column]) for column, name in header.columns.items() if column < len(line)}
        if again is None and _is_row(line, values):
            told = {name: value for name, value in values.items() if value is not None or name not in above}
            table.rows.append(TableRow(f"{prefix}{number}", {**above, **told}))
        elif again is not None or _told([line]):
            yield from [table] if table.rows else ()
            above, header = above | _told([line]), again or header
            table = _begun(header, above)
    yield from [table] if table.rows else ()


def _begun(header: Header, above: Mapping[str, Any]) -> Table:
    return Table(frozenset(header.columns.values()) | frozenset(above), header.doubled)


def _header_again(header: Header, number: int, upper: Line, line: Line) -> Header | None:
    """Give the header a line is, alone or with the one above it; None for a row, whose cells may be known words too.

    A header names an id; where an id stands, it is a row.
    """
    ids = [str(line[column]) for column, name in header.columns.items() if name in IDS and column < len(line)]
    if any(AN_ID.search(text) for text in ids) or any(DIGITS.search(str(cell)) for cell in line):
        return None
    fields = _fields(line)
    if len(fields) < LEAST_COLUMNS or not fields & set(IDS):
        return None
    upper_too = len(_fields(upper)) >= LEAST_COLUMNS
    return header_at(number, upper if upper_too else (), line, KNOWN)


def _fields(line: Line) -> set[str]:
    return {KNOWN[label(cell)] for cell in line if label(cell) in KNOWN}


def _is_row(line: Line, values: Mapping[str, Any]) -> bool:
    """Whether a line is a row: not blank in what is known, no title across it, no total or signature where no id stands.

    A row that lacks its id is one all the same: only a person can say whether it matters.
    """
    texts = [str(clean(cell)) for cell in line if clean(cell) is not None]
    if all(value is None for value in values.values()) or (len(texts) > 1 and len(set(texts)) == 1):
        return False
    ids = [str(values[name]) for name in IDS if values.get(name) is not None]
    if any(TOTALS.search(text.replace(" ", "")) or SIGNATURES.search(text) for text in ids or texts):
        return False
    return not (any(map(_labelled, ids)) if ids else _told([line]))


def _told(lines: Sequence[Line]) -> dict[str, Any]:
    """Read what lines above a header tell: `课程代码：M01`, a label with its value beside, a term in the title."""
    told: dict[str, Any] = {}
    for line in lines:
        cells = [cell for place, cell in enumerate(line) if place == 0 or cell != line[place - 1]]
        cells = [cell for cell in cells if clean(cell) is not None]
        for place, cell in enumerate(cells):
            told |= _labelled(cell)
            name = KNOWN.get(label(cell))
            if name in ABOVE and place + 1 < len(cells) and label(cells[place + 1]) not in KNOWN:
                told[str(name)] = clean(cells[place + 1])
    for text in (cell[:LONGEST_CELL] for line in lines for cell in line if isinstance(cell, str)):
        found = YEARS.search(unicodedata.normalize("NFKC", text))
        if found and "term" not in told:
            told["term"] = unicodedata.normalize("NFKC", text)[found.start() :][:40]
    return told


def _labelled(cell: Any) -> dict[str, Any]:
    """Read the labels in one cell, each with the text up to the next."""
    if not isinstance(cell, str) or len(cell) > LONGEST_CELL:
        return {}
    found = list(LABELLED.finditer(cell))
    ends = [*(one.start() for one in found[1:]), len(cell)][: len(found)]
    told = {KNOWN.get(label(one[1]), ""): cell[one.end() : end].strip(" ;；,，")
            for one, end in zip(found, ends, strict=True)}  # fmt: skip
    return {name: value for name, value in told.items() if name in ABOVE and value}
