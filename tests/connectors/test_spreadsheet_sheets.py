"""Sheets of schools and assessors as people make them: what each row says, and what is never guessed."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Connection
from connectors.errors import Permanent
from connectors.registry import open_connector
from connectors.spreadsheet import Content, UnreadableSheet
from connectors.spreadsheet.answers import Sent
from connectors.spreadsheet.cells import WrongCell
from connectors.spreadsheet.errors_file import ADVICE
from connectors.spreadsheet.kinds import KINDS, Reader
from connectors.spreadsheet.marks import MarkBook
from connectors.spreadsheet.table import WORDS, tables_of
from models.records import (
    AdmissionDecision,
    ClassSection,
    Diploma,
    Enrolment,
    LineItem,
    Record,
    Registration,
    Result,
    SkillCertificate,
    SkillResult,
    Term,
    Unreadable,
)
from tests.connectors.drops import Night, night
from tests.connectors.sheets import text, workbook

Read = Callable[..., Any]
MARKS = ("课程代码", "学期", "学号", "平时成绩", "期末成绩")
TERM, ONE, TWO = "2026-2027-1", "2026000000001", "2026000000002"
SKILL, DIPLOMA = "Y000132000123254000001", "123455202706000123"


def connection(folder: Path, **options: Any) -> Connection:
    """A folder that takes everything."""
    every = ["admissions", "registrations", "results", "skill-results", "skill-certificates", "diplomas"]
    return Connection(name="files", kind="spreadsheet", organisation="12350100000000019K",
                      base_url=folder.as_uri(), options={"streams": every, **options})  # fmt: skip


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads one sheet of these lines in a folder of its own; `name` may lead through a folder after a kind."""

    async def go(lines: Sequence[Sequence[Any]], name: str = "sheet.xlsx", dress: Any = None, **options: Any) -> Night:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        workbook(path, lines, dress) if name.endswith("xlsx") else text(path, lines, options.pop("encoding", "utf-8"))
        async with open_connector(connection(tmp_path, **options)) as connector:
            return await night(connector, set())

    return go


def rules(found: Night) -> list[str]:
    """The rules that rows broke."""
    assert not found.failed
    return [row.rule for row in found.rows if isinstance(row, Unreadable)]


def of(found: Night, kind: type[Record]) -> list[Any]:
    """The records of one kind."""
    assert not found.failed, found.failed
    return [row for row in found.rows if isinstance(row, kind)]


# --- answers ----------------------------------------------------------------------------------------------------


async def test_each_kind_of_answer_is_known_by_its_columns(read: Read, tmp_path: Path) -> None:
    workbook(
        tmp_path / "a.xlsx",
        [("申请编号", "录取结果", "原因", "录取日期"), ("AP-1", "不予录取", "材料不全", "2026年7月1日")],
    )
    workbook(tmp_path / "b.xlsx", [("申请编号", "学号", "注册日期"), ("AP-1", ONE, date(2026, 9, 10))])
    workbook(
        tmp_path / "c.xlsx", [("评价申请编号", "评价结果", "成绩", "评价日期"), ("SK-1", "合格", 81.5, "2028/12/5")]
    )
    workbook(
        tmp_path / "d.xlsx",
        [("评价申请编号", "技能证书编号", "等级", "发证日期"), ("SK-1", SKILL, "四级/中级工", "20290110")],
    )
    found = await read([("毕业申请编号", "毕业证书编号", "毕业日期"), ("GR-1", DIPLOMA, 46966)])
    (admission,) = of(found, AdmissionDecision)
    assert (admission.application_id, admission.status, admission.reason) == ("AP-1", "refused", "材料不全")
    assert admission.decided_on == date(2026, 7, 1)
    assert [(one.student_number, one.registered_on) for one in of(found, Registration)] == [(ONE, date(2026, 9, 10))]
    assert [(one.status, one.score, one.assessed_on) for one in of(found, SkillResult)] == [
        ("passed", Decimal("81.5"), date(2028, 12, 5))
    ]
    assert [(one.number, one.level) for one in of(found, SkillCertificate)] == [(SKILL, 4)]
    assert [(one.graduation_id, one.number, one.issued_on) for one in of(found, Diploma)] == [
        ("GR-1", DIPLOMA, date(2028, 8, 1))
    ]


