"""The guard of business dates: what a schedule made for an earlier day is not done on a later one.

Belongs here: whether the run under way comes too late. Does not: what it would have done.
After machines were off for days, the runs of those days would begin one after the other, all for today.
"""

from typing import Any

from prefect import State
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.states import Completed

from models.clock import SHANGHAI, business_date, now


def overtaken() -> State[Any] | None:
    """Give the end of the run under way where its schedule made it for an earlier business date; None where it is due.

    One that a person started is always due, and so is one that began on its own day and was put back since.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if not isinstance(run, FlowRun) or not run.auto_scheduled or run.expected_start_time is None:
        return None
    due = run.expected_start_time.astimezone(SHANGHAI).date()
    began = (run.start_time or now()).astimezone(SHANGHAI).date()
    if due >= began:
        return None
    return Completed(
        message=f"it was due on {due}, and nothing was done: the run of {business_date()} covers that day too"
    )
