"""`yuanmeng inbox` and `yuanmeng decide`: what waits for a person, and the person's answer.

Belongs here: the commands. Does not: what an answer does (tasks/inbox.py).
"""

from typing import Annotated

import typer

from console.errors import HELD, WRONG
from console.options import KEPT, AsJson, AsOf, Home, reason_text
from console.output import emit

ANSWERS = ("approve", "refuse")


def inbox(home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List what waits for a person's decision 待办."""
    from console.run import open_home
    from console.tables import inbox_table

    open_home(home)
    from tasks import views

    emit({"inbox": views.inbox(as_of)}, as_json, inbox_table)


def decide(
    words: Annotated[
        list[str], typer.Argument(metavar="ID... approve|refuse", help="Ids of the inbox, then the answer.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="REASON", callback=reason_text, help=KEPT)],
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Answer questions of the inbox 决定."""
    from console.run import flow_of, open_home, run_flow
    from console.tables import decided_table

    *ids, answer = words
    if answer not in ANSWERS or not ids:
        raise typer.BadParameter("give one or more ids of `yuanmeng inbox`, then approve or refuse")
    office = open_home(home)
    result = run_flow(
        flow_of("decide"), ids=ids, answer=answer, reason=reason, actor=office.settings.actor, as_of=as_of
    )
    emit(result, as_json, decided_table)
    if result["refused"]:
        raise typer.Exit(HELD if result["decided"] else WRONG)
