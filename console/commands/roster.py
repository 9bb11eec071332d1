"""`yuanmeng roster import`: a spreadsheet of nominees.

Belongs here: the command. Does not: reading a sheet or judging a row (tasks/nomination.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from console.errors import HELD
from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress

app = typer.Typer(help="Rosters 花名册 from enterprises.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def roster() -> None:
    """Rosters 花名册 from enterprises."""


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help=".xlsx or .csv")
    ],
    cohort: Annotated[str, typer.Option("--cohort", metavar="CODE", help="The cohort they are nominated for.")],
    enterprise: Annotated[
        str | None,
        typer.Option("--enterprise", metavar="CODE", help="Who sent it, where the cohort has several enterprises."),
    ] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Import a roster 导入. Every row is accepted, held or refused, with reasons; a copy of the sheet carries them."""
    from console.run import open_home, wait_for
    from console.tables import roster_tables

    office = open_home(home)
    from tasks.nomination import import_roster

    with progress("导入 import"):
        verdicts = wait_for(import_roster(str(file), cohort, office.settings.actor, as_of, enterprise))
    emit(verdicts, as_json, roster_tables)
    if verdicts["held"] or verdicts["refused"]:
        raise typer.Exit(HELD)
