"""A backup or a restore killed at any instant: no half archive under its name, no half database that looks whole."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from connectors.care.contents import Contents
from connectors.database import ASIDE, NotToBeUsed, migrate
from connectors.settings import Settings
from tasks.backup import back_up, proved, restore
from tests.fixtures.care import contents, fill
from tests.fixtures.databases import opened

pytestmark = pytest.mark.usefixtures("postgres_tools")

ROOT = Path(__file__).parents[2]
ROWS = 5_000
PATIENCE = 60
BACK_UP = """
import sys
from pathlib import Path
from connectors.settings import Settings
from tasks.backup import back_up, restore
home, url, archive = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
settings = Settings(home=home, database_url=url, keys_file=home / "keys.toml", actor="tester")
{}
"""


def begin(deed: str, settings: Settings, archive: Path) -> "subprocess.Popen[bytes]":
    """Begin a backup or a restore in a process of its own."""
    words = [sys.executable, "-c", BACK_UP.format(deed), str(settings.home), settings.database_url, str(archive)]
    return subprocess.Popen(words, cwd=ROOT)


def kill_when(process: "subprocess.Popen[bytes]", is_time: Callable[[], bool]) -> bool:
    """Kill a process at the instant; False when it had ended before."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and not is_time():
        assert time.monotonic() < deadline
    process.kill()
    return process.wait() == -signal.SIGKILL


def size_of(folder: Path, pattern: str) -> int:
    """The size of the largest file that looks so; -1 where there is none."""
    sizes = [-1]
    for one in folder.glob(pattern):
        try:
            sizes.append(one.stat().st_size)
        except FileNotFoundError:
            continue
    return max(sizes)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A filled installation that takes a moment to copy."""
    fill(database_url, ROWS)
    return Settings(home=tmp_path, database_url=database_url, keys_file=tmp_path / "keys.toml", actor="tester")


def test_a_killed_backup_leaves_no_archive_under_its_name(settings: Settings, tmp_path: Path) -> None:
    """And the next one removes what it left."""
    folder, hit = tmp_path / "kept", 0
    folder.mkdir()
    for place, bytes_ in enumerate((0, 1 << 20)):
        target = folder / f"{place}.zip"
        process = begin("back_up(settings, archive)", settings, target)
        hit += kill_when(process, lambda least=bytes_: size_of(folder, ".*.ym-partial") >= least)
        assert not target.exists() or proved(target).rows
    assert hit
    back_up(settings, folder / "last.zip")
    assert size_of(folder, ".*.ym-partial") == -1
    assert proved(folder / "last.zip").tables == contents(settings.database_url)


def test_a_killed_restore_leaves_what_stood_before_or_the_whole(settings: Settings, tmp_path: Path) -> None:
    """At several instants; after each the next restore brings the whole."""
    archive = tmp_path / "kept.zip"
    back_up(settings, archive)
    whole = contents(settings.database_url)
    with opened(settings.database_url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE workers SET name = '另一人'"))
    before = contents(settings.database_url)
    hit = 0
    for instant in instants(settings):
        process = begin("restore(settings, archive, replace=True)", settings, archive)
        hit += kill_when(process, instant)
        assert_not_half(settings, before, whole)
    assert hit
    restore(settings, archive, replace=True)
    assert contents(settings.database_url) == whole
    migrate(settings.database_url)


def instants(settings: Settings) -> list[Callable[[], bool]]:
    """Instants at which a restore is under way."""
    if settings.database_url.startswith("sqlite"):
        return [lambda least=least: size_of(settings.home, ".ym-copy-*/copy.db") >= least for least in (0, 2 << 20)] + [
            lambda: size_of(settings.home, "yuanmeng.db-wal") > 0 or size_of(settings.home, "yuanmeng.db-journal") > 0
        ]
    return [lambda: is_aside(settings), lambda: is_pouring(settings)]


def is_aside(settings: Settings) -> bool:
    with opened(settings.database_url) as engine:
        return ASIDE in inspect(engine).get_schema_names()


def is_pouring(settings: Settings) -> bool:
    return sessions(settings, "pg_restore") > 0


def sessions(settings: Settings, name: str) -> int:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
    )
    with opened(settings.database_url) as engine, engine.connect() as connection:
        return int(connection.execute(query, {"name": name}).scalar_one())


def assert_not_half(settings: Settings, before: dict[str, Contents], whole: dict[str, Contents]) -> None:
    """What stood before, or all that was restored; where neither stands, nobody works on it until a restore is through."""
    if settings.database_url.startswith("sqlite"):
        assert contents(settings.database_url) in (before, whole)
        return
    deadline = time.monotonic() + PATIENCE
    while sessions(settings, "pg_restore"):  # it outlives who started it until it finds that nobody feeds it
        assert time.monotonic() < deadline
    held = contents(settings.database_url)
    assert held in (before, whole, {})
    if held != before:
        with pytest.raises(NotToBeUsed, match="run `yuanmeng restore FILE` again"):
            migrate(settings.database_url)
