"""Whole cohorts for the tests of this folder: the demo run once as a stranger runs it, and walks of a test's own."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from connectors.database import open_engine
from connectors.settings import read_keys
from console.demo import demo_office
from console.demo_days import Walk
from models.vault import use_keyring

ROOT = Path(__file__).parents[2]
NIGHTS = 45


@dataclass(frozen=True)
class Demo:
    """A demo that has run: its home, what it said, and how it ended."""

    home: Path
    code: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The summary it printed."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


def command(*words: str, home: Path | None = None) -> list[str]:
    """The command line of Yuanmeng in a process of its own."""
    return [sys.executable, "-m", "console", *words, *(["--home", str(home)] if home else [])]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, run once for all processes of the tests, in a process of its own on SQLite and a Prefect server."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # each process has a folder of its own in there
    kept = shared / "demo.json"
    with (shared / "demo.lock").open("w") as file:
        flock(file, LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(run_demo(shared / "demo-home")), encoding="utf-8")
    return Demo(shared / "demo-home", **json.loads(kept.read_text(encoding="utf-8")))


def run_demo(home: Path) -> dict[str, Any]:
    """Run the demo in a process of its own; give its exit code and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YUANMENG_", "PREFECT_"))}
    done = subprocess.run(
        command("demo", "--json", home=home), capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    return {"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


@pytest.fixture
def demo_session(demo: Demo) -> Iterator[Session]:
    """The database the demo left behind, to look into."""
    use_keyring(read_keys(demo.home / "keys.toml"))
    engine = open_engine(f"sqlite:///{demo.home / 'yuanmeng.db'}")
    with Session(engine) as session:
        yield session
    engine.dispose()


@contextmanager
def walking(home: Path, url: str | None = None) -> Iterator[tuple[Walk, list[date]]]:
    """An office in `home` whose flows run as plain functions, on SQLite or on the database at `url`."""
    home.mkdir(parents=True, exist_ok=True)
    with demo_office(home, served=False, database_url=url) as found:
        yield found


def live_until(walk: Walk, dates: list[date], last: date) -> None:
    """Live through the dates up to and with `last`."""

    async def go() -> None:
        for day in dates:
            if day <= last:
                await walk.live(day)

    asyncio.run(go())


@pytest.fixture
def copied_home(demo: Demo, tmp_path: Path) -> Path:
    """A copy of what the demo left behind, to be spoilt."""
    home = tmp_path / "copy"
    shutil.copytree(demo.home, home, ignore=shutil.ignore_patterns("prefect", "reports", "chat.html"))
    return home