@pytest.mark.parametrize("folder", ["录取", "admissions", "Admissions"])
async def test_a_folder_named_after_a_kind_says_what_short_titles_mean(read: Read, folder: str) -> None:
    found = await read([("申请编号", "结果", "日期"), ("AP-1", "通过", "2026-07-01")], f"{folder}/a.xlsx")
    assert [(one.status, one.decided_on) for one in of(found, AdmissionDecision)] == [("admitted", date(2026, 7, 1))]


async def test_a_list_that_came_back_may_carry_two_kinds_of_answer(read: Read) -> None:
    lines = [("申请编号", "姓名", "录取结果", "学号", "注册日期"), ("AP-1", "张一", "已录取", ONE, "2026-09-10"),
             ("AP-2", "张二", "已录取", None, None), ("AP-3", "张三", None, None, None)]  # fmt: skip
    found = await read(lines)
    assert [one.application_id for one in of(found, AdmissionDecision)] == ["AP-1", "AP-2"]
    assert [one.application_id for one in of(found, Registration)] == ["AP-1"]


async def test_words_of_a_school_s_own_are_settings(read: Read) -> None:
    lines = [("申请编号", "录取结果"), ("AP-1", "上线"), ("AP-2", "落选")]
    assert rules(await read(lines)) == ["answer-unknown"] * 2
    found = await read(lines, admissions={"上 线": "admitted", "落选": "refused"})
    assert [one.status for one in of(found, AdmissionDecision)] == ["admitted", "refused"]


async def test_the_same_answer_twice_is_one_and_two_that_differ_are_none(read: Read) -> None:
    lines = [
        ("申请编号", "录取结果"),
        ("AP-1", "录取"),
        ("AP-1", "录取"),
        ("AP-2", "录取"),
        ("AP-2", "未录取"),
        ("AP-2", "录取"),
    ]
    found = await read(lines)
    assert [one.application_id for one in of(found, AdmissionDecision)] == ["AP-1"]
    assert rules(found) == ["answers-differ"]


async def test_a_worker_s_number_finds_the_application_in_our_own_list(read: Read, tmp_path: Path) -> None:
    people = {"AP-1": "320214199102102177", "AP-2": "320214199001011014", "AP-3": "320214199001011014"}
    async with open_connector(connection(tmp_path)) as connector:
        for key, number in people.items():
            await connector.send("applications", key, {"application_id": key, "cohort": "C", "resident_id": number})
    lines = [("身份证号", "录取结果"), ("320214199102102177", "录取"), ("320214199001011014", "录取"),
             ("320214199001011030", "录取"), ("320214199102102178", "录取"), (320214199102102177, "录取"),
             (None, "录取")]  # fmt: skip
    found = await read(lines)
    assert [one.application_id for one in of(found, AdmissionDecision)] == ["AP-1"]
    assert rules(found) == ["match-ambiguous", "answer-to-nothing", "resident-id-checksum", "resident-id-lost-digits",
                            "answer-to-nothing"]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "rule"),
    [(("AP 1;DROP", "录取", None), "number-form"), (("AP-1", "录取", "2026-02-30"), "date-invalid"),
     (("AP-1", "录取", "9" * 300), "date-invalid"), ((10**16, "录取", None), "number-lost-digits"),
     ((1e300, "录取", None), "number-lost-digits"), (("AP-1", "录" * 5_000, None), "answer-unknown"),
     (("9" * 5_000, "录取", None), "number-form")],
)  # fmt: skip
async def test_a_wrong_cell_is_a_row_held_back_and_never_half_an_answer(
    read: Read, cells: tuple[Any, ...], rule: str
) -> None:
    found = await read([("申请编号", "录取结果", "录取日期"), cells, ("AP-9", "录取", None)])
    assert rules(found) == [rule]
    assert [one.application_id for one in of(found, AdmissionDecision)] == ["AP-9"]


