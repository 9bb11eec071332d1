"""How the chat services fare: which of them takes messages, and what is said to those that edit nothing.

Belongs here: the count of deliveries that failed, and words for services without edits and threads. Does not: sending
(outbox.py), the choice of a service (routing.py), or what becomes of a silent one (watch/chats.py).
"""

from datetime import date

from connectors.chat import Chat
from connectors.errors import OutsideError, Transient
from models.clock import now
from models.tables.operations import ChatHealth
from tasks.office import unit_of_work

CIRCUIT = 3  # messages in a row that failed, after which a chat is left alone until the next delivery
REPEAT = "（可能重复 may be a repeat）"


class NotYet(Transient):
    """A message that follows another one which is not posted yet: the service has no part in that."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("chat", "reply", "the alert's first message is not posted yet", unsent=True)


def note_health(connection: str, taken: int, problem: OutsideError | None, today: date) -> None:
    """Note how a delivery to a chat went: `taken` messages were taken or refused one by one, `problem` stopped others.

    A service that took anything is well again; one that took nothing is failing since the first such delivery.
    """
    if not taken and problem is None:
        return
    with unit_of_work() as session:
        health = session.get(ChatHealth, connection)
        if health is None:
            health = ChatHealth(connection=connection)
            session.add(health)
        if taken:
            health.failures, health.failing_on, health.failing_since, health.reason = 0, None, None, ""
        else:
            health.failures += 1
            health.failing_on, health.failing_since = health.failing_on or today, health.failing_since or now()
            health.reason = str(problem)


def repeated(chat: Chat, text: str, tried_before: bool) -> str:
    """Mark what may have been said before, where the service cannot be asked: a repeat is better than a lost alert."""
    return f"{REPEAT}{text}" if tried_before and not chat.finds else text


def following(chat: Chat, text: str, first: str) -> str:
    """Say what a message follows up, where there are no threads: the first line of the first message goes before it."""
    return text if chat.edits or not first else f"{first.splitlines()[0]}\n{text}"
