"""A night's reading shared among runs: what the night needs of them, and what it does when they do not come."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from flows import shares
from flows.nightly import nightly_sync
from flows.read_sources import read_sources
from models.repositories import nights
from models.tables.operations import NightAccount
from tasks.office import Office, office, use_office
from tasks.shares import accounts_of, divide, expect_accounts, forget_accounts, read_share
from tests.faults.many import KINDS, System, World, serving
from tests.faults.test_many_sources import TOKEN, know_everyone, standing, truth, working
from tests.fixtures.cohorts import rows
from tests.fixtures.prefect_api import Prefect, served, state

DAY = date(2026, 9, 20)
SOURCES, ROWS = 10, 3  # of which the first wave has those that are no partners


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One server for the tests of this file."""
    with served(tmp_path_factory.mktemp("prefect")) as prefect:
        yield prefect


@pytest.fixture
def prefect(server: Prefect) -> Iterator[Prefect]:
    """The server without runs, and this process set to it."""
    server.forget_runs()
    with temporary_settings({PREFECT_API_URL: server.url}):
        yield server


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An office connected to ten sources that are well, of which a run reads two at once."""
    monkeypatch.setenv(TOKEN, "secret")
    monkeypatch.setattr(shares, "LOOK", 0.05)
    every = [System(number, KINDS[number % 3], ROWS) for number in range(SOURCES)]
    with serving(World(every, 0.0)) as world, working(world, sqlite_url, tmp_path):
        here = office()
        use_office(Office(here.settings.model_copy(update={"connections_at_once": 2}), here.engine, here.policies))
        know_everyone(world)
        yield world


def night(prefect: Prefect, **parameters: Any) -> str:
    """A night's run, as a deployment made it."""
    return prefect.run("nightly_sync", state("PENDING"), deployment_id=prefect.deployment("nightly_sync"),
                       parameters={"as_of": DAY.isoformat(), **parameters})  # fmt: skip


async def carried_out(flow: Any, run: str) -> Any:
    """Carry out a run as a worker's process does; give what it returned."""
    async with get_client() as client:
        found = await client.read_flow_run(UUID(run))
    ended = await run_flow_async(flow, flow_run=found, parameters=dict(found.parameters), return_type="state")
    return await ended.result()


def shared_runs(prefect: Prefect) -> list[dict[str, Any]]:
    """The runs of shares."""
    return prefect.runs("read_sources")


def deploy(prefect: Prefect) -> None:
    """The deployment of shares, under the name that nights know."""
    prefect.ask("POST", "/deployments/", name="read_sources", flow_id=prefect.flow("read_sources"))


def test_connections_are_divided_alike_and_none_is_left_out(world: World) -> None:
    names = [one.name for one in world.systems]
    for count in (1, 2, 3, 5, 10):
        found = divide(names[:count])
        assert sorted(name for share in found for name in share) == sorted(names[:count])
        assert max(map(len, found)) <= 2
        assert max(map(len, found)) - min(map(len, found)) <= 1
    assert len(divide(names)) == 5


def test_a_night_whose_shares_nobody_takes_reads_them_all_itself(prefect: Prefect, world: World) -> None:
    deploy(prefect)
    told = asyncio.run(carried_out(nightly_sync, night(prefect)))
    assert {name: one["status"] for name, one in told["connections"].items()} == {
        one.name: "ok" for one in world.systems
    }
    assert standing() == truth(list(world.systems))
    found = shared_runs(prefect)
    assert found
    assert {(one["state_type"], one["state"]["message"]) for one in found} == {
        ("COMPLETED", "the night read it itself")
    }
    assert rows(NightAccount) == []


