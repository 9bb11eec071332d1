"""`yuanmeng serve` from its beginning to its end: the home, the plan, the supervisor, and what the screen says of it.

Belongs here: the order of things. Does not: how a part lives (supervisor.py), or what is asked of it (console/health.py).
"""

import asyncio
import os
import shutil
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.database import migrate
from connectors.settings import Settings, load_settings
from console import health
from console.callbacks import open_doors
from console.commands.home import set_up
from console.run import open_home
from console.serve.parts import Plan, parts_of
from console.serve.planning import Wanted, advice, folder_of, is_fresh, make_plan, refuse_foreign_keys
from console.serve.seat import free_of, listen, take_seat
from console.serve.supervisor import Supervisor
from console.serve.voices import Voices

if TYPE_CHECKING:
    from socket import socket


def run(wanted: Wanted) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises BadInput or SettingsError in one sentence."""
    fresh = is_fresh(wanted)
    home = folder_of(wanted) if fresh else load_settings(wanted.home).home
    with ExitStack() as stack:
        seat = stack.enter_context(take_seat(home, wanted.seat))
        # Held until every door has its port, or two of them would get the same.
        held = stack.enter_context(listen(wanted.host, wanted.port, "--port")) if wanted.has("api") else None
        pages = stack.enter_context(listen(wanted.health_host, wanted.health_port, "--health-port"))
        settings = _open(wanted, fresh)
        stack.callback(_close)
        callbacks_port = _callbacks_port(wanted)
        plan = make_plan(wanted, settings, _let_go(held) or wanted.port, callbacks_port)
        voices = Voices(settings.home / "logs", wanted.json_logs, wanted.seat)
        stack.callback(voices.close)
        _empty(plan.scratch)
        stack.callback(_empty, plan.scratch)
        for sentence in advice(plan, settings):
            voices.tell(sentence)
        asyncio.run(_serve(plan, seat, voices, pages))


def _open(wanted: Wanted, fresh: bool) -> Settings:
    """Open the office, set up and migrated before where that is this serve's to do."""
    if fresh:
        if "YUANMENG_DATABASE_URL" in os.environ:
            refuse_foreign_keys(os.environ["YUANMENG_DATABASE_URL"])
        set_up(folder_of(wanted))
    settings = open_home(wanted.home).settings
    (settings.home / "logs").mkdir(mode=0o700, exist_ok=True)
    if wanted.shares != ("worker",):
        migrate(settings.database_url)
    return settings


def _let_go(held: "socket | None") -> int | None:
    """Let go of a port for the server that is to listen there; give it."""
    if held is None:
        return None
    port = int(held.getsockname()[1])
    held.close()
    return port


def _empty(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)


def _close() -> None:
    from tasks.office import office, use_office

    office().engine.dispose()
    use_office(None)


def _callbacks_port(wanted: Wanted) -> int | None:
    """The port for pressed buttons, where a chat has a signing secret and this serve has the services."""
    if not wanted.has("services") or not open_doors()[0]:
        return None
    return free_of("127.0.0.1", wanted.callbacks_port, "--callbacks-port")


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