async def test_a_student_number_and_a_date_must_stand_beside_an_answer(read: Read) -> None:
    lines = [("申请编号", "学号", "注册日期"), ("AP-1", ONE, None), ("AP-2", 2.026e15, "2026-09-10"), ("AP-3", "－", "2026-09-10"),
             ("AP-4", 2026000000004.0, "2026-09-10"), ("AP-5", "２０２６０００００００５", "2026-09-10")]  # fmt: skip
    found = await read(lines)
    assert rules(found) == ["date-missing", "number-lost-digits", "number-form"]
    assert [one.student_number for one in of(found, Registration)] == ["2026000000004", "202600000005"]


# --- marks ------------------------------------------------------------------------------------------------------


async def test_a_sheet_of_marks_gives_all_that_a_mark_refers_to(read: Read) -> None:
    found = await read([("课程代码", "课程名称", "学期", "学号", "平时成绩", "期末成绩", "考试日期"),
                        ("M01", "机械制图", TERM, ONE, 80, "59.95", "2027-01-10")])  # fmt: skip
    (term,), (klass,), (place,) = of(found, Term), of(found, ClassSection), of(found, Enrolment)
    assert (term.starts_on, term.ends_on) == (date(2026, 9, 1), date(2027, 1, 31))
    assert (klass.course_source_id, klass.title, klass.term_source_ids) == ("M01", "机械制图", (TERM,))
    assert (place.class_source_id, place.learner_source_id, place.role) == (klass.source_id, ONE, "student")
    items = {one.source_id: one for one in of(found, LineItem)}
    assert {(one.part, one.due_on) for one in items.values()} == {("formative", None), ("final", date(2027, 1, 10))}
    marks = of(found, Result)
    assert {(items[one.line_item_source_id].part, one.score) for one in marks} == {
        ("formative", Decimal(80)), ("final", Decimal("59.95"))
    }  # fmt: skip
    assert all(one.class_source_id == klass.source_id for one in items.values())
    # Each stream comes after those it refers to.
    order = list(found.streams)
    assert order.index("courses") < order.index("classes") < order.index("class-confirmations")
    assert order.index("people") < order.index("enrolments") < order.index("line-items") < order.index("results")


async def test_what_is_told_above_the_header_holds_for_its_rows(read: Read) -> None:
    def merge(_: Any, page: Any) -> None:
        page.merge_cells("A1:E1")
        page.merge_cells("A2:E2")

    lines = [["２０２６—２０２７学年第一学期成绩登记表", *[None] * 4], ["课程代码：M01   考试日期：2027年1月10日", *[None] * 4],
             ["序号", "学号", "姓名", "平时", "期末"], [1, ONE, "张一", 80, 70], ["合计", 1], ["任课教师：", "王"]]  # fmt: skip
    found = await read(lines, dress=merge)
    assert [(one.source_id, one.scored_on) for one in of(found, Result)] == [
        (f"M01:{TERM}:formative:{ONE}", None), (f"M01:{TERM}:final:{ONE}", date(2027, 1, 10))
    ]  # fmt: skip


async def test_tables_one_under_the_other_are_of_their_own_courses(read: Read) -> None:
    """Taken as one, the marks of the second course would count for the first."""
    header = ["学号", "平时成绩", "期末成绩"]
    lines = [["课程代码：M01", "学期：" + TERM], header, [ONE, 80, 81], header, [TWO, 70, 71], [],
             ["课程代码：M02"], ["学号", "期末成绩", "平时成绩"], [ONE, 60, 61]]  # fmt: skip
    marks = {one.source_id: one.score for one in of(await read(lines), Result)}
    assert marks == {
        f"M01:{TERM}:formative:{ONE}": 80, f"M01:{TERM}:final:{ONE}": 81, f"M01:{TERM}:formative:{TWO}": 70,
        f"M01:{TERM}:final:{TWO}": 71, f"M02:{TERM}:final:{ONE}": 60, f"M02:{TERM}:formative:{ONE}": 61,
    }  # fmt: skip


