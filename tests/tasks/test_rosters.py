"""Rosters in drop folders: each imported once for the cohort of its folder, its errors beside it."""

import asyncio
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connection
from models.rules.privacy import holds_personal_number
from models.tables.operations import DocumentRead
from models.tables.people import Nomination
from tasks.office import Office, office, use_office
from tasks.rosters import import_dropped_rosters
from tests.fixtures.cohorts import (
    DATA,
    ENTERPRISE,
    OPENED,
    OTHER_ENTERPRISE,
    Case,
    hashes,
    late_line,
    open_cohort,
    roster,
    rows,
    template_plan,
)

TWO = [*template_plan()["enterprises"], {"code": OTHER_ENTERPRISE, "name": "另一企业"}]


@pytest.fixture
def drop(sqlite_office: Office, tmp_path: Path) -> Path:
    """The drop folder of an enterprise, connected to the office in use."""
    DocumentRead.__table__.create(sqlite_office.engine, checkfirst=True)  # type: ignore[attr-defined]
    folder = tmp_path / "drop"
    (folder / "rosters" / "WX-2026A").mkdir(parents=True)
    connect(folder, ENTERPRISE)
    return folder


def connect(folder: Path, organisation: str) -> None:
    """Let the folder be an organisation's."""
    here, one = (
        office(),
        Connection(name="hr-files", kind="spreadsheet", organisation=organisation, base_url=folder.as_uri()),
    )
    use_office(Office(here.settings.model_copy(update={"connections": (one,)}), here.engine, here.policies))


def take(day: date = OPENED) -> dict[str, Any]:
    """Import what is new."""
    return asyncio.run(import_dropped_rosters("hr-files", day))


def test_a_dropped_roster_is_imported_once_as_by_hand(drop: Path) -> None:
    case = Case(open_cohort())
    shutil.copy(DATA / "plain.xlsx", drop / "rosters" / "WX-2026A")
    account = {"status": "ok", "reason": "", "files": 1, "accepted": 6, "held": 0, "refused": 0}
    assert take() == account
    before = hashes()
    assert take() == {**account, "files": 0, "accepted": 0}
    assert hashes() == before
    assert len(case.people) == 6
    assert [path.name for path in (drop / "rosters" / "WX-2026A").iterdir()] == ["plain.xlsx"]
    assert [path.name for path in (office().settings.home / "exchange").iterdir()] == ["WX-2026A-plain.checked.xlsx"]


def test_rows_that_are_not_accepted_are_told_beside_the_roster(drop: Path) -> None:
    open_cohort()
    path = roster(drop / "rosters" / "WX-2026A" / "a.xlsx", [late_line(户口性质=""), late_line(1, 身份证号="123")])
    account = take()
    assert (account["accepted"], account["held"], account["refused"]) == (0, 1, 1)
    beside = path.with_name("a.xlsx.errors.csv")
    lines = beside.read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["2", "household-evidence-missing"],
        ["3", "resident-id-form"],
    ]
    assert not holds_personal_number(beside.read_text("utf-8-sig"))
    roster(path, [late_line()])
    assert take()["accepted"] == 1
    assert not beside.exists()


def test_what_cannot_be_imported_is_told_and_tried_again(drop: Path) -> None:
    """A folder may be there before its cohort is opened."""
    shutil.copy(DATA / "plain.xlsx", drop / "rosters" / "WX-2026A")
    first = take()
    assert first["status"] == "held" and "there is no cohort WX-2026A" in first["reason"]
    assert "there is no cohort" in (drop / "rosters/WX-2026A/plain.xlsx.errors.csv").read_text("utf-8-sig")
    open_cohort()
    (drop / "rosters" / "WX-2026A" / "photo.xlsx").write_bytes(b"photo")
    second = take()
    assert (second["status"], second["files"], second["accepted"]) == ("held", 1, 6)
    assert sorted(path.name for path in (drop / "rosters/WX-2026A").iterdir()) == [
        "photo.xlsx", "photo.xlsx.errors.csv", "plain.xlsx"
    ]  # fmt: skip


def test_the_folder_says_whose_roster_it_is(drop: Path) -> None:
    open_cohort(enterprises=TWO)
    roster(drop / "rosters" / "WX-2026A" / "a.xlsx", [late_line()])
    assert take()["accepted"] == 1
    assert {one.enterprise_code for one in rows(Nomination)} == {ENTERPRISE}
    shutil.copy(DATA / "as-sent.xlsx", drop / "rosters" / "WX-2026A")  # it names the other one
    connect(drop, OTHER_ENTERPRISE)
    account = take()
    assert account["status"] == "held" and "names another enterprise" in account["reason"]


def test_whoever_gathers_rosters_for_others_needs_them_named(drop: Path) -> None:
    open_cohort(enterprises=TWO)
    connect(drop, "13320200000000003M")
    shutil.copy(DATA / "as-sent.xlsx", drop / "rosters" / "WX-2026A")
    roster(drop / "rosters" / "WX-2026A" / "a.xlsx", [late_line()])
    account = take()
    assert account["files"] == 1 and "does not say which" in account["reason"]


def test_the_same_roster_for_two_cohorts_is_taken_for_each(drop: Path) -> None:
    open_cohort()
    (drop / "rosters" / "WX-2027A").mkdir()
    for code in ("WX-2026A", "WX-2027A"):
        roster(drop / "rosters" / code / "a.xlsx", [late_line()])
    shutil.copy(drop / "rosters/WX-2026A/a.xlsx", drop / "rosters/WX-2027A/a.xlsx")
    assert "no cohort WX-2027A" in take()["reason"]
    assert len(rows(DocumentRead)) == 1
    open_cohort(code="WX-2027A")
    assert take()["files"] == 1
    assert len(rows(DocumentRead)) == 2


def test_two_imports_at_once_are_one(drop: Path) -> None:
    open_cohort()
    shutil.copy(DATA / "plain.xlsx", drop / "rosters" / "WX-2026A")

    async def both() -> list[dict[str, Any]]:
        return await asyncio.gather(*(import_dropped_rosters("hr-files", OPENED) for _ in range(2)))

    assert {account["status"] for account in asyncio.run(both())} == {"ok"}
    assert len(rows(Nomination)) == 6 and len(rows(DocumentRead)) == 1


def test_a_folder_that_is_away_is_told_and_no_error(drop: Path) -> None:
    shutil.rmtree(drop)
    account = take()
    assert account["status"] == "failed" and "its folder is not there" in account["reason"]
