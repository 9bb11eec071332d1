"""When a wait is a stall, at which level, and who is told.

Belongs here: a stall as it is found on a day, and the limits that make one. Does not: alerts (rules/alerts.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import takewhile

from models.rules.graduation import add_months
from models.rules.lifecycle import ALL_KINDS, WAIT_KINDS, Limit
from models.rules.policy import Policy
from models.rules.workdays import Calendar


@dataclass(frozen=True, slots=True)
class Stall:
    """What is held up today, by whom, since when: one episode of one kind, whoever of the workers waits behind it.

    `level` 1 means the first limit is passed, 2 the next; `holder` is a role and stays the same through all levels;
    `people` is how many workers wait. What belongs to no cohort (the machine, a quota) leaves `cohort_code` empty.
    """

    kind: str
    holder: str
    level: int
    since: date
    due_on: date | None
    cohort_code: str = ""
    holder_code: str | None = None
    subject: str = ""
    stage: str = ""
    people: int = 0
    wait_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StallDecision:
    """Whether something is stalled, how many limits it has passed, who is told, and until when it was due."""

    stalled: bool
    level: int
    holder: str
    due_on: date | None


def limits_of(kind: str, policy: Policy | None = None) -> tuple[Limit, ...]:
    """Give the limits of a kind, with the days and the roles a policy sets in place of the table's.

    A policy that names both a further day and a further role adds a level: the escalation after the last one.
    """
    standing = ALL_KINDS[kind].limits
    if policy is None or not standing:
        return standing
    days, whom = policy.limits.get(kind, ()), policy.whom.get(kind, ())
    added = max(0, min(len(days), len(whom)) - len(standing))
    return tuple(
        Limit(days[n] if n < len(days) else one.days, one.unit, whom[n] if n < len(whom) else one.holder)
        for n, one in enumerate((*standing, *(standing[-1],) * added))
    )


def severity_of(kind: str, policy: Policy | None = None) -> str:
    """Give how urgent a stall of this kind is: urgent, warning or info, as the policy says or else the table."""
    return policy.severity.get(kind, ALL_KINDS[kind].severity) if policy is not None else ALL_KINDS[kind].severity


def limit_day(limit: Limit, since: date, calendar: Calendar) -> date:
    """Give the last day within a limit of a wait; the night that follows `since` is the first of its nights."""
    if limit.unit == "working":
        return calendar.add_working_days(since, limit.days)
    return since + timedelta(days=limit.days - (limit.unit == "nights"))


def stalled_from(limit: Limit, due: date, calendar: Calendar) -> date:
    """Give the first day on which a limit is passed, from its last day within.

    What counts in working days is not late over a weekend or holiday: more working days must have come than it had.
    """
    return calendar.add_working_days(due, 1) if limit.unit == "working" else due + timedelta(days=1)


def due_on(kind: str, since: date, calendar: Calendar, policy: Policy | None = None) -> date | None:
    """Give the day until which a wait of this kind is due; None for one that never stalls."""
    limits = limits_of(kind, policy)
    return limit_day(limits[0], since, calendar) if limits else None


def judge_wait(
    kind: str, since: date, today: date, calendar: Calendar, due: date | None = None, policy: Policy | None = None
) -> StallDecision:
    """Judge a wait: a stall begins when it is past due, each further limit passed is one level more.

    `due` replaces the first limit's day where it hangs on another date (a term's start).
    """
    limits = limits_of(kind, policy)
    if not limits:
        return StallDecision(False, 0, WAIT_KINDS[kind].holder, due)
    days = [limit_day(limit, since, calendar) for limit in limits]
    if due is not None:
        days[0] = due
    passed = (today >= stalled_from(limit, day, calendar) for limit, day in zip(limits, days, strict=True))
    return _decide(limits, passed, days[0])


def judge_number(kind: str, number: Decimal | int, policy: Policy | None = None) -> StallDecision:
    """Judge what is counted in nights or per cent: a limit is passed once the number has reached it."""
    limits = limits_of(kind, policy)
    return _decide(limits, (number >= limit.days for limit in limits), None)


def begins_on(limit: Limit, day: date) -> date:
    """Give the first day on which a day to come is as near as a limit says (`days before`, `months before`)."""
    if limit.unit == "months before":
        return add_months(day, -limit.days)
    return day - timedelta(days=limit.days)


def judge_coming(kind: str, day: date, today: date, policy: Policy | None = None) -> StallDecision:
    """Judge a day that comes closer (a window closes, a status lapses): each limit is one level more; then it is over."""
    limits = limits_of(kind, policy)
    return _decide(limits, (begins_on(limit, day) <= today <= day for limit in limits), day)


def _decide(limits: tuple[Limit, ...], passed: Iterable[bool], due: date | None) -> StallDecision:
    """The limits are passed one after the other, whatever numbers a policy gives them."""
    level = sum(1 for _ in takewhile(bool, passed))
    return StallDecision(level > 0, level, limits[max(level - 1, 0)].holder, due)
