"""Our flows' runs that crashed, are late or hang: what Prefect knows of them, as stalls.

Belongs here: asking Prefect's API. Does not: what makes the question quicker (flows/automations.py), or alerts.
Of a run only its flow, the beginning of its id, its state and its times are taken; its parameters stay where they are.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from models.clock import SHANGHAI
from models.repositories.alerts import open_alerts
from models.rules.lifecycle import WATCH_KINDS
from models.rules.stalls import Stall, limits_of
from tasks.office import office, unit_of_work

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

OUR_FLOWS = (
    "advance_cohort", "decide", "keep_house", "nightly_sync", "open_cohort", "publish_report", "read_sources", "sweep_runs",
    "watch_stalls",
)  # fmt: skip
GIVEN_UP = "GivenUp"  # the name of the state of a crashed run that is not taken again (flows/sweeping.py)
SWEPT = timedelta(minutes=5)  # a crashed run that nobody took up for so long counts as given up: nobody sweeps
RUN_KINDS = ("run-crashed", "run-late", "run-pending")
PREFECT = "prefect"  # the subject under which the server itself is silent
PATIENCE = 20.0  # seconds for all that is asked; the watch has other things to look at
AGAIN = 2  # times a request is tried anew
PAGE = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sign:
    """What of a run says that something is wrong: the filter that finds it, and since when it is so."""

    kind: str
    wanted: dict[str, Any]
    since: Callable[["FlowRun"], datetime | None]
    latest: datetime


async def find(today: date, at: datetime) -> list[Stall]:
    """Find the flows with a run that crashed, is late or hangs at the instant `at`, one stall a flow and kind.

    It is over once a run of the same flow that began later has completed. Nothing is asked where PREFECT_API_URL is not
    set, or on a business date that was moved (runs live by the clock); a server that does not answer is itself a stall.
    Each time what was told of before stands: "not asked" is no "healed".
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url or today != _day(at):
        return _told((*RUN_KINDS, "source-silent"))
    try:
        async with asyncio.timeout(PATIENCE):
            return await _ask(url, today, at)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, RuntimeError, ValueError) as error:
        logger.warning("Prefect's server does not answer (%s)", type(error).__name__)
        return [*_told(RUN_KINDS), *(_told(("source-silent",)) or [_stall("source-silent", PREFECT, today)])]


def _told(kinds: Collection[str]) -> list[Stall]:
    """The stalls of which open alerts speak already."""
    with unit_of_work() as session:
        return [
            Stall(alert.kind, alert.holder, alert.level, alert.since, alert.due_on, subject=alert.subject)
            for alert in open_alerts(session, kinds)
            if alert.kind in RUN_KINDS or alert.subject == PREFECT
        ]


def _stall(kind: str, subject: str, since: date) -> Stall:
    return Stall(kind, WATCH_KINDS[kind].holder, 1, since, since, subject=subject)


async def _ask(url: str, today: date, at: datetime) -> list[Stall]:
    """Ask the server; only a flow with trouble costs more than the first questions."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    first: dict[tuple[str, str], datetime] = {}
    with temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: AGAIN}):
        async with get_client(httpx_settings={"timeout": PATIENCE / 2}) as client:
            for sign in _signs(today, at):
                for flow in await _flows_with(client, sign):
                    began = await _first(client, sign, flow)
                    if began is not None:
                        key = (sign.kind, flow)
                        first[key] = min(began, first.get(key, began))
    return [_stall(kind, flow, _day(began)) for (kind, flow), began in sorted(first.items())]


def _day(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()


def _signs(today: date, at: datetime) -> list[Sign]:
    """The signs, with the limits that hold today; of a run that hangs, before it begins and before it ends.

    A failed run of a form told whoever filled it in; one that its schedule made told nobody.
    """
    (late, *_), (pending, running, *_) = _minutes("run-late", today), _minutes("run-pending", today)
    return [
        Sign("run-crashed", _state("CRASHED"), _given_up, at),
        Sign("run-crashed", {**_state("FAILED"), "tags": {"all_": ["auto-scheduled"]}}, _entered, at),
        Sign("run-late", {**_state("SCHEDULED"), "next_scheduled_start_time": {"before_": at - late}}, _due, at - late),
        Sign("run-pending", _state("PENDING"), _entered, at - pending),
        Sign("run-pending", {**_state("RUNNING"), "start_time": {"before_": at - running}}, _began, at - running),
    ]


def _minutes(kind: str, today: date) -> list[timedelta]:
    return [timedelta(minutes=limit.days) for limit in limits_of(kind, office().policy(today))]


def _state(kind: str) -> dict[str, Any]:
    return {"state": {"type": {"any_": [kind]}}}


def _entered(run: "FlowRun") -> datetime | None:
    return run.state.timestamp if run.state is not None else None


def _given_up(run: "FlowRun") -> datetime | None:
    """Since when a crashed run is not to be taken again; most are within seconds, and are no trouble."""
    entered = _entered(run)
    return entered if entered is None or run.state_name == GIVEN_UP else entered + SWEPT


def _due(run: "FlowRun") -> datetime | None:
    return run.next_scheduled_start_time


def _began(run: "FlowRun") -> datetime | None:
    return run.start_time


async def _flows_with(client: "PrefectClient", sign: Sign) -> list[str]:
    """Which of our flows have a run with this sign, be it long since made good."""
    from prefect.client.schemas.filters import FlowRunFilter

    wanted = FlowRunFilter.model_validate(sign.wanted)
    return [flow.name for flow in await client.read_flows(flow_filter=_named(*OUR_FLOWS), flow_run_filter=wanted)]


async def _first(client: "PrefectClient", sign: Sign, flow: str) -> datetime | None:
    """Since when a flow shows this sign without a later run that completed; None if it does not, or not long enough."""
    completed = await _last_completed(client, flow)
    for run in await _runs(client, flow, sign.wanted, "EXPECTED_START_TIME_ASC", after=completed):
        since = sign.since(run)
        if since is not None and since <= sign.latest:
            logger.info("%s: run %s is %s since %s", flow, str(run.id)[:8], run.state_name, since.isoformat())
            return since
    return None


async def _last_completed(client: "PrefectClient", flow: str) -> datetime | None:
    """When the latest run that completed began."""
    runs = await _runs(client, flow, _state("COMPLETED"), "START_TIME_DESC", limit=1)
    return (runs[0].start_time or runs[0].expected_start_time) if runs else None


async def _runs(
    client: "PrefectClient", flow: str, wanted: dict[str, Any], sort: str, *,
    limit: int = PAGE, after: datetime | None = None,
) -> "list[FlowRun]":  # fmt: skip
    """Runs of a flow; `after`: only those that began, or were to begin, later."""
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    begins = {**wanted.get("start_time", {}), **({"after_": after} if after is not None else {})}
    filters = FlowRunFilter.model_validate({**wanted, **({"start_time": begins} if begins else {})})
    return await client.read_flow_runs(
        flow_filter=_named(flow), flow_run_filter=filters, sort=FlowRunSort(sort), limit=limit
    )


def _named(*names: str) -> Any:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    return FlowFilter(name=FlowFilterName(any_=list(names)))
