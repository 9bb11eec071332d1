"""The demo as a stranger sees it: what it prints, what it leaves behind, and that it is true."""

import io
import os
import re
import sqlite3
import subprocess
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from openpyxl import load_workbook
from rich.console import Console
from sqlmodel import Session

from connectors.settings import load_settings
from console.demo import demo_office
from console.demo_summary import gather
from console.demo_tables import show
from sandbox.world import World
from tasks.office import build_office, office, use_office
from tests.journeys.conftest import NIGHTS, ROOT, Demo, command

STAGES = ["nomination", "review", "public_notice", "admission", "registration", "teaching", "exams", "recognition",
          "certification", "closed"]  # fmt: skip


def test_the_demo_ends_well_and_says_nothing_beside_its_summary(demo: Demo) -> None:
    """Exit 0; no warning, no traceback, nothing on stderr but the bar's empty lines."""
    assert demo.code == 0, demo.stderr[-2000:]
    assert demo.stderr.strip() == ""


def test_row_for_row_the_database_equals_the_truth(demo: Demo) -> None:
    """More than a thousand facts are compared, and none differs."""
    truth = demo.summary["truth"]
    assert truth["differences"] == []
    assert truth["compared"] > 1000


def test_three_cohorts_pass_through_every_stage_in_order(demo: Demo) -> None:
    """Each stage is entered on the day the one before was left, and the last is never left."""
    cohorts = demo.summary["cohorts"]
    assert [one["code"] for one in cohorts] == ["WX-2023A", "WX-2023B", "WX-2024S"]
    for one in cohorts:
        line = one["timeline"]
        assert one["stage"] == "closed"
        assert [step["stage"] for step in line] == STAGES
        assert all(a["left"] == b["entered"] for a, b in pairwise(line))
        assert line[-1]["left"] is None
        assert (int(line[-1]["entered"][:4]) - int(line[0]["entered"][:4])) >= 2


def test_the_summary_counts_people_money_alerts_and_certificates(demo: Demo) -> None:
    """Completed workers have two certificates; what was paid and not returned equals what was awarded and kept."""
    summary = demo.summary
    completed = sum(one["participants"]["completed"] for one in summary["cohorts"])
    assert summary["certificates"]["diploma"] == completed
    assert summary["certificates"]["skill"] >= completed
    for money in summary["money"].values():
        kept = Decimal(money["awarded"]) - Decimal(money["reversed"])
        assert Decimal(money["paid"]) - Decimal(money["returned"]) == kept
    assert summary["alerts"]["raised"] == summary["alerts"]["resolved"] + summary["alerts"]["open"]
    assert summary["messages"] > summary["alerts"]["raised"] > 0


def test_every_night_was_a_run_of_a_real_prefect_server(demo: Demo) -> None:
    """The server's own database holds a completed run a night, and the runs that opened cohorts and decided."""
    with sqlite3.connect(demo.home / "prefect" / "prefect.db") as prefect:
        runs = dict(prefect.execute(
            "SELECT f.name, count(*) FROM flow_run r JOIN flow f ON f.id = r.flow_id "
            "WHERE r.state_type = 'COMPLETED' GROUP BY f.name"
        ).fetchall())  # fmt: skip
        others = prefect.execute("SELECT count(*) FROM flow_run WHERE state_type <> 'COMPLETED'").fetchone()[0]
        accounts = prefect.execute("SELECT count(*) FROM artifact WHERE key = 'night-account'").fetchone()[0]
    assert NIGHTS >= 30
    assert runs["nightly_sync"] == accounts == NIGHTS
    assert runs["open_cohort"] == 3
    assert runs["decide"] > 0
    assert others == 0


