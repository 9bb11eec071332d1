"""prefect.yaml is found and brought to a server by Prefect's own command; what it refuses is a sentence."""

import asyncio

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import deployments
from flows.deployments import NotDeployed, apply_deployments, deployment_names, prefect_file, work_pools


def test_the_file_names_the_deployments_and_their_one_pool() -> None:
    assert prefect_file().name == "prefect.yaml"
    assert {"nightly_sync", "watch_stalls", "open_cohort"} <= set(deployment_names())
    assert work_pools() == ["yuanmeng"]


def test_a_server_that_takes_no_deployment_is_a_sentence(monkeypatch: pytest.MonkeyPatch, dead_url: str) -> None:
    """The command itself, against a server that does not answer."""

    async def made() -> None:
        """The pools are there."""

    monkeypatch.setattr(deployments, "_make_pools", made)
    monkeypatch.setenv("PREFECT_API_URL", f"{dead_url}/api")
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    settings = {PREFECT_API_URL: f"{dead_url}/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(settings), pytest.raises(NotDeployed, match="`prefect deploy --all` failed: "):
        asyncio.run(apply_deployments())
