"""What a pressed button does: an alert is acknowledged, put off, or its step is tried again, once each press.

Belongs here: presses written down once, their effects, and the work that is left. Does not: whether a press is genuine
(connectors/slack_callback.py), the words it leads to (messages.py) or sending them (outbox.py).
"""

from collections.abc import Callable
from datetime import date

from sqlmodel import Session

from connectors.database import alone
from connectors.slack_callback import Action, Press
from models.clock import business_date, now
from models.identity import make_id
from models.repositories.audit import record
from models.repositories.presses import record_press, waiting_presses
from models.rules.alerts import snooze_until
from models.tables.lifecycle import Alert, AlertPress
from tasks.errors import BadInput
from tasks.lifecycle import advance_cohorts
from tasks.messages import SOURCES, retried_text
from tasks.office import office, unit_of_work
from tasks.outbox import deliver_outbox
from tasks.stalls import instant_of, watch_waits
from tasks.step import step
from tasks.sync import sync_connections
from tasks.telling import Teller, message_id, restate

ATTEMPTS = 3  # work that broke off so often is given up, so that it does not break every watch
LOCK = "stall-watch"  # the watch changes the same alerts


class Stranger(Exception):
    """A press from a chat that was never told of the alert."""


def press_once(press: Press, connection: str = "", as_of: date | None = None, reason: str = "") -> bool:
    """Write a press down and do what can be done at once; give False for one that is known, which changes nothing.

    `connection` is the chat it came by, empty for one who works here. Trying a step again is left for
    `take_up_presses`. Raises BadInput when there is no such alert, Stranger when another chat was told of it.
    """
    today = business_date(as_of)
    with unit_of_work() as session:
        alone(session, LOCK)
        alert = _alert(session, press.alert_id, connection)
        if not record_press(
            session, key=press.key, alert_id=alert.id, action=press.action, actor=press.actor,
            pressed_at=press.pressed_at, on=today,
        ):  # fmt: skip
            return False
        record(session, action=f"alert-{press.action}", subject=alert.id, actor=press.actor, on=today, key=press.key,
               reason=reason)  # fmt: skip
        if press.action in AT_ONCE:
            row = session.get_one(AlertPress, press.key)
            row.status, row.outcome = "done", AT_ONCE[press.action](session, alert, press.actor, as_of)
    return True


def acknowledge(alert_id: str, actor: str, as_of: date | None = None, reason: str = "") -> bool:
    """Take note of an alert for `actor`; the first who does is named in its message. Raises BadInput."""
    return press_once(_by_hand("acknowledge", alert_id, actor, as_of), as_of=as_of, reason=reason)


def snooze(alert_id: str, actor: str, as_of: date | None = None) -> bool:
    """Put an alert off for three working days. Raises BadInput."""
    return press_once(_by_hand("snooze", alert_id, actor, as_of), as_of=as_of)


async def retry(alert_id: str, actor: str, as_of: date | None = None) -> bool:
    """Advance the alert's cohort, or read its connection again, now. Raises BadInput."""
    new = press_once(_by_hand("retry", alert_id, actor, as_of), as_of=as_of)
    await finish_presses(as_of)
    return new


async def finish_presses(as_of: date | None = None) -> None:
    """Do the work of the presses that wait, see what it changed, and tell the chat."""
    if await take_up_presses(as_of):
        await watch_waits(as_of)
    await deliver_outbox(as_of)


@step(name="take-up-presses")
async def take_up_presses(as_of: date | None = None) -> int:
    """Try again what people asked to be tried again; give how many presses that were.

    One that a crash broke off is taken up here once more: advancing and reading twice change nothing.
    """
    with unit_of_work() as session:
        keys = [row.key for row in waiting_presses(session)]
    return sum([await _take_up(key, as_of) for key in keys])


def _alert(session: Session, alert_id: str, connection: str) -> Alert:
    alert = session.get(Alert, alert_id, with_for_update=True)
    if alert is None:
        raise BadInput("there is no such alert: see `yuanmeng stalls`")
    if connection and alert.route != connection:
        raise Stranger(f"{connection}: take a press: this chat was not told of the alert")
    return alert


def _by_hand(action: Action, alert_id: str, actor: str, as_of: date | None) -> Press:
    """A press of one who works here: the same again on one day is the same press, until the alert opens anew."""
    with unit_of_work() as session:
        openings = _alert(session, alert_id, "").openings
    key = make_id("PR", alert_id, action, actor, business_date(as_of), openings)
    return Press(alert_id, action, actor, now(), key)


def _acknowledge(session: Session, alert: Alert, actor: str, as_of: date | None) -> str:
    """The first who takes note stands in the message."""
    if alert.status != "open":
        return "over"
    if alert.acknowledged_by:
        return "known"
    alert.acknowledged_by, alert.acknowledged_on = actor, business_date(as_of)
    restate(session, alert, business_date(as_of), instant_of(as_of))
    return "acknowledged"


def _snooze(session: Session, alert: Alert, actor: str, as_of: date | None) -> str:
    """The later day counts where two put it off."""
    if alert.status != "open":
        return "over"
    until = snooze_until(business_date(as_of), office().calendar)
    if alert.snoozed_until is not None and alert.snoozed_until >= until:
        return "known"
    alert.snoozed_until = until
    restate(session, alert, business_date(as_of), instant_of(as_of))
    return "snoozed"


AT_ONCE: dict[str, Callable[[Session, Alert, str, date | None], str]] = {"acknowledge": _acknowledge, "snooze": _snooze}


async def _take_up(key: str, as_of: date | None) -> bool:
    """Do the work of one press and write down how it ended; False when another process did, or it is given up."""
    alert, today = _begin(key), business_date(as_of)
    if alert is None:
        return False
    outcome = await _try_again(alert, today)
    with unit_of_work() as session:
        alone(session, LOCK)
        row = session.get_one(AlertPress, key, with_for_update=True)
        if row.status != "waiting":
            return False
        row.status, row.outcome = "done", outcome
        alert = session.get_one(Alert, row.alert_id)
        record(session, action="alert-retried", subject=alert.id, actor=row.actor, on=today, key=f"{key}:done",
               detail=outcome)  # fmt: skip
        teller = Teller(session, today, instant_of(as_of))
        text = retried_text(teller.language, row.actor, outcome)
        teller.say("chat.reply", make_id("AT", key), message_id(alert), alert, text)
    return True


def _begin(key: str) -> Alert | None:
    """Count a beginning, in a transaction of its own; give the alert, None when there is nothing to begin."""
    with unit_of_work() as session:
        row = session.get_one(AlertPress, key, with_for_update=True)
        if row.status != "waiting":
            return None
        if row.attempts >= ATTEMPTS:
            row.status, row.outcome = "failed", "broken-off"
            return None
        row.attempts += 1
        return session.get_one(Alert, row.alert_id)


async def _try_again(alert: Alert, today: date) -> str:
    """Read the connection the alert speaks of, or advance its cohort; give how that ended."""
    if alert.kind in SOURCES:
        name = alert.subject.partition("/")[0]
        if not any(one.name == name for one in office().settings.connections):
            return "nothing"
        report = await sync_connections([name], today)
        return "unread" if report[name]["status"] == "failed" else "read"
    if not alert.cohort_code:
        return "nothing"
    await advance_cohorts([alert.cohort_code], today)
    return "advanced"
