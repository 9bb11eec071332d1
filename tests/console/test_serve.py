"""`yuanmeng serve` as it is typed: from an empty folder, through the death of each of its processes, to its end.

The tests of this file share one serve, in their order, and each leaves it healthy: its start is the costly part.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.logs import CONFIG
from console.prefect_server import free_port
from console.serve import keeper
from console.serve.leash import SEAT, marked
from flows.deployments import deployment_names
from tasks.office import office, use_office
from tests.console.conftest import Type
from tests.fixtures.serves import AUTH, PATIENCE, Serve, command_line, until

ID_NUMBER, MOBILE = "32020519881102000X", "13912345678"
# A flow that logs, and fails, with numbers in all it says: as a worker's process runs one.
FAILING = f"""
import asyncio, logging
from prefect import flow
from prefect.logging import get_run_logger
from prefect.logging.configuration import setup_logging
setup_logging()

@flow(name="fails")
async def fails(cohort: str) -> None:
    get_run_logger().warning("the run logs {MOBILE}")
    logging.getLogger("tasks.sync").info("a step logs {ID_NUMBER}")
    logging.getLogger("flows.forms").error("what its sentence calls the log of this run says {ID_NUMBER}")
    try:
        raise ValueError("it broke at {ID_NUMBER}")
    except ValueError:
        get_run_logger().exception("caught")

asyncio.run(fails("WX-2026A"))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """A serve that was started on an empty folder, with a secret that must be shown, and is healthy."""
    serve = Serve(tmp_path_factory.mktemp("serve") / "home")
    serve.start()
    try:
        until(serve.is_well, lambda: (serve.screen, serve.health()))
        yield serve
    finally:
        serve.process.kill()
        serve.process.wait(10)


def test_an_empty_folder_becomes_a_home_that_is_healthy(served: Serve) -> None:
    assert {"yuanmeng.toml", "keys.toml", "yuanmeng.db", "prefect", "logs"} <= {
        path.name for path in served.home.iterdir()
    }
    status, report = served.health()
    assert (status, report["status"], report["last_night"]) == (200, "ok", None)
    assert {name: one["ok"] for name, one in report["checks"].items()} == dict.fromkeys(
        ("database", "migrated", "prefect", "parts", "deployments", "workers"), True
    )
    settings = httpx.get(f"http://127.0.0.1:{served.port}/ui-settings", trust_env=False).json()
    assert (settings["api_url"], settings["auth"]) == ("/api", "BASIC")
    until(lambda: "ready" in served.screen)
    (ready,) = (line for line in served.screen.splitlines() if "ready" in line)
    assert f"http://127.0.0.1:{served.port}" in ready
    assert f"http://127.0.0.1:{served.health_port}/healthz" in ready
    assert "Ctrl-C ends it" in ready


def test_the_coordinators_page_is_served_from_files_of_the_home(served: Serve) -> None:
    """Where the packages lie nothing may be written once it is a service; Prefect would go on without its page."""
    address = f"http://127.0.0.1:{served.port}/"
    page = httpx.get(address, headers={"Accept": "text/html"}, follow_redirects=True, trust_env=False)
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    assert {path.parent.name for path in served.home.glob("prefect/ui/*/index.html")} == {"v1", "v2"}


def test_a_second_one_on_the_folder_or_a_port_is_told_so_in_a_sentence(
    served: Serve, bare: Type, tmp_path: Path
) -> None:
    for words, sentence in (
        (("--home", str(served.home)), f"`yuanmeng serve` runs already in {served.home}: end that one first, or name "
                                       "another folder with --home\n"),
        (("--home", str(tmp_path / "a"), "--port", str(served.port)),
         f"port {served.port} of 127.0.0.1 is taken: name another with --port\n"),
        (("--home", str(tmp_path / "b"), "--port", "0", "--health-port", str(served.health_port)),
         f"port {served.health_port} of 127.0.0.1 is taken: name another with --health-port\n"),
    ):  # fmt: skip
        ended = bare("serve", *words)
        assert (ended.code, ended.out, ended.err) == (2, "", sentence)


def test_a_request_without_the_secret_is_refused_and_the_worker_runs_a_flow(served: Serve) -> None:
    assert httpx.post(f"{served.api}/flow_runs/filter", json={}, trust_env=False).status_code == 401
    assert AUTH not in "".join(command_line(pid) for pid in (served.process.pid, *marked(served.seat)))
    deployment = served.ask("GET", "/deployments/name/watch_stalls/watch_stalls")["id"]
    run = served.ask("POST", f"/deployments/{deployment}/create_flow_run")["id"]
    ended = until(
        lambda: (
            (now := served.ask("GET", f"/flow_runs/{run}"))["state_type"] not in ("SCHEDULED", "PENDING", "RUNNING")
            and now
        )
    )
    assert (ended["state_type"], ended["labels"]["prefect.worker.name"].endswith(":1")) == ("COMPLETED", True), ended
    lines = [json.loads(line) for line in (served.home / "logs" / "worker-1.log").read_text().splitlines()]
    said = [one for one in lines if one.get("flow_run_id") == run and one.get("deployment") == "watch_stalls"]
    assert {one["flow_run"] for one in said if one["message"].startswith("Finished")} == {ended["name"]}


