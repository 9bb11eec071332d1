"""What a schedule made for an earlier business date ends at once; what a person asked for, or what began in time, does not."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import lateness
from flows.lateness import overtaken
from flows.nightly import nightly_sync
from flows.watch_stalls import watch_stalls
from models.clock import SHANGHAI, business_date, now
from tasks.office import Office
from tests.fixtures.prefect_api import Prefect, served, state


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prefect, Path]]:
    """One server for the tests of this file, and the file it keeps its runs in."""
    home = tmp_path_factory.mktemp("prefect")
    with served(home) as prefect, temporary_settings({PREFECT_API_URL: prefect.url}):
        yield prefect, home / "prefect.db"


def made_by_a_schedule(server: tuple[Prefect, Path], flow: str, due: datetime, **parameters: Any) -> str:
    """A run as the scheduler made it, due at an instant: no request can say that, only the server's own file."""
    prefect, file = server
    run = prefect.run(flow, state("PENDING"), deployment_id=prefect.deployment(flow), parameters=parameters)
    with closing(sqlite3.connect(file, timeout=30)) as opened, opened:
        values = (due.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"), str(UUID(run)))
        opened.execute("UPDATE flow_run SET auto_scheduled = 1, expected_start_time = ? WHERE id = ?", values)
    return run


async def carried_out(flow: Any, run: str) -> Any:
    """Carry out a run as a worker's process does; give its last state."""
    async with get_client() as client:
        found = await client.read_flow_run(UUID(run))
    await run_flow_async(flow, flow_run=found, parameters=dict(found.parameters), return_type="state")
    async with get_client() as client:
        return (await client.read_flow_run(UUID(run))).state


@pytest.mark.parametrize("flow", [nightly_sync, watch_stalls], ids=lambda flow: str(flow.name))
def test_a_run_that_was_due_last_week_completes_with_a_sentence_and_does_nothing(
    server: tuple[Prefect, Path], sqlite_office: Office, flow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("it did something")

    monkeypatch.setattr("flows.nightly.sync_order", never)
    monkeypatch.setattr("flows.watch_stalls.watch_waits", never)
    due = now() - timedelta(days=7)
    ended = asyncio.run(carried_out(flow, made_by_a_schedule(server, str(flow.name), due)))
    assert ended.is_completed()
    day = due.astimezone(SHANGHAI).date()
    assert ended.message == (
        f"it was due on {day}, and nothing was done: the run of {business_date()} covers that day too"
    )


def test_a_run_that_is_due_today_however_late_does_its_work(
    server: tuple[Prefect, Path], sqlite_office: Office
) -> None:
    midnight = datetime.combine(business_date(), datetime.min.time(), SHANGHAI)
    ended = asyncio.run(carried_out(nightly_sync, made_by_a_schedule(server, "nightly_sync", midnight)))
    assert ended.is_completed() and ended.message is None


def test_a_night_that_a_person_starts_for_an_earlier_day_does_its_work(
    server: tuple[Prefect, Path], sqlite_office: Office
) -> None:
    prefect, _ = server
    run = prefect.run("nightly_sync", state("PENDING"), deployment_id=prefect.deployment("nightly_sync"),
                      parameters={"as_of": "2026-09-01"})  # fmt: skip
    ended = asyncio.run(carried_out(nightly_sync, run))
    assert ended.is_completed() and ended.message is None


def test_a_run_that_began_in_time_and_was_put_back_after_midnight_goes_on(
    server: tuple[Prefect, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its day is over, but no other night did its work."""
    yesterday = now() - timedelta(days=1)
    run = made_by_a_schedule(server, "nightly_sync", yesterday)

    class Context:
        flow_run: Any = None

    async def look() -> Any:
        async with get_client() as client:
            Context.flow_run = (await client.read_flow_run(UUID(run))).model_copy(update={"start_time": yesterday})
        monkeypatch.setattr(lateness.FlowRunContext, "get", lambda: Context)
        return overtaken()

    assert asyncio.run(look()) is None


def test_outside_a_run_nothing_is_too_late() -> None:
    assert overtaken() is None
