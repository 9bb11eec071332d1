"""Runs left Pending, Running or Crashed by a process or machine that died: put back, so that any worker takes them again.

Belongs here: which runs are dead, putting them back, giving up in the end. Does not: telling anybody (tasks/watch/runs.py).
All our flows may run again with the same parameters: what they did stands in our database. This is the one mechanism
that judges a run dead; a run that is given up stays Crashed under a name of its own, which is what the watch tells of.
"""

import asyncio
import logging
import socket
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpx
import psutil
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings
from prefect.states import AwaitingRetry, Crashed

from models.clock import now
from tasks.watch.runs import GIVEN_UP, OUR_FLOWS

AGAIN = 20  # times a run is put back before it is given up
AT_ONCE = 3  # of these without a pause: a machine that went down is no reason to wait
PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=1)
FORGOTTEN = timedelta(days=1)  # a crash that nobody took up for so long is history
GONE = timedelta(seconds=5)  # a run whose process is not there for so long is dead: its worker may be reporting the end
STARTING = timedelta(seconds=20)  # the same for a run whose process is only about to be started
CLAIMED = timedelta(seconds=10)  # a worker that took a run up says at once who it is, and that it submits it
PENDING = timedelta(minutes=2)  # a run that no worker of this machine took up may take so long to begin
MISSED = 3  # heartbeats a run may miss before it counts as dead
BREATH = timedelta(seconds=45)  # more while the server answers: one that was away has heard of who lives by then
EVERY = 5.0  # seconds between two looks
PUT_BACK = "its process or machine is gone: any worker takes it again"
UNDER_WAY = ("PENDING", "RUNNING", "CRASHED")
HOST = socket.gethostname()

logger = logging.getLogger(__name__)
_missing: dict[UUID, datetime] = {}  # states of runs of this machine without a process, since when it was noticed
_silent: dict[UUID, tuple[datetime, datetime]] = {}  # states of silent runs: their last beat, since when it was noticed


def worker_name(part: str = "") -> str:
    """Name a worker of this machine so that its runs are known by it; `part` tells two of one machine apart."""
    return f"{HOST}:{part}" if part else HOST


@flow(name="sweep_runs", flow_run_name="sweep")
async def sweep_runs() -> dict[str, int]:
    """Put back the runs of machines that died, so that any worker takes them again."""
    told = await sweep()
    if _silent:  # this process began just now: it looks again when whoever lives has beaten
        await asyncio.sleep(BREATH.total_seconds())
        told = {what: number + told[what] for what, number in (await sweep()).items()}
    return told


async def keep_sweeping() -> None:
    """Sweep again and again until cancelled; a server that does not answer is asked again later."""
    while True:
        with suppress(httpx.HTTPError, PrefectHTTPStatusError, RuntimeError):
            await sweep()
        await asyncio.sleep(EVERY)


async def sweep() -> dict[str, int]:
    """Put back every dead run of our flows, or give it up where that was tried too often; tell how many of each.

    Called every few seconds on each machine that has a worker, it finds that machine's dead runs within ten seconds;
    called anywhere, those of others by their heartbeats. Raises httpx.HTTPError when the server does not answer.
    """
    told = {"put back": 0, "given up": 0}
    async with get_client() as client:
        at = await _present(client)
        for one in await _dead(client, await _under_way(client), at):
            outcome = await _put_back(client, one, at)
            if outcome:
                told[outcome] += 1
    return told


async def _present(client: PrefectClient) -> datetime:
    """The server's present: by it states and heartbeats are dated, and a machine's own clock may be minutes off."""
    told = (await client.hello()).headers.get("date")
    return parsedate_to_datetime(told) if told else now()


async def _under_way(client: PrefectClient) -> list[FlowRun]:
    wanted = {"state": {"type": {"any_": list(UNDER_WAY)}, "name": {"not_any_": [GIVEN_UP]}}}
    return await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(OUR_FLOWS))),
        flow_run_filter=FlowRunFilter.model_validate(wanted),
    )


async def _dead(client: PrefectClient, runs: Collection[FlowRun], at: datetime) -> list[FlowRun]:
    """Of these runs those that nobody carries out any more."""
    for state in _silent.keys() - {one.state_id for one in runs}:
        del _silent[state]
    mine = [one for one in runs if _is_of_this_machine(one) and not _crashed(one)]
    gone = _without_a_process(mine, at)
    sure = [one for one in runs if _crashed(one) or one.id in gone or _is_unclaimed(one, at)]
    return sure + [one for one in runs if one not in sure and one not in mine and await _is_silent(client, one, at)]


