"""`yuanmeng take-runs`: it works on the pool under its machine's name until it is asked to stop, and wants a server."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from console.__main__ import run
from flows.working import worker
from tasks.office import office, use_office
from tests.fixtures.prefect_api import Prefect, served

PATIENCE = 60


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that was set up, and this process as it was afterwards."""
    monkeypatch.setattr("console.run._home", None)
    monkeypatch.setattr("console.commands.runs.NEEDED", {})
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("YUANMENG_HOME", str(tmp_path))
    assert run(["init", "--home", str(tmp_path)]) == 0
    yield tmp_path
    office().engine.dispose()
    use_office(None)


def test_without_a_server_it_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["take-runs", "--home", str(home)]) == 2
    assert capsys.readouterr().err.startswith("PREFECT_API_URL is not set: give the address")


def test_it_works_under_its_machines_name_until_it_is_asked_to_stop(
    home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with served(tmp_path_factory.mktemp("prefect")) as prefect, temporary_settings({PREFECT_API_URL: prefect.url}):
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        prefect.ask("POST", "/work_pools/", name="yuanmeng", type="process")
        seen: list[str] = []
        before = signal.getsignal(signal.SIGTERM)
        watching = Thread(target=stop_once_seen, args=(prefect, seen))
        watching.start()
        try:
            assert run(["take-runs", "--home", str(home), "--name", "2", "--limit", "1"]) == 0
        finally:
            watching.join(PATIENCE)
            signal.signal(signal.SIGTERM, before)
    assert seen == [f"{socket.gethostname()}:2"]


def stop_once_seen(prefect: Prefect, seen: list[str]) -> None:
    """Ask this process to stop once the server knows its worker."""
    deadline = time.monotonic() + PATIENCE
    while not seen and time.monotonic() < deadline:
        seen += [one["name"] for one in prefect.ask("POST", "/work_pools/yuanmeng/workers/filter")]
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("named", [None, "the engine of somebody else"])
def test_a_run_is_started_at_once_unless_its_deployment_names_another_command(named: str | None) -> None:
    """The engine itself, not a process that first fetches code: each start of Python takes seconds."""
    made = worker("yuanmeng")
    configuration: Any = made.job_configuration(command=named)
    from uuid import uuid4

    from prefect.client.schemas.objects import FlowRun

    configuration.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4()))
    assert configuration._command_configured
    assert configuration.command == named if named else configuration.command.endswith("-m prefect.engine")
