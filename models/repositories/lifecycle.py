"""Queries about where a cohort or participant stands: steps, waits, questions to people, notices.

Belongs here: rows of the lifecycle. Does not: whether a wait is a stall (rules/stalls.py), alerts (alerts.py).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlmodel import Session, case, col, func, or_, select

from models.tables.lifecycle import DecisionRequest, Notice, NoticeEntry, Step, Wait
from models.tables.people import Nomination, Participant, Worker


@dataclass(frozen=True, slots=True)
class WaitGroup:
    """Open waits of one cohort that are alike to a clock: how many began and are due on the same days."""

    cohort_code: str
    kind: str
    since: date
    due_on: date | None
    number: int


class OverdueWait(NamedTuple):
    """An open wait whose due date is past, or that has none: what the stall watch judges."""

    id: str
    cohort_code: str
    participant_id: str | None
    stage: str
    kind: str
    subject: str
    holder: str
    holder_code: str | None
    since: date
    due_on: date | None


class HeldUp(NamedTuple):
    """What one holder is waited on for: how many waits, of how many cohorts, how many are past due, the oldest's day."""

    holder: str
    kind: str
    waits: int
    cohorts: int
    late: int
    since: date


def cohort_steps(session: Session, cohort_code: str) -> list[Step]:
    """Give a cohort's own stays in the stages, in the order they were entered."""
    query = select(Step).where(Step.cohort_code == cohort_code, col(Step.participant_id).is_(None))
    return list(session.exec(query.order_by(col(Step.entered_on), col(Step.left_on))).all())


def steps_of(session: Session, participant_id: str) -> list[Step]:
    """Give a participant's stays in the stages, in the order they were entered."""
    query = select(Step).where(Step.participant_id == participant_id)
    return list(session.exec(query.order_by(col(Step.entered_on))).all())


def waits_of_cohort(session: Session, cohort_code: str) -> list[Wait]:
    """Give all waits of a cohort, resolved ones too, by id."""
    return list(session.exec(select(Wait).where(Wait.cohort_code == cohort_code).order_by(Wait.id)).all())


def open_waits(session: Session, cohort_code: str | None = None) -> list[Wait]:
    """Give the waits of a cohort (or of all) that are not resolved, the oldest first."""
    query = select(Wait).where(col(Wait.resolved_on).is_(None))
    if cohort_code is not None:
        query = query.where(Wait.cohort_code == cohort_code)
    return list(session.exec(query.order_by(col(Wait.since), col(Wait.id))).all())


def open_waits_of(session: Session, participant_id: str) -> list[Wait]:
    """Give the waits of a participant that are not resolved, the oldest first."""
    query = select(Wait).where(Wait.participant_id == participant_id, col(Wait.resolved_on).is_(None))
    return list(session.exec(query.order_by(col(Wait.since), col(Wait.id))).all())


def open_wait_groups(session: Session) -> list[WaitGroup]:
    """Count the open waits of all cohorts by kind and days: as many rows as there are sorts, however many people."""
    alike: list[Any] = [Wait.cohort_code, Wait.kind, Wait.since, Wait.due_on]
    query = select(*alike, func.count())  # type: ignore[call-overload]
    query = query.where(col(Wait.resolved_on).is_(None)).group_by(*alike)
    return [WaitGroup(*row) for row in session.exec(query).all()]


def overdue_waits(session: Session, day: date) -> list[OverdueWait]:
    """Give the open waits of all cohorts that were due before a day or have no due date, by id; read by their index."""
    columns: list[Any] = [getattr(Wait, name) for name in OverdueWait._fields]
    query = select(*columns).where(
        col(Wait.resolved_on).is_(None), or_(col(Wait.due_on) < day, col(Wait.due_on).is_(None))
    )
    return [OverdueWait(*row) for row in session.exec(query.order_by(Wait.id)).all()]


def overdue_by_holder(session: Session, day: date) -> dict[str, int]:
    """Give how many open waits were due before a day, by the role that holds them."""
    query = select(Wait.holder, func.count()).where(col(Wait.resolved_on).is_(None), col(Wait.due_on) < day)
    return dict(session.exec(query.group_by(Wait.holder)).all())


def waits_by_holder(session: Session, day: date) -> list[HeldUp]:
    """Give the open waits of all cohorts by who holds them and what is awaited, those with the oldest first."""
    alike: list[Any] = [Wait.holder, Wait.kind]
    late = func.sum(case((col(Wait.due_on) < day, 1), else_=0))
    counts = [func.count(), func.count(func.distinct(Wait.cohort_code)), late, func.min(Wait.since)]
    query = select(*alike, *counts).where(col(Wait.resolved_on).is_(None)).group_by(*alike)
    return [HeldUp(*row) for row in session.exec(query.order_by(func.min(Wait.since), *alike)).all()]


def asked_in(session: Session, request_ids: Collection[str]) -> list[str]:
    """Give the codes of the cohorts that questions of the inbox, or roster rows, belong to."""
    asked = select(DecisionRequest.cohort_code).where(col(DecisionRequest.id).in_(request_ids))
    rows = select(Nomination.cohort_code).where(col(Nomination.id).in_(request_ids))
    return sorted({*session.exec(asked).all(), *session.exec(rows).all()})


def unanswered(session: Session) -> list[tuple[DecisionRequest, str]]:
    """Give the inbox: each question without an answer and the name of whom it is about, the oldest first.

    What was asked about one whose part has ended needs no answer any more.
    """
    name = func.coalesce(Worker.name, Nomination.name, "")
    query = (
        select(DecisionRequest, name)
        .outerjoin(Participant, col(DecisionRequest.participant_id) == col(Participant.id))
        .outerjoin(Worker, col(Participant.worker_id) == col(Worker.id))
        .outerjoin(Nomination, col(DecisionRequest.nomination_id) == col(Nomination.id))
        .where(DecisionRequest.answer == "")
        .where(or_(col(Participant.id).is_(None), col(Participant.status).in_(("active", "held"))))
        .order_by(col(DecisionRequest.asked_on), col(DecisionRequest.id))
    )
    return [(request, name) for request, name in session.exec(query).all()]


def is_decided(session: Session, nomination_id: str) -> bool:
    """Say whether a person has answered a question about a roster row."""
    query = select(DecisionRequest.id).where(
        DecisionRequest.nomination_id == nomination_id, DecisionRequest.answer != ""
    )
    return session.exec(query).first() is not None


def approved_reviews(session: Session, cohort_code: str) -> int:
    """Give how many nominees of a cohort the reviewer has approved."""
    query = select(func.count()).select_from(DecisionRequest)
    return session.exec(
        query.where(
            DecisionRequest.cohort_code == cohort_code,
            DecisionRequest.kind == "review",
            DecisionRequest.answer == "approve",
        )
    ).one()


def notice_count(session: Session, cohort_code: str) -> int:
    """Give how many public notices of a cohort have been hung."""
    return session.exec(select(func.count()).select_from(Notice).where(Notice.cohort_code == cohort_code)).one()


def notice_entry(session: Session, notice_id: str, worker_id: str) -> str | None:
    """Give the participant under whom a worker hangs on a public notice; None when he does not."""
    query = (
        select(NoticeEntry.participant_id)
        .join(Participant)
        .where(NoticeEntry.notice_id == notice_id, Participant.worker_id == worker_id)
    )
    return session.exec(query).first()
