"""Three hundred sources in one night, of which some are dead, slow or broken: the night ends, the others are complete."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import stamina
from sqlalchemy import make_url, text

from connectors.database import open_engine
from connectors.settings import Settings
from models.repositories.common import add_missing
from models.tables.organisations import Organisation
from models.tables.people import Worker
from models.vault import use_keyring
from tasks.office import Office, office, unit_of_work, use_office
from tasks.source import worker_key
from tasks.sync import sync_connections
from tests.faults.many import BROKEN, DEAD_ONES, RESIDENT_ID, Ill, System, World, refusing, serving, silent, systems
from tests.fixtures.databases import TEST_KEYS

SOURCES, ROWS, LAG = 300, 4, 0.1
BENCH_ROWS, BENCH_LAG = 200, 1.0
MOST_FOR_THE_DEAD = 10.0  # seconds by which they make a night longer
SORTS: dict[str, tuple[Ill, ...]] = {"dead": ("dead",), "slow": ("slow",), "broken": BROKEN, "well": ("",)}
TODAY, TOMORROW = date(2026, 9, 20), date(2026, 9, 21)
TOKEN = "MANY_SOURCES_TOKEN"
# What stands of each connection, with the id first.
TOLD = (
    "SELECT id, student_number FROM learners", "SELECT id, learner_id, score FROM marks",
    "SELECT id, employee_number FROM employments", "SELECT id, hours FROM leaves",
)  # fmt: skip
Accounts = dict[str, dict[str, Any]]


@dataclass
class Night:
    """What one night made of all sources, and how long it took."""

    accounts: Accounts
    seconds: float

    def spent(self, those: Sequence[System]) -> float:
        """How many seconds their streams took, one after another."""
        streams = (stream for one in those for stream in self.accounts[one.name]["streams"].values())
        return round(float(sum(stream["seconds"] for stream in streams)), 1)

    def named(self) -> set[str]:
        """The connections that the account says were not read in full."""
        return {name for name, told in self.accounts.items() if told["status"] != "ok"}


@contextmanager
def working(world: World, database: str, home: Path) -> Iterator[None]:
    """An office connected to all sources, that knows their organisations and one worker."""
    use_keyring(TEST_KEYS)
    connections = tuple(one.connection(world.url, TOKEN) for one in world.systems)
    settings = Settings(home=home, database_url=database, keys_file=home / "keys.toml", actor="tester",
                        connections=connections)  # fmt: skip
    use_office(Office(settings, open_engine(database)))
    try:
        yield
    finally:
        office().engine.dispose()
        use_office(None)


def know_everyone(world: World) -> None:
    """Write what the sources' rows refer to."""
    worker = Worker(id=worker_key(RESIDENT_ID), name="职工", sex="male", birth_on=date(1990, 1, 1),
                    resident_id=RESIDENT_ID, resident_id_hash="h", resident_id_masked="320214********0011")  # fmt: skip
    with unit_of_work() as session:
        add_missing(session, worker)
        for one in world.systems:
            add_missing(session, Organisation(code=one.organisation, name=one.name))


def night(those: Sequence[System], today: date) -> Night:
    """Read these once."""
    began = time.perf_counter()
    accounts = asyncio.run(sync_connections([one.name for one in those], as_of=today))
    return Night(accounts, time.perf_counter() - began)


def standing() -> dict[str, list[tuple[str, ...]]]:
    """What stands of each connection."""
    found: dict[str, list[tuple[str, ...]]] = {}
    with office().engine.connect() as connection:
        for query in TOLD:
            for row in connection.execute(text(query)):
                name = str(row[0]).partition(":")[0]
                found.setdefault(name, []).append(tuple(_plain(value) for value in row))
    return {name: sorted(rows) for name, rows in found.items()}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else f"{float(value):g}"


def truth(those: list[System]) -> dict[str, list[tuple[str, ...]]]:
    """What should stand of each of these."""
    return {one.name: sorted(one.truth) for one in those}


@pytest.fixture
def known_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret that the connections name."""
    monkeypatch.setenv(TOKEN, "secret")


def test_a_night_with_dead_slow_and_broken_sources_ends_and_names_them(
    sqlite_url: str, tmp_path: Path, known_token: None
) -> None:
    with refusing(DEAD_ONES) as dead, serving(World(systems(SOURCES, ROWS, dead), LAG)) as world:
        ill = world.of("dead", *BROKEN)
        names = {one.name for one in ill}
        with working(world, sqlite_url, tmp_path):
            know_everyone(world)
            first = night(world.systems, TODAY)
            assert standing() == truth([one for one in world.systems if one.name not in names])
        assert_names(first, ill)
        world.recover()
        with working(world, sqlite_url, tmp_path):
            second = night([one for one in world.systems if one.name in names or one.number % 5 == 0], TOMORROW)
            assert standing() == truth(list(world.systems))
    assert second.named() == set()
    assert {name for name, told in second.accounts.items() if _sum(told, "written")} == names


def assert_names(told: Night, ill: list[System]) -> None:
    """The account names exactly these, with a sentence each; of a dead system no second stream was asked."""
    assert len(ill) == DEAD_ONES + len(BROKEN)
    assert told.named() == {one.name for one in ill}
    for one in ill:
        account = told.accounts[one.name]
        assert account["status"] == "failed"
        assert_is_one_sentence(account["reason"], one.name)
        if one.dead_url:
            assert len(account["streams"]) == 1


def assert_is_one_sentence(reason: str, name: str) -> None:
    """A sentence that names the connection and says what to do."""
    assert reason.startswith(f"{name}: ")
    assert "\n" not in reason and ". " not in reason and "Traceback" not in reason
    assert reason.count(name) == 1, reason


def _sum(account: dict[str, Any], what: str) -> int:
    return sum(stream[what] for stream in account["streams"].values())


@pytest.mark.bench
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", [refusing, silent])
def test_dead_sources_cost_a_night_seconds(
    way: Any, database_urls: Callable[[], str], tmp_path: Path, known_token: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the pauses of a real night: one over all sources, against one over all but the dead."""
    with (
        stamina_as_it_is(),
        way(DEAD_ONES) as dead,
        serving(World(systems(SOURCES, BENCH_ROWS, dead), BENCH_LAG)) as world,
    ):
        nights = {}
        for which, those in (("without", [one for one in world.systems if one.ill != "dead"]), ("with", world.systems)):
            database = database_urls()
            with working(world, database, tmp_path / which):
                know_everyone(world)
                nights[which] = night(those, TODAY)
                assert standing() == truth(world.of("", "slow"))
    seconds = {one: nights["with"].spent(world.of(*which)) for one, which in SORTS.items()}
    figures = {"bench": "many sources", "database": make_url(database).get_backend_name(), "dead hosts": way.__name__,
               "sources": SOURCES, "night": {which: round(one.seconds, 1) for which, one in nights.items()}}  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(json.dumps({**figures, "spent on, one after another": seconds}) + "\n")
    assert nights["with"].seconds - nights["without"].seconds < MOST_FOR_THE_DEAD


@contextmanager
def stamina_as_it_is() -> Iterator[None]:
    """Retries wait as they do in production."""
    stamina.set_testing(False)
    try:
        yield
    finally:
        stamina.set_testing(True, attempts=100, cap=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_urls(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Callable[[], str]:
    """Gives a new database at each call."""
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("postgres_fresh")
        return fresh
    numbers = count()

    def copied() -> str:
        return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / f'{next(numbers)}.db')}"

    return copied
