"""Care for what the demo left behind: its years are backed up and restored, and forgotten without changing a figure."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.database import table_hashes
from tests.fixtures.databases import opened
from tests.journeys.conftest import ROOT, Demo, command

PERIODS = ("2023", "2024", "2025", "2026", "2024-05")
MONEY = ("ledger_lines", "awards", "funding_sources")


def typed(home: Path, *words: str, code: int = 0) -> dict[str, Any]:
    """Type a command in a process of its own, and give what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YUANMENG_", "PREFECT_"))}
    done = subprocess.run(
        command(*words, "--json", home=home), capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return found


def hashes(home: Path) -> dict[str, str]:
    with opened(f"sqlite:///{home / 'yuanmeng.db'}") as engine:
        return table_hashes(engine)


def payments(home: Path) -> tuple[list[dict[str, Any]], set[str]]:
    """The payments, and the words of their banks apart: those may name a person."""
    with opened(f"sqlite:///{home / 'yuanmeng.db'}") as engine, engine.connect() as connection:
        rows = [dict(one) for one in connection.execute(text("SELECT * FROM payments ORDER BY id")).mappings()]
    return rows, {one.pop("reason") for one in rows}


@pytest.fixture
def reports(copied_home: Path, tmp_path: Path) -> Any:
    """Gives the reports of all years as they would be written now."""

    def written() -> list[str]:
        from datetime import date

        from connectors.settings import load_settings
        from tasks.office import build_office, unit_of_work, use_office
        from tasks.report import _period, gather

        office = build_office(load_settings(copied_home))
        use_office(office)
        try:
            with unit_of_work() as session:
                return [json.dumps(gather(session, _period(one, date(2060, 1, 1))[0]), default=str) for one in PERIODS]
        finally:
            use_office(None)
            office.engine.dispose()

    return written


def test_the_demo_is_backed_up_lost_and_restored_with_the_same_hashes(demo: Demo, copied_home: Path) -> None:
    """By the command line alone; the keys come from their own backup."""
    before = hashes(copied_home)
    made = typed(copied_home, "backup")
    for one in copied_home.glob("yuanmeng.db*"):
        one.unlink()
    typed(copied_home, "init")
    assert hashes(copied_home) != before
    done = typed(copied_home, "restore", made["file"])
    assert hashes(copied_home) == before
    assert (done["rows"], done["keys"]) == (made["rows"], "")
    typed(copied_home, "restore", made["file"], code=2)


def test_the_demos_workers_are_anonymised_and_every_report_and_the_ledger_stay(copied_home: Path, reports: Any) -> None:
    """Thirty years on nobody can be found, and not a figure has changed."""
    figures, before, (paid, _) = reports(), hashes(copied_home), payments(copied_home)
    counted = typed(copied_home, "retention", "--dry-run", "--as-of", "2060-01-01")
    kept = typed(copied_home, "retention", "--as-of", "2060-01-01")
    after = hashes(copied_home)
    assert {**counted, "dry_run": False} == kept
    assert kept["anonymised"] > 20
    assert reports() == figures
    assert [after[name] for name in MONEY] == [before[name] for name in MONEY]
    assert payments(copied_home) == (paid, {""})
    assert after["workers"] != before["workers"]
