"""The flow that watches for stalls in working time."""

from prefect import flow

from flows.forms import AsOf, named
from tasks.outbox import deliver_outbox
from tasks.presses import finish_presses
from tasks.stalls import watch_waits


@flow(name="watch_stalls", flow_run_name=named("stalls"))
async def watch_stalls(as_of: AsOf = None) -> dict[str, int]:
    """Raise, escalate and resolve alerts for waits past their due date, and tell the chat.

    Args:
        as_of: 业务日期，留空为今天。The business date, if not today.
    """
    alerts = await watch_waits(as_of)
    await deliver_outbox(as_of)
    await finish_presses(as_of)
    return alerts
