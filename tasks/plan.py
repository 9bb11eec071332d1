"""The plan of a cohort: the file a coordinator fills in, read and checked.

Belongs here: the plan's shape, its template and its errors. Does not: writing it to the database (opening.py).
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from models.rules.identifiers import Invalid, credit_code
from tasks.errors import BadInput


class PlanError(BadInput):
    """The plan cannot be opened; the sentence says which line to mend."""


def _organisation_code(text: str) -> str:
    try:
        return credit_code(text)
    except Invalid as error:
        raise ValueError(str(error)) from error


Code = Annotated[str, AfterValidator(_organisation_code)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class PlannedProject(_Part):
    """The project a cohort belongs to, and the federation that runs it."""

    code: str = Field(min_length=1)
    name: str
    federation: Code
    federation_name: str


class PlannedModule(_Part):
    """A module: credits, kind, term, the share r of its formative part (20–100 %)."""

    code: str
    name: str
    credits: Decimal = Field(gt=0, le=40)
    kind: Literal["compulsory", "elective", "practice", "thesis"]
    term: int = Field(ge=1, le=10)
    formative_share: Decimal = Field(ge=Decimal("0.2"), le=1)
    each_part: bool = False


class PlannedProgramme(_Part):
    """What is studied and which skill it ends with."""

    code: str
    name: str
    level: Literal["junior-college", "bachelor"]
    credits_to_graduate: Decimal = Field(gt=0)
    occupation: str
    skill_level: int = Field(ge=1, le=5)
    terms: int = Field(ge=1, le=10)
    edition: str = ""
    modules: tuple[PlannedModule, ...] = Field(min_length=1)


class PlannedOrganisation(_Part):
    """An organisation by its unified social credit code."""

    code: Code
    name: str


class PlannedEnterprise(PlannedOrganisation):
    """An enterprise, and who there is told when one of its workers misses classes."""

    supervisor: str = ""


class PlannedFunding(_Part):
    """A source of money: what it gives each head, when, how often, to how many, within which budget."""

    source: Literal["union", "school", "enterprise", "self", "government", "charity"]
    name: str
    amount: Decimal = Field(gt=0, decimal_places=2)
    trigger: Literal["yearly", "registration", "graduation"]
    periods: int = Field(default=1, ge=1, le=8)
    quota: int | None = Field(default=None, ge=0)
    budget: Decimal | None = Field(default=None, ge=0, decimal_places=2)


class PlannedWindow(_Part):
    """Something that can be done until a day: a registration for an exam, an application. The watch tells of it."""

    name: str = Field(min_length=1, max_length=60)
    closes_on: date


class Plan(_Part):
    """A cohort as planned: project, programme, organisations, quota, dates, windows and funding."""

    code: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{2,31}$")
    name: str
    starts_on: date
    nomination_opens_on: date
    quota: int = Field(ge=1, le=5000)
    project: PlannedProject
    programme: PlannedProgramme
    school: PlannedOrganisation
    centre: PlannedOrganisation
    union: PlannedOrganisation
    assessor: PlannedOrganisation
    finance: PlannedOrganisation
    enterprises: tuple[PlannedEnterprise, ...] = Field(min_length=1)
    funding: tuple[PlannedFunding, ...] = ()
    windows: tuple[PlannedWindow, ...] = ()


def parse_plan(data: dict[str, Any]) -> Plan:
    """Check a plan's values. Raises PlanError with the first mistake in one sentence."""
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        raise PlanError(_first_mistake(error)) from None
    if plan.nomination_opens_on > plan.starts_on:
        raise PlanError("nomination_opens_on is after starts_on: nomination must open before the cohort starts")
    for contradiction in _contradictions(plan):
        raise PlanError(f"the plan contradicts itself: {contradiction}; correct it and open the plan again")
    return plan


def _contradictions(plan: Plan) -> Iterator[str]:
    programme = plan.programme
    named = [f"module {one.code}" for one in programme.modules]
    named += [f"funding {one.source}/{one.trigger}" for one in plan.funding]
    named += [f"enterprise {one.code}" for one in plan.enterprises]
    named += [f"window {one.name}" for one in plan.windows]
    yield from (f"{name} stands in the plan twice" for name, times in Counter(named).items() if times > 1)
    for one in programme.modules:
        if one.term > programme.terms:
            yield f"module {one.code} is taught in term {one.term} of a programme of {programme.terms} terms"
    credits = sum(one.credits for one in programme.modules)
    if credits < programme.credits_to_graduate:
        yield f"{programme.credits_to_graduate} credits are needed to graduate, but its modules give {credits}"


def _first_mistake(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the plan"
    more = error.error_count() - 1
    rest = f" (and {more} more)" if more else ""
    return f"the plan's {place} cannot be used: {first['msg']}{rest}; correct it and open the plan again"


def read_plan(source: Path | str) -> Plan:
    """Read a plan from a TOML file or its text. Raises PlanError in one sentence."""
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source
    except (OSError, UnicodeDecodeError):
        raise PlanError(f"the plan {source} cannot be read: give the path of a UTF-8 text file") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"the plan is not valid TOML ({error}); start from `yuanmeng cohort template`") from None
    return parse_plan(data)


def template_text() -> str:
    """Give the commented plan of `yuanmeng cohort template`, which opens as it is."""
    return resources.files("tasks").joinpath("plan_template.toml").read_text(encoding="utf-8")