async def test_a_sheet_for_each_course_is_read_and_each_row_named_by_its_sheet(read: Read, tmp_path: Path) -> None:
    def add(book: Any, page: Any) -> None:
        page.title = "制图"
        second = book.create_sheet("电工")
        for line in (["课程代码：M02", "学期：" + TERM], ["学号", "平时", "期末"], [ONE, 80, "满分"]):
            second.append(line)
        book.create_sheet("说明").append(["请填写"])

    lines = [["课程代码：M01", "学期：" + TERM], ["学号", "平时", "期末"], [ONE, 80, 81]]
    assert rules(await read(lines, dress=add)) == ["mark-unreadable"]
    assert "电工!3,成绩无法识别" in (tmp_path / "sheet.xlsx.errors.csv").read_text("utf-8-sig")


async def test_a_score_may_stand_in_one_column_and_its_part_in_another(read: Read) -> None:
    lines = [("课程代码", "学期", "学号", "成绩性质", "成绩", "考试日期"), ("M01", TERM, ONE, "平时", 80, None),
             ("M01", TERM, ONE, "补考", "65分", "2027-03-05"), ("M01", TERM, ONE, "补考", 66, "2027-06-05"),
             ("M01", TERM, TWO, "第一次", 66, None)]  # fmt: skip
    found = await read(lines)
    assert [(one.source_id.split(":")[2:4], one.score) for one in of(found, Result)] == [
        (["formative", ONE], 80), (["make-up", "2027-03-05"], 65), (["make-up", "2027-06-05"], 66)
    ]  # fmt: skip
    assert rules(found) == ["part-unknown"]


@pytest.mark.parametrize(
    ("cell", "score", "status"),
    [("缺考", 0, "fully graded"), ("免修", None, "exempt"), ("缓考", None, "not submitted"), ("８５", 85, "fully graded"),
     (59.95, Decimal("59.95"), "fully graded"), ("100分", 100, "fully graded"), ("优", 95, "fully graded"),
     (101, 101, "fully graded")],
)  # fmt: skip
async def test_what_stands_in_place_of_points(read: Read, cell: Any, score: Any, status: str) -> None:
    found = await read([MARKS, ("M01", TERM, ONE, 80, cell)], scores={"优": 95})
    assert [(one.score, one.score_status) for one in of(found, Result)][-1] == (score, status)


async def test_a_mark_that_never_was_is_taken_back(read: Read) -> None:
    found = await read([MARKS, ("M01", TERM, ONE, 80, "作废")])
    assert [one.removed for one in of(found, Result)] == [False, True]


@pytest.mark.parametrize(
    "cell", ["x", "", " ", "#N/A", "=1+1", float("1e300"), "1e400", "NaN", "-", True, datetime(2026, 1, 1), "9" * 5_000]
)
async def test_a_mark_that_says_nothing_is_held_back_under_the_id_it_will_have(read: Read, cell: Any) -> None:
    found = await read([MARKS, ("M01", TERM, ONE, 80, cell), ("M01", TERM, TWO, 70, 71)])
    marks = {row.source_id: row for row in found.streams["results"]}
    wrong = marks.pop(f"M01:{TERM}:final:{ONE}", None)
    blank = isinstance(cell, str) and not cell.strip()
    assert wrong is None if blank else isinstance(wrong, Unreadable)
    assert wrong is None or wrong.rule in ("mark-unreadable", "formula-uncalculated")
    assert len(marks) == 3


async def test_a_formula_without_a_saved_value_is_not_an_empty_cell(read: Read, tmp_path: Path) -> None:
    found = await read([MARKS, ("M01", TERM, ONE, 80, "=D2+1")])
    assert rules(found) == ["formula-uncalculated"]
    assert "2,公式未计算" in (tmp_path / "sheet.xlsx.errors.csv").read_text("utf-8-sig")


