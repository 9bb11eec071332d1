"""`yuanmeng roster import`: every row of the rosters that came, and files that are none."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from models.rules.privacy import holds_personal_number
from tests.connectors.sheets import GOOD, HEADER, bomb, workbook
from tests.console.conftest import DAY, Ended, Type

ROSTERS = ("plain.xlsx", "as-sent.xlsx", "as-sent.csv")


def importing(typed: Type, path: Path, cohort: str, *more: str) -> Ended:
    """Import a roster."""
    return typed("roster", "import", str(path), "--cohort", cohort, *DAY, *more)


def expected(data: Path, name: str) -> dict[str, tuple[str, list[str]]]:
    """The status and rules each row should get."""
    rows = json.loads((data / "expected.json").read_text(encoding="utf-8"))[name]["rows"]
    return {
        number: (what, []) if isinstance(what, str) else (what["status"], [what["rule"]])
        for number, what in rows.items()
    }


def contents(home: Path) -> list[str]:
    """Everything in a home's database."""
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("name", ROSTERS)
def test_every_row_gets_the_status_and_the_rule_it_should(typed: Type, cohort: str, data: Path, name: str) -> None:
    ended = importing(typed, data / name, cohort, "--json")
    # The first rule is the one that decides; what else is to be settled in the row stands behind it.
    told = {str(row["row"]): (row["status"], row["rules"][:1]) for row in ended.json["rows"]}
    assert told == expected(data, name)
    statuses = [status for status, _ in told.values()]
    assert [ended.json[one] for one in ("accepted", "held", "refused")] == [
        statuses.count(one) for one in ("accepted", "held", "refused")
    ]
    assert ended.code == (1 if set(statuses) != {"accepted"} else 0)
    assert ended.err == ""


def test_the_expected_statuses_are_those_of_the_shared_rosters(data: Path) -> None:
    shared = Path(__file__).parents[3] / "shared" / "rosters"
    if not shared.is_dir():
        pytest.skip("the shared rosters are not on this machine")
    for name in (*ROSTERS, "expected.json"):
        assert (data / name).read_bytes() == (shared / name).read_bytes()


def test_each_row_that_is_not_accepted_says_why_in_words(typed: Type, cohort: str, data: Path) -> None:
    rows = importing(typed, data / "as-sent.xlsx", cohort, "--json").json["rows"]
    for row in rows:
        assert bool(row["reasons"]) == (row["status"] != "accepted")
        assert all(len(reason) > 8 and not reason.isascii() for reason in row["reasons"])


def test_the_screen_shows_each_row_that_needs_a_person_and_no_number(typed: Type, cohort: str, data: Path) -> None:
    rows = importing(typed, data / "as-sent.xlsx", cohort, "--json").json["rows"]
    ended = importing(typed, data / "as-sent.xlsx", cohort)
    shown = {line.split("│")[1].strip() for line in ended.out.splitlines() if line.startswith("│")} - {""}
    assert shown == {str(row["row"]) for row in rows if row["status"] != "accepted"}
    assert all(reason[:12] in ended.out for row in rows for reason in row["reasons"])
    assert not holds_personal_number(ended.out)


@pytest.mark.parametrize("name", ROSTERS)
def test_a_copy_of_the_sheet_carries_the_reasons(typed: Type, cohort: str, data: Path, home: Path, name: str) -> None:
    ended = importing(typed, data / name, cohort, "--json")
    copy = Path(ended.json["copy"])
    assert copy.parent == home / "exchange"
    assert copy.stat().st_mode & 0o777 == 0o600
    told = [reason for row in ended.json["rows"] for reason in row["reasons"]]
    if copy.suffix == ".csv":
        assert "结果 result,原因 reason" in copy.read_bytes().decode("gb18030")
        return
    sheets = load_workbook(copy).worksheets
    texts = {str(cell.value) for sheet in sheets for line in sheet.iter_rows() for cell in line}
    assert "原因 reason" in texts
    assert all(any(reason in text for text in texts) for reason in told)


