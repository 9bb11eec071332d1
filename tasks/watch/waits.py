"""Waits past their due date: one stall for all that wait for the same thing, from the same holder, since the same day.

Belongs here: open waits as stalls. Does not: their limits (rules/stalls.py), or what is told (tasks/alerts.py).
One query over the open waits, and one over their cohorts where a wait is a whole cohort's: the cost grows with what
is overdue, not with how many workers there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

from sqlmodel import Session

from models.repositories.lifecycle import OverdueWait, overdue_waits
from models.repositories.people import active_counts
from models.rules.stalls import Stall, StallDecision, judge_wait
from tasks.office import office

Judge = Callable[[str, date, date | None], StallDecision]
Episode = tuple[str, str, str, str, date]


def find(session: Session, today: date) -> Iterator[Stall]:
    """Give the stalls of all cohorts, by cohort, kind, holder, subject and day."""
    judge, episodes = _judge(today), defaultdict(list)
    for wait in overdue_waits(session, today):
        if judge(wait.kind, wait.since, wait.due_on).stalled:
            episodes[_episode(wait)].append(wait)
    whole = {waits[0].cohort_code for waits in episodes.values() if not _named(waits)}
    behind = active_counts(session, whole)
    for episode in sorted(episodes):
        waits = episodes[episode]
        people = _named(waits) or behind.get(waits[0].cohort_code, 0)
        yield _stall(waits, people, judge)


def _judge(today: date) -> Judge:
    """Judge by the policy and calendar of today; thousands of waits that are alike are judged once."""
    calendar, policy = office().calendar, office().policy(today)

    @cache
    def judge(kind: str, since: date, due: date | None) -> StallDecision:
        return judge_wait(kind, since, today, calendar, due, policy)

    return judge


def _episode(wait: OverdueWait) -> Episode:
    return wait.cohort_code, wait.kind, wait.holder_code or wait.holder, wait.subject, wait.since


def _named(waits: list[OverdueWait]) -> int:
    """How many workers the waits name; 0 where one of them is the whole cohort's."""
    people = {wait.participant_id for wait in waits}
    return 0 if None in people else len(people)


def _stall(waits: list[OverdueWait], people: int, judge: Judge) -> Stall:
    first = waits[0]
    judged = max((judge(one.kind, one.since, one.due_on) for one in waits), key=lambda decision: decision.level)
    return Stall(
        kind=first.kind, holder=first.holder, level=judged.level, since=first.since, due_on=judged.due_on,
        cohort_code=first.cohort_code, holder_code=first.holder_code, subject=first.subject, stage=first.stage,
        people=people, wait_ids=tuple(sorted(wait.id for wait in waits)),
    )  # fmt: skip
