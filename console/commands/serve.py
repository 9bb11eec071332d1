"""`yuanmeng serve`: one machine, one command: Prefect's server, workers, deployments, automations.

Belongs here: the command. Does not: what it starts and keeps alive (console/serve/).
"""

from enum import StrEnum
from typing import Annotated

import typer

from console.options import Home


class Share(StrEnum):
    """What one machine of many may run alone."""

    api = "api"
    services = "services"
    worker = "worker"


Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The Prefect server's port; 0 takes a free one.")]


def serve(
    home: Home = None,
    host: Annotated[str, typer.Option("--host", help="Where the Prefect server listens.")] = "127.0.0.1",
    port: Port = 4200,
    health_host: Annotated[str, typer.Option("--health-host", help="Where /healthz listens.")] = "127.0.0.1",
    health_port: Annotated[
        int, typer.Option("--health-port", min=0, max=65535, help="The port of /healthz and /metrics; 0: a free one.")
    ] = 4201,
    callbacks_port: Annotated[
        int, typer.Option("--callbacks-port", min=0, max=65535, help="The port for buttons pressed in the chat.")
    ] = 8090,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="How many workers.")] = 1,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs a worker carries at once.")] = 8,
    only: Annotated[
        list[Share] | None, typer.Option("--only", help="Run one share of many machines; may be said again.")
    ] = None,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Say everything as JSON lines.")] = False,
) -> None:
    """Run everything on this machine 运行, until Ctrl-C: Prefect's server, workers, nightly runs, the stall watch."""
    from console.serve.planning import Wanted
    from console.serve.run import run

    shares = tuple(dict.fromkeys(share.value for share in only or ()))
    run(Wanted(home, host, port, health_host, health_port, callbacks_port, workers, limit, shares, json_logs))
