"""Delivery of the outbox: each effect is sent with its key, and the answer written down.

Belongs here: claiming, sending, acknowledging. Does not: deciding what to send (stages, alerts).
A row is claimed in its own transaction before it is sent, so a crash repeats nothing unrecognisably:
partner systems know the key again, and the chat is searched for it. One process delivers at a time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import date
from typing import Any

from sqlmodel import Session

from connectors.base import Connection, Connector
from connectors.database import one_at_a_time
from connectors.errors import OutsideError, Refused, Transient
from connectors.partner import PartnerConnector
from connectors.registry import open_connector
from connectors.slack import SlackConnector
from models.clock import business_date
from models.repositories.operations import waiting_outbox
from models.tables.lifecycle import Alert
from models.tables.operations import Outbox
from tasks.office import office, unit_of_work
from tasks.step import step

Counts = dict[str, int]


@step(name="deliver-outbox")
async def deliver_outbox(as_of: date | None = None) -> Counts:
    """Send everything that waits in the outbox; give how many were sent, refused and left for later."""
    today, counts = business_date(as_of), {"sent": 0, "failed": 0, "later": 0}
    async with _alone():
        for connection, keys in _by_connection().items():
            try:
                counts = _sum(counts, await _deliver_to(connection, keys, today))
            except OutsideError:  # it cannot even be logged in to: its rows wait, the others go
                counts["later"] += len(keys)
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
    connections = office().settings.connections
    partner = {one.organisation: one.name for one in connections if one.kind == "partner"}
    chat = next((one.name for one in connections if one.kind == "slack"), "")
    waiting: dict[str, list[str]] = {}
    with unit_of_work() as session:
        for key, kind, organisation in waiting_outbox(session):
            name = chat if kind.startswith("chat.") else partner.get(organisation or "", "")
            if name:
                waiting.setdefault(name, []).append(key)
    return waiting


async def _deliver_to(name: str, keys: list[str], today: date) -> Counts:
    counts = {"sent": 0, "failed": 0, "later": 0}
    connection: Connection = next(one for one in office().settings.connections if one.name == name)
    async with open_connector(connection) as connector:
        for key in keys:
            try:
                counts[await _deliver(connector, key, today)] += 1
            except OutsideError:
                counts["later"] += 1  # the system is away or does not let us in: the row waits for the next run
    return counts


async def _deliver(connector: Connector, key: str, today: date) -> str:
    """Claim, send and acknowledge one row. Raises Transient when the other side may answer later."""
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
    return _acknowledge(key, "sent", today, answer=answer)


async def _send(
    connector: Connector, kind: str, key: str, payload: dict[str, Any], tried_before: bool
) -> dict[str, Any]:
    if isinstance(connector, PartnerConnector):
        return await connector.send(kind.removeprefix("partner."), key, payload)
    if isinstance(connector, SlackConnector):
        return await CHAT[kind](connector, key, payload, tried_before)
    raise Refused(connector.connection.name, "deliver", "nothing can be sent there: check the kind of the connection")


async def _post(chat: SlackConnector, key: str, payload: dict[str, Any], tried_before: bool) -> dict[str, Any]:
    """Post once: after an attempt whose end is unknown, the channel is searched for the key first."""
    found = await chat.find(key) if tried_before else None
    return dict(found or await chat.post(key, payload["text"], payload.get("blocks")))


async def _reply(chat: SlackConnector, key: str, payload: dict[str, Any], tried_before: bool) -> dict[str, Any]:
    ts = _message(payload["alert_id"])
    found = await chat.find(key, thread_ts=ts) if tried_before else None
    return dict(found or await chat.post(key, payload["text"], None, thread_ts=ts))


async def _update(chat: SlackConnector, key: str, payload: dict[str, Any], tried_before: bool) -> dict[str, Any]:
    return dict(
        await chat.update(
            _message(payload["alert_id"]), payload["text"], payload.get("blocks"), key=payload["alert_id"]
        )
    )


CHAT: dict[str, Callable[[SlackConnector, str, dict[str, Any], bool], Awaitable[dict[str, Any]]]] = {
    "chat.post": _post, "chat.reply": _reply, "chat.update": _update,
}  # fmt: skip


def _message(alert_id: str) -> str:
    """Give the timestamp by which the chat knows the alert's message. Raises Transient before it is posted."""
    with unit_of_work() as session:
        ts = session.get_one(Alert, alert_id).ts
    if not ts:
        raise Transient("chat", "reply", "the alert's first message is not posted yet")
    return ts


def _acknowledge(key: str, status: str, today: date, *, answer: dict[str, Any] | None = None, problem: str = "") -> str:
    with unit_of_work() as session:
        row = session.get_one(Outbox, key)
        row.status, row.sent_on, row.problem = status, today, problem
        if row.kind == "chat.post" and answer:
            _remember(session, key, answer)
    return status


def _remember(session: Session, key: str, answer: dict[str, Any]) -> None:
    alert = session.get(Alert, key)
    if alert is not None:
        alert.ts, alert.channel = str(answer.get("ts", "")), str(answer.get("channel", ""))
