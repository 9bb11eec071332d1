"""That Prefect does what we rely on: a schedule produces runs, runs can be listed, and a flow's form can be filled.

These versions were seen to break it (fastapi ≥ 0.151, SQLAlchemy 2.1): whoever lifts a cap will notice here.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from console.prefect_server import prefect_server
from flows.advance_cohort import advance_cohort
from flows.decide import decide
from flows.keep_house import keep_house
from flows.nightly import nightly_sync
from flows.open_cohort import open_cohort
from flows.publish_report import publish_report
from flows.read_sources import read_sources
from flows.sweeping import sweep_runs
from flows.watch_stalls import watch_stalls

FLOWS = (
    advance_cohort, decide, keep_house, nightly_sync, open_cohort, publish_report, read_sources, sweep_runs, watch_stalls,
)  # fmt: skip
PATIENCE = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server with its scheduler at work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.prefect_server.QUIET", {
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1", "PREFECT_UI_ENABLED": "false",
        })  # fmt: skip
        with prefect_server(tmp_path_factory.mktemp("prefect")) as url:
            yield url


async def _deployed(url: str) -> UUID:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: url}):
        deployment = await nightly_sync.ato_deployment("night", interval=timedelta(hours=6), tags=["test"])
        deployed: UUID = await deployment.aapply()  # type: ignore[attr-defined]
        return deployed


async def test_a_schedule_produces_runs_and_runs_can_be_listed(server: str) -> None:
    """The scheduler makes scheduled runs by itself, and the filter that every screen uses finds them."""
    deployment = await _deployed(server)
    wanted = {"deployments": {"id": {"any_": [str(deployment)]}}, "limit": 10, "sort": "EXPECTED_START_TIME_ASC"}
    runs: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE
    async with httpx.AsyncClient(base_url=server, trust_env=False, timeout=10) as client:
        while not runs and time.monotonic() < deadline:
            answer = await client.post("/flow_runs/filter", json=wanted)
            assert answer.status_code == httpx.codes.OK, answer.text
            runs = answer.json()
    assert runs
    assert {run["state_type"] for run in runs} == {"SCHEDULED"}
    assert {run["auto_scheduled"] for run in runs} == {True}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.name))
def test_a_flows_form_says_what_each_field_means(flow: Any) -> None:
    """Every parameter has a description, and none is anything but a code, a date, a choice or a word."""
    schema = flow.parameters.model_dump() if hasattr(flow.parameters, "model_dump") else dict(flow.parameters)
    for name, field in schema["properties"].items():
        assert field.get("description"), f"{flow.name}: {name}"


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.name))
def test_flows_are_asynchronous_and_live_in_modules(flow: Any) -> None:
    """A synchronous flow takes a second to end; a file path would load a second copy."""
    assert flow.isasync
    assert flow.fn.__module__.startswith("flows.")
    assert Path(str(flow.fn.__code__.co_filename)).parent.name == "flows"
