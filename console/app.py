"""The command line's tree: which commands there are, and where each one lives.

Belongs here: names and order. Does not: what a command does (commands/).
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from console.commands import (
    alerts,
    automations,
    backup,
    callbacks,
    cohort,
    connections,
    decisions,
    demo,
    home,
    keys,
    quarantine,
    reports,
    retention,
    roster,
    runs,
    sandbox,
    serve,
    stalls,
    sync,
    worker,
)

# Plain help: Rich's costs three times the rest of the start.
app = typer.Typer(
    name="yuanmeng",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if not asked:
        return
    try:
        print(f"yuanmeng {version('yuanmeng')}")
    except PackageNotFoundError:
        print("yuanmeng (not installed: run from its source)")
    raise typer.Exit


@app.callback()
def yuanmeng(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which Yuanmeng this is.")
    ] = False,
) -> None:
    """Yuanmeng 圆梦: education cohorts, from an enterprise's nomination to a worker's two certificates."""


app.command("demo")(demo.demo)
app.command("init")(home.init)
app.add_typer(connections.app, name="connections")
app.add_typer(roster.app, name="roster")
app.add_typer(cohort.app, name="cohort")
app.command("inbox")(decisions.inbox)
app.command("decide")(decisions.decide)
app.command("sync")(sync.sync)
app.command("stalls")(stalls.stalls)
app.add_typer(alerts.app, name="alerts")
app.add_typer(worker.app, name="worker")
app.add_typer(quarantine.app, name="quarantine")
app.command("report")(reports.report)
app.command("callbacks")(callbacks.callbacks)
app.command("serve")(serve.serve)
app.command("sandbox")(sandbox.sandbox)
app.command("take-runs")(runs.take_runs)
app.add_typer(automations.app, name="automations")
app.add_typer(keys.app, name="keys")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("retention")(retention.retention)
