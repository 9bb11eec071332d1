"""When a wait is a stall, at which level, and who is told."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from models.rules.lifecycle import WAIT_KINDS, Limit
from models.rules.policy import Policy
from models.rules.workdays import Calendar


@dataclass(frozen=True, slots=True)
class StallDecision:
    """Whether a wait is stalled, how many limits it has passed, who is told, and until when it was due."""

    stalled: bool
    level: int
    holder: str
    due_on: date | None


def limits_of(kind: str, policy: Policy | None = None) -> tuple[Limit, ...]:
    """Give the time limits of a kind of wait, with the days a policy sets for it in place of the table's."""
    limits = WAIT_KINDS[kind].limits
    days = policy.limits.get(kind, ()) if policy is not None else ()
    return tuple(replace(one, days=days[n]) if n < len(days) else one for n, one in enumerate(limits))


def limit_day(limit: Limit, since: date, calendar: Calendar) -> date:
    """Give the last day within a limit."""
    if limit.unit == "working":
        return calendar.add_working_days(since, limit.days)
    return since + timedelta(days=limit.days)


def due_on(kind: str, since: date, calendar: Calendar, policy: Policy | None = None) -> date | None:
    """Give the day until which a wait of this kind is due; None for one that never stalls."""
    limits = limits_of(kind, policy)
    return limit_day(limits[0], since, calendar) if limits else None


def judge_wait(
    kind: str, since: date, today: date, calendar: Calendar, due: date | None = None, policy: Policy | None = None
) -> StallDecision:
    """Judge a wait: a stall begins on the day after it was due, each further limit passed is one level more.

    `due` replaces the first limit's day where it hangs on another date (a term's start).
    """
    limits = limits_of(kind, policy)
    if not limits:
        return StallDecision(False, 0, WAIT_KINDS[kind].holder, due)
    days = [limit_day(limit, since, calendar) for limit in limits]
    if due is not None:
        days[0] = due
    level = sum(today > day for day in days)
    holder = limits[max(level - 1, 0)].holder
    return StallDecision(level > 0, level, holder, days[0])
