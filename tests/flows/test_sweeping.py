"""Runs left by what died are put back for any worker, a few times, then given up; those in somebody's hands are left alone."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows import sweeping
from flows.sweeping import HOST, PUT_BACK, keep_sweeping, sweep, sweep_runs, worker_name
from models.clock import now
from tasks.watch.runs import GIVEN_UP
from tests.fixtures.prefect_api import Prefect, served, state
from tests.flows.test_automations import until

ELSEWHERE = "another-machine:1"
RUNNING, SUBMITTING = state("RUNNING", name="Running"), state("PENDING", name="Submitting")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One server for the tests of this file; it keeps events."""
    with served(tmp_path_factory.mktemp("prefect"), listening=True) as prefect:
        yield prefect


@pytest.fixture
def prefect(server: Prefect) -> Iterator[Prefect]:
    """The server without runs, and this process set to it and to heartbeats every thirty seconds."""
    server.forget_runs()
    sweeping._missing.clear()
    sweeping._silent.clear()
    with temporary_settings({PREFECT_API_URL: server.url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 30}):
        yield server


def swept() -> dict[str, int]:
    """Sweep once."""
    return asyncio.run(sweep())


def taken(prefect: Prefect, worker: str, *states: dict[str, Any], flow: str = "advance_cohort") -> str:
    """A run that a worker took up."""
    deployment = prefect.deployment(flow)
    run = prefect.run(flow, *(states or (RUNNING,)), deployment_id=deployment, parameters={"cohort": "WX-2026A"})
    prefect.ask("PATCH", f"/flow_runs/{run}/labels", **{"prefect.worker.name": worker})
    return run


def found(prefect: Prefect, run: str) -> dict[str, Any]:
    """A run as it stands."""
    told: dict[str, Any] = prefect.ask("GET", f"/flow_runs/{run}")
    return told


def beat(prefect: Prefect, run: str, flow: str, seconds_ago: int = 0) -> None:
    """A run's heartbeat, as Prefect's engine sends it."""
    related = [{"prefect.resource.id": f"prefect.flow.{prefect.flow(flow)}", "prefect.resource.role": "flow",
                "prefect.resource.name": flow}]  # fmt: skip
    event = {"event": "prefect.flow-run.heartbeat", "id": str(uuid4()), "related": related, "payload": {},
             "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
             "occurred": (now() - timedelta(seconds=seconds_ago)).isoformat()}  # fmt: skip
    answer = prefect.client.post(f"{prefect.url}/events", json=[event])
    assert answer.is_success, answer.text


