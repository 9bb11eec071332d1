"""The flow by which a reviewer or coordinator decides what waits in the inbox."""

from typing import Any, Literal

from prefect import flow

from flows.forms import AsOf, Code, Words, named
from tasks.inbox import answer_requests


@flow(name="decide", flow_run_name=named("decide", "answer"))
async def decide(
    ids: list[Code], answer: Literal["approve", "refuse"], reason: Words, actor: Words, as_of: AsOf = None
) -> dict[str, Any]:
    """Decide a review, a doubled nomination, a recognition or an override, with who and why.

    Args:
        ids: the ids of the questions in the inbox.
        answer: approve or refuse.
        reason: why; name no personal number.
        actor: who decides.
        as_of: the business date, if not today.
    """
    return await answer_requests(ids, answer, reason, actor, as_of)
