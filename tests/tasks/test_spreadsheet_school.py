"""A school that has nothing but spreadsheets: what goes out to it as lists, and its answers and marks as sheets."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from connectors.base import Connection
from models.tables.lifecycle import Application
from models.tables.operations import Outbox, Quarantine
from models.tables.teaching import ModuleTaken
from tasks.office import Office, office, use_office
from tasks.outbox import deliver_outbox
from tasks.sync import sync_connections
from tests.connectors.sheets import workbook
from tests.fixtures.cohorts import Case, one, rows
from tests.tasks.conftest import At

DAY, EXAM, LATER = date(2026, 6, 20), date(2027, 1, 11), date(2027, 1, 14)
SCHOOL = "12350100000000019K"


@pytest.fixture
def drop(sqlite_office: Office, tmp_path: Path) -> Path:
    """The school's drop folder."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def connect(folder: Path, school: str) -> None:
    """Connect the office in use to the folder of the cohort's school."""
    here = office()
    connection = Connection(
        name="school-files", kind="spreadsheet", organisation=school, base_url=folder.as_uri(),
        options={"streams": ["admissions", "registrations", "results"]},
    )  # fmt: skip
    use_office(Office(here.settings.model_copy(update={"connections": (connection,)}), here.engine, here.policies))


def night(day: date) -> dict[str, Any]:
    """Read the folder."""
    return asyncio.run(sync_connections(["school-files"], day))["school-files"]


def test_applications_go_out_as_a_list_that_comes_back_as_answers(at: At, drop: Path) -> None:
    case = at("admission")
    connect(drop, case.cohort.school_code)
    case.advance(DAY)
    waiting = {row.id for row in rows(Outbox, kind="partner.applications")}
    assert asyncio.run(deliver_outbox(DAY)) == {"sent": len(waiting), "failed": 0, "later": 0}
    assert {row.status for row in rows(Outbox, kind="partner.applications")} == {"sent"}
    path = drop / "applications" / f"{case.code}.xlsx"
    book = load_workbook(path)
    page = book.worksheets[0]
    titles = {cell.value: cell.column for cell in page[1]}
    assert {page.cell(row, 1).value for row in range(2, page.max_row + 1)} == {row.id for row in rows(Application)}
    for row in range(2, page.max_row + 1):
        page.cell(row, titles["录取结果"]).value = "录取" if row != 2 else "不录取"
        page.cell(row, titles["录取日期"]).value = DAY
    book.save(drop / "录取结果.xlsx")
    account = night(DAY)
    assert account["streams"]["admissions"]["written"] == len(waiting)
    assert sorted(row.status for row in rows(Application)) == ["admitted"] * (len(waiting) - 1) + ["refused"]
    assert account["streams"]["files"]["read"] == 0


def test_an_effect_that_no_list_carries_waits_for_a_partner(at: At, drop: Path) -> None:
    case = at("admission")
    connect(drop, case.cohort.union_code)
    kinds = [row.kind for row in rows(Outbox, organisation_code=case.cohort.union_code)]
    assert kinds and asyncio.run(deliver_outbox(DAY)) == {"sent": 0, "failed": 0, "later": 0}
    assert {row.status for row in rows(Outbox, organisation_code=case.cohort.union_code)} == {"waiting"}


def marks(case: Case, *scores: tuple[Any, Any]) -> list[list[Any]]:
    """A sheet of the first module's marks, a line for each of the cohort's people."""
    lines = [["课程代码：M01", "考试日期：2027-01-10"], ["学期：2026-2027-1"], ["学号", "平时成绩", "期末成绩"]]
    return lines + [[person.student_number, *pair] for person, pair in zip(case.people, scores, strict=False)]


def test_marks_in_sheets_settle_modules_where_the_school_has_no_other_system(at: At, drop: Path) -> None:
    case = at("teaching")
    connect(drop, case.cohort.school_code)
    module = next(iter(sorted({row.code for row in _modules(case)})))
    lines = [[str(cell).replace("M01", module) if isinstance(cell, str) else cell for cell in line]
             for line in marks(case, (80, 59.5), (70, "缺考"), (90, "x"))]  # fmt: skip
    workbook(drop / "成绩.xlsx", lines)
    account = night(EXAM)
    assert account["streams"]["results"]["quarantined"] == 1, account
    assert account["status"] == "ok"
    case.advance(EXAM)
    taken = {row.participant_id: row for row in _taken(case, module)}
    first, second, third = (taken[person.id] for person in case.people[:3])
    assert (first.state, first.mark) == ("passed", Decimal("67.7"))
    assert second.state == "awaiting-make-up"
    assert (third.state, third.mark) == ("awaiting-result", None)
    assert not case.waits("class-confirmation")
    lines[-1][-1] = 85
    workbook(drop / "成绩.xlsx", lines)
    assert night(LATER)["streams"]["results"]["written"] == 1
    case.advance(LATER)
    assert one(ModuleTaken, id=third.id).state == "passed"
    assert [row.cured_on for row in rows(Quarantine)] == [LATER]


def _modules(case: Case) -> list[Any]:
    from models.tables.organisations import Module

    return rows(Module, programme_id=case.cohort.programme_id)


def _taken(case: Case, code: str) -> list[ModuleTaken]:
    ids = {module.id for module in _modules(case) if module.code == code}
    return [row for row in rows(ModuleTaken) if row.module_id in ids]


def test_each_file_is_taken_once_and_what_the_gate_finds_is_told_beside_it(at: At, drop: Path) -> None:
    case = at("admission")
    connect(drop, case.cohort.school_code)
    case.advance(DAY)
    known = rows(Application)[0].id
    path = workbook(drop / "录取.xlsx", [("申请编号", "录取结果"), (known, "录取"), ("AP-NOBODY", "录取")])
    first = night(DAY)["streams"]["admissions"]
    assert (first["read"], first["written"], first["quarantined"]) == (2, 1, 1)
    beside = path.with_name("录取.xlsx.errors.csv")
    assert beside.read_text("utf-8-sig").splitlines()[1].startswith("3,所引用的记录不存在")
    second = night(DAY)
    assert (second["status"], second["streams"]["admissions"]["read"]) == ("ok", 0)
    assert beside.exists()
    full = asyncio.run(sync_connections(["school-files"], DAY, True))["school-files"]["streams"]["admissions"]
    assert (full["read"], full["unchanged"], full["quarantined"]) == (2, 1, 1), full
    workbook(path, [("申请编号", "录取结果"), (known, "录取")])
    night(LATER)
    assert not beside.exists()


def test_a_file_that_cannot_be_read_is_in_the_account_and_holds_up_no_other(at: At, drop: Path) -> None:
    case = at("admission")
    connect(drop, case.cohort.school_code)
    case.advance(DAY)
    workbook(drop / "录取.xlsx", [("申请编号", "录取结果"), (rows(Application)[0].id, "录取")])
    (drop / "说明.pdf").write_bytes(b"%PDF")
    account = night(DAY)
    print(account)
    assert account["streams"]["admissions"]["written"] == 1
    assert "说明.pdf is no workbook" in str(account)
    assert account["streams"]["files"]["status"] == "failed"
