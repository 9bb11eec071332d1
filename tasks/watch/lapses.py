"""Statuses that lapse: workers still studying when the eighth year of their student status draws near.

Belongs here: the end of student statuses as a stall that comes closer, one a cohort. Does not: ending anybody
(tasks/certification.py).
"""

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session

from models.repositories.watch import ComingDay, cohorts_started_by, studying
from models.rules.graduation import add_months, status_lapses_on
from models.rules.lifecycle import WATCH_KINDS
from models.rules.stalls import Stall, judge_coming, limits_of
from tasks.office import office

KIND = "status-lapsing"


def find(session: Session, today: date) -> Iterator[Stall]:
    """Give the cohorts whose members' status lapses soon, with how many have not asked for their diploma yet."""
    policy = office().policy(today)
    months = 12 * policy.status_lapse_years - limits_of(KIND, policy)[0].days
    # A month later than need be: the end of a short month is nearer than its number says.
    cohorts = cohorts_started_by(session, add_months(today, 1 - months))
    near = [(one, status_lapses_on(one.day, policy)) for one in cohorts]
    judged = [(one, lapses, judge_coming(KIND, lapses, today, policy).level) for one, lapses in near]
    people = studying(session, [one.cohort_code for one, _, level in judged if level])
    for one, lapses, level in judged:
        if people.get(one.cohort_code):
            yield _stall(one, lapses, level, people[one.cohort_code])


def _stall(one: ComingDay, lapses: date, level: int, people: int) -> Stall:
    """Counted from the day the status began, which no policy moves."""
    kind = WATCH_KINDS[KIND]
    return Stall(
        kind=KIND, holder=kind.holder, level=level, since=one.day, due_on=lapses, cohort_code=one.cohort_code,
        holder_code=one.federation_code, stage=kind.stage, people=people,
    )  # fmt: skip
