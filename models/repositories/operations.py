"""Queries about the machine itself: the quarantine and the outbox.

Belongs here: what is held back and what waits to be sent. Does not: the audit trail (audit.py).
"""

from dataclasses import dataclass, fields
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from models.repositories.reported import table_of
from models.tables.operations import Outbox, Quarantine


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A row in quarantine as people may see it: by its surrogate id, with the rules it broke."""

    id: str
    connection: str
    stream: str
    rules: str
    first_on: date


def held_back(session: Session, connection: str, stream: str | None = None) -> list[Quarantine]:
    """Give the rows of a connection (of one of its streams, if given) that are in quarantine and not cured, by id."""
    query = select(Quarantine).where(Quarantine.connection == connection, col(Quarantine.cured_on).is_(None))
    if stream is not None:
        query = query.where(Quarantine.stream == stream)
    return list(session.exec(query.order_by(Quarantine.id)).all())


def held_back_ids(session: Session, connection: str, stream: str) -> dict[str, str]:
    """Give the ids of the rows of a stream that are in quarantine and not cured, by the source's id."""
    query = select(Quarantine.source_id, Quarantine.id).where(
        Quarantine.connection == connection, Quarantine.stream == stream, col(Quarantine.cured_on).is_(None)
    )
    return dict(session.exec(query).all())


def all_held_back(session: Session) -> list[HeldBack]:
    """Give the rows of all connections that are in quarantine and not cured, the oldest first; never their content."""
    found = table_of(Quarantine)
    query = sa.select(*(found.c[each.name] for each in fields(HeldBack))).where(found.c.cured_on.is_(None))
    lines = session.connection().execute(query.order_by(found.c.first_on, found.c.id))
    return [HeldBack(*line) for line in lines]


def held_back_count(session: Session) -> int:
    """Give how many rows of all connections are in quarantine and not cured."""
    query = select(func.count()).select_from(Quarantine).where(col(Quarantine.cured_on).is_(None))
    return session.exec(query).one()


def waiting_outbox(session: Session) -> list[tuple[str, str, str | None]]:
    """Give id, kind and organisation of every effect that waits to be sent, the oldest first."""
    query = select(Outbox.id, Outbox.kind, Outbox.organisation_code).where(Outbox.status == "waiting")
    return list(session.exec(query.order_by(col(Outbox.created_on), col(Outbox.id))).all())


def waiting_messages(session: Session) -> dict[str, str]:
    """Give the payload of every message that waits to go to a chat, by id."""
    query = select(Outbox.id, Outbox.payload).where(Outbox.status == "waiting", col(Outbox.kind).startswith("chat."))
    return dict(session.exec(query).all())


def sent_messages(session: Session) -> int:
    """Give how many messages, replies and edits have gone to the chat."""
    query = select(func.count()).select_from(Outbox)
    return session.exec(query.where(col(Outbox.kind).startswith("chat."), Outbox.status == "sent")).one()