def _crashed(run: FlowRun) -> bool:
    return run.state_type == StateType.CRASHED


def _is_unclaimed(run: FlowRun, at: datetime) -> bool:
    """Whether whoever took a run up died before it wrote down which worker it is."""
    return run.state is not None and run.state.name == "Pending" and at - run.state.timestamp > CLAIMED


def _is_of_this_machine(run: FlowRun) -> bool:
    return str(run.labels.get("prefect.worker.name", "")).partition(":")[0] == HOST


def _without_a_process(runs: Collection[FlowRun], at: datetime) -> set[UUID]:
    """Which runs that a worker of this machine took up have had no process for long enough to be sure."""
    carried = carried_here() if runs else set()
    missing = {one.state_id: one for one in runs if one.state_id is not None and one.id not in carried}
    for state in [state for state in _missing if state not in missing]:
        del _missing[state]
    return {
        one.id for state, one in missing.items()
        if at - _missing.setdefault(state, at) >= (GONE if one.state_type == StateType.RUNNING else STARTING)
    }  # fmt: skip


def carried_here() -> set[UUID]:
    """The runs that have a process on this machine: each carries its run's id in its environment."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError, KeyError, ValueError):  # others' processes, and those without a run
            found.add(UUID(process.environ()["PREFECT__FLOW_RUN_ID"]))
    return found


async def _is_silent(client: PrefectClient, run: FlowRun, at: datetime) -> bool:
    """Whether a run of another machine has stopped beating, or was taken up and never began.

    One that never beat is no proof: its machine may be told not to. The watch tells of it when it hangs for long.
    """
    since = run.state.timestamp if run.state is not None else at
    if run.state_type == StateType.PENDING:
        return at - since > PENDING
    every = get_current_settings().flows.heartbeat_frequency
    if every is None or at - since <= (silence := timedelta(seconds=MISSED * every)):
        return False
    last = await _last_beat(client, run, since)
    return last is not None and at - last > silence and _stays_silent(run, last, at)


def _stays_silent(run: FlowRun, last: datetime, at: datetime) -> bool:
    """Whether a run that missed its beats missed them in spite of a server that answered here all the while."""
    if run.state_id is None:
        return False
    heard, noticed = _silent.get(run.state_id, (last, at))
    _silent[run.state_id] = (last, noticed if heard == last else at)
    return heard == last and at - noticed >= BREATH


async def _last_beat(client: PrefectClient, run: FlowRun, since: datetime) -> datetime | None:
    """When the server last heard of a run since it began; the run itself dates its beats by its machine's clock."""
    when = {"since": since - timedelta(days=1), "until": since + timedelta(days=30)}
    wanted = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]), occurred=EventOccurredFilter.model_validate(when),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
    )  # fmt: skip
    found = await client.read_events(wanted, limit=1)  # the latest comes first
    heard = found.events[0].received if found.events else None
    return heard if heard is not None and heard >= since else None


async def _put_back(client: PrefectClient, run: FlowRun, at: datetime) -> str:
    """Let any worker take a dead run again, unless it was put back too often, or has moved on meanwhile."""
    tried = [one for one in await client.read_flow_run_states(run.id) if one.message == PUT_BACK]
    # The last question before the last word: others sweep too, and a worker may have begun it again.
    seen = await client.read_flow_run(run.id)
    if seen.state_id != run.state_id:
        return ""
    if run.deployment_id is None or len(tried) >= AGAIN or _is_history(run, at):
        words = "it was put back too often" if tried else "nobody can take it again"
        await client.set_flow_run_state(run.id, Crashed(name=GIVEN_UP, message=words), force=True)
        return "given up"
    pause = min(PAUSE * max(0, len(tried) - AT_ONCE + 1), LONGEST_PAUSE)
    state: Any = AwaitingRetry(scheduled_time=at + pause, message=PUT_BACK)
    await client.set_flow_run_state(run.id, state)
    logger.info("run %s of machine %s was put back", str(run.id)[:8], run.labels.get("prefect.worker.name", "unknown"))
    return "put back"


def _is_history(run: FlowRun, at: datetime) -> bool:
    return _crashed(run) and run.state is not None and at - run.state.timestamp > FORGOTTEN
