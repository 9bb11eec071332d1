"""Alerts: one for each episode of a stall, told once, followed up in its thread, resolved by an edit of its message.

Belongs here: alerts opened, refreshed and closed from what is stalled today. Does not: finding stalls (watch/), what is
said when (rules/alerts.py) and in which words (messages.py), or sending (outbox.py).
What is told of them goes through telling.py.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from models.identity import make_id
from models.repositories.alerts import add_alerts, add_links, alerts_by_id, linked_waits, open_alerts
from models.rules.alerts import damped_until
from models.rules.stalls import Stall, severity_of
from models.tables.lifecycle import Alert
from tasks.office import office
from tasks.telling import tell, tell_weekly

Counts = dict[str, int]


def alert_id(stall: Stall) -> str:
    """Give the id of the one alert of this episode: the same whatever its level and however many wait."""
    holder = stall.holder_code or stall.holder
    return make_id("A", stall.cohort_code, stall.kind, holder, stall.subject, stall.since)


def settle(session: Session, stalls: Iterable[Stall], today: date, at: datetime) -> Counts:
    """Make the alerts equal to what is stalled today, and put what is to be told into the outbox.

    Gives how many were raised (or raised again), escalated, resolved, and are held back for now. Doing it twice changes
    nothing. `at` is the instant of the watch. What could not be looked at must be among the stalls as it was told of
    before: what is not among them is over.
    """
    found = _by_alert(stalls)
    known = {alert.id: alert for alert in open_alerts(session)}
    touched = known | alerts_by_id(session, found.keys() - known.keys())
    raised = _raise(session, found, touched, today)
    over = _resolve(touched, found, today)
    escalated = _refresh(touched, found, today)
    session.flush()
    held = tell(session, list(touched.values()), today, at)
    tell_weekly(session, [alert for alert in touched.values() if alert.status == "open"], today, at)
    return {"raised": len(raised), "escalated": escalated, "resolved": over, "held": held}


def _by_alert(stalls: Iterable[Stall]) -> dict[str, Stall]:
    """One stall an episode: of two detectors that found the same, the one at the higher level."""
    found: dict[str, Stall] = {}
    for stall in stalls:
        key = alert_id(stall)
        if key not in found or found[key].level < stall.level:
            found[key] = stall
    return found


def _raise(session: Session, found: dict[str, Stall], touched: dict[str, Alert], today: date) -> set[str]:
    """Open an alert for each stall without an open one; `touched` gains the new ones. Gives which were opened."""
    opened = {key for key in found if key not in touched or touched[key].status == "resolved"}
    for key in opened & touched.keys():
        _reopen(touched[key], found[key], today)
    new = [_new(key, found[key], today) for key in found if key not in touched]
    touched.update((alert.id, alert) for alert in add_alerts(session, new))
    _link(session, found, {row["id"] for row in new})
    return opened


def _new(key: str, stall: Stall, today: date) -> dict[str, Any]:
    return {
        "id": key, "cohort_code": stall.cohort_code or None, "kind": stall.kind, "stage": stall.stage,
        "holder": stall.holder, "holder_code": stall.holder_code, "subject": stall.subject,
        "severity": _severity(stall, today), "since": stall.since, "due_on": stall.due_on, "people": stall.people,
        "level": stall.level, "raised_on": today,
    }  # fmt: skip


def _reopen(alert: Alert, stall: Stall, today: date) -> None:
    """The same episode again: its message changes back, and nobody's word about the last time counts any more."""
    alert.held_until = damped_until(alert.resolved_on, today, office().calendar) if alert.told_at else None
    alert.status, alert.resolved_on, alert.level, alert.told_level = "open", None, stall.level, 0
    alert.openings += 1
    alert.acknowledged_by, alert.acknowledged_on, alert.snoozed_until = "", None, None


def _severity(stall: Stall, today: date) -> str:
    return severity_of(stall.kind, office().policy(today))


def _refresh(touched: dict[str, Alert], found: dict[str, Stall], today: date) -> int:
    """Carry over what moves while an alert is open; a level once reached stays. Gives how many reached a further one."""
    escalated = 0
    for key, stall in found.items():
        alert = touched[key]
        escalated += stall.level > alert.level
        now = {"level": max(stall.level, alert.level), "people": stall.people, "due_on": stall.due_on,
               "severity": _severity(stall, today), "stage": stall.stage}  # fmt: skip
        for name, value in now.items():
            if getattr(alert, name) != value:
                setattr(alert, name, value)
    return escalated


def _resolve(touched: dict[str, Alert], found: dict[str, Stall], today: date) -> int:
    """An alert ends when its stall is not found any more."""
    over = [alert for key, alert in touched.items() if key not in found and alert.status == "open"]
    for alert in over:
        alert.status, alert.resolved_on = "resolved", today
    return len(over)


def _link(session: Session, found: dict[str, Stall], new: set[str]) -> None:
    """Note of which waits an alert speaks; those it spoke of before stay, and a new one spoke of none."""
    wanted = {(key, wait_id) for key, stall in found.items() for wait_id in stall.wait_ids}
    known = linked_waits(session, (key for key in found if found[key].wait_ids and key not in new))
    add_links(session, sorted(wanted - known))
