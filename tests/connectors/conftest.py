"""Systems to connect to: a scripted one that misbehaves on demand, the sandbox, and an address where nobody answers."""

import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from connectors.base import Connection, Connector
from models.records import Page
from sandbox.server import Sandbox
from tests.connectors.script import Script, Theatre

SECRET = "s3cr3t-t0ken"
TOKEN_ENV = "YM_TEST_SECRET"
SANDBOX_TOKEN = "sandbox-token"
ORGANISATION = "91320214MA1YM10017"
BEARER = {"type": "bearer", "token_env": TOKEN_ENV}
MOODLE = {"type": "moodle", "token_env": TOKEN_ENV}
Connect = Callable[..., Connection]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets that connections of these tests name."""
    monkeypatch.setenv(TOKEN_ENV, SECRET)
    monkeypatch.setenv("YUANMENG_SANDBOX_TOKEN", SANDBOX_TOKEN)


@pytest.fixture(scope="session")
def theatre(_theatre: Theatre) -> Theatre:
    """The stage itself, for tests that open a script for each of their examples."""
    return _theatre


@pytest.fixture
def other(_theatre: Theatre) -> Iterator[Script]:
    """A second system at another address, to which nothing may ever be sent."""
    theatre = Theatre()
    script = theatre.open()
    yield script
    script.over.set()
    theatre.close()


@pytest.fixture
def connect(script: Script) -> Connect:
    """Gives a connection of any kind to the scripted system."""

    def make(kind: str, auth: dict[str, Any] | None = None, base_url: str = "", **options: Any) -> Connection:
        address = "" if kind == "apprise" else base_url or script.url
        return Connection(name="there", kind=kind, organisation=ORGANISATION, base_url=address,
                          auth=BEARER if auth is None else auth, options=options)  # fmt: skip

    return make


class World:
    """The sandbox, its connections by name, and its date."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Read what it says of its connections."""
        self.url = sandbox.url
        listed = tomllib.loads(httpx.get(f"{self.url}/_sandbox/connections", trust_env=False).text)["connections"]
        self.connections = {one["name"]: Connection(**one) for one in listed}

    def travel(self, day: str) -> None:
        """Move its date."""
        httpx.put(f"{self.url}/_sandbox/today", json={"date": day}, trust_env=False).raise_for_status()


@pytest.fixture(scope="session")
def _sandbox_shared() -> Iterator[World]:
    with Sandbox(seed=1) as sandbox:
        yield World(sandbox)


@pytest.fixture
def world(_sandbox_shared: World) -> World:
    """The sandbox at a day on which much has happened; tests only read it, or send with keys of their own."""
    _sandbox_shared.travel("2024-02-29")
    return _sandbox_shared


async def pages_of(connector: Connector, stream: str, since: datetime | None = None, **scope: Any) -> list[Page[Any]]:
    """Read all pages of a stream."""
    return [page async for page in connector.read(stream, since, **scope)]


async def rows_of(connector: Connector, stream: str, since: datetime | None = None, **scope: Any) -> list[Any]:
    """Read all records of a stream."""
    return [row for page in await pages_of(connector, stream, since, **scope) for row in page.rows]
