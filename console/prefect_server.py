"""A Prefect server of its own for as long as it is needed: the demo's runs are real runs.

Belongs here: starting, finding and ending the server process. Does not: any flow.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PATIENCE = 120  # seconds; a cold machine compiles Prefect's modules first
# A server for one process's own runs: nothing is scheduled on it, no worker polls it, no automation listens.
NEEDLESS = (
    "SCHEDULER", "LATE_RUNS", "EVENT_PERSISTER", "TRIGGERS", "FOREMAN", "PAUSE_EXPIRATIONS", "REPOSSESSOR",
    "CANCELLATION_CLEANUP", "CLEANUP_RECONCILER",
)  # fmt: skip
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
    **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in NEEDLESS},
}


class ServerDidNotStart(Exception):
    """The Prefect server did not answer in time; its log says why."""


def free_port() -> int:
    """Give a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """Start a Prefect server that keeps its data in `home`, give its API's address, end it afterwards.

    Raises ServerDidNotStart when it does not answer within two minutes.
    """
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    log = (home / "server.log").open("wb")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, **QUIET, "PREFECT_HOME": str(home)}
    environment.pop("PREFECT_API_URL", None)
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)  # noqa: S603
    try:
        yield _answering(process, f"http://127.0.0.1:{port}/api", home)
    finally:
        _hand_over()
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _hand_over() -> None:
    """Let Prefect's workers in this process send what they still hold, while the server is there to take it.

    They would try for a minute at the process's end otherwise, in vain.
    """
    if "prefect.events.worker" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        EventsWorker.drain_all(timeout=PATIENCE)
        APILogWorker.drain_all(timeout=PATIENCE)


def _answering(process: "subprocess.Popen[bytes]", url: str, home: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(f"{url}/health").status_code == httpx.codes.OK:
                    return url
            except httpx.TransportError:
                time.sleep(0.1)
    raise ServerDidNotStart(f"the Prefect server did not start: look into {home / 'server.log'}")
