"""Queries about presses: buttons of alerts that people pressed in the chat.

Belongs here: recording a press once, and which wait for their work. Does not: what a press does (tasks/presses.py).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from models.tables.lifecycle import AlertPress


def record_press(
    session: Session, *, key: str, alert_id: str, action: str, actor: str, pressed_at: datetime, on: date
) -> bool:
    """Write a press down, waiting; the same `key` again adds nothing, also at the same moment. Gives whether it is new.

    `on` is the business date, `actor` who pressed it, as the audit trail names him.
    """
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"alert_id": alert_id, "action": action, "actor": actor, "pressed_at": pressed_at, "on": on}
    statement = (
        insert(AlertPress.__table__)  # type: ignore[attr-defined]
        .values(key=key, status="waiting", attempts=0, outcome="", **values)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(AlertPress.key)
    )
    return session.connection().execute(statement).first() is not None


def waiting_presses(session: Session) -> list[AlertPress]:
    """Give the presses whose work is not done, the oldest first."""
    query = select(AlertPress).where(AlertPress.status == "waiting")
    return list(session.exec(query.order_by(col(AlertPress.pressed_at), col(AlertPress.key))).all())
