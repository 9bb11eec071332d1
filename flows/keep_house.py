"""The flow that keeps house: what has been kept long enough is reduced, anonymised or deleted."""

from datetime import date

from prefect import flow
from prefect.context import FlowRunContext

from flows.forms import AsOf, YesOrNo, form, named
from models.clock import business_date
from tasks.errors import BadInput
from tasks.retention import keep_house as keep


@flow(name="keep_house", flow_run_name=named("keep-house"), validate_parameters=False)
@form
async def keep_house(as_of: AsOf = None, dry_run: YesOrNo = False) -> dict[str, int]:
    """Delete or anonymise what the policy says has been kept long enough; reports and the ledger stay as they are.

    Args:
        as_of: 业务日期，留空为今天。The business date, if not today.
        dry_run: 是否只计数、不改动。Whether to count only what would go.
    """
    if not dry_run:
        _refuse_ahead(as_of)
    return await keep(as_of, dry_run)


def _refuse_ahead(as_of: date | None) -> None:
    """Refuse a day ahead to whoever filled in the form: one year mistyped, and everybody is anonymous. Raises BadInput."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    by_form = run is not None and run.deployment_id is not None
    if by_form and as_of is not None and as_of > business_date():
        raise BadInput(f"as_of cannot be used: {as_of} lies ahead, and what goes is gone for good; leave it empty, or let "
                       "dry_run count only")  # fmt: skip
