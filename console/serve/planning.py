"""What a serve is to run: from what was typed, what the settings and the environment say, and what lies in the folder.

Belongs here: deciding, and refusing in a sentence. Does not: doing any of it (run.py), or the processes (parts.py).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from connectors.database import open_engine
from connectors.settings import CONFIG_NAME, Settings
from console.commands.home import TEMPLATE
from console.serve.parts import API_AUTH, DATABASES, SERVER_AUTH, Plan
from console.serve.seat import is_loopback, seat_name
from flows.deployments import work_pools
from tasks.errors import BadInput

# What a set-up that was cut off may have left: a folder with nothing else is as good as empty.
UNFINISHED = {CONFIG_NAME, "keys.toml", "exchange", "logs"}
MESSAGING = "PREFECT_MESSAGING_BROKER"


@dataclass(frozen=True)
class Wanted:
    """What was typed."""

    home: Path | None = None
    host: str = "127.0.0.1"
    port: int = 4200
    health_host: str = "127.0.0.1"
    health_port: int = 4201
    callbacks_port: int = 8090
    workers: int = 1
    limit: int = 8
    shares: tuple[str, ...] = ()
    json_logs: bool = False

    @property
    def seat(self) -> str:
        """The name of its seat in the home."""
        return seat_name(self.shares, self.health_port)

    def has(self, share: str) -> bool:
        """Whether a share is wanted."""
        return not self.shares or share in self.shares


def folder_of(wanted: Wanted) -> Path:
    """Give the folder that is to be the home, where nothing says another."""
    return (wanted.home or Path(os.environ.get("YUANMENG_HOME", "."))).resolve()


def is_fresh(wanted: Wanted) -> bool:
    """Say whether there is nothing yet where the home is to be; a worker's machine alone never gets keys of its own.

    A set-up that was cut off before there were keys is nothing yet.
    """
    if "YUANMENG_CONFIG" in os.environ or wanted.shares == ("worker",):
        return False
    folder = folder_of(wanted)
    inside = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if CONFIG_NAME in inside and ("keys.toml" in inside or (folder / CONFIG_NAME).read_bytes() != TEMPLATE.encode()):
        return False
    return all(name in UNFINISHED or name.startswith(("serve", ".keys.toml.")) for name in inside)


def refuse_foreign_keys(url: str) -> None:
    """Let no home get keys of its own for a database that has workers: their numbers open with its own keys alone.

    Raises BadInput.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            if inspect(connection).has_table("workers") and connection.scalar(text("SELECT count(*) FROM workers")):
                raise BadInput("YUANMENG_DATABASE_URL names a database that has workers, whose numbers open with its own "
                               "keys alone: put its keys.toml and yuanmeng.toml into the home first")  # fmt: skip
    finally:
        engine.dispose()


def make_plan(wanted: Wanted, settings: Settings, port: int, callbacks_port: int | None = None) -> Plan:
    """Give what is to run, a server of ours on this port. Raises BadInput where that must not be, or cannot."""
    auth = _auth(settings)
    if wanted.has("api") and not auth and not is_loopback(wanted.host):
        raise BadInput(f"others could reach Prefect's server on {wanted.host} and nothing would be asked of them: put a "
                       "line as user:password into a file and name it with prefect_auth_file in yuanmeng.toml, or set "
                       f"{SERVER_AUTH}")  # fmt: skip
    return Plan(
        home=settings.home, config=_config(wanted, settings), api_url=_api_url(wanted, port), pool=work_pools()[0],
        seat=wanted.seat, shares=wanted.shares, host=wanted.host, port=port, workers=wanted.workers, limit=wanted.limit,
        database_url=_prefect_database(settings), auth=auth, callbacks_port=callbacks_port,
    )  # fmt: skip


def _config(wanted: Wanted, settings: Settings) -> Path:
    return Path(os.environ.get("YUANMENG_CONFIG") or (wanted.home or settings.home) / CONFIG_NAME).resolve()


def _api_url(wanted: Wanted, port: int) -> str:
    if wanted.has("api"):
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(wanted.host, wanted.host)  # noqa: S104  (asked, not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/api"
    url = os.environ.get("PREFECT_API_URL", "")
    if not url:
        raise BadInput("PREFECT_API_URL is not set: give the address of Prefect's API, as http://prefect.lan:4200/api")
    if not _is_address(url):  # it may hold a password
        raise BadInput("PREFECT_API_URL is no address: give that of Prefect's API, as http://prefect.lan:4200/api")
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _auth(settings: Settings) -> str:
    """What is asked of everybody, from the environment or the file that the settings name; "" for nothing."""
    told = os.environ.get(SERVER_AUTH) or os.environ.get(API_AUTH)
    if told or settings.prefect_auth_file is None:
        return (told or "").strip()
    try:
        told = settings.prefect_auth_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        told = ""
    if not told or "\n" in told:
        raise BadInput(
            f"{settings.prefect_auth_file} must hold one line, as user:password: write it, for Yuanmeng to read"
        )
    return told


def _prefect_database(settings: Settings) -> str | None:
    """Where Prefect keeps its data, where the environment does not say; None: SQLite in the home."""
    url = settings.prefect_database_url
    if url is None or any(name in os.environ for name in DATABASES):
        return None
    address = make_url(url)
    if address.get_backend_name() in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+asyncpg")
    return address.render_as_string(hide_password=False)


def advice(plan: Plan, settings: Settings) -> list[str]:
    """Say what a person should know who outgrows what is there."""
    if plan.shares == ("worker",):
        return []
    own = plan.database_url or next((os.environ[name] for name in DATABASES if name in os.environ), "sqlite")
    grown = plan.workers > 1 or bool(plan.shares) or not settings.database_url.startswith("sqlite")
    said = []
    if own.startswith("sqlite") and grown:
        said.append("Prefect keeps its data in SQLite, which is for trying: for more than one worker name a PostgreSQL "
                    "with prefect_database_url")  # fmt: skip
    if plan.shares and MESSAGING not in os.environ:
        said.append(f"the API and the services of Prefect hear of each other through Redis: set {MESSAGING} and what "
                    "belongs to it, or no automation will start")  # fmt: skip
    return said
