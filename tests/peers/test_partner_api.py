"""The document of the partner API held against the sandbox by schemathesis, which nobody here wrote.

One partner is played that offers everything: each stream is answered by the office of the sandbox that has it.
"""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.base import Connection
from connectors.partner import PARSERS
from connectors.registry import open_connector
from models.records import Unreadable
from sandbox.app import make_app
from sandbox.organisations import ENTERPRISES
from sandbox.wire import names
from sandbox.wire.names import SECRET
from tests.connectors.script import Script
from tests.docs.partner_api import DOCUMENT, POSTS, STREAMS
from tests.peers.conftest import SECRET_ENV, Ready
from tests.peers.environments import SCHEMATHESIS

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

DAY = "2024-02-29"
ROOT = "/partner/v1/"
OWNERS = {
    stream: owner
    for offered in (names.STREAMS, names.POSTS)
    for owner, streams in offered.items()
    for stream in streams
}


class Everything:
    """One partner with all streams and resources: each request goes to the office that has what it names."""

    def __init__(self, sandbox: ASGIApp) -> None:
        """Stand before a sandbox."""
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request to the office that has what it names."""
        if scope["type"] == "http" and scope["path"].startswith(ROOT):
            owner = OWNERS.get(scope["path"].removeprefix(ROOT), "school")
            owner = ENTERPRISES[0].path if owner == "hr" else owner
            scope = {**scope, "path": f"/{owner}{scope['path']}", "raw_path": None}
        await self._sandbox(scope, receive, send)


class Careless:
    """The same with three faults: it asks nobody for the token, forgets when rows changed, and calls all errors 418."""

    def __init__(self, partner: ASGIApp) -> None:
        """Stand before a partner."""
        self._partner = partner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, carelessly."""

        async def spoil(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                message = {**message, "status": 418}
            if message["type"] == "http.response.body":
                message = {**message, "body": message.get("body", b"").replace(b"updated_at", b"updated_on")}
            await send(message)

        let_in = (b"authorization", f"Bearer {SECRET}".encode())
        await self._partner({**scope, "headers": [*scope.get("headers", ()), let_in]}, receive, spoil)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve a partner on loopback, on a day on which much has happened."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that Nagle is off
    listener.bind(("127.0.0.1", 0))
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        httpx.put(f"{url}/_sandbox/today", json={"date": DAY}, trust_env=False).raise_for_status()
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def schemathesis(ready: Ready) -> Path:
    """The Python that has schemathesis."""
    return ready(SCHEMATHESIS).python


def place(url: str) -> str:
    """A cursor that the partner gave out: one cannot be made up from the document."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {SECRET}"}, trust_env=False) as http:
        return str(http.get("/partner/v1/consents", params={"limit": 1}).json()["next"])


def run(python: Path, url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Let schemathesis try the operations of the document with all its checks, the same way every time."""
    (folder / "schemathesis.toml").write_text(f'[parameters]\n"query.cursor" = "{place(url)}"\n')
    return subprocess.run(
        [python, "-m", "schemathesis.cli", "run", DOCUMENT, "--url", f"{url}/partner/v1", "--seed", "1", "--no-color",
         "--checks", "all", "--max-examples", "10", "--continue-on-failure", "--phases", "examples,coverage,fuzzing",
         "--header", f"Authorization: Bearer {SECRET}", *more],
        cwd=folder, capture_output=True, text=True, timeout=600, env={"PATH": "", "HOME": str(folder), "LANG": "C.UTF-8"},
    )  # fmt: skip


def test_the_sandbox_is_what_the_document_says(schemathesis: Path, tmp_path: Path) -> None:
    with served(Everything(make_app())) as url:
        ended = run(schemathesis, url, tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert f"Tested: {len(STREAMS) + len(POSTS)}" in ended.stdout


def test_a_careless_partner_is_found_out(schemathesis: Path, tmp_path: Path) -> None:
    """So that the test above cannot pass for want of looking."""
    with served(Careless(Everything(make_app()))) as url:
        ended = run(schemathesis, url, tmp_path, "--include-path", "/consents", "--no-shrink")
    assert ended.returncode == 1, ended.stdout
    for fault in ("without authentication", '"updated_at" is a required property', "Undocumented status code"):
        assert fault in ended.stdout, ended.stdout


@pytest.fixture
def made(schemathesis: Path) -> dict[str, list[Any]]:
    """Rows of every stream, made up by schemathesis from the document."""
    command = [schemathesis, Path(__file__).with_name("rows.py"), DOCUMENT, "40"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


async def test_every_row_that_the_document_allows_is_read(
    made: dict[str, list[Any]], script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    connection = Connection(
        name="partner", kind="partner", organisation="12320200466000101T", base_url=script.url,
        auth={"type": "bearer", "token_env": SECRET_ENV}, options={"streams": list(PARSERS)},
    )  # fmt: skip
    assert made.keys() == PARSERS.keys() == STREAMS.keys()
    async with open_connector(connection) as connector:
        for stream, rows in made.items():
            script.says({"items": rows, "next": None})
            [page] = [page async for page in connector.read(stream)]
            unread = [row.payload for row in page.rows if isinstance(row, Unreadable)]
            assert (len(page.rows), unread) == (len(rows), []), stream
            assert len(rows) > 10
