"""The flow that moves one cohort as far as its evidence carries it."""

from typing import Any

from prefect import flow

from flows.forms import AsOf, Code, named
from tasks.lifecycle import advance_cohorts
from tasks.outbox import deliver_outbox
from tasks.views import cohort_view


@flow(name="advance_cohort", flow_run_name=named("advance", "cohort"))
async def advance_cohort(cohort: Code, as_of: AsOf = None) -> dict[str, Any]:
    """Move one cohort as far as its evidence carries it, and say what it waits for.

    Args:
        cohort: the code of the cohort.
        as_of: the business date, if not today.
    """
    await advance_cohorts([cohort], as_of)
    await deliver_outbox(as_of)
    return cohort_view(cohort, as_of)
