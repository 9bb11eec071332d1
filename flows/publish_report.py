"""The flow that writes the report."""

from typing import Annotated, Literal

from prefect import flow

from flows import forms
from flows.forms import AsOf, Wanted, named
from tasks.report import write_report

PERIOD_PATTERN = r"^[0-9]{4}(-(0[1-9]|1[0-2]))?$"
PERIOD = "a month as 2026-05 or a year as 2026, or nothing for the month before (月份或年份，留空为上个月)"


@flow(name="publish_report", flow_run_name=named("report", "period"), validate_parameters=False)
@forms.form
async def publish_report(
    period: Annotated[str | None, Wanted(PERIOD, PERIOD_PATTERN)] = None,
    form: Annotated[Literal["xlsx", "html", "json"], Wanted("xlsx, html or json (请从选项中选择)")] = "xlsx",
    as_of: AsOf = None,
) -> str:
    """Write the report of a period as a sheet, a page or JSON into the office's reports, and give its path.

    Args:
        period: 月份（2026-05）或年份（2026），留空为上个月。A month or a year; the month before if left out.
        form: xlsx 表格，html 网页，json 数据。What kind of file it is.
        as_of: 业务日期，留空为今天。The business date, if not today.
    """
    return await write_report(period, form, as_of)
