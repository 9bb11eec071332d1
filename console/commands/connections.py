"""`yuanmeng connections [check]`: what is connected, and whether each one answers.

Belongs here: the commands. Does not: trying a connection (tasks/connections.py).
"""

from typing import Annotated, Any

import typer

from console.errors import OUTSIDE
from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress

app = typer.Typer(help="What is connected 连接, and whether it answers.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def connections(context: typer.Context, home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List what is connected; `check` tries each one."""
    if context.invoked_subcommand is not None:
        context.obj = {"home": home, "as_json": as_json}
        return
    from console.run import open_home
    from console.tables import connection_table

    office = open_home(home)
    found: dict[str, Any] = {
        "connections": [
            {"name": one.name, "kind": one.kind, "organisation": one.organisation, "base_url": one.base_url}
            for one in office.settings.connections
        ]
    }
    emit(found, as_json, connection_table)


@app.command()
def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Try this connection alone.")] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Try each connection, from its address to a page of each stream. Says in one sentence what to fix."""
    from console.connection_tables import check_table
    from console.run import open_home, wait_for
    from tasks.connections import check_connections

    before = context.obj or {}
    open_home(home or before.get("home"))
    with progress("检查 check"):
        report = wait_for(check_connections(name))
    emit({"connections": report}, as_json or before.get("as_json", False), check_table)
    if any(one["status"] != "ok" for one in report.values()):
        raise typer.Exit(OUTSIDE)
