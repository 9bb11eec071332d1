"""The flow that opens a cohort from its plan."""

from typing import Annotated, Any

from prefect import State, flow
from prefect.states import Completed

from flows.forms import ACTOR, AsOf, Wanted, Words, by_form, form, named
from flows.record import keep_cohorts, mark_run
from tasks.fields import NO_NUMBER
from tasks.lifecycle import advance_cohorts
from tasks.opening import open_plan, warnings_of
from tasks.plan import Plan


@flow(name="open_cohort", flow_run_name=named("open", "plan.code"), validate_parameters=False)
@form
async def open_cohort(
    plan: Annotated[Plan, Wanted("the plan of a cohort (开班计划)")],
    actor: Annotated[Words, Wanted(ACTOR, NO_NUMBER)] = "coordinator",
    as_of: AsOf = None,
) -> dict[str, Any] | State[Any]:
    """Open a cohort from project, programme, school and enterprises; the same plan again gives the same cohort.

    Args:
        plan: 开班计划：项目、专业、学校、企业、名额、日期、资助。The plan, as `yuanmeng cohort template` prints it.
        actor: 谁在开班：姓名或岗位。Who opens it: a name or a post.
        as_of: 业务日期，留空为今天。The business date, if not today.
    """
    await mark_run([plan.code])
    values = plan.model_dump(mode="json")
    code = await open_plan(values, actor, as_of)
    await advance_cohorts([code], as_of)
    await keep_cohorts([code], as_of)
    opened = {"code": code, "warnings": warnings_of(values, as_of)}
    state: State[Any] = Completed(message="; ".join(opened["warnings"]) or None, data=opened)
    return state if by_form() else opened
