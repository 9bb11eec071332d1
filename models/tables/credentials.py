"""Tables of what study is worth: skill assessments, claimed outcomes, recognitions, certificates.

Belongs here: proofs and their decisions. Does not: marks of modules (teaching.py).
"""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from models.tables.base import Table, measure, one_of, points


class SkillAssessment(Table, table=True):
    """A registration for the skill assessment and its result."""

    __tablename__ = "skill_assessments"
    __table_args__ = (
        one_of("status", ("sent", "passed", "failed")),
        CheckConstraint("level BETWEEN 1 AND 5", name="level_range"),
    )

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id", unique=True)
    occupation: str
    level: int
    sent_on: date
    status: str = "sent"
    score: Decimal | None = measure(default=None)
    assessed_on: date | None = None


class Outcome(Table, table=True):
    """A learning outcome 学习成果 a worker claims credits for."""

    __tablename__ = "outcomes"

    id: str = Field(primary_key=True)
    worker_id: str = Field(foreign_key="workers.id", index=True)
    kind: str
    title: str
    evidence: str
    module_code: str
    credits_claimed: Decimal = points()
    awarded_on: date


class Recognition(Table, table=True):
    """The decision on a claimed outcome: granted credits or the rule that refused, with its reviewer."""

    __tablename__ = "recognitions"
    __table_args__ = (
        UniqueConstraint("participant_id", "outcome_id"),
        one_of("status", ("granted", "refused")),
        CheckConstraint("(status = 'granted') = (credits > 0)", name="credits_when_granted"),
        CheckConstraint("status = 'refused' OR module_id IS NOT NULL", name="granted_for_a_module"),
        CheckConstraint("(status = 'refused') = (rule <> '')", name="refused_by_a_rule"),
        Index("uq_recognitions_one_grant", "participant_id", "module_id", unique=True,
              sqlite_where=text("status = 'granted'"), postgresql_where=text("status = 'granted'")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id")
    outcome_id: str = Field(foreign_key="outcomes.id")
    module_id: str | None = Field(default=None, foreign_key="modules.id")
    status: str
    credits: Decimal = points()
    rule: str = ""
    reason: str = ""
    policy_version: str
    reviewer: str
    evidence: str
    decided_on: date


class Certificate(Table, table=True):
    """A certificate number back from its issuer: the diploma or the skill certificate."""

    __tablename__ = "certificates"
    __table_args__ = (UniqueConstraint("participant_id", "kind"), one_of("kind", ("diploma", "skill")))

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id")
    kind: str
    number: str = Field(unique=True)
    issued_on: date