async def test_a_row_that_lacks_who_or_what_is_held_back_by_its_place(read: Read) -> None:
    lines = [MARKS, ("M01", TERM, None, 80, 81), (None, TERM, ONE, 80, 81), ("M01", None, ONE, 80, 81),
             ("M01", "去年", ONE, 80, 81), ("M01", TERM, ONE, None, None)]  # fmt: skip
    found = await read(lines)
    assert rules(found) == ["student-number-missing", "module-missing", "term-missing", "term-unreadable"]
    assert [row.source_id for row in found.rows] == [f"sheet.xlsx:{row}" for row in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("said", "code"),
    [("2026-2027-1", "2026-2027-1"), ("2026-2027学年第一学期", TERM), ("2026—2027学年 第二学期", "2026-2027-2"),
     ("2026~27(2)", "2026-2027-2"), ("2026-2027学年上学期", TERM), ("2026秋", TERM), ("2027年春季学期", "2026-2027-2"),
     ("2026-2027学年第II学期", "2026-2027-2"), ("2026-2027学年第Ⅰ学期", TERM)],
)  # fmt: skip
def test_a_term_is_known_however_it_is_written(said: str, code: str) -> None:
    assert MarkBook("files").term_of(said).source_id == code


@pytest.mark.parametrize(
    "said", ["2026", "2026-2028-1", "2026-2027", "2026-2027学年", "2026-09-01", "第一学期", date(2026, 1, 1)]
)
def test_a_term_that_could_be_two_is_none(said: Any) -> None:
    with pytest.raises(WrongCell, match="term-unreadable"):
        MarkBook("files").term_of(said)


async def test_the_days_of_a_term_may_be_set(read: Read) -> None:
    days = {TERM: ["2026-09-07", date(2027, 1, 15)]}
    (term,) = of(await read([MARKS, ("M01", TERM, ONE, 80, 81)], terms=days), Term)
    assert (term.starts_on, term.ends_on) == (date(2026, 9, 7), date(2027, 1, 15))


