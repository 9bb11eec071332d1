"""The flow that moves one cohort as far as its evidence carries it."""

from typing import Any

from prefect import flow

from flows.forms import AsOf, Code, form, named
from flows.record import keep_cohorts, keep_inbox, mark_run
from tasks.lifecycle import advance_cohorts
from tasks.outbox import deliver_outbox
from tasks.views import cohort_view


@flow(name="advance_cohort", flow_run_name=named("advance", "cohort"), validate_parameters=False)
@form
async def advance_cohort(cohort: Code, as_of: AsOf = None) -> dict[str, Any]:
    """Move one cohort as far as its evidence carries it, and say what it waits for.

    Args:
        cohort: 班级代码，如 WX-2026A。The code of the cohort.
        as_of: 业务日期，留空为今天。The business date, if not today.
    """
    await mark_run([cohort])
    await advance_cohorts([cohort], as_of)
    await deliver_outbox(as_of)
    await keep_cohorts([cohort], as_of)
    await keep_inbox()
    return cohort_view(cohort, as_of)
