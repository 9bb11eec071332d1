"""The flow that watches for stalls in working time."""

from typing import Any

from prefect import State, flow

from flows.forms import AsOf, named
from flows.lateness import overtaken
from tasks.outbox import deliver_outbox
from tasks.presses import finish_presses
from tasks.stalls import watch_waits


@flow(name="watch_stalls", flow_run_name=named("stalls"))
async def watch_stalls(as_of: AsOf = None) -> dict[str, int] | State[Any]:
    """Raise, escalate and resolve alerts for waits past their due date, and tell the chat.

    Args:
        as_of: the business date, if not today.
    """
    if (end := overtaken()) is not None:
        return end
    alerts = await watch_waits(as_of)
    await deliver_outbox(as_of)
    await finish_presses(as_of)
    return alerts
