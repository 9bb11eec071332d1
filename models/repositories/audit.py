"""The audit trail: who did what, to whom, why and when.

Belongs here: adding a line, once for each key, and reading the lines. Does not: changing one, which the database
refuses.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from models.clock import now
from models.tables.operations import AuditEvent


def record(
    session: Session, *, action: str, subject: str, actor: str, on: date, key: str, reason: str = "", detail: str = ""
) -> bool:
    """Add a line to the trail; the same `key` again adds nothing. Gives whether it was added.

    `on` is the business date. Personal numbers never belong in any of the texts.
    """
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"action": action, "subject": subject, "actor": actor, "reason": reason, "detail": detail}
    statement = (
        insert(AuditEvent.__table__)  # type: ignore[attr-defined]
        .values(key=key, on=on, recorded_at=now(), **values)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(AuditEvent.id)
    )
    return session.connection().execute(statement).first() is not None


def trail_of(session: Session, subjects: Iterable[str]) -> list[AuditEvent]:
    """Give the lines about these subjects, in the order they were written."""
    query = select(AuditEvent).where(col(AuditEvent.subject).in_(list(subjects)))
    return list(session.exec(query.order_by(col(AuditEvent.id))).all())
