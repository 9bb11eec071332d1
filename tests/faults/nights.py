"""The evening before a night, nights that are disturbed, and what must stand afterwards.

Belongs here: copies of a database, running a night on one, comparing. Does not: the faults themselves (reading.py).
"""

import json
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, select, text
from sqlalchemy.engine import Connection

from connectors.database import open_engine, table_hashes
from connectors.settings import Settings
from models.tables.lifecycle import Application
from models.tables.operations import Quarantine, SourceVersion, SyncCursor
from models.tables.people import Worker
from models.vault import use_keyring
from tasks.gate import HUNG_ON
from tasks.office import Office, use_office
from tasks.shapes import SHAPES
from tasks.streams import CARRIES
from tests.connectors.script import Script
from tests.faults.reading import Night, nursery, read
from tests.faults.world import DAY, WEEK_AGO, YESTERDAY, World, connections
from tests.fixtures.cohorts import DATA, ENTERPRISE, OTHER_ENTERPRISE, Case, open_cohort, rows, take_roster
from tests.fixtures.databases import TEST_KEYS, opened

LONGEST = 60.0  # seconds after which a night counts as stuck
Key = tuple[str, str]


@dataclass
class Ended:
    """How a night ended: by which exit code, after how many seconds, and what it told, if it came to that."""

    code: int
    seconds: float
    accounts: dict[str, Any] = field(default_factory=dict)
    points: Counter[str] = field(default_factory=Counter)
    said: str | None = None
    aside: str = ""


@dataclass
class Eve:
    """A database as it stands in the evening, and what an undisturbed night makes of it."""

    url: str
    folder: Path
    connections: tuple[dict[str, Any], ...]
    copies: int = 0
    cursors: dict[Key, Any] = field(default_factory=dict)
    calm: Ended = field(default_factory=lambda: Ended(0, 0.0))
    hashes: dict[str, str] = field(default_factory=dict)
    streams: dict[Key, Any] = field(default_factory=dict)

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give a copy of the evening's database, and throw it away afterwards."""
        self.copies += 1
        address = make_url(self.url)
        if self.url.startswith("sqlite"):
            path = self.folder / f"night-{self.copies}.db"
            shutil.copy(str(address.database), path)
            yield f"sqlite:///{path}"
            for one in self.folder.glob(f"{path.name}*"):
                one.unlink()
            return
        name = f"{address.database}_{self.copies}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {address.database}")
        yield address.set(database=name).render_as_string(hide_password=False)
        self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = open_engine(make_url(self.url).set(database="postgres").render_as_string(hide_password=False))
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()

    def night(self, url: str, *, after: float | None = None, **given: Any) -> Ended:
        """Run a night on a database; `after` so many seconds it is killed, if it is under way still."""
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        process = nursery().Process(target=read, args=(Night(url, self.connections, told, **given),))
        began = time.monotonic()
        process.start()
        process.join(LONGEST if after is None else after)
        if process.is_alive():
            assert after is not None, f"the night does not end: {told.with_suffix('.stacks').read_text()}"
            process.kill()
            process.join()
        code, seconds = process.exitcode, time.monotonic() - began
        process.close()
        ended = Ended(code, seconds)
        if code == 0:
            found = json.loads(told.read_text(encoding="utf-8"))
            ended.accounts, ended.points = found["accounts"], Counter(found["points"])
            ended.said, ended.aside = found["said"], found["aside"]
        return ended

    def whole_night(self, url: str, **given: Any) -> Ended:
        """Run a night that nothing disturbs."""
        ended = self.night(url, **given)
        assert (ended.code, ended.said, ended.aside) == (0, None, "")
        assert {one["status"] for one in ended.accounts.values()} == {"ok"}, reasons(ended)
        return ended

    def undisturbed(self) -> None:
        """Remember what stands this evening, and what the night makes of it when nothing disturbs it."""
        with opened(self.url) as engine, engine.connect() as connection:
            self.cursors = cursors_of(connection)
        with self.copy() as url:
            self.whole_night(url, day=DAY)
        with self.copy() as url:  # the first one paid for what is done once
            self.calm = self.whole_night(url)
            with opened(url) as engine:
                self.hashes = table_hashes(engine)
                with engine.connect() as connection:
                    self.streams = streams_of(connection)

    def no_cursor_is_ahead(self, url: str) -> None:
        """Where a cursor has moved, all rows of its stream stand as after an undisturbed night.

        Where the stream does not count as read whole yet, rows may stand besides that others hang on.
        """
        with opened(url) as engine, engine.connect() as connection:
            moved = {key: row for key, row in cursors_of(connection).items() if row != self.cursors.get(key)}
            standing = streams_of(connection)
        for key, row in moved.items():
            there, wanted = standing.get(key, set()), self.streams.get(key, set())
            assert there == wanted or (row.whole_on != DAY and there > wanted), key

    def is_made_up(self, url: str) -> None:
        """The next night leaves what an undisturbed one leaves, table by table."""
        self.whole_night(url)
        with opened(url) as engine:
            found = table_hashes(engine)
        differ = sorted(name for name in found if found[name] != self.hashes[name])
        assert not differ, differ


