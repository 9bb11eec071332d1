"""Queries that answer why a worker stands where he stands: what holds him, and what was decided about him.

Belongs here: what only that question asks. Does not: the answer (tasks/why.py).
"""

from sqlmodel import Session, col, or_, select

from models.tables.lifecycle import DecisionRequest, Wait
from models.tables.people import Nomination, Participant


def participant_asked_for(session: Session, key: str) -> Participant | None:
    """Give a participant by his own id, by his worker's (the latest participation), or by that of his roster row."""
    found = session.get(Participant, key)
    if found is not None:
        return found
    row = session.get(Nomination, key)
    if row is not None and row.participant_id is not None:
        return session.get(Participant, row.participant_id)
    query = select(Participant).where(Participant.worker_id == key)
    return session.exec(query.order_by(col(Participant.nominated_on).desc(), col(Participant.id))).first()


def waits_before(session: Session, participant: Participant) -> list[Wait]:
    """Give the open waits of a participant, and those of his whole cohort, the oldest first."""
    query = select(Wait).where(
        Wait.cohort_code == participant.cohort_code,
        or_(col(Wait.participant_id).is_(None), Wait.participant_id == participant.id),
        col(Wait.resolved_on).is_(None),
    )
    return list(session.exec(query.order_by(col(Wait.since), col(Wait.id))).all())


def refusal_of(session: Session, participant_id: str) -> DecisionRequest | None:
    """Give the latest refusal by a person of what was asked about a participant."""
    query = select(DecisionRequest).where(
        DecisionRequest.participant_id == participant_id, DecisionRequest.answer == "refuse"
    )
    return session.exec(query.order_by(col(DecisionRequest.decided_on).desc(), col(DecisionRequest.id))).first()


def version_of_roster(session: Session, participant_id: str) -> str | None:
    """Give the version of the policy by which a participant's roster row was judged last."""
    query = select(Nomination.policy_version).where(Nomination.participant_id == participant_id)
    return session.exec(query.order_by(col(Nomination.nominated_on).desc(), col(Nomination.id))).first()
