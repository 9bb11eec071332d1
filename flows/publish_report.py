"""The flow that writes the report."""

from prefect import flow

from flows.forms import AsOf, Code, named
from tasks.report import write_report


@flow(name="publish_report", flow_run_name=named("report", "period"))
async def publish_report(period: Code | None = None, out: str | None = None, as_of: AsOf = None) -> str:
    """Write the report of a period as a sheet, a page or JSON, and give its path.

    Args:
        period: a month (2026-05) or a year (2026); the month before if left out.
        out: the file to write; its ending says the kind (.xlsx, .html, .json).
        as_of: the business date, if not today.
    """
    return await write_report(period, out, as_of)
