"""The demo: whole cohorts on the sandbox, walked night by night through the real flows.

Belongs here: setting up an office in an empty home, and walking its dates. Does not: what happens on a day
(demo_days.py), the summary's words (demo_summary.py) or anything the flows do.
"""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import httpx

from console import demo_summary
from console.demo_days import TOKEN, Walk, World
from console.prefect_server import prefect_server
from tasks.errors import BadInput

MARKER = ".yuanmeng-demo"
SEED = 2016
# What a person may have set for an installation of his own: none of it is the demo's.
FOREIGN = ("YUANMENG_CONFIG", "YUANMENG_HOME", "YUANMENG_DATABASE_URL", "YUANMENG_KEYS_FILE", "YUANMENG_CONNECTIONS")


def default_home() -> Path:
    """Where the demo leaves its things unless told otherwise."""
    return Path("yuanmeng-demo").resolve()


def run(home: Path, seed: int = SEED) -> demo_summary.Ended:
    """Run the whole demo and give how it ended; what it leaves behind lies in `home`.

    Raises BadInput when `home` holds something that is not an earlier demo.
    """
    _empty(home)
    with demo_office(home, seed) as (walk, dates), _prefect(home):
        return asyncio.run(_through(walk, dates))


def _empty(home: Path) -> None:
    """Make an empty home; an earlier demo there is thrown away, anything else is left alone."""
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        if not (home / MARKER).exists():
            raise BadInput(f"{home} holds something else: name an empty folder with --home")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


@contextmanager
def demo_office(
    home: Path, seed: int = SEED, *, served: bool = True, database_url: str | None = None
) -> Iterator[tuple[Walk, list[date]]]:
    """A whole office for the demo: sandbox, database and keys, all in `home`; and the dates worth walking.

    The database is a file in `home` unless told otherwise; what the environment says of another is not the demo's.
    """
    from connectors.database import migrate
    from connectors.settings import create_keys, load_settings
    from sandbox.server import Sandbox
    from tasks.office import build_office, use_office

    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(seed=seed))
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=30))
        world = World(client, sandbox.url)
        stack.enter_context(_own_environment(YUANMENG_SANDBOX_TOKEN=TOKEN))
        (home / "yuanmeng.toml").write_text(_settings_text(world, database_url), encoding="utf-8")
        create_keys(home / "keys.toml")
        settings = load_settings(home)
        migrate(settings.database_url)
        office = build_office(settings)
        use_office(office)
        stack.callback(office.engine.dispose)
        stack.callback(use_office, None)
        yield Walk(world, home, served), [date.fromisoformat(day) for day in world.get()["suggested_dates"]]


@contextmanager
def _own_environment(**own: str) -> Iterator[None]:
    """The demo's own variables in place of a person's, who gets his back afterwards."""
    before = {name: os.environ.pop(name) for name in (*FOREIGN, *own) if name in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            del os.environ[name]
        os.environ.update(before)


def _settings_text(world: World, database_url: str | None) -> str:
    database = f"database_url = {json.dumps(database_url)}\n" if database_url else ""
    return f"# The demo's settings: the organisations are the sandbox's.\n{database}\n{world.text('connections')}"


@contextmanager
def _prefect(home: Path) -> Iterator[None]:
    """A Prefect server of the demo's own, and this process set to it."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_HOME,
        PREFECT_LOGGING_LEVEL,
        PREFECT_LOGGING_TO_API_ENABLED,
        PREFECT_SERVER_ANALYTICS_ENABLED,
        temporary_settings,
    )  # fmt: skip

    with prefect_server(home / "prefect") as url, temporary_settings({
        PREFECT_API_URL: url, PREFECT_HOME: home / "prefect", PREFECT_LOGGING_LEVEL: "ERROR",
        PREFECT_LOGGING_TO_API_ENABLED: False, PREFECT_SERVER_ANALYTICS_ENABLED: False,
    }):  # fmt: skip
        yield


async def _through(walk: Walk, dates: list[date]) -> demo_summary.Ended:
    """Live through the dates, with a bar that shows how far we are, and gather what came of it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("圆梦", total=len(dates))
        for day in dates:
            progress.update(bar, description=f"圆梦 {day}")
            await walk.live(day)
            progress.advance(bar)
    await demo_summary.leave_behind(walk.home, walk.world, dates[-1])
    return demo_summary.gather(walk.world.get("truth"))
