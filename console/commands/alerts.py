"""`yuanmeng alerts list|ack|test`: what the chat was told, who has taken it up, and whether it hears us at all.

Belongs here: the commands. Does not: raising or sending an alert (tasks/alerts.py, tasks/outbox.py).
"""

from typing import Annotated

import typer

from console.errors import HELD, OUTSIDE
from console.options import KEPT, AsJson, AsOf, Home, reason_text
from console.output import emit
from console.progress import progress

app = typer.Typer(help="Alerts in the chat 提醒.", rich_markup_mode=None, no_args_is_help=True)


@app.command("list")
def list_all(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not over.")] = False,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List alerts, the oldest first. Ends with 1 while one is open that nobody has acknowledged."""
    from console.run import open_home
    from console.stall_tables import alerts_table

    open_home(home)
    from tasks.alert_views import alert_list

    found = alert_list(open_only, as_of)
    emit({"alerts": found}, as_json, alerts_table)
    if any(one["state"] == "open" for one in found):
        raise typer.Exit(HELD)


@app.command()
def ack(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The id of an alert (`alerts list` gives it).")],
    reason: Annotated[str, typer.Option("--reason", metavar="REASON", callback=reason_text, help=KEPT)],
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Acknowledge an alert 签收. As the button in the chat does: somebody is at it."""
    from console.run import open_home, wait_for
    from console.stall_tables import acknowledged_lines

    office = open_home(home)
    from tasks.alert_views import acknowledge_alert

    acknowledged = wait_for(acknowledge_alert(alert, office.settings.actor, reason, as_of))
    emit(acknowledged, as_json, acknowledged_lines)


@app.command()
def test(
    connection: Annotated[str | None, typer.Option("--connection", metavar="NAME", help="This chat only.")] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message to each chat. Says in one sentence what was wrong."""
    from console.run import open_home, wait_for
    from console.stall_tables import trial_lines

    open_home(home)
    from tasks.chat_trial import try_chats

    with progress("测试 test"):
        report = wait_for(try_chats(connection, as_of))
    emit({"connections": report}, as_json, trial_lines)
    if any(one["status"] == "failed" for one in report.values()):
        raise typer.Exit(OUTSIDE)
