"""`yuanmeng report`: the report upwards, as a sheet, a page or JSON.

Belongs here: the command. Does not: the figures (tasks/report.py).
"""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress


def report(
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="P", help="A month (2026-05) or a year (2026); else the last month."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", dir_okay=False, help="Where to: .xlsx, .html or .json.")
    ] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a period 报表."""
    from console.run import flow_of, open_home, run_flow
    from tasks.report import form_of

    open_home(home)
    form = form_of(out) if out is not None else None
    with progress("报表 report"):
        path = Path(run_flow(flow_of("publish_report"), period=period, form=form, as_of=as_of))
    if out is not None:
        out.resolve().parent.mkdir(parents=True, exist_ok=True)
        path = shutil.copyfile(path, out.resolve())
    emit({"path": str(path)}, as_json, lambda made: [f"报表 report: {made['path']}"])
