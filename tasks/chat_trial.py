"""A test message to each chat, sent the way alerts are: through the outbox.

Belongs here: putting it there and saying what became of it. Does not: sending (outbox.py) or any protocol (connectors).
"""

import json
from datetime import date
from typing import Any

from connectors.base import Connection
from connectors.errors import Permanent, Transient
from connectors.registry import open_connector
from models.clock import business_date, now
from models.identity import make_id
from models.tables.operations import ChatHealth, Outbox
from tasks.errors import BadInput
from tasks.office import office, unit_of_work
from tasks.outbox import deliver_outbox
from tasks.routing import chat_connections

TEXTS = {
    "zh": "🔔 这是圆梦系统的测试消息：提醒会发到这里，无需处理。",
    "en": "🔔 A test message of Yuanmeng: alerts will come here; nothing need be done.",
}
SILENT = "it took nothing just now, and answers when asked: try again in a minute"


async def try_chats(only: str | None = None, as_of: date | None = None) -> dict[str, Any]:
    """Send a test message to each chat connection, or to one; give for each whether it arrived, else what was wrong.

    Raises BadInput when there is no chat connection of the name asked for.
    """
    chats = [one for one in chat_connections() if only in (None, one.name)]
    if only is not None and not chats:
        raise BadInput(f"there is no chat connection {only}: see `yuanmeng connections`")
    keys = _put({one.name for one in chats}, business_date(as_of))
    await deliver_outbox(as_of)
    return {one.name: await _outcome(one, keys[one.name]) for one in chats}


def _put(names: set[str], today: date) -> dict[str, str]:
    """Put a test for each chat into the outbox; every trial is a message of its own."""
    keys = {name: make_id("AT", name, now().isoformat()) for name in sorted(names)}
    with unit_of_work() as session:
        for name, key in keys.items():
            payload = {"alert_id": key, "route": name, "text": _text()}
            session.add(Outbox(id=key, kind="chat.post", subject="test", created_on=today,
                               payload=json.dumps(payload, ensure_ascii=False, sort_keys=True)))  # fmt: skip
    return keys


def _text() -> str:
    return TEXTS.get(office().settings.language, "\n".join(TEXTS.values()))


async def _outcome(connection: Connection, key: str) -> dict[str, str]:
    status, problem = _taken_back(key)
    if status == "sent":
        return {"status": "ok", "reason": ""}
    return {"status": "failed", "reason": problem or _heard(connection.name) or await _what_is_wrong(connection)}


def _taken_back(key: str) -> tuple[str, str]:
    """How a test ended; one that could not be sent is not kept for later: nobody would know what it is."""
    with unit_of_work() as session:
        row = session.get_one(Outbox, key, with_for_update=True)
        ended = row.status, row.problem
        if row.status == "waiting":
            row.status, row.problem = "failed", row.problem or "the test was over before it could be sent"
        return ended


def _heard(name: str) -> str:
    """What the chat, or whoever keeps us from it, said when it took nothing."""
    with unit_of_work() as session:
        health = session.get(ChatHealth, name)
        return health.reason if health is not None else ""


async def _what_is_wrong(connection: Connection) -> str:
    try:
        async with open_connector(connection) as connector:
            checks = await connector.check()
    except (Transient, Permanent) as error:
        return str(error)
    return next((one.message for one in checks if not one.ok), SILENT)