def test_what_the_demo_leaves_behind_can_be_opened(demo: Demo) -> None:
    """The channel as a page, the report as a page and a workbook, the database for every other command."""
    assert "WX-2023A" in (demo.home / "chat.html").read_text(encoding="utf-8")
    assert "WX-2024S" in (demo.home / "reports" / "report.html").read_text(encoding="utf-8")
    book = load_workbook(demo.home / "reports" / "report.xlsx")
    assert len(book.worksheets[0]["A"]) == 4
    shown = subprocess.run(command("cohort", "show", "WX-2023A", home=demo.home), capture_output=True, text=True,
                           cwd=ROOT, check=False)  # fmt: skip
    assert shown.returncode == 0
    assert "closed" in shown.stdout


def test_files_with_personal_numbers_lie_in_exchange_alone_and_nothing_else_holds_one(demo: Demo) -> None:
    """No number of any person of that world is in clear in a database, log, page, report or screen."""
    people = {person.person for person in World(seed=2016).stories}
    numbers = {n.encode() for p in people for n in (p.resident_id, p.mobile, p.bank_card, p.spare_card)}
    for path in demo.home.rglob("*"):
        if path.is_file():
            inside = path.is_relative_to(demo.home / "exchange")
            assert not inside or path.stat().st_mode & 0o077 == 0, path
            assert inside or not _found(path, numbers), path
    assert not {n for n in numbers if n.decode() in demo.stdout + demo.stderr}


def _found(path: Path, numbers: set[bytes]) -> set[bytes]:
    digits = set(re.findall(rb"(?=([0-9]{17}[0-9X]))|(?=([0-9]{16,19}))|(?=(1[3-9][0-9]{9}))", path.read_bytes()))
    candidates = {one for group in digits for one in group if one}
    return candidates & numbers | {n for n in numbers if len(n) == 19 and n in path.read_bytes()}


def test_the_screen_tells_what_the_summary_does_in_words(demo: Demo, demo_session: Session) -> None:
    """Tables for people: no code without its word, every alert's kind, and what to type next."""
    use_office(build_office(load_settings(demo.home)))
    try:
        screen = Console(width=110, record=True, file=io.StringIO())
        for part in show(gather(World(seed=2016).truth(date(2026, 11, 20))), demo.home):
            screen.print(part)
    finally:
        office().engine.dispose()
        use_office(None)
    told = screen.export_text()
    for words in (
        "班级 cohort WX-2023A",
        "已离职 left the employer",
        "工会 union",
        "缺户口证明",
        "0 differ",
        "cohort show WX-2023A",
    ):
        assert words in told, words
    assert str(demo.summary["alerts"]["raised"]) and not re.search(r"[a-z]+-[a-z]+-(missing|upheld|short)", told)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    """The demo throws away an earlier demo, never a person's own files."""
    (tmp_path / "mine.txt").write_text("mine")
    done = subprocess.run(command("demo", home=tmp_path), capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "empty folder" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_what_a_person_has_set_for_an_installation_of_his_own_is_not_the_demos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His database stays untouched, and his variables are as they were when the demo is over."""
    his = {"YUANMENG_DATABASE_URL": f"sqlite:///{tmp_path / 'his.db'}", "YUANMENG_CONFIG": str(tmp_path / "his.toml"),
           "YUANMENG_SANDBOX_TOKEN": "his"}  # fmt: skip
    for name, value in his.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "home"
    home.mkdir()
    with demo_office(home, served=False):
        assert office().settings.database_url == f"sqlite:///{home / 'yuanmeng.db'}"
        assert os.environ["YUANMENG_SANDBOX_TOKEN"] != "his"
    assert {name: os.environ[name] for name in his} == his
    assert not (tmp_path / "his.db").exists()


@pytest.mark.soak
def test_the_demo_run_twice_says_the_same(demo: Demo) -> None:
    """A second run on the same folder starts from empty and ends the same."""
    again = subprocess.run(command("demo", "--json", home=demo.home), capture_output=True, text=True, cwd=ROOT,
                           check=False)  # fmt: skip
    assert again.returncode == 0
    assert again.stdout == demo.stdout
