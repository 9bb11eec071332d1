"""The report upwards: counts and money by cohort that started, written as a sheet, a page or JSON.

Belongs here: gathering the figures and choosing the file's form. Does not: freezing reports of the past.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from sqlmodel import Session

from models.clock import business_date
from models.repositories.credentials import certificate_count, recognised_credits
from models.repositories.funding import source_names, sums_by_kind, sums_by_source
from models.repositories.lifecycle import overdue_by_holder
from models.repositories.organisations import cohorts_opened_by
from models.repositories.people import approved_leave_hours, participants_of, worker_count
from models.tables.organisations import Cohort
from tasks.errors import BadInput
from tasks.office import office, unit_of_work
from tasks.step import step

Figures = dict[str, Any]


@step(name="write-report")
async def write_report(period: str | None = None, form: str = "xlsx", as_of: date | None = None) -> str:
    """Write the report of a period among the office's reports and give its path. Raises BadInput for a period not known."""
    today = business_date(as_of)
    last, label = _period(period, today)
    target = office().settings.home / "reports" / f"report-{label}.{form}"
    with unit_of_work() as session:
        figures = {"period": label, "as_of": today.isoformat(), **gather(session, last)}
    target.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[form](target, figures)
    return str(target)


def form_of(path: Path) -> str:
    """Give the form that a file's ending asks for. Raises BadInput for an ending not known."""
    form = path.suffix.lower().removeprefix(".")
    if form not in WRITERS:
        raise BadInput(f"a report is written as .xlsx, .html or .json, not {path.suffix or 'without an ending'}")
    return form


def _period(period: str | None, today: date) -> tuple[date, str]:
    """The last day of a month (2026-05) or year (2026); the month before today if none is given."""
    if period is None:
        period = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    try:
        year, dash, month = period.partition("-")
        first, months = date(int(year), int(month) if dash else 1, 1), 1 if dash else 12
        beyond = date(first.year + (first.month - 1 + months) // 12, (first.month - 1 + months) % 12 + 1, 1)
    except ValueError:
        raise BadInput("give the period as a month (2026-05) or a year (2026)") from None
    return min(beyond - timedelta(days=1), today), period


def gather(session: Session, last: date) -> Figures:
    """The figures of all cohorts that started by the last day, by the cohort that started."""
    cohorts = cohorts_opened_by(session, last)
    codes = [cohort.code for cohort in cohorts]
    return {
        "projects": len({cohort.project_code for cohort in cohorts}), "workers": worker_count(session, codes),
        "migrant_workers": worker_count(session, codes, household="rural"),
        "cohorts": [_cohort(session, cohort, last) for cohort in cohorts], "money": money_by_source(session, last),
        "overdue": overdue_by_holder(session, last), "leave_hours": str(approved_leave_hours(session, last)),
        "recognised_credits": str(recognised_credits(session, last)),
    }  # fmt: skip


def _cohort(session: Session, cohort: Cohort, last: date) -> Figures:
    people = participants_of(session, cohort.code)
    registered = [one for one in people if one.registered_on is not None]
    completed = sum(one.status == "completed" for one in registered)
    withdrawn = sum(one.status == "withdrawn" for one in registered)
    sums = defaultdict(Decimal, sums_by_kind(session, cohort.code, last))
    paid = sums["payment"] - sums["return"]
    return {
        "cohort": cohort.code, "stage": cohort.stage, "nominated": len(people), "registered": len(registered),
        "withdrawn": withdrawn, "completed": completed, "retention": _share(len(registered) - withdrawn, len(registered)),
        "completion": _share(completed, len(registered)), "cost_a_head": str(_each(paid, len(registered))),
        "certificates": certificate_count(session, cohort.code),
    }  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


def _each(total: Decimal, heads: int) -> Decimal:
    return (total / heads).quantize(Decimal("0.01")) if heads else Decimal("0.00")


def money_by_source(session: Session, last: date = date.max) -> dict[str, dict[str, str]]:
    """Awarded, paid, returned and reversed yuan by source, as booked by the last day."""
    names = {"award": "awarded", "payment": "paid", "return": "returned", "reversal": "reversed"}
    table: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(names.values(), Decimal("0.00")))
    for source in source_names(session):
        table[source]
    for (source, kind), amount in sums_by_source(session, last).items():
        table[source][names[kind]] = amount.quantize(Decimal("0.01"))
    return {source: {name: str(value) for name, value in row.items()} for source, row in sorted(table.items())}


def _write_json(target: Path, figures: Figures) -> None:
    target.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _write_html(target: Path, figures: Figures) -> None:
    from jinja2 import Environment, PackageLoader

    page = Environment(loader=PackageLoader("tasks"), autoescape=True).get_template("report.html")
    target.write_text(page.render(**figures), encoding="utf-8")


def _write_sheet(target: Path, figures: Figures) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    _fill(book.create_sheet("班级 cohorts"), figures["cohorts"])
    money = book.create_sheet("资金 money")
    _fill(money, [{"source": source, **row} for source, row in figures["money"].items()])
    book.save(target)


def _fill(sheet: Any, rows: list[Figures]) -> None:
    if rows:
        sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([str(value) for value in row.values()])


WRITERS = {"json": _write_json, "html": _write_html, "xlsx": _write_sheet}
