"""Opening a cohort from its plan: organisations, project, programme, modules, cohort, sources of money.

Belongs here: turning a plan into rows, once. Does not: reading or checking the plan (plan.py).
"""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session, SQLModel

from connectors.database import alone
from models.clock import business_date
from models.identity import make_id
from models.repositories.audit import record
from models.repositories.common import add_missing
from models.repositories.funding import funding_sources
from models.repositories.watch import window_names
from models.rules.ledger import head_warning
from models.tables.funding import FundingSource
from models.tables.lifecycle import Step
from models.tables.organisations import Cohort, CohortEnterprise, CohortWindow, Module, Organisation, Programme, Project
from tasks.office import office, unit_of_work
from tasks.plan import Plan, PlanError, parse_plan
from tasks.step import step


@step(name="open-cohort")
async def open_plan(plan: dict[str, Any], actor: str, as_of: date | None = None) -> str:
    """Open a cohort and give its code; the same plan again gives the same cohort.

    Raises PlanError when the plan is wrong or its code is taken by another plan.
    """
    return write_plan(parse_plan(plan), actor, business_date(as_of))


def warnings_of(plan: dict[str, Any], as_of: date | None = None) -> list[str]:
    """Give a sentence for what may be a slip in a plan that opens all the same: the money a head."""
    planned = parse_plan(plan)
    if not planned.funding:
        return []
    total = sum((one.amount * one.periods for one in planned.funding), start=Decimal("0"))
    if not head_warning(total, office().policy(business_date(as_of))):
        return []
    return [f"the plan gives each worker {total} yuan in all, which is unusual: check its funding 人均金额异常，请核对"]


def write_plan(plan: Plan, actor: str, today: date) -> str:
    """Write all rows of a plan in one transaction."""
    with unit_of_work() as session:
        alone(session, "plans")  # two plans at once may name the same organisations
        there = session.get(Cohort, plan.code)
        rows = list(_rows(plan, today, there.stage_entered_on if there else today))
        if there is not None:
            _refuse_another_plan(session, plan, rows)
            return plan.code
        for row in rows:
            _add_or_agree(session, row)
            session.flush()
        record(session, action="cohort-opened", subject=plan.code, actor=actor, on=today,
               reason="opened from its plan", key=f"cohort-opened:{plan.code}")  # fmt: skip
    return plan.code


def _rows(plan: Plan, today: date, entered_on: date) -> list[SQLModel]:
    programme = _programme(plan)
    return [
        *_organisations(plan),
        Project(code=plan.project.code, name=plan.project.name, federation_code=plan.project.federation),
        programme,
        *_modules(plan, programme.id),
        _cohort(plan, programme.id, entered_on),
        *(
            CohortEnterprise(cohort_code=plan.code, enterprise_code=one.code, supervisor=one.supervisor)
            for one in plan.enterprises
        ),
        *(CohortWindow(cohort_code=plan.code, **one.model_dump()) for one in plan.windows),
        *_sources(plan),
        Step(
            id=make_id("S", plan.code, "", "nomination"),
            cohort_code=plan.code,
            stage="nomination",
            entered_on=entered_on,
        ),
    ]


def _organisations(plan: Plan) -> list[SQLModel]:
    named = [plan.school, plan.centre, plan.union, plan.assessor, plan.finance, *plan.enterprises]
    federation = Organisation(code=plan.project.federation, name=plan.project.federation_name)
    rows = {one.code: Organisation(code=one.code, name=one.name) for one in named}
    return [*{federation.code: federation, **rows}.values()]


def _programme(plan: Plan) -> Programme:
    planned = plan.programme
    edition = planned.edition or str(plan.starts_on.year)
    return Programme(
        id=f"{planned.code}-{edition}", code=planned.code, edition=edition, name=planned.name, level=planned.level,
        credits_to_graduate=planned.credits_to_graduate, terms=planned.terms, occupation=planned.occupation,
        skill_level=planned.skill_level,
    )  # fmt: skip


def _modules(plan: Plan, programme_id: str) -> list[SQLModel]:
    return [
        Module(id=f"{programme_id}:{one.code}", programme_id=programme_id, **one.model_dump())
        for one in plan.programme.modules
    ]


def _cohort(plan: Plan, programme_id: str, entered_on: date) -> Cohort:
    return Cohort(
        code=plan.code, name=plan.name, project_code=plan.project.code, programme_id=programme_id,
        starts_on=plan.starts_on, nomination_opens_on=plan.nomination_opens_on, quota=plan.quota,
        stage_entered_on=entered_on, school_code=plan.school.code, centre_code=plan.centre.code,
        union_code=plan.union.code, assessor_code=plan.assessor.code, finance_code=plan.finance.code,
        federation_code=plan.project.federation,
    )  # fmt: skip


def _sources(plan: Plan) -> list[SQLModel]:
    return [
        FundingSource(id=make_id("F", plan.code, one.source, one.trigger), cohort_code=plan.code, **one.model_dump())
        for one in plan.funding
    ]


def _add_or_agree(session: Session, row: SQLModel) -> None:
    """Add a row; where it stands already (an organisation, a programme), it must say the same."""
    standing = add_missing(session, row)
    if standing is not row and (difference := _difference(standing, row)):
        raise PlanError(
            f"the plan's {type(row).__tablename__} disagree with what another plan opened ({difference}): "
            "give the programme another edition, or correct the plan"
        )


def _refuse_another_plan(session: Session, plan: Plan, rows: list[SQLModel]) -> None:
    """The same plan again is fine; another plan under a taken code is a mistake."""
    planned = {row.id for row in rows if isinstance(row, FundingSource)}
    same = {row.id for row in funding_sources(session, plan.code)} == planned
    same = same and window_names(session, plan.code) == {one.name for one in plan.windows}
    for row in rows:
        if isinstance(row, Step):
            continue
        key = tuple(getattr(row, column.name) for column in type(row).__table__.primary_key)  # type: ignore[attr-defined]
        there = session.get(type(row), key)
        same = same and there is not None and not _difference(there, row)
    if not same:
        raise PlanError(f"a cohort {plan.code} was opened from a different plan: give this plan another code")


MOVING = {"stage", "stage_entered_on", "granted_heads", "granted_total", "nearly_used_on"}


def _difference(standing: SQLModel, planned: SQLModel) -> str:
    for name in type(planned).model_fields:
        if name not in MOVING and not _same(getattr(standing, name), getattr(planned, name)):
            return name
    return ""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        return one is not None and other is not None and Decimal(one) == Decimal(other)
    return bool(one == other)
