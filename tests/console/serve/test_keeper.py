"""The keeper sweeps again and again, whatever one sweep came to, and says in a sentence what could not be applied."""

import asyncio
import logging
import os
from datetime import date, datetime, timedelta

import httpx
import pytest

from console.serve import keeper
from flows import sweeping
from flows.deployments import NotDeployed
from models.clock import SHANGHAI
from tasks import retention
from tasks.office import Office

DAY = date(2026, 5, 18)


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
    monkeypatch.setattr(retention, "tidy_files", lambda today: 0)
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


async def test_each_home_is_tidied_once_a_day_and_again_where_that_failed(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Keeping house reaches the home of one worker; rosters are read on every machine."""
    old, young = (sqlite_office.settings.home / "exchange" / name for name in ("old.checked.xlsx", "young.xlsx"))
    old.parent.mkdir()
    asked: list[date] = []

    def tidy(today: date) -> int:
        asked.append(today)
        if len(asked) == 1:
            raise PermissionError(13, "no", str(old))
        return tidied(today)

    tidied, days = retention.tidy_files, [DAY, DAY, DAY, DAY + timedelta(days=1)]
    monkeypatch.setattr(retention, "tidy_files", tidy)
    monkeypatch.setattr("models.clock.business_date", lambda: days.pop(0))
    for path in (old, young):
        path.touch()
    since = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI).timestamp()
    os.utime(old, (0, 0))
    os.utime(young, (since, since))
    last = None
    with caplog.at_level(logging.INFO):
        for expected in (None, DAY, DAY, DAY + timedelta(days=1)):
            last = await keeper.tidy_once_a_day(last)
            assert last == expected
    assert asked == [DAY, DAY, DAY + timedelta(days=1)]
    assert (old.exists(), young.exists()) == (False, True)
    assert [one.getMessage() for one in caplog.records] == [
        "old files could not be deleted (PermissionError); the next sweep tries again", "old files deleted: 1",
    ]  # fmt: skip


async def test_a_round_of_the_keeper_tidies_the_home(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    old = sqlite_office.settings.home / "exchange" / ".incoming-dead" / "roster.xlsx"
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (0, 0))

    swept, second = [0], asyncio.Event()

    async def sweep() -> None:
        swept[0] += 1
        if swept[0] == 2:
            second.set()
        raise httpx.ConnectError("no server")

    monkeypatch.setattr(sweeping, "sweep", sweep)
    monkeypatch.setattr(keeper, "BETWEEN", 0.0)
    going_on = asyncio.create_task(keeper.sweep_for_ever())
    async with asyncio.timeout(10):
        await second.wait()
    going_on.cancel()
    assert not old.exists()
