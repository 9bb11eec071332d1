"""`yuanmeng stalls`: who holds what up, and why one worker has not moved.

Belongs here: the command. Does not: judging a wait (tasks/views.py), the facts of a standstill (tasks/why.py).
"""

from enum import StrEnum
from typing import Annotated

import typer

from console.errors import HELD
from console.options import AsJson, AsOf, Home
from console.output import emit


class By(StrEnum):
    """How stalls are put together."""

    holder = "holder"
    cohort = "cohort"
    age = "age"


def stalls(
    by: Annotated[
        By, typer.Option("--by", help="Put together by who holds them, by cohort, or by age alone.")
    ] = By.holder,
    why: Annotated[
        str | None, typer.Option("--why", metavar="PARTICIPANT", help="Say in one sentence why this one has not moved.")
    ] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say who holds what up 卡点, since when, how late."""
    from console.run import open_home

    open_home(home)
    if why is not None:
        _explain(why, as_of, as_json)
        return
    from console.stall_tables import stall_tables
    from tasks.views import stalls_by

    found = stalls_by(by.value, as_of)
    emit(found, as_json, stall_tables)
    if found["stalls"]:
        raise typer.Exit(HELD)


def _explain(participant: str, as_of: AsOf, as_json: bool) -> None:
    """One worker; he is something a person must see to where what he waits for is overdue."""
    from console.stall_tables import why_lines
    from console.why_words import sentences
    from tasks.why import why

    fact = why(participant, as_of)
    emit({**fact, **sentences(fact)}, as_json, why_lines)
    if any(wait["stalled"] for wait in fact["waits"]):
        raise typer.Exit(HELD)
