"""How long the stall watch takes: it must grow with the open waits, not with how many workers there are."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median

import pytest

from connectors.base import Connection
from connectors.database import open_engine
from connectors.settings import Settings
from models.vault import use_keyring
from tasks.office import Office, use_office
from tasks.stalls import watch_waits
from tests.bench.programme import BEHIND_ONE, COHORTS, WAITS, fill, forget_alerts
from tests.fixtures.databases import TEST_KEYS

FEW, MANY = 30_000, 3_000_000
ROUNDS = 5
MOST_SECONDS, MOST_RATIO = 2.0, 1.3
DAY = date(2027, 4, 1)  # a Thursday: no weekly digest
ALERTS = 3_700  # those of one cohort, class or module since one day are one
CHAT = Connection(name="chat", kind="slack", organisation="", base_url="http://127.0.0.1:9")


@contextmanager
def working(url: str, home: Path) -> Iterator[Office]:
    """An office on a database, in use."""
    use_keyring(TEST_KEYS)
    settings = Settings(home=home, database_url=url, keys_file=home / "keys.toml", actor="bench", connections=(CHAT,))
    office = Office(settings, open_engine(url))
    use_office(office)
    try:
        yield office
    finally:
        use_office(None)
        office.engine.dispose()


def seconds(raised: int) -> float:
    """How long one watch takes; it must have raised so many."""
    began = time.perf_counter()
    told = asyncio.run(watch_waits(as_of=DAY))
    taken = time.perf_counter() - began
    assert told["raised"] == raised, told
    return taken


def measured(databases: dict[int, str], home: Path) -> dict[str, dict[int, list[float]]]:
    """How long a watch takes that finds everything for the first time, and one that finds it told already.

    In turns, so that other work on the machine falls on both.
    """
    taken: dict[str, dict[int, list[float]]] = {
        name: {people: [] for people in databases} for name in ("first", "again")
    }
    for place in range(ROUNDS + 1):
        for people, url in databases.items():
            with working(url, home) as office:
                forget_alerts(office.engine)
                times = {"first": seconds(raised=ALERTS), "again": seconds(raised=0)}
            for name, time_taken in times.items() if place else ():  # the first round is what happens once only
                taken[name][people].append(time_taken)
    return taken


def figures(taken: dict[int, list[float]]) -> dict[str, float]:
    """The medians, and the median of what MANY took in each turn as against FEW."""
    ratio = median(many / few for many, few in zip(taken[MANY], taken[FEW], strict=True))
    return {**{str(people): round(median(times), 3) for people, times in taken.items()}, "ratio": round(ratio, 2)}


@pytest.mark.bench
@pytest.mark.postgres
@pytest.mark.timeout(1800)
def test_the_watch_grows_with_open_waits_and_not_with_workers(
    postgres_fresh: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    databases = {FEW: postgres_fresh(), MANY: postgres_fresh()}
    for people, url in databases.items():
        with working(url, tmp_path) as office:
            fill(office.engine, people)
    found = {name: figures(taken) for name, taken in measured(databases, tmp_path).items()}
    shape = {"cohorts": COHORTS, "open_waits": WAITS, "of_whole_cohorts": WAITS // BEHIND_ONE, "alerts": ALERTS}
    most = {"seconds": MOST_SECONDS, "ratio": MOST_RATIO}
    with capsys.disabled():
        sys.stdout.write(json.dumps({"bench": "watch", "rounds": ROUNDS, **shape, **found, "most": most}) + "\n")
    assert max(one[str(MANY)] for one in found.values()) < MOST_SECONDS
    assert max(one["ratio"] for one in found.values()) <= MOST_RATIO
