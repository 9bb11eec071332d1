"""Tables of who runs a cohort and what is taught: organisations, projects, programmes, modules, cohorts.

Belongs here: what a plan sets up. Does not: people (people.py) or money (funding.py).
"""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from models.tables.base import Table, one_of, points, share

ORGANISATION_KINDS = (
    "federation", "enterprise", "school", "centre", "union", "assessor", "finance", "department",
)  # fmt: skip
STAGE_NAMES = (
    "nomination", "review", "public_notice", "admission", "registration",
    "teaching", "exams", "recognition", "certification",
)  # fmt: skip


class Organisation(Table, table=True):
    """An organisation by its unified social credit code (GB 32100); one may act in several roles."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("length(code) = 18", name="code_length"),)

    code: str = Field(primary_key=True, max_length=18)
    name: str


class Project(Table, table=True):
    """A project 项目: a federation's yearly batch of cohorts."""

    __tablename__ = "projects"

    code: str = Field(primary_key=True)
    name: str
    federation_code: str = Field(foreign_key="organisations.code")


class Programme(Table, table=True):
    """A programme 专业/培养方案 in one edition: what a cohort studies and which skill it ends with."""

    __tablename__ = "programmes"
    __table_args__ = (
        one_of("level", ("junior-college", "bachelor")),
        CheckConstraint("credits_to_graduate > 0", name="credits_positive"),
        CheckConstraint("terms > 0", name="terms_positive"),
        CheckConstraint("skill_level BETWEEN 1 AND 5", name="skill_level_range"),
    )

    id: str = Field(primary_key=True)
    code: str
    edition: str
    name: str
    level: str
    credits_to_graduate: Decimal = points()
    terms: int
    occupation: str
    skill_level: int


class Module(Table, table=True):
    """A module of a programme: its credits, its kind and how its mark is made."""

    __tablename__ = "modules"
    __table_args__ = (
        UniqueConstraint("programme_id", "code"),
        one_of("kind", ("compulsory", "elective", "practice", "thesis")),
        CheckConstraint("credits > 0", name="credits_positive"),
        CheckConstraint("formative_share BETWEEN 0.2 AND 1", name="formative_share_range"),
    )

    id: str = Field(primary_key=True)
    programme_id: str = Field(foreign_key="programmes.id", index=True)
    code: str
    name: str
    credits: Decimal = points()
    kind: str
    term: int
    formative_share: Decimal = share()
    each_part: bool = False


class Cohort(Table, table=True):
    """A cohort 班级 and where it stands; `stage` is its own, each participant has one beside it."""

    __tablename__ = "cohorts"
    __table_args__ = (
        one_of("stage", (*STAGE_NAMES, "closed")),
        CheckConstraint("quota > 0", name="quota_positive"),
        CheckConstraint("nomination_opens_on <= starts_on", name="opens_before_start"),
    )

    code: str = Field(primary_key=True)
    name: str
    project_code: str = Field(foreign_key="projects.code")
    programme_id: str = Field(foreign_key="programmes.id")
    starts_on: date
    nomination_opens_on: date
    quota: int
    stage: str = "nomination"
    stage_entered_on: date
    school_code: str = Field(foreign_key="organisations.code")
    centre_code: str = Field(foreign_key="organisations.code")
    union_code: str = Field(foreign_key="organisations.code")
    assessor_code: str = Field(foreign_key="organisations.code")
    finance_code: str = Field(foreign_key="organisations.code")
    federation_code: str = Field(foreign_key="organisations.code")


class CohortWindow(Table, table=True):
    """A window of a cohort's plan: something can be done (an exam registered for) until the day it closes."""

    __tablename__ = "cohort_windows"

    cohort_code: str = Field(foreign_key="cohorts.code", primary_key=True)
    name: str = Field(primary_key=True)
    closes_on: date = Field(index=True)


class CohortEnterprise(Table, table=True):
    """An enterprise that nominates for a cohort."""

    __tablename__ = "cohort_enterprises"

    cohort_code: str = Field(foreign_key="cohorts.code", primary_key=True)
    enterprise_code: str = Field(foreign_key="organisations.code", primary_key=True)
    supervisor: str = ""
