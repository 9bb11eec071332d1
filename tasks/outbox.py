"""Delivery of the outbox: each effect is sent with its key, and the answer written down.

Belongs here: claiming, sending, acknowledging. Does not: deciding what to send (stages, alerts), or how a message is
said where the chat knows no edits and threads (chats.py).
A row is claimed in its own transaction before it is sent, so a crash repeats nothing unrecognisably:
partner systems know the key again, and the chat is searched for it. One process delivers at a time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import date
from typing import Any

from connectors.base import Connection, Connector
from connectors.chat import Chat
from connectors.database import one_at_a_time
from connectors.errors import OutsideError, Refused
from connectors.partner import PartnerConnector
from connectors.registry import open_connector
from connectors.settings import CHAT_KINDS
from connectors.spreadsheet.answers import LISTS
from connectors.spreadsheet.connector import SpreadsheetConnector
from models.clock import business_date
from models.repositories.alerts import members_of_message
from models.repositories.operations import waiting_messages, waiting_outbox
from models.tables.operations import Outbox
from tasks.chats import CIRCUIT, NotYet, following, note_health, repeated
from tasks.office import office, unit_of_work
from tasks.routing import chat_connections
from tasks.step import AGAIN, step

Payload = dict[str, Any]
Counts = dict[str, int]


@step(name="deliver-outbox", retries=AGAIN)
async def deliver_outbox(as_of: date | None = None) -> Counts:
    """Send everything that waits in the outbox; give how many were sent, refused and left for later."""
    today, counts = business_date(as_of), {"sent": 0, "failed": 0, "later": 0}
    async with _alone():
        for connection, keys in _by_connection().items():
            counts = _sum(counts, await _deliver_to(connection, keys, today))
    return counts


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """Let one process deliver at a time: a second one would post what the first is just posting to the chat."""
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, one_at_a_time(office().engine, "delivery"))
        yield


def _sum(one: Counts, other: Counts) -> Counts:
    return {name: one[name] + other[name] for name in one}


def _by_connection() -> dict[str, list[str]]:
    """What waits, by the connection that carries it; what has no connection yet stays waiting."""
    chats = [one.name for one in chat_connections()]
    waiting: dict[str, list[str]] = {}
    with unit_of_work() as session:
        messages = waiting_messages(session)
        for key, kind, organisation in waiting_outbox(session):
            name = _chat(messages[key], chats) if key in messages else _counterparty(kind, organisation or "")
            if name:
                waiting.setdefault(name, []).append(key)
    return waiting


def _counterparty(kind: str, organisation: str) -> str:
    """The connection of an organisation that carries an effect: a partner's, else a folder where it is a list's row."""
    kinds = ("partner", "spreadsheet") if kind.removeprefix("partner.") in LISTS else ("partner",)
    theirs = {one.kind: one.name for one in office().settings.connections if one.organisation == organisation}
    return next((theirs[kind] for kind in kinds if kind in theirs), "")


def _chat(payload: str, chats: list[str]) -> str:
    """The chat a message is routed to; the first one, where that is no connection (any more)."""
    route = str(json.loads(payload).get("route", ""))
    return route if route in chats else next(iter(chats), "")


async def _deliver_to(name: str, keys: list[str], today: date) -> Counts:
    """Send what waits for one connection; where it cannot even be logged in to, all of it waits, and the others go."""
    connection: Connection = next(one for one in office().settings.connections if one.name == name)
    try:
        async with open_connector(connection) as connector:
            deliver = _tell if isinstance(connector, Chat) else _hand_over
            return await deliver(connector, keys, today)
    except OutsideError as error:
        if connection.kind in CHAT_KINDS:
            note_health(name, 0, error, today)
        return {"sent": 0, "failed": 0, "later": len(keys)}


async def _hand_over(connector: Connector, keys: list[str], today: date) -> Counts:
    """Send each effect to a partner; one that cannot be sent now waits for the next run."""
    counts = {"sent": 0, "failed": 0, "later": 0}
    for key in keys:
        try:
            counts[await _deliver(connector, key, today)] += 1
        except OutsideError:  # the system is away or does not let us in
            counts["later"] += 1
    return counts


async def _tell(chat: Connector, keys: list[str], today: date) -> Counts:
    """Say each message; a chat that takes none of several in a row is left alone until the next run."""
    counts, missed, problem = {"sent": 0, "failed": 0, "later": 0}, 0, None
    for key in keys:
        if missed >= CIRCUIT:
            counts["later"] += 1
            continue
        try:
            counts[await _deliver(chat, key, today)] += 1
            missed = 0
        except NotYet:
            counts["later"] += 1
        except OutsideError as error:
            missed, problem = missed + 1, error
            counts["later"] += 1
    note_health(chat.connection.name, counts["sent"] + counts["failed"], problem, today)
    return counts


async def _deliver(connector: Connector, key: str, today: date) -> str:
    """Claim, send and acknowledge one row. Raises OutsideError when the other side may take it later."""
    with unit_of_work() as session:
        row = session.get_one(Outbox, key, with_for_update=True)
        if row.status != "waiting":
            return "sent"
        tried_before, kind, payload = row.attempts > 0, row.kind, json.loads(row.payload)
        row.attempts = 1
    try:
        answer = await _send(connector, kind, key, payload, tried_before)
    except Refused as error:
        return _acknowledge(key, "failed", today, problem=str(error))
    except OutsideError as error:
        if error.unsent and not tried_before:
            _unclaim(key)
        raise
    return _acknowledge(key, "sent", today, answer=answer)


def _unclaim(key: str) -> None:
    """Take back an attempt of which the other side surely took nothing: the next one is no repeat."""
    with unit_of_work() as session:
        session.get_one(Outbox, key).attempts = 0


async def _send(connector: Connector, kind: str, key: str, payload: Payload, tried_before: bool) -> Payload:
    if isinstance(connector, PartnerConnector | SpreadsheetConnector):
        return await connector.send(kind.removeprefix("partner."), key, payload)
    if isinstance(connector, Chat):
        return await CHAT[kind](connector, key, payload, tried_before)
    raise Refused(connector.connection.name, "deliver", "nothing can be sent there: check the kind of the connection")


async def _post(chat: Chat, key: str, payload: Payload, tried_before: bool) -> Payload:
    """Post once: after an attempt whose end is unknown, the channel is searched for the key first."""
    found = await chat.find(key) if tried_before and chat.finds else None
    if found is not None:
        return dict(found)
    text, blocks = repeated(chat, payload["text"], tried_before), payload.get("blocks")
    try:
        return dict(await chat.post(key, text, blocks))
    except Refused:
        if not blocks:
            raise
        return dict(await chat.post(key, text))  # the bare words rather than nothing


async def _reply(chat: Chat, key: str, payload: Payload, tried_before: bool) -> Payload:
    ts, first = _first(payload)
    found = await chat.find(key, thread_ts=ts) if tried_before and chat.finds else None
    if found is not None:
        return dict(found)
    text = following(chat, repeated(chat, payload["text"], tried_before), first)
    return dict(await chat.post(key, text, None, thread_ts=ts))


async def _update(chat: Chat, key: str, payload: Payload, tried_before: bool) -> Payload:
    """Edit a message to its newest words; older ones that were overtaken while they waited are not said.

    A chat without edits hears of each change that is not quiet, whatever came after it.
    """
    ts, _ = _first(payload)
    overtaken = payload.get("revision", 0) < _revision(payload)
    if overtaken if chat.edits else payload.get("quiet"):
        return {}
    text = repeated(chat, payload["text"], tried_before)
    return dict(await chat.update(ts, text, payload.get("blocks"), key=_message_id(payload)))


CHAT: dict[str, Callable[[Chat, str, Payload, bool], Awaitable[Payload]]] = {
    "chat.post": _post, "chat.digest": _post, "chat.weekly": _post, "chat.reply": _reply, "chat.update": _update,
}  # fmt: skip


def _message_id(payload: Payload) -> str:
    return str(payload.get("message_id") or payload["alert_id"])


def _first(payload: Payload) -> tuple[str, str]:
    """Give the timestamp by which the chat knows the message that is followed up, and its words. Raises NotYet."""
    with unit_of_work() as session:
        key = _message_id(payload)
        ts = next((alert.ts for alert in members_of_message(session, key) if alert.ts), "")
        row = session.get(Outbox, key)
        first = json.loads(row.payload).get("text", "") if row is not None else ""  # its words may have gone since
    if not ts:
        raise NotYet
    return ts, first


def _revision(payload: Payload) -> int:
    """How often the message has been put into other words by now, said or not."""
    with unit_of_work() as session:
        return sum(alert.revision for alert in members_of_message(session, _message_id(payload)))


def _acknowledge(key: str, status: str, today: date, *, answer: Payload | None = None, problem: str = "") -> str:
    """Write down how a row ended, and where the chat put a message: for all alerts it speaks of."""
    with unit_of_work() as session:
        row = session.get_one(Outbox, key)
        row.status, row.sent_on, row.problem = status, today, problem
        if row.kind in ("chat.post", "chat.digest") and answer:
            for alert in members_of_message(session, key):
                alert.ts, alert.channel = str(answer.get("ts", "")), str(answer.get("channel", ""))
    return status
