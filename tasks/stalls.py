"""The stall watch: waits past their due date become alerts, escalate, and are resolved.

Belongs here: one alert an episode, from open waits. Does not: limits (rules/lifecycle.py) or sending (outbox.py).
"""

import json
from collections import defaultdict
from datetime import date
from typing import Any

from sqlmodel import Session

from connectors.database import alone
from models.clock import business_date
from models.identity import make_id
from models.repositories.common import add_missing
from models.repositories.lifecycle import alert_wait_ids, open_waits, settled_alerts
from models.repositories.people import active_count
from models.rules.lifecycle import WAIT_KINDS
from models.rules.stalls import judge_wait
from models.tables.lifecycle import Alert, AlertWait, Wait
from models.tables.operations import Outbox
from models.tables.organisations import Organisation
from tasks.messages import Message, escalated_text, raised_text, resolved_text
from tasks.office import office, unit_of_work
from tasks.step import step


@step(name="watch-waits")
async def watch_waits(as_of: date | None = None) -> dict[str, int]:
    """Raise, escalate and resolve alerts; give how many of each. Running it twice changes nothing.

    Two watches at once take turns: the second finds what the first has told.
    """
    today = business_date(as_of)
    with unit_of_work() as session:
        alone(session, "stall-watch")
        resolved = _resolve(session, today)
        raised, escalated = _raise(session, today)
    return {"raised": raised, "escalated": escalated, "resolved": resolved}


def _raise(session: Session, today: date) -> tuple[int, int]:
    """One alert for all waits of one kind, holder and beginning in a cohort."""
    groups: dict[str, list[tuple[Wait, int]]] = defaultdict(list)
    for wait in sorted(open_waits(session), key=lambda wait: wait.id):
        judged = judge_wait(wait.kind, wait.since, today, office().calendar, wait.due_on, office().policy(today))
        if judged.stalled:
            key = make_id("A", wait.cohort_code, wait.kind, wait.holder_code or wait.holder, wait.subject, wait.since)
            groups[key].append((wait, judged.level))
    raised = escalated = 0
    for key, members in groups.items():
        waits, level = [wait for wait, _ in members], max(level for _, level in members)
        alert = session.get(Alert, key)
        if alert is None or alert.status == "resolved":
            _open(session, key, waits, level, today)
            raised += 1
        else:
            escalated += _escalate(session, alert, waits, level, today)
    return raised, escalated


def _open(session: Session, key: str, waits: list[Wait], level: int, today: date) -> None:
    first, known = waits[0], session.get(Alert, key) is not None
    alert = add_missing(session, Alert(
        id=key, cohort_code=first.cohort_code, kind=first.kind, stage=first.stage, holder=first.holder,
        holder_code=first.holder_code, subject=first.subject, since=first.since, people=_people(session, waits),
        level=level, raised_on=today,
    ))  # fmt: skip
    alert.status, alert.resolved_on, alert.level = "open", None, level
    session.flush()
    _link(session, alert, waits)
    text = raised_text(_message(session, alert, today))
    if known:  # the same episode again: its message changes back
        _say(session, "chat.update", make_id("AO", key, today), alert, text, today)
    else:
        _say(session, "chat.post", key, alert, text, today)


def _escalate(session: Session, alert: Alert, waits: list[Wait], level: int, today: date) -> int:
    _link(session, alert, waits)
    if level <= alert.level:
        return 0
    alert.level = level
    message = _message(session, alert, today)
    _say(session, "chat.reply", make_id("AE", alert.id, level), alert, escalated_text(message), today)
    return 1


def _link(session: Session, alert: Alert, waits: list[Wait]) -> None:
    """Note of which waits an alert speaks; those it spoke of before stay."""
    told = alert_wait_ids(session, alert.id)
    session.add_all(AlertWait(alert_id=alert.id, wait_id=wait.id) for wait in waits if wait.id not in told)


def _resolve(session: Session, today: date) -> int:
    """An alert ends when all its waits have."""
    resolved = 0
    for alert in settled_alerts(session):
        alert.status, alert.resolved_on = "resolved", today
        message = _message(session, alert, today)
        _say(session, "chat.update", make_id("AR", alert.id, today), alert, resolved_text(message), today)
        resolved += 1
    return resolved


def _people(session: Session, waits: list[Wait]) -> int:
    """How many workers wait: those named by the waits, or the whole living cohort where a wait is the cohort's."""
    named = {wait.participant_id for wait in waits if wait.participant_id}
    if len(named) == len(waits):
        return len(named)
    return active_count(session, waits[0].cohort_code)


def _message(session: Session, alert: Alert, today: date) -> Message:
    organisation = session.get(Organisation, alert.holder_code) if alert.holder_code else None
    kind = WAIT_KINDS[alert.kind]
    judged = judge_wait(alert.kind, alert.since, today, office().calendar, policy=office().policy(today))
    return Message(
        cohort=alert.cohort_code, chinese=kind.chinese, what=kind.what, subject=alert.subject,
        holder=organisation.name if organisation else alert.holder, role=judged.holder or alert.holder,
        people=alert.people, since=alert.since, today=today, language=office().settings.language,
    )  # fmt: skip


def _say(session: Session, kind: str, key: str, alert: Alert, text: str, today: date) -> None:
    payload: dict[str, Any] = {"alert_id": alert.id, "text": text}
    add_missing(session, Outbox(
        id=key, kind=kind, organisation_code=alert.holder_code, subject=alert.cohort_code,
        payload=json.dumps(payload, ensure_ascii=False, sort_keys=True), created_on=today,
    ))  # fmt: skip
