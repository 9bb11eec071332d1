"""Machines die, servers start anew, and the nights end as if nothing had happened, without anybody's help."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from connectors.database import migrate, table_hashes
from console.demo_days import Walk, World
from flows.sweeping import PUT_BACK
from sandbox.server import Sandbox
from tests.faults.chaos import Chaos, Office, Remote, forget_the_chat, nobody_left, working
from tests.faults.crowd import NIGHTS, OPENED, PAID, crowd
from tests.faults.delivery import key_of
from tests.faults.servers import own_postgres, own_redis
from tests.fixtures.databases import administer, opened
from tests.fixtures.machines import POSTGRES, REDIS, Machines, database, machines_in, need_servers

COHORTS = 200
QUICK = {"PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2", "PREFECT_WORKER_QUERY_SECONDS": "1"}


@contextmanager
def evening(home: Path, cohorts: int, postgres: str, redis: str) -> Iterator[tuple[Machines, Sandbox, str]]:
    """Machines, and a database where so many cohorts have been opened and nominated, on the eve of the first night."""
    with ExitStack() as stack:
        url = stack.enter_context(database(postgres, "yuanmeng_chaos"))
        migrate(url)
        box = stack.enter_context(crowd(cohorts))
        with working(home / "office", url, box) as world:
            walk = Walk(world, home / "office", served=False)
            world.travel(OPENED)
            asyncio.run(_nominated(walk))
        machines = stack.enter_context(machines_in(home, postgres, redis, **QUICK))
        stack.enter_context(nobody_left(machines))
        yield machines, box, url


async def _nominated(walk: Walk) -> None:
    await walk.open_plans(OPENED)
    await walk.import_rosters(OPENED)


def undisturbed(home: Path, url: str, box: Sandbox, days: list[date], keys: Path) -> None:
    """Live the same days with plain functions, in this process, where nothing dies."""

    async def live(walk: Walk) -> None:
        for day in days:
            await walk.live(day)

    with working(home / "calm", url, box, keys) as world:
        walk = Walk(world, home / "office", served=False)
        walk.rosters_done = taken(world)
        asyncio.run(live(walk))


def taken(world: World) -> set[str]:
    """The rosters that were taken on the eve already."""
    return {one["url"] for one in world.get("rosters") if date.fromisoformat(one["available_on"]) <= OPENED}


def copy_of(url: str) -> str:
    """A copy of a database that nobody is using, on the same server."""
    address = make_url(url)
    server = address.set(database="postgres").render_as_string(hide_password=False)
    administer(server, f"CREATE DATABASE {address.database}_calm TEMPLATE {address.database}")
    return address.set(database=f"{address.database}_calm").render_as_string(hide_password=False)


def live_through(home: Path, cohorts: int, nights: int, chaos: Chaos, box: Sandbox, url: str) -> dict[str, Any]:
    """Live so many nights at least while the machines die, and more until they no longer do; compare with a calm life."""
    calm_url, days = copy_of(url), list[date]()
    office = Office(chaos.machines)
    office.deploy()
    chaos.start_workers()
    began = time.monotonic()

    async def live(walk: Remote) -> None:
        for day in NIGHTS:
            if len(days) >= nights and time.monotonic() - began > chaos.lasts:
                break
            await walk.live(day)
            days.append(day)

    with working(home / "office", url, box) as world, chaos.raging():
        walk = Remote(world, home / "office", office=office)
        walk.rosters_done = taken(world)
        asyncio.run(live(walk))
        runs = office.all_runs()
    spent = time.monotonic() - began
    with crowd(cohorts) as other:
        undisturbed(home, calm_url, other, days, home / "office" / "keys.toml")
        compare(url, calm_url, box, other)
    assert {one["state_type"] for one in runs} == {"COMPLETED"}, Counter(one["state_type"] for one in runs)
    states = [
        state["message"] for one in runs for state in office.ask("GET", f"/flow_run_states/?flow_run_id={one['id']}")
    ]
    return {"nights": len(days), "runs": dict(Counter(one["name"].partition("-")[0] for one in runs)),
            "put back": states.count(PUT_BACK), **chaos.counts, "seconds": round(spent)}  # fmt: skip


def compare(url: str, calm_url: str, box: Sandbox, calm: Sandbox) -> None:
    """The tables are equal, and so is what the chat and the offices were sent: nothing twice, nothing lost."""
    found = []
    for one in (url, calm_url):
        forget_the_chat(one)
        with opened(one) as engine:
            found.append(table_hashes(engine))
    differ = sorted(name for name in found[0] if found[0][name] != found[1][name])
    assert not differ, differ
    assert said(box) == said(calm)
    assert max(said(box).values(), default=1) == 1
    sent = {key: digest for key, (digest, _) in box.state.posted.items()}
    assert sent == {key: digest for key, (digest, _) in calm.state.posted.items()}


def said(box: Sandbox) -> Counter[str]:
    """How often the chat shows each message, by the key it carries."""
    answer = httpx.get(f"{box.url}/_sandbox/messages", trust_env=False, timeout=30).json()
    return Counter(key_of(message) for message in answer["messages"] if key_of(message))


@pytest.mark.soak
def test_five_minutes_of_chaos_leave_what_an_undisturbed_life_leaves(tmp_path: Path) -> None:
    """A worker dies every ten seconds; Prefect's server starts anew twice, PostgreSQL and Redis once each."""
    with ExitStack() as stack:
        postgres = stack.enter_context(own_postgres(tmp_path))
        redis = stack.enter_context(own_redis(tmp_path))
        evenings = evening(tmp_path / "machines", COHORTS, postgres.url, redis.url)
        machines, box, url = stack.enter_context(evenings)
        chaos = Chaos(machines, workers=3, every=10.0, lasts=300.0, moments=[])
        chaos.moments = [
            (60.0, "Prefect restarted", chaos.restart_prefect), (120.0, "PostgreSQL restarted", postgres.restart),
            (180.0, "Prefect restarted", chaos.restart_prefect), (240.0, "Redis restarted", redis.restart),
        ]  # fmt: skip
        told = live_through(tmp_path / "machines", COHORTS, PAID + 1, chaos, box, url)
    print(f"\n{json.dumps({'soak': 'chaos', 'cohorts': COHORTS, **told}, ensure_ascii=False)}")
    assert told["Prefect restarted"] == 2
    assert any(owner == "finance" for owner, _ in box.state.posted)
    assert (told["PostgreSQL restarted"], told["Redis restarted"]) == (1, 1)


def test_a_little_chaos_leaves_what_an_undisturbed_life_leaves(tmp_path: Path) -> None:
    """Two workers die in turn, every eight seconds, and Prefect's server once."""
    need_servers()
    with evening(tmp_path / "machines", 4, POSTGRES, REDIS) as (machines, box, url):
        chaos = Chaos(machines, workers=2, every=8.0, lasts=20.0, moments=[])
        chaos.moments = [(12.0, "Prefect restarted", chaos.restart_prefect)]
        told = live_through(tmp_path / "machines", 4, 2, chaos, box, url)
    print(f"\n{json.dumps({'chaos': 'a little', 'cohorts': 4, **told}, ensure_ascii=False)}")
    assert told["worker killed with its runs"] >= 1
    assert told["Prefect restarted"] == 1