# --- whole files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "words"),
    [([["Produkt", "Preis"], ["Schraube", 1]], "no header that is known"),
     ([MARKS], "a header and no row under it"),
     ([("学号", "平时", "期末"), (ONE, 80, 81)], "nearest to results, and lacks 课程代码, 学期"),
     ([("申请编号", "录取结果", "录取状态"), ("AP-1", "录取", "录取")], "two columns 录取结果"),
     ([("课程代码", "学期", "学号", "成绩"), ("M01", TERM, ONE, 80)], "lacks 平时成绩 or 期末成绩 or 补考成绩 or 成绩性质"),
     ([MARKS, *[("M01", TERM, ONE, 80, 81)] * 20_001], "more than 20000 rows")],
    ids=["foreign", "no rows", "no course", "doubled", "no part", "too many"],
)  # fmt: skip
async def test_a_sheet_that_cannot_be_read_says_beside_it_what_it_lacks(
    read: Read, tmp_path: Path, lines: Any, words: str
) -> None:
    found = await read(lines, "sheet.csv")
    assert found.rows == []
    assert words in found.failed["files"]
    assert words in (tmp_path / "sheet.csv.errors.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
async def test_texts_are_read_in_their_own_encoding(read: Read, encoding: str) -> None:
    found = await read([("申请编号", "录取结果"), ("AP-1", "未录取")], "a.csv", encoding=encoding)
    assert [one.status for one in of(found, AdmissionDecision)] == ["refused"]


async def test_a_row_of_brackets_does_not_take_the_night(read: Read) -> None:
    """A title's brackets are left out by a pattern that looks on from each of them."""
    found = await read([("申请编号", "录取结果"), ("AP-1", "(" * 100_000), ("AP-2", "录取")], "a.csv")
    assert rules(found) == ["answer-unknown"]


@pytest.mark.parametrize(
    "options",
    [{"streams": "results"}, {"streams": ["marks"]}, {"terms": {"x": ["2026-09-01"]}}, {"terms": ["x"]},
     {"scores": {"优": 101}}, {"scores": {"优": "well"}}, {"admissions": {"是": "yes"}}, {"skills": "x"}],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_said(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match=r"files: read its settings: options\.") as caught:
        open_connector(connection(tmp_path, **options))
    assert str(caught.value).endswith("correct it")


async def test_marks_are_taken_only_where_the_settings_say_so(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", [MARKS, ("M01", TERM, ONE, 80, 81)])
    plain = connection(tmp_path).model_copy(update={"options": {}})
    async with open_connector(plain) as connector:
        assert "results" not in connector.streams
        found = await night(connector, set())
    assert "does not take" in found.failed["files"]


def test_every_rule_of_a_row_has_its_advice() -> None:
    """The rules are named in the code as they are raised: none may reach a school as a bare name."""
    import re

    folder = Path(__file__).parents[2] / "connectors" / "spreadsheet"
    raised = "".join((folder / f"{name}.py").read_text() for name in ("cells", "answers", "marks", "kinds"))
    named = set(re.findall(r'WrongCell\("([a-z-]+)"', raised)) | set(re.findall(r'missing="([a-z-]+)"', raised))
    assert len(named) > 12
    assert named | {"answers-differ", "mark-unreadable", "match-ambiguous"} <= set(ADVICE)


# --- whatever stands in a sheet ---------------------------------------------------------------------------------

SOUND: dict[str, dict[str, Any]] = {
    "admissions": {"申请编号": "AP-1", "录取结果": "录取", "原因": "", "录取日期": "2026-07-01"},
    "registrations": {"申请编号": "AP-1", "学号": ONE, "注册日期": "2026-09-10"},
    "results": {"学号": ONE, "课程代码": "M01", "学期": TERM, "平时成绩": 80, "期末成绩": 81, "考试日期": "2027-01-10"},
    "skill-results": {"评价申请编号": "SK-1", "评价结果": "合格", "成绩": 80, "评价日期": "2028-12-05"},
    "skill-certificates": {"评价申请编号": "SK-1", "技能证书编号": SKILL, "等级": "四级", "发证日期": "2029-01-10"},
    "diplomas": {"毕业申请编号": "GR-1", "毕业证书编号": DIPLOMA, "发证日期": "2029-01-10"},
}
STRANGE = [None, "", " ", "x", "a\tb", "-1", -1, 10**25, 1e300, True, "9" * 5_000, "=1/0", "#REF!", "２０２６", "合计", "学号",
           "'", "\u200b", date(2026, 1, 1), 0.1 + 0.2, "课程代码：M02", "共 5 人", "1899-12-31", "录取\n", "😀"]  # fmt: skip


@pytest.mark.parametrize("kind", SOUND)
async def test_a_row_broken_in_any_way_is_read_held_back_or_empty_and_spoils_no_other(read: Read, kind: str) -> None:
    """Each cell is each strange thing in turn; the sound row at the end, about somebody else, stays sound."""
    titles, sound = list(SOUND[kind]), list(SOUND[kind].values())
    broken = [[*sound[:at], strange, *sound[at + 1 :]] for at in range(len(sound)) for strange in STRANGE]
    last = [str(sound[0])[:-1] + "9", *sound[1:]]
    found = await read([titles, *broken, last], f"{kind}/sheet.xlsx")
    assert not found.failed
    whole = [row for row in found.streams[kind] if not isinstance(row, Unreadable)]
    assert any(str(last[0]) in row.source_id for row in whole)
    assert all(len(row.rule) > 3 and row.stream == kind for row in found.streams[kind] if isinstance(row, Unreadable))


POOL = [
    *STRANGE,
    *(words[0] for words in WORDS.values()),
    ONE,
    TWO,
    "AP-1",
    "录取",
    "未录取",
    "合格",
    TERM,
    "M01",
    80,
    "2026-07-01",
    DIPLOMA,
    SKILL,
]


@settings(max_examples=150)
@given(st.lists(st.lists(st.sampled_from(POOL), max_size=8), max_size=25))
def test_no_sheet_whatever_stands_in_it_ends_a_night(lines: list[list[Any]]) -> None:
    """Only one thing may be raised, the sentence for whoever sent it; and whatever is read is a record of its stream."""
    reader = Reader(tuple(KINDS), MarkBook("files"), Sent())
    sheet = [["" if cell is None else str(cell) for cell in line] for line in lines]
    file = Content("a.csv", "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in sheet).encode())
    try:
        tables = tables_of(file)
        kinds = reader.kinds_of(file.name, tables, "")
    except UnreadableSheet as error:
        assert str(error).startswith("a.csv ") and "\n" not in str(error)
        return
    for kind in kinds:
        for stream in KINDS[kind].streams:
            found = reader.records(file.name, kind, stream, tables)
            keys = [record.source_id for record, _ in found]
            assert len(keys) == len(set(keys)) and all(keys)
