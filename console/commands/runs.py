"""`yuanmeng take-runs`: a worker of this machine, which also puts back the runs of machines that died.

Belongs here: the command. Does not: the runs (flows/), or which of them are dead (flows/sweeping.py).
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from console.options import Home

# What a worker and its runs need that Prefect leaves off: heartbeats, and patience with a server that starts anew.
NEEDED = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
    "PREFECT_WORKER_QUERY_SECONDS": "3",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",  # it is also how often a server that was away is tried
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def take_runs(
    home: Home = None,
    pool: Annotated[str, typer.Option(help="The work pool whose runs are taken.")] = "yuanmeng",
    name: Annotated[str, typer.Option(help="Tells two workers of one machine apart.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="How many runs at once; any number if left out.")] = None,
) -> None:
    """Take the flows' runs of the Prefect server on this machine until stopped 领取运行. Start as many as wanted, anywhere."""
    from console.run import open_home
    from tasks.errors import BadInput

    if not os.environ.get("PREFECT_API_URL"):
        raise BadInput(
            "PREFECT_API_URL is not set: give the address of the Prefect server, as http://127.0.0.1:4200/api"
        )
    settings = open_home(home).settings
    _tell_the_runs(settings.home if home is not None else None)
    asyncio.run(_work(pool, name, limit))


def _tell_the_runs(home: Path | None) -> None:
    """Put into the environment what the processes of the runs need; before Prefect is imported."""
    for variable, value in NEEDED.items():
        os.environ.setdefault(variable, value)
    if home is not None:
        os.environ["YUANMENG_HOME"] = str(home)


async def _work(pool: str, name: str, limit: int | None) -> None:
    """Work and sweep side by side until somebody asks to stop."""
    from flows.sweeping import keep_sweeping
    from flows.working import worker

    working = asyncio.current_task()
    assert working is not None  # noqa: S101  (asyncio.run made it)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    sweeping = asyncio.create_task(keep_sweeping())
    try:
        await worker(pool, name, limit).start()
    except asyncio.CancelledError:
        pass
    finally:
        sweeping.cancel()