def reasons(ended: Ended) -> dict[str, str]:
    """Why connections were not read."""
    return {name: one["reason"] for name, one in ended.accounts.items() if one["status"] != "ok"}


def cursors_of(connection: Connection) -> dict[Key, Any]:
    """Every cursor, by connection and stream."""
    found = SyncCursor.__table__  # type: ignore[attr-defined]
    return {(row.connection, row.stream): row for row in connection.execute(select(found))}


def streams_of(connection: Connection) -> dict[Key, Any]:
    """What stands of each stream: its rows with their versions, and what is held back of it.

    A row that was deleted while others hung on it goes at the end of the night, and is left out here.
    """
    held = Quarantine.__table__  # type: ignore[attr-defined]
    columns = (held.c.connection, held.c.stream, held.c.source_id, held.c.rules, held.c.cured_on)
    quarantined = [tuple(row) for row in connection.execute(select(*columns))]
    hung_on = {f"{row[0]}:{row[2]}" for row in quarantined if row[3] == HUNG_ON}
    standing: dict[Key, set[Any]] = {}
    for stream, kinds in CARRIES.items():
        for table in (SHAPES[kind].table.__table__ for kind in kinds if kind in SHAPES):  # type: ignore[attr-defined]
            for key, *rest in connection.execute(select(*table.primary_key, table.c.digest)):
                if key not in hung_on:
                    standing.setdefault((key.partition(":")[0], stream), set()).add((table.name, key, *rest))
    told = SourceVersion.__table__  # type: ignore[attr-defined]
    for row in connection.execute(select(told.c.connection, told.c.stream, told.c.source_id, told.c.digest)):
        standing.setdefault((row[0], row[1]), set()).add(tuple(row[2:]))
    for row in quarantined:
        if row[3] != HUNG_ON:
            standing.setdefault((row[0], row[1]), set()).add(row[2:])
    return standing


def prepare(url: str, folder: Path, script: Script) -> tuple[Eve, World]:
    """Bring a fresh database to the evening: a cohort that has applied, and two nights of reading."""
    use_keyring(TEST_KEYS)
    settings = Settings(home=folder, database_url=url, keys_file=folder / "keys.toml", actor="tester")
    engine = open_engine(url)
    use_office(Office(settings, engine))
    try:
        case = Case(open_cohort())
        take_roster(DATA / "plain.xlsx", case.code)
        case.bring_to("admission")
        workers = [one.resident_id for one in sorted(rows(Worker), key=lambda one: one.id)]
        applications = sorted(one.id for one in rows(Application))
    finally:
        use_office(None)
        engine.dispose()
    world = World(workers, applications)
    script.follows(world.answer)
    eve = Eve(url, folder, tuple(connections(script.url, OTHER_ENTERPRISE, ENTERPRISE)))
    eve.whole_night(url, day=WEEK_AGO)
    eve.whole_night(url, day=YESTERDAY, names=("college", "platform"), full=True)
    world.tonight = True
    eve.undisturbed()
    return eve, world


def kill_at_random(eve: Eve, number: int, seed: int) -> int:
    """Kill so many nights, each at an instant of its own; give how many were hit.

    A night that ends before its instant shows that nights are shorter now: the next instants are earlier.
    """
    instants, hit, longest = random.Random(seed), 0, eve.calm.seconds
    for _ in range(3 * number):
        with eve.copy() as url:
            ended = eve.night(url, after=instants.uniform(0.0, 1.0) * longest)
            if ended.code == 0:
                longest *= 0.9
                continue
            assert ended.code == -signal.SIGKILL
            hit += 1
            eve.no_cursor_is_ahead(url)
            eve.is_made_up(url)
        if hit == number:
            break
    return hit
