"""`yuanmeng automations apply`: bring the Prefect server to our automations.

Belongs here: the command. Does not: what the automations are (flows/automations.py).
"""

import os

import typer

from console.options import AsJson, AsOf, Home
from console.output import emit

app = typer.Typer(help="Automations 自动化 of the Prefect server.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def automations() -> None:
    """Automations 自动化 of the Prefect server."""


@app.command()
def apply(home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Let Prefect start the stall watch when a run crashes, is late or hangs 应用. Applied again it changes nothing."""
    from console.run import open_home, quiet_prefect, wait_for
    from models.clock import business_date
    from tasks.errors import BadInput

    office = open_home(home)
    if not os.environ.get("PREFECT_API_URL"):
        raise BadInput(
            "PREFECT_API_URL is not set: give the address of the Prefect server, as http://127.0.0.1:4200/api"
        )
    quiet_prefect()
    from flows.automations import apply_automations

    applied = wait_for(apply_automations(office.policy(business_date(as_of))))
    emit(
        {"automations": applied},
        as_json,
        lambda done: [f"{name}: {what}" for name, what in done["automations"].items()],
    )
