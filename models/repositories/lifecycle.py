"""Queries about where a cohort or participant stands: steps, waits, questions to people, notices, alerts.

Belongs here: rows of the lifecycle. Does not: whether a wait is a stall (rules/stalls.py).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, exists, func, or_, select

from models.tables.lifecycle import Alert, AlertWait, DecisionRequest, Notice, NoticeEntry, Step, Wait
from models.tables.people import Nomination, Participant, Worker


@dataclass(frozen=True, slots=True)
class WaitGroup:
    """Open waits of one cohort that are alike to a clock: how many began and are due on the same days."""

    cohort_code: str
    kind: str
    since: date
    due_on: date | None
    number: int


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


def overdue_by_holder(session: Session, day: date) -> dict[str, int]:
    """Give how many open waits were due before a day, by the role that holds them."""
    query = select(Wait.holder, func.count()).where(col(Wait.resolved_on).is_(None), col(Wait.due_on) < day)
    return dict(session.exec(query.group_by(Wait.holder)).all())


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


def alert_wait_ids(session: Session, alert_id: str) -> set[str]:
    """Give the ids of the waits an alert speaks of, resolved ones too."""
    return set(session.exec(select(AlertWait.wait_id).where(AlertWait.alert_id == alert_id)).all())


def alerts(session: Session) -> list[Alert]:
    """Give all alerts, resolved ones too, in the order they were raised."""
    return list(session.exec(select(Alert).order_by(col(Alert.raised_on), col(Alert.id))).all())


def settled_alerts(session: Session) -> list[Alert]:
    """Give the open alerts none of whose waits is open any more, by id."""
    still_open = exists().where(
        col(AlertWait.alert_id) == col(Alert.id),
        col(AlertWait.wait_id) == col(Wait.id),
        col(Wait.resolved_on).is_(None),
    )
    return list(session.exec(select(Alert).where(Alert.status == "open", ~still_open).order_by(Alert.id)).all())


def notice_entry(session: Session, notice_id: str, worker_id: str) -> str | None:
    """Give the participant under whom a worker hangs on a public notice; None when he does not."""
    query = (
        select(NoticeEntry.participant_id)
        .join(Participant)
        .where(NoticeEntry.notice_id == notice_id, Participant.worker_id == worker_id)
    )
    return session.exec(query).first()
