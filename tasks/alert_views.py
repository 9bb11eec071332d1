"""What people read of alerts, and the word by which one is taken up at the keyboard.

Belongs here: listing and acknowledging. Does not: raising (alerts.py), sending (outbox.py), buttons (presses.py).
"""

from datetime import date
from typing import Any

from models.clock import business_date
from models.repositories.alerts import alerts, open_alerts
from models.repositories.organisations import organisation_names
from models.rules.alerts import is_before
from models.rules.lifecycle import ALL_KINDS
from models.tables.lifecycle import Alert
from tasks.errors import BadInput
from tasks.office import unit_of_work
from tasks.outbox import deliver_outbox
from tasks.presses import acknowledge

View = dict[str, Any]


def alert_list(open_only: bool = False, as_of: date | None = None) -> list[View]:
    """Every alert, or those that are not over; `state` is open, acknowledged, snoozed or resolved."""
    today = business_date(as_of)
    with unit_of_work() as session:
        found = open_alerts(session) if open_only else alerts(session)
        names = organisation_names(session, [one.holder_code for one in found if one.holder_code])
        return [_line(one, names.get(one.holder_code or "", ""), today) for one in found]


def _line(alert: Alert, holder: str, today: date) -> View:
    kind = ALL_KINDS[alert.kind]
    return {
        "id": alert.id, "state": _state(alert, today), "cohort": alert.cohort_code, "kind": alert.kind,
        "for": kind.what, "chinese": kind.chinese, "subject": alert.subject, "on": alert.holder, "holder": holder,
        "severity": alert.severity, "level": alert.level, "people": alert.people, "since": alert.since.isoformat(),
        "due": _day(alert.due_on), "raised": alert.raised_on.isoformat(), "resolved": _day(alert.resolved_on),
        "acknowledged_by": alert.acknowledged_by, "acknowledged_on": _day(alert.acknowledged_on),
        "snoozed_until": _day(alert.snoozed_until), "route": alert.route, "sent": bool(alert.ts),
    }  # fmt: skip


def _state(alert: Alert, today: date) -> str:
    if alert.status == "resolved":
        return "resolved"
    if alert.acknowledged_by:
        return "acknowledged"
    return "snoozed" if is_before(today, alert.snoozed_until) else "open"


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


async def acknowledge_alert(alert_id: str, actor: str, reason: str, as_of: date | None = None) -> View:
    """Acknowledge an alert as the button in the chat does, let the chat know, and give the alert as it stands.

    The first who does is the one it names. Raises BadInput for an alert that is not known or over already.
    """
    today = business_date(as_of)
    with unit_of_work() as session:
        alert = session.get(Alert, alert_id)
        if alert is None:
            raise BadInput(f"there is no alert {alert_id}: see `yuanmeng alerts list`")
        if alert.status == "resolved":
            raise BadInput(f"the alert {alert_id} is over since {alert.resolved_on}: there is nothing to acknowledge")
    acknowledge(alert_id, actor, as_of, reason)
    await deliver_outbox(as_of)
    with unit_of_work() as session:
        alert = session.get_one(Alert, alert_id)
        names = organisation_names(session, [alert.holder_code] if alert.holder_code else [])
        return _line(alert, names.get(alert.holder_code or "", ""), today)