def test_a_night_takes_the_account_of_each_share_from_the_run_that_read_it(
    prefect: Prefect, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the night reads its own share, a worker reads the others, one of them without ever saying that it ended."""
    deploy(prefect)
    own, done = shares.read_share, []

    async def while_others_work(names: Any, *given: Any) -> Any:
        if not done:
            for one in shared_runs(prefect):
                prefect.enter(one["id"], state("RUNNING"))
                await own(one["parameters"]["connections"], one["parameters"]["night"], DAY, False)
                done.append(one["id"])
        return await own(names, *given)

    monkeypatch.setattr(shares, "read_share", while_others_work)
    told = asyncio.run(carried_out(nightly_sync, night(prefect)))
    assert set(told["connections"]) == {one.name for one in world.systems}
    assert done
    assert {one["state_type"] for one in shared_runs(prefect) if one["id"] in done} == {"RUNNING"}
    assert standing() == truth(list(world.systems))


@pytest.mark.parametrize("ended", ["CRASHED", "FAILED", "CANCELLED", "COMPLETED"])
def test_a_share_whose_run_ended_without_reading_it_is_read_by_the_night(
    prefect: Prefect, world: World, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    deploy(prefect)
    own, spoilt = shares.read_share, []

    async def while_others_fail(names: Any, *given: Any) -> Any:
        for one in shared_runs(prefect):
            if one["id"] not in spoilt and one["state_type"] == "SCHEDULED":
                prefect.enter(one["id"], state(ended))
                spoilt.append(one["id"])
        return await own(names, *given)

    monkeypatch.setattr(shares, "read_share", while_others_fail)
    told = asyncio.run(carried_out(nightly_sync, night(prefect)))
    assert spoilt
    assert {one["status"] for one in told["connections"].values()} == {"ok"}
    assert standing() == truth(list(world.systems))


def test_a_night_begun_again_finds_its_runs_and_reads_no_share_twice(
    prefect: Prefect, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(prefect)
    own, read = shares.read_share, list[str]()

    async def die_after_the_second(names: Any, *given: Any) -> Any:
        if len(read) == 2:
            raise KeyboardInterrupt
        told = await own(names, *given)
        read.append(names[0])
        return told

    run = night(prefect)
    monkeypatch.setattr(shares, "read_share", die_after_the_second)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(carried_out(nightly_sync, run))
    before = [one["id"] for one in shared_runs(prefect)]
    read.append("a third")
    prefect.enter(run, state("PENDING"))
    asyncio.run(carried_out(nightly_sync, run))
    assert set(before) <= {one["id"] for one in shared_runs(prefect)}
    assert len(read) == len(set(read))
    assert standing() == truth(list(world.systems))


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_night_that_two_processes_carry_out_ends_in_both(
    prefect: Prefect, world: World, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Put back while it lived: the first to end forgets the accounts, also of shares that the other has seen already."""
    deploy(prefect)
    own, read = shares.read_share, list[str]()

    async def while_the_other_ends(names: Any, night: str, *given: Any) -> Any:
        if len(read) == 2 * after:
            forget_accounts(night, DAY)
        read.extend(names)
        assert len(read) <= 2 * SOURCES
        return await own(names, night, *given)

    monkeypatch.setattr(shares, "read_share", while_the_other_ends)
    told = asyncio.run(carried_out(nightly_sync, night(prefect)))
    assert {one["status"] for one in told["connections"].values()} == {"ok"}
    assert standing() == truth(list(world.systems))
    assert rows(NightAccount) == []


def test_a_night_waits_for_a_database_that_starts_anew(
    prefect: Prefect, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(prefect)
    own, away = nights.accounts_of, [OperationalError("SELECT", {}, psycopg.OperationalError("gone"))] * 3

    def after_a_while(session: Session, night: str) -> dict[str, Any]:
        if away:
            raise away.pop()
        return own(session, night)

    monkeypatch.setattr(nights, "accounts_of", after_a_while)
    told = asyncio.run(carried_out(nightly_sync, night(prefect)))
    assert (away, {one["status"] for one in told["connections"].values()}) == ([], {"ok"})


def test_the_state_of_a_night_names_the_sources_of_which_something_is_missing(prefect: Prefect, world: World) -> None:
    broken = world.systems[0]
    broken.ill = "status 500"
    run = night(prefect)
    asyncio.run(carried_out(nightly_sync, run))
    ended = prefect.ask("GET", f"/flow_runs/{run}")["state"]
    assert (ended["type"], ended["message"]) == (
        "COMPLETED", f"the rest was done; failed: {broken.name}; its account night-account says why",
    )  # fmt: skip


def test_without_a_deployment_of_shares_or_by_hand_the_night_is_one_process(prefect: Prefect, world: World) -> None:
    for one in prefect.ask("POST", "/deployments/filter"):
        if one["name"] == "read_sources":
            prefect.ask("DELETE", f"/deployments/{one['id']}")
    asyncio.run(carried_out(nightly_sync, night(prefect)))
    deploy(prefect)
    asyncio.run(nightly_sync(as_of=DAY))
    asyncio.run(nightly_sync.fn(as_of=DAY))
    assert shared_runs(prefect) == []
    assert standing() == truth(list(world.systems))


def test_the_run_of_a_share_tells_how_each_connection_was_read_and_keeps_its_account(
    prefect: Prefect, world: World
) -> None:
    first, second = (one.name for one in world.systems[:2])
    given = {"connections": [first, second], "night": "a-night", "as_of": DAY.isoformat()}
    expect_accounts("a-night", [first, second], DAY)
    assert accounts_of("a-night") == {}
    run = prefect.run("read_sources", state("PENDING"), parameters=given)
    assert asyncio.run(carried_out(read_sources, run)) == {first: "ok", second: "ok"}
    assert prefect.ask("GET", f"/flow_runs/{run}")["name"] == f"sources-{first}-and-1-more-{DAY}"
    assert set(accounts_of("a-night")) == {first, second}


def test_a_share_that_comes_when_its_night_is_over_reads_nothing_and_leaves_nothing(
    prefect: Prefect, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen in chaos: put back after its night had read it, it left accounts that nobody took up."""
    first = world.systems[0].name
    assert asyncio.run(read_share([first], "over", DAY, False)) == {}
    assert (standing(), rows(NightAccount)) == ({}, [])
    expect_accounts("ends", [first], DAY)

    async def read_while_it_ends(names: list[str], *_: Any) -> dict[str, Any]:
        forget_accounts("ends", DAY)
        return {name: {"status": "ok"} for name in names}

    monkeypatch.setattr("tasks.shares.sync_connections", read_while_it_ends)
    asyncio.run(read_share([first], "ends", DAY, False))
    assert rows(NightAccount) == []


def test_an_account_that_was_left_behind_is_forgotten_after_a_week(world: World) -> None:
    for name, day in (("old", date(2026, 9, 1)), ("new", date(2026, 9, 10))):
        expect_accounts(name, [world.systems[0].name], day)
    forget_accounts("another", date(2026, 9, 12))
    assert [one.night for one in rows(NightAccount)] == ["new"]
    forget_accounts("new", date(2026, 9, 12))
    assert rows(NightAccount) == []
