"""Tables of money: sources, awards, the ledger and payments, in decimal yuan.

Belongs here: who pays what for whom. Does not: the rules of triggers and limits (rules/ledger.py).
Ledger lines are only ever added; the database refuses to change or delete one.
"""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from models.tables.base import Table, money, one_of

SOURCES = ("union", "school", "enterprise", "self", "government", "charity")


class FundingSource(Table, table=True):
    """A source of money for one cohort: its trigger, amount, periods, quota of heads and budget.

    `granted_heads` and `granted_total` sum up its standing awards, so that nobody need count them to watch the limits;
    `nearly_used_on` is the day the stall watch first found one of the limits nearly used up.
    """

    __tablename__ = "funding_sources"
    __table_args__ = (
        UniqueConstraint("cohort_code", "source", "trigger"),
        one_of("source", SOURCES),
        one_of("trigger", ("yearly", "registration", "graduation")),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("periods > 0", name="periods_positive"),
        CheckConstraint("quota >= 0", name="quota_not_negative"),
        CheckConstraint("budget >= 0", name="budget_not_negative"),
    )

    id: str = Field(primary_key=True)
    cohort_code: str = Field(foreign_key="cohorts.code")
    source: str
    name: str
    trigger: str
    amount: Decimal = money()
    periods: int = 1
    quota: int | None = None
    budget: Decimal | None = money(default=None)
    granted_heads: int = 0
    granted_total: Decimal = money(default=Decimal("0.00"))
    nearly_used_on: date | None = None


class Award(Table, table=True):
    """An award 资助: one participant × source × period, granted once."""

    __tablename__ = "awards"
    __table_args__ = (
        UniqueConstraint("participant_id", "source_id", "period"),
        one_of("status", ("granted", "reversed")),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id", index=True)
    source_id: str = Field(foreign_key="funding_sources.id", index=True)
    period: str
    amount: Decimal = money()
    granted_on: date
    status: str = "granted"


class LedgerLine(Table, table=True):
    """A ledger line: an award, a payment, a return or a reversal; `reverses` names the line it undoes."""

    __tablename__ = "ledger_lines"
    __table_args__ = (
        UniqueConstraint("award_id", "kind", "attempt"),
        one_of("kind", ("award", "payment", "return", "reversal")),
        one_of("source", SOURCES),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("(reverses IS NULL) = (kind IN ('award', 'payment'))", name="reverses_what"),
    )

    id: str = Field(primary_key=True)
    award_id: str = Field(foreign_key="awards.id", index=True)
    participant_id: str = Field(foreign_key="participants.id", index=True)
    source: str
    period: str
    kind: str
    attempt: int = 1
    amount: Decimal = money()
    booked_on: date
    reverses: str | None = Field(default=None, foreign_key="ledger_lines.id", unique=True)
    payment_id: str | None = Field(default=None, foreign_key="payments.id")


class Payment(Table, table=True):
    """A payment order: its id is the idempotency key; a returned one is followed by the next attempt.

    At most one payment of an award is under way or has arrived: nobody is paid twice.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("award_id", "attempt"),
        one_of("status", ("ordered", "paid", "returned")),
        CheckConstraint("attempt > 0", name="attempt_positive"),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("uq_payments_one_standing", "award_id", unique=True,
              sqlite_where=text("status <> 'returned'"), postgresql_where=text("status <> 'returned'")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    award_id: str = Field(foreign_key="awards.id", index=True)
    attempt: int = 1
    amount: Decimal = money()
    ordered_on: date
    status: str = "ordered"
    settled_on: date | None = None
    returned_on: date | None = None
    reason: str = ""
