"""`yuanmeng serve` from its beginning to its end: the home, the plan, the supervisor, and what the screen says of it.

Belongs here: the order of things. Does not: how a part lives (supervisor.py), or what is asked of it (console/health.py).
"""

import asyncio
import os
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from connectors.database import migrate
from connectors.settings import CONFIG_NAME, Settings, load_settings
from console import health
from console.callbacks import open_doors
from console.commands.home import set_up
from console.run import open_home
from console.serve.parts import API_AUTH, DATABASES, SERVER_AUTH, Plan, parts_of
from console.serve.seat import free_of, is_loopback, listen, take_seat
from console.serve.supervisor import Supervisor
from console.serve.voices import Voices
from flows.deployments import work_pools
from tasks.errors import BadInput

if TYPE_CHECKING:
    from socket import socket

# What a set-up that was cut off may have left: a folder with nothing else is as good as empty.
UNFINISHED = {"keys.toml", "exchange", "logs"}


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

    def has(self, share: str) -> bool:
        """Whether a share is wanted."""
        return not self.shares or share in self.shares


def run(wanted: Wanted) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises BadInput or SettingsError in one sentence."""
    fresh = _is_fresh(wanted)
    home = _folder(wanted) if fresh else load_settings(wanted.home).home
    with ExitStack() as stack:
        seat = stack.enter_context(take_seat(home, wanted.shares))
        port = free_of(wanted.host, wanted.port, "--port") if wanted.has("api") else wanted.port
        pages = stack.enter_context(listen(wanted.health_host, wanted.health_port, "--health-port"))
        settings = _open(wanted, fresh)
        stack.callback(_close)
        plan = _plan(wanted, settings, port)
        voices = Voices(settings.home / "logs", wanted.json_logs)
        stack.callback(voices.close)
        _empty(plan.scratch)
        stack.callback(_empty, plan.scratch)
        for sentence in _advice(plan, settings):
            voices.tell(sentence)
        asyncio.run(_serve(plan, seat, voices, pages))


def _folder(wanted: Wanted) -> Path:
    return (wanted.home or Path(os.environ.get("YUANMENG_HOME", "."))).resolve()


def _is_fresh(wanted: Wanted) -> bool:
    """Whether there is nothing yet where the home is to be; a worker's machine alone never gets keys of its own."""
    folder = _folder(wanted)
    if "YUANMENG_CONFIG" in os.environ or wanted.shares == ("worker",) or (folder / CONFIG_NAME).exists():
        return False
    inside = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return all(name in UNFINISHED or name.startswith(("serve", ".keys.toml.")) for name in inside)


def _open(wanted: Wanted, fresh: bool) -> Settings:
    """Open the office, set up and migrated before where that is this serve's to do."""
    if fresh:
        set_up(_folder(wanted))
    settings = open_home(wanted.home).settings
    (settings.home / "logs").mkdir(mode=0o700, exist_ok=True)
    if wanted.shares != ("worker",):
        migrate(settings.database_url)
    return settings


def _empty(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)


def _close() -> None:
    from tasks.office import office, use_office

    office().engine.dispose()
    use_office(None)


def _plan(wanted: Wanted, settings: Settings, port: int) -> Plan:
    """What is to run. Raises BadInput where that must not be, or cannot."""
    auth = _auth(settings)
    if wanted.has("api") and not auth and not is_loopback(wanted.host):
        raise BadInput(f"others could reach Prefect's server on {wanted.host} and nothing would be asked of them: put a "
                       "line as user:password into a file and name it with prefect_auth_file in yuanmeng.toml, or set "
                       f"{SERVER_AUTH}")  # fmt: skip
    return Plan(
        home=settings.home, config=_config(wanted, settings), api_url=_api_url(wanted, port), pool=work_pools()[0],
        shares=wanted.shares, host=wanted.host, port=port, workers=wanted.workers, limit=wanted.limit,
        database_url=_prefect_database(settings), auth=auth, callbacks_port=_callbacks_port(wanted),
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
    return url


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


def _callbacks_port(wanted: Wanted) -> int | None:
    """The port for pressed buttons, where a chat has a signing secret and this serve has the services."""
    if not wanted.has("services") or not open_doors()[0]:
        return None
    return free_of("127.0.0.1", wanted.callbacks_port, "--callbacks-port")


def _advice(plan: Plan, settings: Settings) -> list[str]:
    """What a person should know who outgrows what is there."""
    if plan.shares == ("worker",):
        return []
    own = plan.database_url or next((os.environ[name] for name in DATABASES if name in os.environ), "sqlite")
    if not own.startswith("sqlite"):
        return []
    if plan.workers > 1 or plan.shares or not settings.database_url.startswith("sqlite"):
        return ["Prefect keeps its data in SQLite, which is for trying: for more than one worker name a PostgreSQL with "
                "prefect_database_url"]  # fmt: skip
    return []


async def _serve(plan: Plan, seat: str, voices: Voices, pages: "socket") -> None:
    """Start everything, say when it is well, and end everything when told to."""
    loop, parts = asyncio.get_running_loop(), parts_of(plan)
    watched: list[health.Health] = []
    supervisor = Supervisor(parts, seat, voices.hear, lambda: asyncio.to_thread(watched[0].may_begin))
    watched.append(health.Health(plan, supervisor.living))
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, lambda: _stop(supervisor, voices))
    voices.tell(f"启动 starting {', '.join(part.name for part in parts)} for {plan.home}")
    with health.serving(watched[0], pages):
        greeting = asyncio.create_task(_greet(plan, supervisor, watched[0], voices, pages))
        await supervisor.run()
        await greeting
    voices.tell("已停止 ended; nothing is left running")


def _stop(supervisor: Supervisor, voices: Voices) -> None:
    voices.tell("停止 ending: runs under way get a moment")
    supervisor.stop()


async def _greet(plan: Plan, supervisor: Supervisor, watched: health.Health, voices: Voices, pages: "socket") -> None:
    """Say once that all is well and where everything is."""
    began, at = time.monotonic(), pages.getsockname()
    while not (await asyncio.to_thread(watched.report))[0]:
        if await supervisor.stops_within(0.3):
            return
    where = f"Prefect {plan.api_url.removesuffix('/api')} · " if plan.has("api") else ""
    buttons = f" · buttons http://127.0.0.1:{plan.callbacks_port}/slack/" if plan.callbacks_port else ""
    voices.tell(f"就绪 ready after {time.monotonic() - began:.0f} s: {where}health http://{at[0]}:{at[1]}/healthz{buttons} · "
                f"logs {plan.home / 'logs'} · Ctrl-C ends it")  # fmt: skip
