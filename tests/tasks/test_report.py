"""The report: a period, the cohorts that opened by then, the money that was booked by then."""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from models.tables.people import Leave
from tasks.errors import BadInput
from tasks.office import Office
from tasks.report import form_of, write_report
from tests.fixtures.cohorts import REGISTERED, Case, change, hashes
from tests.tasks.conftest import At

LATER = date(2027, 1, 10)


def made(period: str | None, form: str = "xlsx", day: date = LATER) -> Path:
    """The file of a report."""
    return Path(asyncio.run(write_report(period, form, as_of=day)))


def written(period: str | None, day: date = LATER) -> dict[str, Any]:
    """The figures of a report."""
    path = made(period, "json", day)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def paid(case: Case) -> Case:
    """Everyone paid on 20 September 2026, one left afterwards."""
    case.cards()
    case.advance(REGISTERED)
    case.settle_payments("paid", date(2026, 9, 20))
    case.left(0, date(2026, 10, 12))
    case.leave(1, date(2026, 10, 12), date(2026, 10, 13))
    case.advance(date(2026, 10, 12))
    return case


def test_a_period_without_cohorts_counts_nothing(at: At) -> None:
    paid(at("teaching"))
    figures = written("2024")
    assert figures["cohorts"] == []
    assert (figures["projects"], figures["workers"], figures["migrant_workers"]) == (0, 0, 0)
    assert (float(figures["leave_hours"]), float(figures["recognised_credits"])) == (0, 0)
    assert {value for row in figures["money"].values() for value in row.values()} <= {"0.00"}
    assert figures["overdue"] == {}


def test_an_office_without_a_cohort_has_a_report_too(sqlite_office: Office) -> None:
    for ending in ("json", "html", "xlsx"):
        path = made("2026", ending)
        assert path.suffix == f".{ending}"
        assert path.stat().st_size


def test_people_are_counted_by_the_cohort_that_started_not_by_the_current_roll(at: At) -> None:
    paid(at("teaching"))
    figures = written("2026")
    row = figures["cohorts"][0]
    assert (row["cohort"], row["nominated"], row["registered"], row["withdrawn"]) == ("WX-2026A", 6, 6, 1)
    assert (row["retention"], row["completion"], row["cost_a_head"]) == ("83.3%", "0.0%", "2500.00")
    assert (figures["projects"], figures["workers"], figures["migrant_workers"]) == (1, 6, 5)
    assert float(figures["leave_hours"]) == 8.0
    assert figures["money"]["union"] == {
        "awarded": "6000.00",
        "paid": "6000.00",
        "returned": "0.00",
        "reversed": "0.00",
    }


def test_money_booked_after_the_period_is_not_in_it(at: At) -> None:
    paid(at("teaching"))
    assert written("2026-08")["money"]["union"]["awarded"] == "0.00"
    september = written("2026-09")
    assert september["money"]["union"]["paid"] == "6000.00"


def test_leave_that_was_not_approved_is_no_leave(at: At) -> None:
    paid(at("teaching"))
    change(Leave, "hr:leave-1-2026-10-12", status="refused")
    assert float(written("2026")["leave_hours"]) == 0


@pytest.mark.parametrize(
    "period", ["", "soon", "2026-13", "2026-00", "2026-05-01", "2026-5-1-1", "-2026", "0", "99999", "2026/05"]
)
def test_a_period_that_is_none_is_one_sentence(sqlite_office: Office, period: str) -> None:
    with pytest.raises(BadInput, match=r"give the period as a month \(2026-05\) or a year \(2026\)"):
        written(period)


@pytest.mark.parametrize(("day", "label"), [(date(2027, 1, 10), "2026-12"), (date(2026, 3, 31), "2026-02")])
def test_the_month_before_is_reported_unless_said(sqlite_office: Office, day: date, label: str) -> None:
    assert written(None, day)["period"] == label


@pytest.mark.parametrize("name", ["report.pdf", "report", ".xlsx"])
def test_a_file_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"written as \.xlsx, \.html or \.json"):
        form_of(Path(name))
    assert form_of(Path("R.XLSX")) == "xlsx"


def test_the_sheet_and_the_page_say_the_same(at: At) -> None:
    paid(at("teaching"))
    before = hashes()
    sheet, written_page = made("2026"), made("2026", "html")
    assert hashes() == before
    book = load_workbook(sheet)
    assert book.sheetnames[:2] == ["班级 cohorts", "资金 money"]
    head, line = list(book["班级 cohorts"].values)[:2]
    assert dict(zip(head, line, strict=True))["cost_a_head"] == "2500.00"
    page = written_page.read_text(encoding="utf-8")
    assert "1 projects, 6 workers, 5 migrant workers" in page
    assert "<td>6000.00</td>" in page


def test_a_report_lies_among_those_of_the_home(sqlite_office: Office) -> None:
    path = made("2026-05")
    assert path == sqlite_office.settings.home / "reports" / "report-2026-05.xlsx"
    assert path.is_file()
