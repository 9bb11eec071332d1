"""The flow that opens a cohort from its plan."""

from typing import Any

from prefect import flow

from flows.forms import AsOf, Words, named
from tasks.lifecycle import advance_cohorts
from tasks.opening import open_plan, warnings_of


@flow(name="open_cohort", flow_run_name=named("open-cohort"))
async def open_cohort(plan: dict[str, Any], actor: Words = "coordinator", as_of: AsOf = None) -> dict[str, Any]:
    """Open a cohort from project, programme, school and enterprises; the same plan again gives the same cohort.

    Args:
        plan: the plan, as `yuanmeng cohort template` prints it.
        actor: who opens it.
        as_of: the business date, if not today.
    """
    code = await open_plan(plan, actor, as_of)
    await advance_cohorts([code], as_of)
    return {"code": code, "warnings": warnings_of(plan, as_of)}
