"""The peers as fixtures of the session: an address to talk to, for us and for our connectors.

Each environment is built when a chosen test needs it, side by side with the others. Where no registry answers the
tests of that peer are skipped by name; in CI that is an error, or nobody would notice that they stopped running.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.peers.environments import (
    ASYNCSSH,
    EMULATE,
    RALPH,
    SCHEMATHESIS,
    SCIM2_SERVER,
    Environment,
    NoRegistry,
    build,
)
from tests.peers.servers import by_ssh, serving

SECRET = "peer-secret"
SECRET_ENV = "PEER_SECRET"
RALPH_USERS = [f"reader-{number}" for number in range(30)]
# Which fixtures need which environment.
NEEDS = {"schemathesis": SCHEMATHESIS, "scim_url": SCIM2_SERVER, "scim_cursor_url": SCIM2_SERVER,
         "scim_capped_url": SCIM2_SERVER, "scim_capped_cursor_url": SCIM2_SERVER, "ralph_url": RALPH,
         "emulate_url": EMULATE, "sftp_python": ASYNCSSH}  # fmt: skip
OFF = {"supported": False}
Ready = Callable[[Environment], Environment]


@pytest.fixture(scope="session")
def ready(request: pytest.FixtureRequest) -> Iterator[Ready]:
    """Gives an environment once it stands; all that the chosen tests need are being built meanwhile."""
    chosen = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    needed = {environment for fixture, environment in NEEDS.items() if fixture in chosen}
    with ThreadPoolExecutor() as pool:
        builds = {environment: pool.submit(build, environment) for environment in needed}
        yield lambda environment: _built(
            environment, builds.get(environment) or builds.setdefault(environment, pool.submit(build, environment))
        )


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
    able = _abilities(filter=OFF, pagination={"cursor": True, "index": False, "defaultPaginationMethod": "cursor"})
    yield from _scim(ready(SCIM2_SERVER), tmp_path_factory.mktemp("scim-cursor"), able)


@pytest.fixture(scope="session")
def scim_capped_url(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """scim2-server that gives four users a page at most, whatever count it is asked for, and says so nowhere."""
    able = _abilities(filter={"supported": True, "maxResults": 4})
    yield from _scim(ready(SCIM2_SERVER), tmp_path_factory.mktemp("scim-capped"), able)


@pytest.fixture(scope="session")
def scim_capped_cursor_url(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same with pages by cursor, and a filter."""
    pages = {"cursor": True, "index": False, "defaultPaginationMethod": "cursor", "maxPageSize": 4}
    able = _abilities(filter={"supported": True, "maxResults": 100}, pagination=pages)
    yield from _scim(ready(SCIM2_SERVER), tmp_path_factory.mktemp("scim-capped-cursor"), able)


def _abilities(**changes: Any) -> dict[str, Any]:
    """What a server of SCIM says it can do."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True}, "bulk": {**OFF, "maxOperations": 0, "maxPayloadSize": 0}, "changePassword": OFF,
        "sort": OFF, "etag": OFF, "authenticationSchemes": [], **changes,
    }  # fmt: skip


def _scim(environment: Environment, folder: Path, abilities: dict[str, Any] | None = None) -> Iterator[str]:
    more = []
    if abilities is not None:
        (folder / "abilities.json").write_text(json.dumps(abilities))
        more = ["--service-provider-config", "abilities.json"]
    command = [environment.python, "-m", "scim2_server.testserver.cli", "--dynamic-tenants", "--bearer-token", SECRET]
    with serving(lambda port: [*command, *more, "--port", str(port)], folder) as url:
        yield url


@pytest.fixture(scope="session")
def ralph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ralph keeps its files."""
    return tmp_path_factory.mktemp("ralph")


@pytest.fixture(scope="session")
def ralph_url(ready: Ready, ralph_folder: Path) -> Iterator[str]:
    """Ralph, a learning record store that keeps statements in files, a folder for each of its users."""
    python, folder = ready(RALPH).python, ralph_folder
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


@pytest.fixture(scope="session")
def ralph_users() -> Iterator[str]:
    """Users of ralph's, each with an empty store; every test takes the next."""
    return iter(RALPH_USERS)


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


@dataclass(frozen=True)
class Sftp:
    """An SFTP server: its address, the folder behind it, its key as `ssh-keyscan` shows it, and a key it lets in."""

    url: str
    folder: Path
    host_key: str
    key_file: Path


@pytest.fixture(scope="session")
def sftp(sftp_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sftp]:
    """A server of asyncssh, with an account `school` that gets in by SECRET or by its key."""
    with sftp_server(sftp_python, tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(scope="session")
def sftp_python(ready: Ready) -> Path:
    """The Python that runs such servers."""
    return ready(ASYNCSSH).python


@contextmanager
def sftp_server(python: Path, folder: Path) -> Iterator[Sftp]:
    """Run a server that keeps its files in `folder`."""
    host_key, _ = ssh_key(folder / "host"), ssh_key(folder / "own")
    (folder / "served").mkdir()
    script = Path(__file__).with_name("sftp_server.py")
    command = [folder / "served", folder / "host", SECRET, folder / "own.pub"]
    with serving(lambda port: [python, script, str(port), *command], folder, "", knock=by_ssh) as url:
        yield Sftp(url.replace("http://", "sftp://"), folder / "served", host_key, folder / "own")


def ssh_key(path: Path) -> str:
    """Make a pair of keys, the private one at `path` and the public one beside it; give the public one."""
    private = Ed25519PrivateKey.generate()
    form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    path.touch(mode=0o600)
    path.write_bytes(private.private_bytes(*form))
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    public = private.public_key().public_bytes(*openssh).decode()
    path.with_suffix(".pub").write_text(public)
    return public
