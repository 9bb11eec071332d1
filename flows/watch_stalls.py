"""The flow that watches for stalls in working time."""

from typing import Any

from prefect import State, flow

from flows.forms import AsOf, form, named
from flows.lateness import overtaken
from tasks.outbox import deliver_outbox
from tasks.presses import finish_presses
from tasks.stalls import watch_waits


@flow(name="watch_stalls", flow_run_name=named("stalls"), validate_parameters=False)
@form
async def watch_stalls(as_of: AsOf = None) -> dict[str, int] | State[Any]:
    """Raise, escalate and resolve alerts for waits past their due date, and tell the chat.

    Args:
        as_of: 业务日期，留空为今天。The business date, if not today.
    """
    if (end := overtaken()) is not None:
        return end
    alerts = await watch_waits(as_of)
    await deliver_outbox(as_of)
    await finish_presses(as_of)
    return alerts
