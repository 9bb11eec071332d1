"""Queries of the stall watch: sources, money, windows, lapsing statuses, and the due dates of open waits.

Belongs here: what the detectors of tasks/watch read and note. Does not: waits past their due date (lifecycle.py),
alerts (alerts.py), or what a stall is (rules/stalls.py). Each costs as much as there is open, never as many as there are
participants.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import null, update
from sqlmodel import Session, col, exists, func, or_, select

from models.repositories.common import within
from models.tables.funding import FundingSource
from models.tables.lifecycle import Graduation, Wait
from models.tables.operations import SourceNights, SyncCursor
from models.tables.organisations import Cohort, CohortWindow, Organisation
from models.tables.people import Participant


class WaitSort(NamedTuple):
    """Open waits alike to a clock; `starts_on` is their cohort's where their limit hangs on it, and else None."""

    kind: str
    since: date
    due_on: date | None
    provisional: bool
    starts_on: date | None


class ComingDay(NamedTuple):
    """A day that comes closer to a cohort: what it is called, and who runs the cohort."""

    cohort_code: str
    federation_code: str
    name: str
    day: date


def wait_sorts(session: Session, hanging: Iterable[str]) -> list[WaitSort]:
    """Give the sorts of open waits: by kind and days, and for the `hanging` kinds by the start of their cohort too."""
    alike: list[Any] = [Wait.kind, Wait.since, Wait.due_on, Wait.provisional]
    hung, is_open = sorted(hanging), col(Wait.resolved_on).is_(None)
    plain = select(*[*alike, null()]).where(is_open, col(Wait.kind).not_in(hung))
    tied = select(*[*alike, Cohort.starts_on]).join(Cohort).where(is_open, col(Wait.kind).in_(hung))
    return [WaitSort(*row) for query in (plain, tied) for row in session.exec(query.distinct()).all()]


def move_due(session: Session, sort: WaitSort, due: date, provisional: bool) -> None:
    """Give the open waits of a sort another due date; found by the index of what is open."""
    now_due = col(Wait.due_on).is_(None) if sort.due_on is None else col(Wait.due_on) == sort.due_on
    same = (col(Wait.kind) == sort.kind, col(Wait.since) == sort.since, col(Wait.provisional) == sort.provisional)
    moved = update(Wait).where(now_due, col(Wait.resolved_on).is_(None), *same)
    if sort.starts_on is not None:
        cohorts = select(Cohort.code).where(Cohort.starts_on == sort.starts_on)
        moved = moved.where(col(Wait.cohort_code).in_(cohorts))
    session.exec(moved.values(due_on=due, provisional=provisional))


def held_streams(session: Session) -> list[SyncCursor]:
    """Give the streams that are held by their gate or were when the watch last looked, by connection and name."""
    held = or_(SyncCursor.status == "held", col(SyncCursor.held_since).is_not(None))
    return list(session.exec(select(SyncCursor).where(held).order_by(SyncCursor.connection, SyncCursor.stream)).all())


def failing_sources(session: Session) -> list[SourceNights]:
    """Give the connections whose last reading failed, by name."""
    query = select(SourceNights).where(SourceNights.failed_nights > 0)
    return list(session.exec(query.order_by(SourceNights.connection)).all())


def nearly_used_sources(session: Session, percent: int) -> list[tuple[FundingSource, str]]:
    """Give the sources of money whose quota or budget is used up to so many per cent, or were, with who pays them.

    Cohorts that are closed are left out: nothing more is awarded there.
    """
    heads = col(FundingSource.granted_heads) * 100 >= col(FundingSource.quota) * percent
    total = col(FundingSource.granted_total) * 100 >= col(FundingSource.budget) * percent
    limited = (heads & (col(FundingSource.quota) > 0)) | (total & (col(FundingSource.budget) > 0))
    query = select(FundingSource, Cohort.finance_code).join(Cohort).where(Cohort.stage != "closed")
    query = query.where(or_(limited, col(FundingSource.nearly_used_on).is_not(None)))
    return [(source, finance) for source, finance in session.exec(query.order_by(FundingSource.id)).all()]


def window_names(session: Session, cohort_code: str) -> set[str]:
    """Give the names of a cohort's windows."""
    return set(session.exec(select(CohortWindow.name).where(CohortWindow.cohort_code == cohort_code)).all())


def windows_closing(session: Session, first: date, last: date) -> list[ComingDay]:
    """Give the windows of cohorts not closed that close from the first day to the last, by day."""
    wanted: list[Any] = [Cohort.code, Cohort.federation_code, CohortWindow.name, CohortWindow.closes_on]
    query = select(*wanted).join(Cohort).where(Cohort.stage != "closed")
    query = query.where(col(CohortWindow.closes_on).between(first, last))
    order = (col(CohortWindow.closes_on), col(Cohort.code), col(CohortWindow.name))
    return [ComingDay(*row) for row in session.exec(query.order_by(*order)).all()]


def cohorts_started_by(session: Session, day: date) -> list[ComingDay]:
    """Give the cohorts not closed that had started by a day, with the day they started, by code."""
    wanted: list[Any] = [Cohort.code, Cohort.federation_code, Cohort.name, Cohort.starts_on]
    query = select(*wanted).where(Cohort.stage != "closed", Cohort.starts_on <= day)
    return [ComingDay(*row) for row in session.exec(query.order_by(Cohort.code)).all()]


def studying(session: Session, cohort_codes: Iterable[str]) -> dict[str, int]:
    """Give how many in each of these cohorts are registered and have not asked for their diploma yet."""
    asked = exists().where(col(Graduation.participant_id) == col(Participant.id))
    query = select(Participant.cohort_code, func.count()).where(Participant.status == "active", ~asked)
    query = query.where(
        col(Participant.registered_on).is_not(None), col(Participant.cohort_code).in_(list(cohort_codes))
    )
    return dict(session.exec(query.group_by(Participant.cohort_code)).all())


def known_organisations(session: Session, codes: Iterable[str]) -> set[str]:
    """Give those of these codes that are organisations we know."""
    return {one.code for one in within(session, Organisation, Organisation.code, codes)}
