"""A night killed at any instant: the next one leaves what an undisturbed night leaves, table by table."""

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from connectors.database import open_engine
from tasks.office import office
from tests.fixtures.databases import BACKENDS
from tests.journeys.conftest import ROOT, command, live_until, walking
from tests.journeys.test_twice import environment, hashes, twin_of

SEED, SHORT, LONG = 2016, 2, 100
NIGHT = date(2023, 6, 26)  # admissions come in, an alert is settled, a notice is behind, applications wait


@dataclass
class Eve:
    """The evening before a night: a database to copy, and what the undisturbed night makes of it, in how many seconds."""

    url: str
    home: Path
    folder: Path
    undisturbed: dict[str, str]
    seconds: float
    copies: int = 0

    def copy(self) -> str:
        """A copy of the evening's database."""
        self.copies += 1
        folder = self.folder / str(self.copies)
        folder.mkdir()
        return twin_of(self.url, folder) if self.url.startswith("sqlite") else self._postgres_copy()

    def _postgres_copy(self) -> str:
        address = make_url(self.url)
        name = f"{address.database}_{self.copies}"
        engine = open_engine(address.set(database="postgres").render_as_string(hide_password=False))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {address.database}"))
        engine.dispose()
        return address.set(database=name).render_as_string(hide_password=False)

    def night(self, url: str) -> "subprocess.Popen[str]":
        """Start the night on a database."""
        line = command("sync", "--as-of", NIGHT.isoformat(), "--json", home=self.home)
        return subprocess.Popen(line, cwd=ROOT, env=environment(url), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)  # fmt: skip

    def whole_night(self, url: str) -> float:
        """Run the night to its end; give how many seconds it took."""
        began = time.monotonic()
        process = self.night(url)
        _, said = process.communicate(timeout=120)
        assert process.returncode in (0, 1), said
        assert said == ""
        return time.monotonic() - began


@pytest.fixture(params=BACKENDS)
def eve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Eve]:
    """The evening before the night, on SQLite and on PostgreSQL."""
    home = tmp_path / "home"
    fresh: Callable[[], str] | None = None if request.param == "sqlite" else request.getfixturevalue("postgres_fresh")
    url = fresh() if fresh else f"sqlite:///{home / 'yuanmeng.db'}"
    with walking(home, url) as (walk, dates):
        live_until(walk, dates, max(day for day in dates if day < NIGHT))
        walk.world.travel(NIGHT)
        asyncio.run(walk.answer_inbox(NIGHT))
        office().engine.dispose()  # PostgreSQL copies a database only while nobody is connected
        found = Eve(url, home, tmp_path, {}, 0.0)
        calm = found.copy()
        found.seconds = found.whole_night(calm)
        found.undisturbed = hashes(calm)
        assert found.undisturbed != hashes(url)
        yield found


def kill_many(eve: Eve, number: int) -> int:
    """Kill so many nights, each on a copy of its own at an instant of its own, and let the next one end; give how many.

    A night that ends before its instant shows that nights are shorter now: the next instants are earlier.
    """
    instants, hit, longest = random.Random(SEED), 0, eve.seconds
    for _ in range(3 * number):
        url = eve.copy()
        process = eve.night(url)
        try:
            process.wait(instants.uniform(0.2, 1.0) * longest)
            longest *= 0.7
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        hit += process.returncode == -signal.SIGKILL
        eve.whole_night(url)
        assert hashes(url) == eve.undisturbed
        if hit == number:
            break
    return hit


@pytest.mark.postgres
def test_a_night_killed_at_a_few_instants_is_made_up_by_the_next(eve: Eve) -> None:
    assert kill_many(eve, SHORT) == SHORT


@pytest.mark.soak
def test_a_night_killed_at_many_instants_is_made_up_by_the_next(eve: Eve) -> None:
    hit = kill_many(eve, LONG)
    print(f"\nnights killed: {hit} of {LONG}; a night takes {eve.seconds:.1f} s; seed {SEED}")
    assert hit == LONG
