"""Queries about what study is worth: recognised claims and certificates.

Belongs here: proofs and their decisions. Does not: marks of modules (teaching.py).
"""

from datetime import date
from decimal import Decimal

from sqlmodel import Session, func, select

from models.tables.credentials import Certificate, Outcome, Recognition
from models.tables.people import Participant


def granted_claims(session: Session, participant_id: str) -> list[tuple[Recognition, Outcome]]:
    """Give the claims of a participant that were granted, each decision with its outcome, by id."""
    query = (
        select(Recognition, Outcome)
        .join(Outcome)
        .where(Recognition.participant_id == participant_id, Recognition.status == "granted")
    )
    return [(one, outcome) for one, outcome in session.exec(query.order_by(Recognition.id)).all()]


def recognised_credits(session: Session, last: date = date.max) -> Decimal:
    """Give the credits recognised in all cohorts by the last day."""
    query = select(func.coalesce(func.sum(Recognition.credits), 0))
    return session.exec(query.where(Recognition.decided_on <= last)).one()


def certificate_count(session: Session, cohort_code: str) -> int:
    """Give how many certificates of a cohort's participants are back, of both kinds."""
    query = select(func.count()).select_from(Certificate).join(Participant)
    return session.exec(query.where(Participant.cohort_code == cohort_code)).one()


def certificates_by_kind(session: Session) -> dict[str, int]:
    """Give how many certificates of each kind are back."""
    query = select(Certificate.kind, func.count()).group_by(Certificate.kind)
    return dict(session.exec(query).all())


def certificate_holder(session: Session, number: str) -> str | None:
    """Give the participant whose certificate has this number; None when no certificate has it."""
    return session.exec(select(Certificate.participant_id).where(Certificate.number == number)).first()
