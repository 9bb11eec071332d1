"""The keeper sweeps again and again, whatever one sweep came to, and says in a sentence what could not be applied."""

import asyncio
import logging

import httpx
import pytest

from console.serve import keeper
from flows import sweeping
from flows.deployments import NotDeployed


async def test_a_sweep_that_fails_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ends = [httpx.ConnectError("no server"), ValueError("odd"), None]
    swept = asyncio.Event()

    async def sweep() -> None:
        end = ends.pop(0)
        if end is not None:
            raise end
        swept.set()
        ends.append(None)

    monkeypatch.setattr(sweeping, "sweep", sweep)
    monkeypatch.setattr(keeper, "BETWEEN", 0.0)
    with caplog.at_level(logging.WARNING):
        sweeping_on = asyncio.create_task(keeper.sweep_for_ever())
        async with asyncio.timeout(10):
            await swept.wait()
        sweeping_on.cancel()
    assert [one.getMessage() for one in caplog.records] == [
        f"the sweep for dead runs failed ({name}); the next one follows" for name in ("ConnectError", "ValueError")
    ]


async def test_what_cannot_be_applied_is_a_sentence_and_the_process_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refused() -> None:
        raise NotDeployed("`prefect deploy --all` failed: no such flow")

    monkeypatch.setattr("prefect.logging.configuration.setup_logging", lambda: None)  # this process logs as pytest will
    monkeypatch.setattr(keeper, "apply_all", refused)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        await keeper.keep(apply=True)
    assert ended.value.code == 1
    assert [one.getMessage() for one in caplog.records] == [
        "deployments and automations could not be applied: `prefect deploy --all` failed: no such flow"
    ]
    assert caplog.records[0].exc_info is None
