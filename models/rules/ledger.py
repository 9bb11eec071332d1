"""The ledger 资助台账: what falls due, what a source may still give, and what the lines add up to.

Belongs here: triggers, quotas, budgets, totals. Does not: paying anybody (tasks/funding.py).
Money is decimal yuan. Lines are never edited, only undone by a return or a reversal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.rules.decision import Decision
from models.rules.graduation import add_months
from models.rules.policy import Policy

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Line:
    """A ledger line: award, payment, return (undoes a payment) or reversal (undoes an award)."""

    id: str
    kind: str
    source: str
    participant: str
    period: str
    amount: Decimal
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Gross sums by kind of line, in yuan."""

    awarded: Decimal = ZERO
    paid: Decimal = ZERO
    returned: Decimal = ZERO
    reversed: Decimal = ZERO

    @property
    def outstanding(self) -> Decimal:
        """What is awarded, not taken back and has not reached anybody."""
        return self.awarded - self.reversed - (self.paid - self.returned)


_FIELDS = {"award": "awarded", "payment": "paid", "return": "returned", "reversal": "reversed"}


def totals(lines: Iterable[Line]) -> dict[str, Totals]:
    """Add up lines by source."""
    sums: dict[str, dict[str, Decimal]] = {}
    for line in lines:
        row = sums.setdefault(line.source, dict.fromkeys(_FIELDS.values(), ZERO))
        row[_FIELDS[line.kind]] += line.amount
    return {source: Totals(**row) for source, row in sums.items()}


@dataclass(frozen=True, slots=True)
class Source:
    """A source of money: its trigger (yearly, registration, graduation), amount a period, and its limits."""

    name: str
    trigger: str
    amount: Decimal
    periods: int = 1
    quota_heads: int | None = None
    budget: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Instalment:
    """A period that fell due, with its amount in yuan."""

    period: str
    amount: Decimal
    due_on: date


def instalments_due(
    source: Source,
    *,
    registered_on: date | None,
    graduated_on: date | None,
    today: date,
    stopped_on: date | None = None,
) -> list[Instalment]:
    """Give the instalments due by today; none falls due after the day a participation stopped.

    Yearly ones fall due on registration and its anniversaries.
    """
    planned: list[tuple[str, date]] = []
    if source.trigger == "yearly" and registered_on is not None:
        planned = [(f"year-{year + 1}", add_months(registered_on, 12 * year)) for year in range(source.periods)]
    elif source.trigger == "registration" and registered_on is not None:
        planned = [("registration", registered_on)]
    elif source.trigger == "graduation" and graduated_on is not None:
        planned = [("graduation", graduated_on)]
    last = min(today, stopped_on) if stopped_on is not None else today
    return [Instalment(period, source.amount, day) for period, day in planned if day <= last]


def judge_award(source: Source, *, heads: int, total: Decimal, amount: Decimal, known_head: bool) -> Decision:
    """Judge an award beside what the source gave already: its quota of heads and its budget are never overdrawn."""
    if source.quota_heads is not None and not known_head and heads >= source.quota_heads:
        return Decision("wait", "quota-full", f"the quota of {source.quota_heads} heads is used up 名额已满")
    if source.budget is not None and total + amount > source.budget:
        return Decision("wait", "budget-full", "the budget is used up 预算已用完")
    return Decision("pass")


def used_percent(heads: int, total: Decimal, quota: int | None, budget: Decimal | None) -> Decimal:
    """Give how much of the scarcer of quota (heads) and budget (yuan) is used, in per cent; none counts as nothing."""
    by_heads = Decimal(heads * 100) / quota if quota else ZERO
    return max(by_heads, total * 100 / budget if budget else ZERO)


def head_warning(total: Decimal, policy: Policy) -> bool:
    """Say whether a head costs unusually little or much (outside 300–15,000 yuan by default)."""
    return not policy.head_warning_low <= total <= policy.head_warning_high
