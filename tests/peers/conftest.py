"""The three peers as fixtures of the session: an address to talk to, for us and for our connectors.

Each environment is built when a chosen test needs it, side by side with the others. Where no registry answers the
tests of that peer are skipped by name; in CI that is an error, or nobody would notice that they stopped running.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.peers.environments import EMULATE, RALPH, SCIM2_SERVER, Environment, NoRegistry, build
from tests.peers.servers import serving

SECRET = "peer-secret"
SECRET_ENV = "PEER_SECRET"
RALPH_USERS = [f"reader-{number}" for number in range(20)]
# Which fixtures need which environment.
NEEDS = {"scim_url": SCIM2_SERVER, "scim_cursor_url": SCIM2_SERVER, "ralph_url": RALPH, "emulate_url": EMULATE}
Ready = Callable[[Environment], Environment]


@pytest.fixture(scope="session")
def ready(request: pytest.FixtureRequest) -> Iterator[Ready]:
    """Gives an environment once it stands; all that the chosen tests need are being built meanwhile."""
    chosen = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    needed = {environment for fixture, environment in NEEDS.items() if fixture in chosen}
    with ThreadPoolExecutor() as pool:
        builds = {environment: pool.submit(build, environment) for environment in needed}
        yield lambda environment: _built(environment, builds[environment])


def _built(environment: Environment, future: Future[Environment]) -> Environment:
    try:
        return future.result()
    except NoRegistry as error:
        message = f"the peer {environment.name} is not installed: {error}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def peer_secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The secret all peers accept, in the variable that `connection` names."""
    monkeypatch.setenv(SECRET_ENV, SECRET)
    return SECRET


@pytest.fixture(scope="session")
def scim_url(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """scim2-server as it comes: any first part of a path is a tenant of its own."""
    yield from _scim(ready(SCIM2_SERVER), tmp_path_factory.mktemp("scim"))


@pytest.fixture(scope="session")
def scim_cursor_url(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """scim2-server with pages by cursor (RFC 9865) and no filter: another kind of HR system."""
    folder = tmp_path_factory.mktemp("scim-cursor")
    off = {"supported": False}
    abilities = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True}, "bulk": {**off, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": off, "changePassword": off, "sort": off, "etag": off, "authenticationSchemes": [],
        "pagination": {"cursor": True, "index": False, "defaultPaginationMethod": "cursor"},
    }  # fmt: skip
    (folder / "abilities.json").write_text(json.dumps(abilities))
    yield from _scim(ready(SCIM2_SERVER), folder, "--service-provider-config", "abilities.json")


def _scim(environment: Environment, folder: Path, *more: str) -> Iterator[str]:
    command = [environment.python, "-m", "scim2_server.testserver.cli", "--dynamic-tenants", "--bearer-token", SECRET]
    with serving(lambda port: [*command, *more, "--port", str(port)], folder) as url:
        yield url


@pytest.fixture(scope="session")
def ralph_url(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Ralph, a learning record store that keeps statements in files, a folder for each of its users."""
    python, folder = ready(RALPH).python, tmp_path_factory.mktemp("ralph")
    (folder / "auth.json").write_text(json.dumps(_ralph_users(python, folder)))
    settings = {
        "RALPH_RUNSERVER_BACKEND": "fs",
        "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(folder),
        "RALPH_APP_DIR": str(folder),
        "RALPH_AUTH_FILE": str(folder / "auth.json"),
    }
    command = [python, "-m", "uvicorn", "ralph.api:app", "--host", "127.0.0.1", "--ws", "none"]
    with serving(lambda port: [*command, "--port", str(port)], folder, "/__heartbeat__", settings) as url:
        yield url


def _ralph_users(python: Path, folder: Path) -> list[dict[str, Any]]:
    """The users of ralph's own file; it compares passwords by bcrypt, which only its environment has."""
    code = "import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())"
    done = subprocess.run([python, "-c", code, SECRET], capture_output=True, text=True, check=True)
    agent = {"objectType": "Agent", "account": {"homePage": "https://lrs.example", "name": "platform"}}
    shared = {"agent": agent, "scopes": ["all"], "hash": done.stdout.strip()}
    for name in RALPH_USERS:
        (folder / name).mkdir()
    return [{**shared, "username": name, "target": str(folder / name)} for name in RALPH_USERS]


@pytest.fixture(scope="session")
def emulate_url(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Slack's Web API as emulate plays it."""
    environment, folder = ready(EMULATE), tmp_path_factory.mktemp("emulate")
    command = [environment.node, environment.modules / "emulate" / "dist" / "index.js", "start", "--service", "slack"]
    with serving(lambda port: [*command, "--port", str(port)], folder) as url:
        yield f"{url}/api/"
