"""A server as a process: started on a free port of this machine, awaited, and stopped with all its children.

Belongs here: what is the same for every peer. Does not: what is installed (environments.py) or asked of a peer.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

PATIENCE = 60.0  # seconds until a server must answer
ATTEMPTS = 3  # another process may take the free port first
Command = Callable[[int], Sequence[str | Path]]
Knock = Callable[[str], None]  # raises OSError or httpx.TransportError while nobody answers at an address


class NotStarted(Exception):
    """A server ended or kept silent; the text is what it printed."""


def by_http(url: str) -> None:
    """Ask over HTTP for anything at all."""
    with httpx.Client(trust_env=False, timeout=5) as http:
        http.get(url)


def by_ssh(url: str) -> None:
    """Wait for the first words of an SSH server."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 22), timeout=5) as connection:
        if connection.recv(4) != b"SSH-":
            raise ConnectionError


@contextmanager
def serving(
    command: Command, folder: Path, path: str = "/", settings: Mapping[str, str] | None = None, knock: Knock = by_http
) -> Iterator[str]:
    """Run the server that `command` gives for a port, in `folder`, and give its address once `path` is answered.

    It gets none of this process's variables but PATH: no secret, no proxy, no configuration of this machine.
    """
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8", **(settings or {})}
    process, url = _started(command, folder, path, env, knock)
    try:
        yield url
    finally:
        _stop(process)


def _started(
    command: Command, folder: Path, path: str, env: Mapping[str, str], knock: Knock
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server, on another port where the first one was taken meanwhile."""
    output = folder / "output.txt"
    for _ in range(ATTEMPTS):
        port = _free_port()
        with output.open("wb") as file:
            process = subprocess.Popen(
                command(port), cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        if _answers(process, f"{url}{path}", knock):
            return process, url
        _stop(process)
        if "in use" not in output.read_text(errors="replace"):
            break
    raise NotStarted(f"{command(0)[0]} does not answer, and printed:\n{output.read_text(errors='replace')}")


def _free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], url: str, knock: Knock) -> bool:
    """Ask until the server answers anything at all; False when it ended or its time is up."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            knock(url)
        except (OSError, httpx.TransportError):
            time.sleep(0.05)
        else:
            return process.poll() is None
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process group: politely, then not."""
    for way in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, way)
            process.wait(10)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()
