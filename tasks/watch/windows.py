"""Windows that close: a registration or application of a cohort's plan that nobody can make after its day.

Belongs here: the windows of plans as stalls that come closer. Does not: what is to be done in one.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlmodel import Session

from models.repositories.people import active_counts
from models.repositories.watch import windows_closing
from models.rules.lifecycle import WATCH_KINDS
from models.rules.stalls import Stall, begins_on, judge_coming, limits_of
from tasks.office import office

KIND = "window-closing"


def find(session: Session, today: date) -> Iterator[Stall]:
    """Give the windows about to close, up to and with their last day, with how many workers study in the cohort.

    Each counts from the table's first limit, whatever a policy says, so that a new policy begins no second episode.
    """
    policy, kind = office().policy(today), WATCH_KINDS[KIND]
    furthest = limits_of(KIND, policy)[0].days
    windows = windows_closing(session, today, today + timedelta(days=furthest))
    people = active_counts(session, {one.cohort_code for one in windows})
    for one in windows:
        judged = judge_coming(KIND, one.day, today, policy)
        yield Stall(
            kind=KIND, holder=kind.holder, level=judged.level, since=begins_on(kind.limits[0], one.day), due_on=one.day,
            cohort_code=one.cohort_code, holder_code=one.federation_code, subject=one.name, stage=kind.stage,
            people=people.get(one.cohort_code, 0),
        )  # fmt: skip
