"""prefect.yaml is found and brought to a server by Prefect's own command; what it refuses is a sentence."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import deployments
from flows.deployments import NotDeployed, apply_deployments, deployment_names, prefect_file, work_pools
from tests.fixtures.prefect_api import Prefect, served


@pytest.fixture
def prefect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prefect]:
    """An empty server, to which this process and the command that deploys are set."""
    with served(tmp_path) as server, temporary_settings({PREFECT_API_URL: server.url}):
        monkeypatch.setenv("PREFECT_API_URL", server.url)
        yield server


def standing(prefect: Prefect) -> dict[str, dict[str, Any]]:
    """The deployments as the server keeps them, by name."""
    return {one["name"]: one for one in prefect.ask("POST", "/deployments/filter")}


def at_work(prefect: Prefect) -> set[str]:
    """The slugs of the schedules that make runs."""
    found = [one for one in standing(prefect).values() if not one["paused"]]
    return {schedule["slug"] for one in found for schedule in one["schedules"] if schedule["active"]}


def test_the_file_names_the_deployments_and_their_one_pool() -> None:
    assert prefect_file().name == "prefect.yaml"
    assert {"nightly_sync", "watch_stalls", "open_cohort"} <= set(deployment_names())
    assert work_pools() == ["yuanmeng"]


def test_a_server_that_takes_no_deployment_is_a_sentence(monkeypatch: pytest.MonkeyPatch, dead_url: str) -> None:
    """The command itself, against a server that does not answer."""

    async def made() -> None:
        """The pools are there."""

    async def nothing() -> dict[str, Any]:
        """Nothing stands paused."""
        return {}

    monkeypatch.setattr(deployments, "_make_pools", made)
    monkeypatch.setattr(deployments, "_standing", nothing)
    monkeypatch.setenv("PREFECT_API_URL", f"{dead_url}/api")
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    settings = {PREFECT_API_URL: f"{dead_url}/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(settings), pytest.raises(NotDeployed, match="`prefect deploy --all` failed: "):
        asyncio.run(apply_deployments())


def test_what_a_person_paused_stays_paused_when_everything_is_applied_again(prefect: Prefect) -> None:
    """A whole deployment by the switch of Prefect's page; a schedule by its own, beside one that a person added there."""
    asyncio.run(apply_deployments())
    before = standing(prefect)
    every = at_work(prefect)
    assert {"every-night", "working-hours", "sunday-night"} < every
    night, watch = before["nightly_sync"], before["watch_stalls"]
    own = {"schedule": {"cron": "0 3 * * 6", "timezone": "Asia/Shanghai"}, "active": True}
    prefect.ask("PATCH", f"/deployments/{night['id']}", paused=True)
    prefect.ask("PATCH", f"/deployments/{watch['id']}/schedules/{watch['schedules'][0]['id']}", active=False)
    answer = prefect.client.post(f"{prefect.url}/deployments/{watch['id']}/schedules", json=[own])
    assert answer.is_success, answer.text
    asyncio.run(apply_deployments())
    assert {name: one["id"] for name, one in standing(prefect).items()} == {
        name: one["id"] for name, one in before.items()
    }
    assert standing(prefect)["nightly_sync"]["paused"]
    assert at_work(prefect) == every - {"every-night", "working-hours"}
