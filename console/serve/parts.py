"""The parts of a serve: which processes there are, what each runs, and what is in its environment.

Belongs here: commands and environments. Does not: starting any (supervisor.py).
What must stay secret goes through the environment: a command line can be read by everybody on the machine.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from socket import gethostname

from connectors.logs import CONFIG
from console.serve.supervisor import Part

SHARES = ("api", "services", "worker")  # what one machine of many may run alone; without any it runs everything
ROOT = Path(__file__).parents[2]  # where our packages lie, for children whose folder is another
API_AUTH, SERVER_AUTH = "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"
UI_API = "/api"  # Prefect's page asks where it came from, whatever the port and the name under which people reach it
DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"
DATABASES = (DATABASE, "PREFECT_SERVER_DATABASE_CONNECTION_URL")
QUIET = {
    "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false", "PREFECT_LOGGING_COLORS": "false", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore", "PREFECT_LOGGING_SETTINGS_PATH": str(CONFIG),
}  # fmt: skip
# What a worker and its runs need that Prefect leaves off, where the environment says nothing else: heartbeats, and
# patience with a server that starts anew.
PATIENT = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500", "PREFECT_WORKER_QUERY_SECONDS": "3",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a serve is to run: for which home, where Prefect's API is, which shares, how many workers.

    `seat` names it among those that have the home in common. `host` and `port` are where a server of ours listens; `auth`
    is what everybody must show who asks it, "" for nothing.
    """

    home: Path
    config: Path
    api_url: str
    seat: str = ""
    pool: str = ""
    shares: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 4200
    workers: int = 1
    limit: int = 8
    database_url: str | None = None
    auth: str = field(default="", repr=False)
    callbacks_port: int | None = None

    def has(self, share: str) -> bool:
        """Whether this serve runs a share."""
        return not self.shares or share in self.shares

    @property
    def keeps(self) -> bool:
        """Whether this serve looks after the deployments and automations; each looks after dead runs."""
        return self.has("services")

    @property
    def worker_names(self) -> list[str]:
        """The names under which its workers are known to Prefect's server: the sweep knows this machine's by them."""
        where = (
            f"{gethostname()}:{self.seat.rpartition('-')[2]}-" if self.shares == ("worker",) else f"{gethostname()}:"
        )
        return [f"{where}{number}" for number in range(1, self.workers + 1)] if self.has("worker") else []

    @property
    def page(self) -> Path:
        """Where Prefect's server puts the files of its page: as a service it may not write where its package lies."""
        return self.home / "prefect" / "ui"

    @property
    def scratch(self) -> Path:
        """Where its processes put what they need for a moment; empty when it starts."""
        return self.home / "prefect" / f"scratch-{self.seat or 'all'}"


def parts_of(plan: Plan) -> list[Part]:
    """Give the processes that a plan needs."""
    return [*_servers(plan), *_workers(plan), *_keepers(plan)]


def _servers(plan: Plan) -> list[Part]:
    """Prefect's server as one process, or its API and its background services apart."""
    page = {"PREFECT_UI_API_URL": UI_API, "PREFECT_UI_STATIC_DIRECTORY": str(plan.page)}
    environment = {**page, **_environment(plan, {SERVER_AUTH: plan.auth, API_AUTH: plan.auth})}
    if plan.database_url:
        environment |= dict.fromkeys(DATABASES, plan.database_url)
    start = ("prefect", "server", "start", "--host", plan.host, "--port", str(plan.port))
    if not plan.shares:
        return [Part("server", start, _without_api(environment))]
    api = Part("api", (*start, "--no-services"), _without_api(environment))
    services = Part("services", ("prefect", "server", "services", "start"), environment, ends_by=SIGINT, rank=1)
    return [part for part in (api, services) if plan.has(part.name)]


def _without_api(environment: dict[str, str]) -> dict[str, str]:
    """A server asks no other one."""
    return {name: value for name, value in environment.items() if name != "PREFECT_API_URL"}


def _workers(plan: Plan) -> list[Part]:
    environment = _environment(plan, {API_AUTH: plan.auth})
    start = ("prefect", "worker", "start", "--type", "process", "--pool", plan.pool, "--limit", str(plan.limit))
    return [
        Part(f"worker-{number}", (*start, "--name", name), environment, rank=2, patience=25)
        for number, name in enumerate(plan.worker_names, 1)
    ]


def _keepers(plan: Plan) -> list[Part]:
    """What looks after the runs where there is a worker or the services, and the door for buttons where a chat has one."""
    environment = _environment(plan, {API_AUTH: plan.auth})
    found = []
    if plan.keeps or plan.has("worker"):
        words = ("console.serve.keeper", *(["apply"] if plan.keeps else []))
        found.append(Part("keeper", words, environment, rank=2, patience=5))
    if plan.callbacks_port is not None:
        door = ("console", "callbacks", "--home", str(plan.home), "--port", str(plan.callbacks_port))
        found.append(Part("callbacks", door, environment, rank=2))
    return found


def _environment(plan: Plan, secrets: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, with what belongs to the plan in place of what it says itself."""
    inherited = {name: value for name, value in os.environ.items() if name not in (API_AUTH, SERVER_AUTH)}
    path = os.pathsep.join(part for part in (str(ROOT), inherited.get("PYTHONPATH", "")) if part)
    own = {
        "PYTHONPATH": path, "PREFECT_HOME": str(plan.home / "prefect"), "PREFECT_API_URL": plan.api_url,
        "PREFECT_PROFILES_PATH": str(plan.home / "prefect" / "profiles.toml"),
        "YUANMENG_HOME": str(plan.home), "YUANMENG_CONFIG": str(plan.config), "TMPDIR": str(plan.scratch),
    }  # fmt: skip
    return {**PATIENT, **inherited, **QUIET, **own, **{name: value for name, value in secrets.items() if value}}
