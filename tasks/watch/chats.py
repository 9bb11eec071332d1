"""Chat services that take nothing: one stall each, told by another chat.

Belongs here: silent chats as stalls. Does not: counting what a delivery could not send (tasks/chats.py).
"""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlmodel import Session, col, select

from models.clock import now
from models.rules.lifecycle import WATCH_KINDS
from models.rules.stalls import Stall
from models.tables.operations import ChatHealth
from tasks.routing import SILENT, chat_connections

DELIVERIES = 3  # in a row that a service took nothing of
SILENCE = timedelta(hours=1)  # since the first of them


def find(session: Session, today: date) -> Iterator[Stall]:
    """Give the chats that took nothing for more than an hour, or of three deliveries in a row."""
    known = {one.name for one in chat_connections()}
    failing = session.exec(select(ChatHealth).where(ChatHealth.failures > 0).order_by(col(ChatHealth.connection))).all()
    for chat in failing:
        if chat.connection in known and _is_silent(chat):
            since = chat.failing_on or today
            yield Stall(kind=SILENT, holder=WATCH_KINDS[SILENT].holder, level=1, since=since, due_on=since,
                        subject=chat.connection)  # fmt: skip


def _is_silent(chat: ChatHealth) -> bool:
    long = chat.failing_since is not None and now() - chat.failing_since > SILENCE
    return long or chat.failures >= DELIVERIES
