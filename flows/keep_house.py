"""The flow that keeps house: what has been kept long enough is reduced, anonymised or deleted."""

from prefect import flow

from flows.forms import AsOf, YesOrNo, form, named
from tasks.retention import keep_house as keep


@flow(name="keep_house", flow_run_name=named("keep-house"), validate_parameters=False)
@form
async def keep_house(as_of: AsOf = None, dry_run: YesOrNo = False) -> dict[str, int]:
    """Delete or anonymise what the policy says has been kept long enough; reports and the ledger stay as they are.

    Args:
        as_of: 业务日期，留空为今天。The business date, if not today.
        dry_run: 是否只计数、不改动。Whether to count only what would go.
    """
    return await keep(as_of, dry_run)
