"""`yuanmeng worker show|withdraw|consent`: one worker's whole story, its early end, his consents.

Belongs here: the commands. Does not: who may see a number (tasks/views.py), what a withdrawal does (tasks/withdrawal.py).
"""

from datetime import date
from typing import Annotated

import typer

from console.options import KEPT, AsJson, AsOf, Home, day_text, reason_text
from console.output import emit
from console.progress import progress

app = typer.Typer(help="Workers 职工.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def worker() -> None:
    """Workers 职工."""


@app.command()
def show(
    worker_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a worker or of a participant.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the numbers in clear; it is written down.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", metavar="REASON", callback=reason_text, help=KEPT)] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show one worker's whole story. Numbers are masked; a reveal needs a reason and leaves an audit line."""
    from console.run import open_home
    from console.tables import worker_tables

    office = open_home(home)
    from tasks.views import worker_view

    view = worker_view(worker_id, reveal, reason or "", office.settings.actor, as_of)
    emit(view, as_json, worker_tables)


@app.command()
def withdraw(
    participant: Annotated[str, typer.Argument(metavar="ID", help="The id of a participant (`worker show` gives it).")],
    why: Annotated[
        str, typer.Option("--why", metavar="RULE", help="left-employer, dropped-out, expelled or deceased.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="REASON", callback=reason_text, help=KEPT)],
    on: Annotated[date | None, typer.Option("--on", metavar="DATE", parser=day_text, help="From which day.")] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a participant 退出. At any stage: his payments stop, what was not paid is reversed."""
    from console.run import flow_of, open_home, run_flow, wait_for
    from console.tables import cohort_tables

    office = open_home(home)
    from tasks.withdrawal import withdraw as withdraw_participant

    cohort = wait_for(withdraw_participant(participant, why, reason, office.settings.actor, on, as_of))
    with progress("推进 advance"):
        view = run_flow(flow_of("advance_cohort"), cohort=cohort, as_of=as_of)
    emit(view, as_json, cohort_tables)


@app.command()
def consent(
    participants: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of participants.")],
    text_version: Annotated[
        str, typer.Option("--text", metavar="VERSION", callback=reason_text, help="Which text was signed, as 2026-1.")
    ],
    given_on: Annotated[
        date | None, typer.Option("--on", metavar="DATE", parser=day_text, help="The day on the form, if not today.")
    ] = None,
    withdrawn_on: Annotated[
        date | None, typer.Option("--withdrawn-on", metavar="DATE", parser=day_text, help="The day it was withdrawn.")
    ] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Record consents on paper 同意书. For sensitive data, for passing data to the school, for the public notice."""
    from console.run import flow_of, open_home, run_flow, wait_for

    office = open_home(home)
    from tasks.consents import record_consents

    done = wait_for(record_consents(participants, text_version, office.settings.actor, given_on=given_on,
                                    withdrawn_on=withdrawn_on, as_of=as_of))  # fmt: skip
    for code in done["cohorts"]:
        run_flow(flow_of("advance_cohort"), cohort=code, as_of=as_of)
    emit(done, as_json, lambda made: [f"已登记 recorded for {len(made['recorded'])}"])
