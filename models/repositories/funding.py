"""Queries about money: sources, awards, payments and the ledger, in decimal yuan.

Belongs here: rows and sums of the ledger. Does not: what falls due or may be given (rules/ledger.py).
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from sqlmodel import Session, col, func, select

from models.repositories.common import grouped, within
from models.tables.funding import Award, FundingSource, LedgerLine, Payment
from models.tables.people import Participant


def funding_sources(session: Session, cohort_code: str) -> list[FundingSource]:
    """Give the sources of money of a cohort, by id."""
    query = select(FundingSource).where(FundingSource.cohort_code == cohort_code)
    return list(session.exec(query.order_by(FundingSource.id)).all())


def awards(session: Session, participant_ids: Iterable[str]) -> dict[str, Award]:
    """Give the awards of these participants, by id, reversed ones too."""
    return {one.id: one for one in within(session, Award, Award.participant_id, participant_ids)}


def payments(session: Session, award_ids: Iterable[str]) -> dict[str, list[Payment]]:
    """Give the payment orders of these awards, by award, in the order they were tried."""
    rows = within(session, Payment, Payment.award_id, award_ids)
    return grouped(sorted(rows, key=lambda one: one.attempt), lambda one: one.award_id)


def ledger_lines(session: Session, participant_ids: Iterable[str]) -> dict[str, LedgerLine]:
    """Give the ledger lines of these participants, by id."""
    return {one.id: one for one in within(session, LedgerLine, LedgerLine.participant_id, participant_ids)}


def ledger_of(session: Session, participant_id: str) -> list[LedgerLine]:
    """Give a participant's ledger lines in the order they were booked."""
    query = select(LedgerLine).where(LedgerLine.participant_id == participant_id)
    order = (col(LedgerLine.booked_on), col(LedgerLine.attempt), col(LedgerLine.kind))
    return list(session.exec(query.order_by(*order)).all())


def source_names(session: Session) -> list[str]:
    """Give the names of the sources that any cohort has (union, school …), each once."""
    return sorted(set(session.exec(select(FundingSource.source)).all()))


def sums_by_source(session: Session, last: date = date.max) -> dict[tuple[str, str], Decimal]:
    """Give the sums of all ledger lines booked by the last day, by source and kind, in yuan."""
    query = select(LedgerLine.source, LedgerLine.kind, func.sum(LedgerLine.amount))
    query = query.where(LedgerLine.booked_on <= last)
    rows = session.exec(query.group_by(LedgerLine.source, LedgerLine.kind)).all()
    return {(source, kind): Decimal(amount) for source, kind, amount in rows}


def sums_by_kind(session: Session, cohort_code: str, last: date = date.max) -> dict[str, Decimal]:
    """Give the sums of a cohort's ledger lines booked by the last day, by kind, in yuan."""
    query = (
        select(LedgerLine.kind, func.sum(LedgerLine.amount))
        .join(Participant)
        .where(Participant.cohort_code == cohort_code, LedgerLine.booked_on <= last)
    )
    return {kind: Decimal(amount) for kind, amount in session.exec(query.group_by(LedgerLine.kind)).all()}
