"""The flow by which a reviewer or coordinator decides what waits in the inbox."""

from typing import Annotated, Any, Literal

from prefect import flow
from pydantic import Field

from flows.forms import ACTOR, REASON, AsOf, Code, Wanted, Words, by_form, form, named
from flows.record import keep_cohorts, keep_inbox, mark_run
from tasks.errors import BadInput
from tasks.fields import NO_NUMBER
from tasks.inbox import answer_requests, cohorts_of

Kind = Literal["any", "review", "nominated-twice", "nominated-elsewhere", "recognition", "override"]
IDS = "one or more ids of the inbox, at least one (至少一个待办编号)"


@flow(name="decide", flow_run_name=named("decide", "answer"), validate_parameters=False)
@form
async def decide(
    ids: Annotated[list[Code], Field(min_length=1), Wanted(IDS)],
    answer: Annotated[Literal["approve", "refuse"], Wanted("approve or refuse (通过或不通过)")],
    reason: Annotated[Words, Field(min_length=1), Wanted(REASON, NO_NUMBER)],
    actor: Annotated[Words, Field(min_length=1), Wanted(ACTOR, NO_NUMBER)],
    as_of: AsOf = None,
    kind: Annotated[Kind, Wanted("one of the choices (请从选项中选择)")] = "any",
) -> dict[str, Any]:
    """Decide a review, a doubled nomination, a recognition or an override, with who and why.

    Args:
        ids: 待办编号，在“Artifacts”页的 inbox 表或 `yuanmeng inbox` 中查到。The ids of the questions, as the table `inbox` lists them.
        answer: approve 通过，refuse 不通过。Approve or refuse.
        reason: 决定的原因，会一直保留；不要填证件号、卡号、手机号。Why; it is kept. Name no personal number.
        actor: 谁决定：姓名或岗位。Who decides: a name or a post.
        as_of: 业务日期，留空为今天。The business date, if not today.
        kind: 只决定这一类：review 审核，nominated-twice 重复提名，nominated-elsewhere 他处提名，
            recognition 学分认定，override 破例；any 不限。Only questions of this kind; any: of whatever kind they are.
    """
    codes = cohorts_of(ids)
    await mark_run(codes)
    decided = await answer_requests(ids, answer, reason, actor, as_of, kind)
    await keep_cohorts(codes, as_of)
    await keep_inbox()
    if decided["refused"] and by_form():
        raise BadInput(_sentence(decided))
    return decided


def _sentence(decided: dict[str, Any]) -> str:
    """Say what could not be decided so, and why; the rest stands."""
    why = "; ".join(f"{one['id']}: {one['reason']}" for one in decided["refused"])
    return f"not decided: {why}" + (f"; decided: {', '.join(decided['decided'])}" if decided["decided"] else "")
