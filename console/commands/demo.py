"""`yuanmeng demo`: the whole programme on the sandbox.

Belongs here: the command. Does not: the demo itself (console/demo.py).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from console.errors import HELD
from console.options import AsJson, Home
from console.output import emit

if TYPE_CHECKING:
    from rich.table import Table

    from console.demo_summary import Ended


def demo(home: Home = None, as_json: AsJson = False) -> None:
    """Show the whole programme at work 演示. Three cohorts live two and a half years on the sandbox, from empty."""
    from console.run import quiet_prefect

    quiet_prefect()
    from console import demo as the_demo

    folder = home.resolve() if home is not None else the_demo.default_home()
    ended = the_demo.run(folder)
    emit(ended.summary, as_json, lambda _: _shown(ended, folder))
    if ended.summary["truth"]["differences"]:
        raise typer.Exit(HELD)


def _shown(ended: "Ended", folder: Path) -> "Iterator[Table | str]":
    from console.demo_tables import show

    return show(ended, folder)
