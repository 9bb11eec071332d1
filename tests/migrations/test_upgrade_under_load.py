"""A database of an earlier Yuanmeng is brought up to date with its data while others read and write, and none of them fails."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from connectors.care.contents import contents_of
from connectors.database import alembic_config, migrate
from tests.fixtures.care import fill
from tests.fixtures.databases import opened
from tests.migrations.test_migrations import HERE, MIGRATE

PREVIOUS = [version.revision for version in ScriptDirectory.from_config(alembic_config()).walk_revisions()][1]
LONGEST = 5.0  # seconds nobody at work may wait
PATIENCE = 60


def go_back(url: str, revision: str) -> dict[str, int]:
    """Make a filled database of an earlier version; give the rows of its tables."""
    migrate(url)
    fill(url)
    with opened(url) as engine, engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    return rows(url)


def rows(url: str) -> dict[str, int]:
    with opened(url) as engine, engine.connect() as connection:
        return {name: held.rows for name, held in contents_of(connection).items()}


class Work:
    """Somebody at work: transactions that read and write the rows that every version has, one after the other."""

    def __init__(self) -> None:
        self.done, self.longest, self.failed = 0, 0.0, ""

    def go_on(self, engine: Engine, over: threading.Event) -> None:
        """Work until it is over."""
        try:
            while not over.is_set():
                began = time.monotonic()
                with engine.begin() as connection:
                    connection.execute(text("SELECT count(*) FROM marks")).scalar_one()
                    connection.execute(text("UPDATE workers SET education = 'x'"))
                    connection.execute(text("UPDATE sync_cursors SET reason = 'x'"))
                self.longest = max(self.longest, time.monotonic() - began)
                self.done += 1
        except Exception as error:  # noqa: BLE001  (it is told in the test's own thread)
            self.failed = repr(error)


@contextmanager
def working(url: str) -> Iterator[Work]:
    """Somebody at work for as long as the context lasts."""
    work, over = Work(), threading.Event()
    with opened(url) as engine:
        thread = threading.Thread(target=work.go_on, args=(engine, over))
        thread.start()
        try:
            wait_until(lambda: work.done > 5 or bool(work.failed))
            yield work
        finally:
            over.set()
            thread.join(PATIENCE)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("revision", sorted({"0008", PREVIOUS}))
def test_an_earlier_database_is_upgraded_with_its_data_while_others_work(empty_url: str, revision: str) -> None:
    before = go_back(empty_url, revision)
    with working(empty_url) as work:
        migrate(empty_url)
        done = work.done
        wait_until(lambda: work.done > done + 5 or bool(work.failed))
    assert work.failed == ""
    assert work.longest < LONGEST
    after = rows(empty_url)
    assert {name: after[name] for name in before} == before


@pytest.mark.postgres
def test_two_upgrades_at_once_beside_work_are_one(postgres_fresh: Callable[[], str]) -> None:
    empty_url = postgres_fresh()
    before = go_back(empty_url, "0008")
    line = [sys.executable, "-c", MIGRATE, empty_url]
    with working(empty_url) as work:
        running = [subprocess.Popen(line, cwd=HERE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        ended = [(process.communicate(timeout=120)[1], process.returncode) for process in running]
    assert ended == [("", 0)] * 2
    assert work.failed == ""
    after = rows(empty_url)
    assert {name: after[name] for name in before} == before


@pytest.mark.postgres
def test_a_long_transaction_keeps_the_upgrade_waiting_and_nobody_else(postgres_fresh: Callable[[], str]) -> None:
    """Whoever waits for a table would make everybody else wait behind it; so the upgrade gives up soon, and comes again."""
    url = postgres_fresh()
    go_back(url, "0008")
    with opened(url) as engine:
        with engine.begin() as long, working(url) as work:
            long.execute(text("SELECT count(*) FROM marks"))  # as a backup of a large table does
            upgrade = subprocess.Popen(
                [sys.executable, "-c", MIGRATE, url], cwd=HERE, stderr=subprocess.PIPE, text=True
            )
            wait_until(lambda: asked_for_tables(engine) or upgrade.poll() is not None)
            done, until = work.done, time.monotonic() + 2
            wait_until(lambda: time.monotonic() > until)
            assert upgrade.poll() is None
            assert work.done > done + 5
            assert work.longest < 2.0
        assert upgrade.communicate(timeout=120) == (None, "")
        assert work.failed == ""
        assert "documents_read" in inspect(engine).get_table_names()


def asked_for_tables(engine: Engine) -> bool:
    """Whether somebody waits for all tables."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LOCK TABLE%' AND state = 'active'"
    with engine.connect() as connection:
        return bool(connection.execute(text(query)).scalar_one())


def test_a_folder_that_is_missing_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="unable to open"):
        migrate(f"sqlite:///{tmp_path / 'none' / 'yuanmeng.db'}")


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """Names stand in it in clear; what SQLite puts beside it follows the file."""
    migrate(f"sqlite:///{tmp_path / 'yuanmeng.db'}")
    assert (tmp_path / "yuanmeng.db").stat().st_mode & 0o777 == 0o600
