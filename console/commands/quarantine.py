"""`yuanmeng quarantine list|retry`: rows that broke a rule, and again after the cure.

Belongs here: the commands. Does not: the gate (tasks/gate.py).
"""

import typer

from console.errors import HELD
from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress

app = typer.Typer(help="Rows that broke a rule 隔离.", rich_markup_mode=None, no_args_is_help=True)


@app.command("list")
def list_all(home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List the rows held back. Each with the rule it broke."""
    from console.run import open_home
    from console.tables import quarantine_tables

    open_home(home)
    from tasks.quarantine import quarantine_by_rule, quarantine_list

    found = {"quarantine": quarantine_list(), "rules": quarantine_by_rule()}
    emit(found, as_json, quarantine_tables)


@app.command()
def retry(home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Try the rows held back again. Once the source has cured what broke a rule."""
    from console.run import open_home
    from console.tables import retried_lines

    open_home(home)
    from tasks.quarantine import quarantine_retry

    with progress("重试 retry"):
        result = quarantine_retry(as_of)
    emit(result, as_json, retried_lines)
    if result["left"]:
        raise typer.Exit(HELD)