def test_the_same_roster_again_changes_nothing(typed: Type, cohort: str, data: Path, home: Path) -> None:
    first = importing(typed, data / "as-sent.xlsx", cohort, "--json")
    before = contents(home)
    second = importing(typed, data / "as-sent.xlsx", cohort, "--json")
    assert (second.code, second.json) == (first.code, first.json)
    assert contents(home) == before


def test_a_corrected_roster_settles_what_was_refused(typed: Type, cohort: str, tmp_path: Path) -> None:
    wrong = (GOOD[0], GOOD[1], GOOD[2][:-1] + "8", *GOOD[3:])
    for line, statuses in ((wrong, (0, 1)), (GOOD, (1, 0))):
        said = importing(typed, workbook(tmp_path / "r.xlsx", [HEADER, line]), cohort, "--json").json
        assert (said["accepted"], said["refused"]) == statuses


def foreign(folder: Path) -> Path:
    """A sheet about something else."""
    return workbook(folder / "foreign.xlsx", [["Produkt", "Preis"], ["Schraube", 1]])


def no_workbook(folder: Path) -> Path:
    """A page saved under a workbook's name."""
    path = folder / "page.xlsx"
    path.write_text("<html>login</html>")
    return path


def empty(folder: Path) -> Path:
    """A file without anything."""
    path = folder / "empty.xlsx"
    path.touch()
    return path


def gigabyte(folder: Path) -> Path:
    """A workbook that unpacks to a gigabyte."""
    return bomb(folder / "bomb.xlsx")


@pytest.mark.parametrize("make", [no_workbook, empty, foreign, gigabyte])
def test_a_file_that_is_no_roster_gets_one_sentence_and_changes_nothing(
    typed: Type, cohort: str, home: Path, tmp_path: Path, make: Any
) -> None:
    before, files = contents(home), sorted(home.rglob("*"))
    ended = importing(typed, make(tmp_path), cohort, "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err
    assert contents(home) == before
    assert sorted(home.rglob("*")) == files


def test_a_cohort_that_is_not_there_is_named_with_what_to_do(typed: Type, data: Path) -> None:
    ended = importing(typed, data / "plain.xlsx", "WX-2099Z")
    assert ended.code == 2
    assert ended.err == "there is no cohort WX-2099Z: open it first with `yuanmeng cohort open PLAN.toml`\n"


def test_an_enterprise_outside_the_plan_is_not_taken(typed: Type, cohort: str, data: Path) -> None:
    ended = importing(typed, data / "plain.xlsx", cohort, "--enterprise", "91320200MA1TEXT99X")
    assert ended.code == 2
    assert "--enterprise CODE" in ended.err


def test_a_roster_without_read_permission_or_file_is_wrong_use(typed: Type, cohort: str, tmp_path: Path) -> None:
    ended = importing(typed, tmp_path / "absent.xlsx", cohort)
    assert (ended.code, ended.err.count("\n")) == (2, 1)


def test_a_refused_row_is_lifted_by_its_id_with_a_reason(typed: Type, cohort: str, data: Path) -> None:
    rows = {row["row"]: row for row in importing(typed, data / "as-sent.xlsx", cohort, "--json").json["rows"]}
    lifted = typed("decide", rows[12]["id"], "approve", "--reason", "18 before teaching starts", *DAY, "--json")
    assert (lifted.code, lifted.json["decided"]) == (0, [rows[12]["id"]])
    unreadable = typed("decide", rows[9]["id"], "approve", "--reason", "known to us", *DAY, "--json")
    assert unreadable.code == 2
    assert "cannot be read" in unreadable.json["refused"][0]["reason"]


def test_a_roster_may_lie_anywhere(typed: Type, cohort: str, data: Path, tmp_path: Path) -> None:
    away = tmp_path / "名单 2026 (终稿).xlsx"
    shutil.copy(data / "plain.xlsx", away)
    assert importing(typed, away, cohort, "--json").json["accepted"] == 6
