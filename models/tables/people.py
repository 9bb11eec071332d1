"""Tables of people: workers, their nominations and participation, consents, documents and leave.

Belongs here: what is known of a person and by whose word. Does not: study (teaching.py), money (funding.py).
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from models.tables.base import Reported, Table, instant, measure, one_of, reported_id
from models.tables.organisations import STAGE_NAMES
from models.vault import Encrypted

PARTICIPANT_STATUSES = ("active", "held", "refused", "withdrawn", "completed", "incomplete")


class Worker(Table, table=True):
    """A worker 职工, known once however often nominated; numbers are encrypted and matched by keyed hash."""

    __tablename__ = "workers"
    __table_args__ = (
        one_of("sex", ("male", "female")),
        CheckConstraint("household IS NULL OR household IN ('rural', 'urban')", name="household_known"),
    )

    id: str = Field(primary_key=True)
    name: str
    sex: str
    birth_on: date
    resident_id: str = Field(sa_type=Encrypted, repr=False)
    resident_id_hash: str = Field(unique=True)
    resident_id_masked: str
    mobile: str | None = Field(default=None, sa_type=Encrypted, repr=False)
    mobile_hash: str | None = Field(default=None, index=True)
    bank_card: str | None = Field(default=None, sa_type=Encrypted, repr=False)
    bank_card_hash: str | None = None
    bank_card_changed_on: date | None = None
    household: str | None = None
    household_as_of: date | None = None
    education: str | None = None


class Participant(Table, table=True):
    """A worker in a cohort: his stage, his status, and the rule that ended or holds him.

    At most one participation of a worker is active: the database holds it, not good intentions.
    """

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("cohort_code", "worker_id"),
        one_of("status", PARTICIPANT_STATUSES),
        one_of("stage", STAGE_NAMES),
        CheckConstraint("(status IN ('active', 'held')) = (ended_on IS NULL)", name="ended_when_over"),
        Index("uq_participants_one_active", "worker_id", unique=True,
              sqlite_where=text("status = 'active'"), postgresql_where=text("status = 'active'")),
        Index("ix_participants_active", "cohort_code",
              sqlite_where=text("status = 'active'"), postgresql_where=text("status = 'active'")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    cohort_code: str = Field(foreign_key="cohorts.code", index=True)
    worker_id: str = Field(foreign_key="workers.id", index=True)
    enterprise_code: str = Field(foreign_key="organisations.code")
    employee_number: str | None = Field(default=None, index=True)
    union_member: bool | None = None
    hired_on: date | None = None
    nominated_on: date
    stage: str = "nomination"
    stage_entered_on: date
    status: str = "active"
    rule: str = ""
    reason: str = ""
    ended_on: date | None = None
    student_number: str | None = Field(default=None, unique=True)
    registered_on: date | None = None
    graduated_on: date | None = None


class Nomination(Table, table=True):
    """One row of a roster as judged: accepted, held or refused, by which rules and in which words."""

    __tablename__ = "nominations"
    __table_args__ = (one_of("status", ("accepted", "held", "refused")),)

    id: str = Field(primary_key=True)
    cohort_code: str = Field(foreign_key="cohorts.code", index=True)
    enterprise_code: str = Field(foreign_key="organisations.code")
    participant_id: str | None = Field(default=None, foreign_key="participants.id", index=True)
    worker_id: str | None = Field(default=None, foreign_key="workers.id")
    source: str
    row: int
    name: str
    resident_id_hash: str | None = Field(default=None, index=True)
    status: str
    rules: str = ""
    reasons: str = ""
    policy_version: str
    nominated_on: date
    payload: str = Field(sa_type=Encrypted, repr=False)


class Consent(Table, table=True):
    """A separate consent (PIPL): for sensitive data, for passing data to a school, for the public notice."""

    __tablename__ = "consents"
    __table_args__ = (one_of("kind", ("sensitive", "school", "notice")),)

    id: str = Field(primary_key=True)
    worker_id: str = Field(foreign_key="workers.id", index=True)
    kind: str
    text_version: str
    given_at: datetime = instant()
    withdrawn_at: datetime | None = instant(default=None)


class Document(Table, table=True):
    """A document that settles a missing or changed fact, with the day it speaks of."""

    __tablename__ = "documents"
    __table_args__ = (one_of("kind", ("household", "education", "bank-card", "mobile")),)

    id: str = Field(primary_key=True)
    worker_id: str = Field(foreign_key="workers.id", index=True)
    kind: str
    value: str = Field(sa_type=Encrypted, repr=False)
    as_of: date


class Leave(Table, table=True):
    """Paid study leave as the enterprise granted it; only approved leave excuses an absence."""

    __tablename__ = "leaves"
    __table_args__ = (one_of("status", ("approved", "pending", "refused")),)

    id: str = Field(primary_key=True)
    worker_id: str = Field(foreign_key="workers.id", index=True)
    kind: str
    starts_on: date
    ends_on: date
    status: str
    hours: Decimal = measure()


class Employment(Reported, table=True):
    """What an HR system says of an employee; `active` false means that he left."""

    __tablename__ = "employments"

    id: str = reported_id()
    connection: str
    enterprise_code: str = Field(foreign_key="organisations.code")
    employee_number: str = Field(index=True)
    worker_id: str | None = Field(default=None, foreign_key="workers.id", index=True)
    active: bool
    left_on: date | None = None
