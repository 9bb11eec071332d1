"""A night's reading in a process of its own, which dies or loses its database at a named point.

Belongs here: the process. Does not: what it reads (world.py), or what must stand afterwards (nights.py).
A server that has imported everything forks each of these processes, so that a night costs what it reads.
"""

import asyncio
import faulthandler
import gc
import io
import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import psycopg
from sqlalchemy import event, make_url
from tqdm import tqdm

from connectors import database
from connectors.base import Connection
from connectors.settings import Settings
from console.errors import explain
from models.tables import METADATA
from models.vault import use_keyring
from tasks import points, reading
from tasks.connections import sync_order
from tasks.gates import suites
from tasks.gates.rules import RULES, rules_of
from tasks.office import Office, office, use_office
from tasks.sync import sync_connections
from tests.connectors.script import Theatre
from tests.faults.world import DAY, TOKEN_ENV, World, connections
from tests.fixtures.databases import TEST_KEYS

BATCH_ROWS = 600
BUSY_MILLISECONDS = 200
STUCK = 45.0  # seconds after which a night says where it stands
HERE = __name__


@dataclass(frozen=True)
class Night:
    """What a process is to do: read on a day, and suffer a fault when it has reached a point so many times."""

    url: str
    connections: tuple[dict[str, Any], ...]
    told: Path
    day: date = DAY
    names: tuple[str, ...] = ()
    fault: str = ""
    point: str = ""
    nth: int = 1
    full: bool = False


@dataclass
class Watch:
    """Counts the points that are reached, in all threads, and lets the fault happen at its own."""

    night: Night
    reached: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, point: str) -> None:
        """A point was reached."""
        with self.lock:
            self.reached.append(point)
            if point == self.night.point and self.reached.count(point) == self.night.nth:
                FAULTS[self.night.fault](self.night)


def _die(_: Night) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _cut_off(night: Night) -> None:
    """The server ends every session of the database, whatever it is doing."""
    with psycopg.connect(_plain(night.url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                      "WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip


def _stop_the_server(night: Night) -> None:
    """The server stops at once, as when its machine goes down."""
    with psycopg.connect(_plain(night.url)) as other:
        folder = other.execute("SHOW data_directory").fetchone()
    assert folder is not None
    os.kill(int((Path(folder[0]) / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    while (Path(folder[0]) / "postmaster.pid").exists():
        time.sleep(0.01)


_held: list[sqlite3.Connection] = []


def _lock_the_file(night: Night) -> None:
    """Another command writes and does not end."""
    _held.append(sqlite3.connect(str(make_url(night.url).database), isolation_level=None))
    _held[-1].execute("PRAGMA busy_timeout = 30000")
    _held[-1].execute("BEGIN IMMEDIATE")


def _fill_the_disk(_: Night) -> None:
    """From now on the file cannot grow."""
    _full.append(True)


_full: list[bool] = []
FAULTS: dict[str, Callable[[Night], None]] = {
    "kill": _die, "cut": _cut_off, "stop": _stop_the_server, "lock": _lock_the_file, "full": _fill_the_disk,
    "": lambda _: None,
}  # fmt: skip


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def read(night: Night) -> None:
    """Read as told, and write down the accounts, the points reached, and the sentence if there was an error."""
    os.environ[TOKEN_ENV] = "secret"
    tqdm.set_lock(RLock())  # its own is shared by all that were forked: one killed while it holds it stops the others
    database.BUSY_MILLISECONDS = BUSY_MILLISECONDS if night.fault == "lock" else database.BUSY_MILLISECONDS
    reading.BATCH_ROWS = BATCH_ROWS
    use_keyring(TEST_KEYS)
    home = night.told.parent
    settings = Settings(home=home, database_url=night.url, keys_file=home / "keys.toml", actor="tester",
                        connections=tuple(Connection(**one) for one in night.connections))  # fmt: skip
    engine = database.open_engine(night.url)
    event.listen(engine, "begin", _no_room)
    use_office(Office(settings, engine))
    stacks = night.told.with_suffix(".stacks").open("w")
    faulthandler.dump_traceback_later(STUCK, file=stacks)
    logging.getLogger().addHandler(logging.NullHandler())  # as in the command line, where no library's log is shown
    watch, aside = Watch(night), io.StringIO()
    points.watch(watch)
    told: dict[str, Any] = {"accounts": {}, "said": None}
    with redirect_stderr(aside):
        try:
            told["accounts"] = asyncio.run(_all(night))
        except Exception as error:  # noqa: BLE001  (told as the command line would)
            told["said"] = explain(error)[0]
    faulthandler.cancel_dump_traceback_later()
    stacks.close()
    told["points"], told["aside"] = Counter(watch.reached), aside.getvalue()
    night.told.write_text(json.dumps(told), encoding="utf-8")


def _no_room(connection: Any) -> None:
    if _full:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def _all(night: Night) -> dict[str, Any]:
    """Read wave by wave, as the night does."""
    accounts: dict[str, Any] = {}
    for wave in sync_order():
        wanted = [name for name in wave if not night.names or name in night.names]
        accounts |= await sync_connections(wanted, night.day, night.full)
    return accounts


@cache
def nursery() -> Any:
    """Where processes come from: a server that has imported all they need, and opened nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{HERE}_warm"])
    return context


def warm_up() -> None:
    """Do once what takes its time only once: ask each rule of the gates, and live a small night."""
    tqdm.monitor_interval = 0  # no thread of its own
    for rules in map(rules_of, RULES):
        for asked in (rules, *((rule,) for rule in rules)):
            suites.suite_of(asked)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/warm.db"
        engine = database.open_engine(url)
        METADATA.create_all(engine)
        engine.dispose()
        theatre = Theatre()
        theatre.open().follows(World(["1", "2", "3"], [], people=3, tonight=True).answer)
        read(Night(url, tuple(connections(theatre.url, "school", "enterprise")), Path(folder) / "told.json"))
        theatre.close()
    office().engine.dispose()
    gc.collect()
    gc.freeze()
