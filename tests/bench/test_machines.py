"""What many machines gain and what Prefect costs: three workers against one, and a night with Prefect against none.

Sources take 200 ms for each answer, as schools do from afar; there are more of them than one run reads at once.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from connectors.settings import create_keys, load_settings
from console.prefect_server import prefect_server
from flows.nightly import nightly_sync
from sandbox.server import Sandbox
from tasks.office import build_office, office, use_office
from tests.faults.chaos import nobody_left, working
from tests.faults.crowd import NIGHTS, OPENED, crowd
from tests.faults.many import System, World, serving
from tests.faults.test_chaos import Walk, copy_of
from tests.faults.test_many_sources import know_everyone
from tests.fixtures.databases import opened
from tests.fixtures.machines import Machines, machines_in, need_servers, office_database, until

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
LAG = 0.2  # seconds for each answer
AT_ONCE, SOURCES, ROWS, PAGE = 8, 48, 24, 2
DAY = date(2026, 9, 20)
TOKEN = "MACHINES_TOKEN"
COHORTS = 300
TWICE, MOST = 2.0, 1.5


class FarAway(System):
    """A school that is asked page by page, two rows each."""

    @property
    def is_whole(self) -> bool:
        """Down to the marks."""
        return True

    def body(self, path: str, offset: int) -> Any:
        """A page."""
        told = super().body(path, offset)
        return {what: rows[:PAGE] for what, rows in told.items()}


@dataclass
class Night:
    """How long a night took from its own beginning to its end, and what of that went into starting processes."""

    seconds: float
    starts: float
    shares: int


@contextmanager
def office_of(world: World, url: str, home: Path) -> Iterator[None]:
    """Settings and keys in a folder, and what the rows refer to in the database."""
    home.mkdir(parents=True)
    lines = [f"connections_at_once = {AT_ONCE}", f'database_url = "{url}"']
    for one in world.systems:
        told = one.connection(world.url, TOKEN)
        lines += ["[[connections]]", *(f"{name} = {json.dumps(getattr(told, name))}" for name in
                                       ("name", "kind", "organisation", "base_url")),
                  f'auth = {{ type = "bearer", token_env = "{TOKEN}" }}']  # fmt: skip
    (home / "yuanmeng.toml").write_text("\n".join(lines), encoding="utf-8")
    create_keys(home / "keys.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN, "secret")
        use_office(build_office(load_settings(home)))
        know_everyone(world)
        office().engine.dispose()
        use_office(None)
    yield


def night_of(machines: Machines, workers: int, home: Path) -> Night:
    """Run one night with so many workers, each of which carries out one run at once."""
    processes = [
        machines.start(f"{home.name}-{number}", "take-runs", "--name", str(number), "--limit", "1", module="console",
                       YUANMENG_HOME=str(home), MACHINES_TOKEN="secret")
        for number in range(workers)
    ]  # fmt: skip
    for process in processes:
        until(lambda process=process: "started!" in process.said, 300)
    run = machines.trigger("nightly_sync", as_of=DAY.isoformat()).json()["id"]
    ended = machines.finished(run, 900)
    assert ended["state_type"] == "COMPLETED", ended["state"]
    shares = [
        one for one in machines.runs("read_sources") if one["labels"].get("prefect.worker.name") and one["start_time"]
    ]
    mine = [one for one in shares if one["start_time"] >= ended["start_time"]]
    starts = [_starting(machines, one["id"]) for one in mine]
    for process in processes:
        process.power_off()
    machines.running = {name: one for name, one in machines.running.items() if one not in processes}
    # Workers start side by side: what counts is the longest row of starts that one of them waited for.
    return Night(_seconds(ended["start_time"], ended["end_time"]), sum(starts) / max(1, workers - 1), len(mine))


def _starting(machines: Machines, run: str) -> float:
    """The seconds from a worker's taking a run up until its process began it."""
    states = {one["name"]: one["timestamp"] for one in machines.ask("GET", f"/flow_run_states/?flow_run_id={run}")}
    return _seconds(states["Pending"], states["Running"])


def _seconds(began: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def test_three_workers_read_far_sources_at_least_twice_as_fast_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_servers()
    systems = [FarAway(number, "oneroster", ROWS, "slow") for number in range(SOURCES)]
    nights: dict[int, Night] = {}
    with serving(World(systems, LAG)) as world, machines_in(tmp_path / "machines") as machines, nobody_left(machines):
        machines.make_pool()
        done = machines.run_once("deploy", "--all")
        assert done.returncode == 0, done.stderr
        for one in machines.ask("POST", "/deployments/filter"):
            for schedule in one["schedules"]:
                machines.ask("PATCH", f"/deployments/{one['id']}/schedules/{schedule['id']}", active=False)
        for workers in (1, 3):
            with office_database() as url, office_of(world, url, tmp_path / f"office-{workers}"):
                nights[workers] = night_of(machines, workers, tmp_path / f"office-{workers}")
                with opened(url) as engine, engine.connect() as asked:
                    learners = asked.exec_driver_sql("SELECT count(*) FROM learners").scalar()
                assert learners == SOURCES * ROWS
    one, three = nights[1], nights[3]
    told = {
        "bench": "machines", "sources": SOURCES, "at once in a run": AT_ONCE, "ms an answer": LAG * 1000,
        "seconds": {"one worker": round(one.seconds, 1), "three workers": round(three.seconds, 1)},
        "shares read by others": three.shares, "of it starting processes": round(three.starts, 1),
        "times as fast": round(one.seconds / three.seconds, 2),
        "without process starts": round(one.seconds / (three.seconds - three.starts), 2),
    }  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(json.dumps(told) + "\n")
    assert one.seconds / (three.seconds - three.starts) >= TWICE, told


@pytest.fixture
def eve(tmp_path: Path) -> Iterator[tuple[str, Sandbox]]:
    """A database where three hundred cohorts are opened and have lived one night: the next has news of each."""
    need_servers()
    with office_database() as url, crowd(COHORTS) as box:
        with working(tmp_path / "office", url, box) as world:
            walk = Walk(world, tmp_path / "office", served=False)

            async def begin() -> None:
                world.travel(OPENED)
                await walk.open_plans(OPENED)
                await walk.import_rosters(OPENED)
                await walk.live(NIGHTS[0])
                world.travel(NIGHTS[1])
                await walk.answer_inbox(NIGHTS[1])

            asyncio.run(begin())
        yield url, box


def test_a_night_with_prefect_takes_at_most_half_as_long_again(
    eve: tuple[str, Sandbox], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, box = eve
    day, seconds = NIGHTS[1], dict[str, float]()

    def timed(how: str, work: Any, database: str) -> Any:
        with working(tmp_path / how, database, box, tmp_path / "office" / "keys.toml"):
            began = time.perf_counter()
            told = asyncio.run(work())
            seconds[how] = time.perf_counter() - began
            return told

    calm = copy_of(url)
    with prefect_server(tmp_path / "prefect") as api, temporary_settings({PREFECT_API_URL: api}):
        httpx.get(f"{api}/health", trust_env=False).raise_for_status()
        served = timed("prefect", lambda: nightly_sync(as_of=day), url)
    direct = timed("direct", lambda: nightly_sync.fn(as_of=day), calm)
    assert served["cohorts"] == direct["cohorts"]
    told = {"bench": "prefect", "cohorts": served["cohorts"], "seconds": {how: round(one, 2) for how, one in seconds.items()},
            "times as long": round(seconds["prefect"] / seconds["direct"], 2), "cores": os.cpu_count()}  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(json.dumps(told) + "\n")
    assert seconds["prefect"] <= MOST * seconds["direct"], told