def later(monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    """Let the server's clock go forward."""
    at(monkeypatch, lambda: now() + timedelta(**time))


def at(monkeypatch: pytest.MonkeyPatch, present: Callable[[], datetime]) -> None:
    """Let the server tell a time of its own."""

    async def told(_: object) -> datetime:
        return present()

    monkeypatch.setattr(sweeping, "_present", told)


def test_a_run_of_this_machine_without_a_process_is_put_back_once_that_is_sure(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = taken(prefect, worker_name("1"))
    assert swept() == {"put back": 0, "given up": 0}
    assert found(prefect, run)["state_type"] == "RUNNING"
    later(monkeypatch, seconds=6)
    assert swept() == {"put back": 1, "given up": 0}
    told = found(prefect, run)
    assert (told["state_type"], told["state_name"], told["state"]["message"]) == (
        "SCHEDULED",
        "AwaitingRetry",
        PUT_BACK,
    )
    assert told["parameters"] == {"cohort": "WX-2026A"}
    assert swept() == {"put back": 0, "given up": 0}


def test_a_run_whose_process_goes_on_without_its_worker_is_left_alone(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = taken(prefect, HOST)
    words = [sys.executable, "-c", "input()"]
    with subprocess.Popen(words, env={**os.environ, "PREFECT__FLOW_RUN_ID": run}, stdin=subprocess.PIPE) as process:
        swept()
        later(monkeypatch, hours=9)
        assert swept() == {"put back": 0, "given up": 0}
        process.kill()
    swept()
    later(monkeypatch, hours=9, seconds=6)
    assert swept() == {"put back": 1, "given up": 0}


def test_a_run_that_its_worker_is_only_about_to_start_gets_more_time(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(prefect, HOST, SUBMITTING)
    swept()
    later(monkeypatch, seconds=15)
    assert swept() == {"put back": 0, "given up": 0}
    later(monkeypatch, seconds=25)
    assert swept() == {"put back": 1, "given up": 0}


def test_a_run_of_another_machine_is_put_back_when_it_stops_beating(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, beating, never = (taken(prefect, ELSEWHERE) for _ in range(3))
    beat(prefect, silent, "advance_cohort")
    beat(prefect, beating, "advance_cohort")
    kept(prefect, 2)
    later(monkeypatch, seconds=60)
    assert swept() == {"put back": 0, "given up": 0}
    beat(prefect, beating, "advance_cohort")
    kept(prefect, 3)
    between = heard(prefect, silent) + (heard(prefect, beating) - heard(prefect, silent)) / 2
    at(monkeypatch, lambda: between + timedelta(seconds=90))
    monkeypatch.setattr(sweeping, "BREATH", timedelta(0))
    assert swept() == {"put back": 1, "given up": 0}
    assert [found(prefect, run)["state_type"] for run in (silent, beating, never)] == [
        "SCHEDULED",
        "RUNNING",
        "RUNNING",
    ]


def kept(prefect: Prefect, beats: int) -> None:
    """Wait until the server has written down so many heartbeats: it gathers them for some seconds."""
    wanted = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "occurred": {"until": "2100-01-01T00:00:00Z"}}
    resources = {"resource": {"id": [f"prefect.flow-run.{one['id']}" for one in prefect.runs("advance_cohort")]}}
    until(lambda: prefect.ask("POST", "/events/filter", filter={**wanted, **resources})["total"] >= beats)


def heard(prefect: Prefect, run: str) -> datetime:
    """When the server last took a run's heartbeat."""
    wanted = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{run}"]}}
    found = prefect.ask("POST", "/events/filter", filter=wanted)["events"]
    return max(datetime.fromisoformat(one["received"]) for one in found)


def test_a_machine_whose_clock_is_wrong_puts_back_nobody_s_runs(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two minutes ahead it would put back every run of all others, again and again, until each is given up."""
    beating = taken(prefect, ELSEWHERE)
    beat(prefect, beating, "advance_cohort")
    kept(prefect, 1)
    taken(prefect, ELSEWHERE, SUBMITTING)
    taken(prefect, "", state("PENDING", name="Pending"))
    monkeypatch.setattr(sweeping, "now", lambda: now() + timedelta(hours=8))
    assert swept() == {"put back": 0, "given up": 0}


def test_a_run_whose_machine_is_behind_is_found_dead_like_any_other(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dates its beats by its own clock, before the run began."""
    run = taken(prefect, ELSEWHERE)
    beat(prefect, run, "advance_cohort", seconds_ago=3600)
    kept(prefect, 1)
    later(monkeypatch, seconds=60)
    assert swept() == {"put back": 0, "given up": 0}
    later(monkeypatch, seconds=120)
    assert swept() == {"put back": 0, "given up": 0}
    later(monkeypatch, seconds=166)
    assert swept() == {"put back": 1, "given up": 0}
    assert swept() == {"put back": 0, "given up": 0}
    assert not sweeping._silent


def test_a_server_that_was_away_finds_nobody_dead_who_lives(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    """It heard of no run meanwhile, and each machine asks it again before the others' runs have beaten."""
    run = taken(prefect, ELSEWHERE)
    beat(prefect, run, "advance_cohort")
    kept(prefect, 1)
    later(monkeypatch, minutes=10)
    assert swept() == {"put back": 0, "given up": 0}
    beat(prefect, run, "advance_cohort")
    kept(prefect, 2)
    later(monkeypatch, minutes=11)
    assert swept() == {"put back": 0, "given up": 0}


def test_the_deployed_sweep_looks_twice_where_somebody_is_silent(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a process of its own each time, which remembers nobody."""
    beat(prefect, taken(prefect, ELSEWHERE), "advance_cohort")
    kept(prefect, 1)
    looks = iter((100, 160))

    async def until_then(seconds: float) -> None:
        assert seconds == 45
        later(monkeypatch, seconds=next(looks))

    asyncio.run(until_then(45))
    monkeypatch.setattr(sweeping, "asyncio", SimpleNamespace(sleep=until_then))
    assert asyncio.run(sweep_runs.fn()) == {"put back": 1, "given up": 0}


def test_where_no_machine_beats_no_run_counts_as_silent(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    run = taken(prefect, ELSEWHERE)
    beat(prefect, run, "advance_cohort")
    kept(prefect, 1)
    later(monkeypatch, hours=9)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        assert swept() == {"put back": 0, "given up": 0}


def test_a_run_that_another_machine_took_up_and_never_began_is_put_back(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(prefect, ELSEWHERE, SUBMITTING)
    later(monkeypatch, seconds=110)
    assert swept() == {"put back": 0, "given up": 0}
    later(monkeypatch, seconds=130)
    assert swept() == {"put back": 1, "given up": 0}


def test_a_run_whose_worker_died_before_it_said_who_it_is_is_put_back(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen in chaos: it stayed pending for two minutes, for no machine knew it as its own."""
    prefect.run("nightly_sync", state("PENDING", name="Pending"), deployment_id=prefect.deployment("nightly_sync"))
    later(monkeypatch, seconds=9)
    assert swept() == {"put back": 0, "given up": 0}
    later(monkeypatch, seconds=11)
    assert swept() == {"put back": 1, "given up": 0}


def test_a_run_that_another_machine_put_back_and_took_up_meanwhile_is_left_alone(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each machine sweeps: between this one's look at its history and the last word a worker may have begun it again."""
    run = taken(prefect, ELSEWHERE, RUNNING, state("CRASHED"))
    own = PrefectClient.read_flow_run_states

    async def while_another_takes_it(client: PrefectClient, run_id: Any) -> Any:
        told = await own(client, run_id)
        prefect.enter(run, RUNNING)
        return told

    monkeypatch.setattr(PrefectClient, "read_flow_run_states", while_another_takes_it)
    assert swept() == {"put back": 0, "given up": 0}
    assert found(prefect, run)["state_type"] == "RUNNING"


def test_a_run_that_crashes_again_and_again_is_given_up(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "AGAIN", 5)
    later(monkeypatch, seconds=0)
    run, crash = taken(prefect, ELSEWHERE, RUNNING, state("CRASHED")), state("CRASHED", name="Crashed")
    pauses = []
    for _ in range(5):
        assert swept() == {"put back": 1, "given up": 0}
        told = found(prefect, run)["state"]
        pauses.append(round(told_pause(told)))
        prefect.enter(run, crash)
    assert pauses == [0, 0, 0, 5, 10]
    assert swept() == {"put back": 0, "given up": 1}
    told = found(prefect, run)
    assert (told["state_type"], told["state_name"]) == ("CRASHED", GIVEN_UP)
    assert swept() == {"put back": 0, "given up": 0}


def told_pause(told: dict[str, Any]) -> float:
    """The seconds a run that was put back waits."""
    due, entered = (datetime.fromisoformat(one) for one in (told["state_details"]["scheduled_time"], told["timestamp"]))
    return (due - entered).total_seconds()


def test_what_no_worker_can_take_and_what_crashed_long_ago_is_given_up(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefect.run("decide", RUNNING, state("CRASHED"))
    assert swept() == {"put back": 0, "given up": 1}
    taken(prefect, ELSEWHERE, RUNNING, state("CRASHED"))
    later(monkeypatch, hours=25)
    assert swept() == {"put back": 0, "given up": 1}


def test_runs_that_ended_wait_or_are_not_ours_are_left_alone(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in ("COMPLETED", "FAILED", "CANCELLED", "SCHEDULED", "PAUSED"):
        taken(prefect, HOST, state(one))
    taken(prefect, HOST, RUNNING, state("CRASHED"), flow="somebody_elses")
    later(monkeypatch, hours=9)
    assert swept() == swept() == {"put back": 0, "given up": 0}


def test_the_flow_sweeps_and_the_loop_bears_with_a_server_that_is_away(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = taken(prefect, ELSEWHERE, RUNNING, state("CRASHED"))
    assert asyncio.run(sweep_runs.fn())["put back"] == 1
    prefect.enter(run, state("CRASHED"))
    monkeypatch.setattr(sweeping, "EVERY", 0.05)
    asks, sweeps, done = [httpx.ConnectError("away"), None], [], asyncio.Event()

    async def now_and_then() -> dict[str, int]:
        if (error := asks.pop(0) if asks else None) is not None:
            raise error
        sweeps.append(await sweep())
        done.set()
        return sweeps[-1]

    monkeypatch.setattr(sweeping, "sweep", now_and_then)

    async def until_it_swept() -> None:
        loop = asyncio.create_task(keep_sweeping())
        await done.wait()
        loop.cancel()

    asyncio.run(asyncio.wait_for(until_it_swept(), 30))
    assert sweeps[0]["put back"] == 1
