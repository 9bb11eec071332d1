"""Figures of one installation for whoever watches it from outside: counts and dates, a few cheap queries each.

Belongs here: counting. Does not: what a figure is called (tasks/metrics.py), or anything about a person.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select

from models.tables.lifecycle import Alert, Wait
from models.tables.operations import Outbox, Quarantine, SourceNights, SyncCursor


class WaitsAlike(NamedTuple):
    """How many open waits are alike to a clock, whoever waits: kind, holder's role, and their days."""

    kind: str
    holder: str
    since: date
    due_on: date | None
    number: int


class OutboxAge(NamedTuple):
    """How many effects wait to be sent, when the oldest was put there, and the oldest business date of any."""

    number: int
    recorded_at: datetime | None
    created_on: date | None


def source_nights(session: Session) -> Sequence[SourceNights]:
    """Give when each connection was last tried and read, by name."""
    return session.exec(select(SourceNights).order_by(SourceNights.connection)).all()


def last_readings(session: Session) -> Sequence[SyncCursor]:
    """Give what the last reading of each stream made of it, by connection and stream."""
    return session.exec(select(SyncCursor).order_by(SyncCursor.connection, SyncCursor.stream)).all()


def waits_alike(session: Session) -> list[WaitsAlike]:
    """Count the open waits of all cohorts by kind, holder and days."""
    alike: list[Any] = [Wait.kind, Wait.holder, Wait.since, Wait.due_on]
    query = select(*alike, func.count()).where(col(Wait.resolved_on).is_(None)).group_by(*alike)  # type: ignore[call-overload]
    return [WaitsAlike(*row) for row in session.exec(query).all()]


def alerts_by_kind(session: Session) -> list[tuple[str, str, int]]:
    """Count the open alerts by kind and severity."""
    query = select(Alert.kind, Alert.severity, func.count()).where(Alert.status == "open")
    return list(session.exec(query.group_by(Alert.kind, Alert.severity)).all())


def outbox_by_status(session: Session) -> dict[str, int]:
    """Count the effects of the outbox that are not sent, by status: waiting or failed."""
    query = select(Outbox.status, func.count()).where(col(Outbox.status).in_(("waiting", "failed")))
    return dict(session.exec(query.group_by(Outbox.status)).all())


def oldest_waiting(session: Session) -> OutboxAge:
    """Give how old what waits to be sent is."""
    query = select(func.count(), func.min(Outbox.recorded_at), func.min(Outbox.created_on))
    return OutboxAge(*session.exec(query.where(Outbox.status == "waiting")).one())


def quarantine_by_stream(session: Session) -> list[tuple[str, str, int]]:
    """Count the rows in quarantine that are not cured, by connection and stream."""
    query = select(Quarantine.connection, Quarantine.stream, func.count()).where(col(Quarantine.cured_on).is_(None))
    return list(session.exec(query.group_by(Quarantine.connection, Quarantine.stream)).all())
