"""The flow that keeps house: what has been kept long enough is reduced, anonymised or deleted."""

from prefect import flow

from flows.forms import AsOf, named
from tasks.retention import keep_house as keep


@flow(name="keep_house", flow_run_name=named("keep-house"))
async def keep_house(as_of: AsOf = None, dry_run: bool = False) -> dict[str, int]:
    """Delete or anonymise what the policy says has been kept long enough; reports and the ledger stay as they are.

    Args:
        as_of: the business date, if not today.
        dry_run: only count what would go.
    """
    return await keep(as_of, dry_run)