def test_everything_is_applied_again_without_harm(served: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at each start of the keeper, here by its own function."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    def standing() -> list[tuple[str, str]]:
        kept = [*served.ask("POST", "/deployments/filter"), *served.ask("POST", "/automations/filter"),
                *served.ask("POST", "/work_pools/filter")]  # fmt: skip
        return sorted((one["name"], one["id"]) for one in kept)

    until(lambda: "automations applied" in served.screen)
    before = standing()
    for name, value in {"YUANMENG_HOME": str(served.home), "PREFECT_API_URL": served.api, "PREFECT_API_AUTH_STRING": AUTH,
                        "PREFECT_HOME": str(served.home / "prefect")}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with temporary_settings({PREFECT_API_URL: served.api, PREFECT_API_AUTH_STRING: AUTH}):
        asyncio.run(keeper.apply_all())
    office().engine.dispose()
    use_office(None)
    assert standing() == before
    assert {"yuanmeng", *deployment_names()} <= {name for name, _ in before}


def test_a_flow_that_fails_at_a_personal_number_logs_none_of_it(served: Serve) -> None:
    """Neither in its own lines nor in what Prefect's server keeps."""
    own = {"PREFECT_LOGGING_SETTINGS_PATH": str(CONFIG), "PREFECT_API_URL": served.api, "PREFECT_API_AUTH_STRING": AUTH,
           "PREFECT_HOME": str(served.home / "prefect")}  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", FAILING], env={**served.environment, **own}, capture_output=True,
                         text=True, timeout=PATIENCE)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    kept = until(lambda: [one["message"] for one in served.ask("POST", "/logs/filter") if "caught" in one["message"]])
    assert not re.search(
        f"{ID_NUMBER}|{MOBILE}", ran.stderr + ran.stdout + str(kept) + str(served.ask("POST", "/logs/filter"))
    )
    assert {one["cohort"] for one in lines if one["logger"] in ("tasks.sync", "prefect.flow_runs")} == {"WX-2026A"}
    (broken,) = (one for one in lines if "exception" in one)
    assert broken["exception"].endswith("ValueError: it broke at 320***************")
    assert "it broke at 320***************" in kept[0]
    shown = {one["message"] for one in served.ask("POST", "/logs/filter")}
    assert "what its sentence calls the log of this run says 320***************" in shown


def test_the_figures_can_be_read_by_a_monitor(served: Serve) -> None:
    text = httpx.get(f"http://127.0.0.1:{served.health_port}/metrics", trust_env=False, timeout=10).text
    read = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert read["yuanmeng_database_up",] == 1
    assert {name[1]: value for name, value in read.items() if name[0] == "yuanmeng_part_up"} == dict.fromkeys(
        ("server", "worker-1", "keeper"), 1
    )


@pytest.mark.parametrize(
    ("part", "words"), [("keeper", "console.serve.keeper"), ("worker-1", "worker start"), ("server", "server start")]
)
def test_each_process_that_is_killed_comes_back(served: Serve, part: str, words: str) -> None:
    (pid,) = served.pids(words)
    os.kill(pid, signal.SIGKILL)
    until(lambda: served.pids(words) not in ([], [pid]) and served.is_well(), lambda: (served.screen, served.health()))
    assert f"{part} ended (SIGKILL); it starts again in 0.5 s" in served.screen


def test_a_second_machine_brings_a_worker_of_its_own(
    served: Serve, bare: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same database and keys, on a machine that runs workers alone; SIGTERM ends it with 0."""
    home, port = tmp_path / "second", free_port()
    home.mkdir()
    for name in ("yuanmeng.toml", "keys.toml"):
        (home / name).write_bytes((served.home / name).read_bytes())
        (home / name).chmod(0o600)
    for name, value in {"PREFECT_API_URL": served.api, "PREFECT_API_AUTH_STRING": AUTH, SEAT: "of whoever runs the tests",
                        "YUANMENG_DATABASE_URL": f"sqlite:///{served.home / 'yuanmeng.db'}"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    wellness: list[dict[str, Any]] = []

    def end_when_well() -> None:
        second = Serve(home, health_port=port)
        until(second.is_well, second.health)
        wellness.append(second.health()[1])
        os.kill(os.getpid(), signal.SIGTERM)

    watching = threading.Thread(target=end_when_well)
    watching.start()
    ended = bare("serve", "--only", "worker", "--home", str(home), "--health-port", str(port), "--workers", "1")
    watching.join(PATIENCE)
    assert ended.code == 0, ended.err
    assert set(wellness[0]["checks"]) == {"database", "migrated", "prefect", "parts", "workers"}
    assert "ended; nothing is left running" in ended.err
    assert marked(str(next(home.glob("serve-worker-*.lock")))) == []


def test_after_the_death_of_the_supervisor_nothing_lives_on_and_a_new_start_is_healthy(served: Serve) -> None:
    """The worker is killed with it: what that one had started is no less ended."""
    assert len(marked(served.seat)) >= 3
    for pid in (*served.pids("worker start"), served.process.pid):
        os.kill(pid, signal.SIGKILL)
    served.process.wait(10)
    until(lambda: marked(served.seat) == [], lambda: [command_line(pid) for pid in marked(served.seat)])
    served.start()
    until(served.is_well, lambda: (served.screen, served.health()))


def test_a_termination_ends_all_of_it_cleanly(served: Serve) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0
    assert marked(served.seat) == []
    assert served.screen.splitlines()[-1].endswith("已停止 ended; nothing is left running")
    assert "Traceback" not in served.screen
    assert not list((served.home / "prefect").glob("scratch-*/*"))
