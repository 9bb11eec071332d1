"""Queries about alerts: the open ones, those of a digest, what was told of late, and the waits they speak of.

Belongs here: rows of alerts. Does not: what is told when (rules/alerts.py), or the waits themselves (lifecycle.py).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, func, or_, select

from models.repositories.common import CHUNK, grouped, within
from models.tables.lifecycle import Alert, AlertWait


def alerts(session: Session) -> list[Alert]:
    """Give all alerts, resolved ones too, in the order they were raised."""
    return list(session.exec(select(Alert).order_by(col(Alert.raised_on), col(Alert.id))).all())


def open_alerts(session: Session, kinds: Collection[str] | None = None) -> list[Alert]:
    """Give the alerts that are not resolved, of these kinds or of all, the oldest first."""
    query = select(Alert).where(Alert.status == "open")
    if kinds is not None:
        query = query.where(col(Alert.kind).in_(kinds))
    return list(session.exec(query.order_by(col(Alert.since), col(Alert.id))).all())


def alerts_by_id(session: Session, ids: Iterable[str]) -> dict[str, Alert]:
    """Give alerts by their ids, resolved ones too; an id not known is left out."""
    return {alert.id: alert for alert in within(session, Alert, Alert.id, ids)}


def digest_members(session: Session, digest_ids: Iterable[str]) -> dict[str, list[Alert]]:
    """Give the alerts of each digest, resolved ones too, by id."""
    found = within(session, Alert, Alert.digest_id, digest_ids)
    return dict(grouped(found, lambda alert: alert.digest_id or ""))


def told_since(session: Session, instant: datetime) -> dict[str, int]:
    """Give how many alerts were told for the first time after an instant, by route."""
    query = select(Alert.route, func.count()).where(col(Alert.told_at) > instant).group_by(Alert.route)
    return dict(session.exec(query).all())


def alert_wait_ids(session: Session, alert_id: str) -> set[str]:
    """Give the ids of the waits an alert speaks of, resolved ones too."""
    return set(session.exec(select(AlertWait.wait_id).where(AlertWait.alert_id == alert_id)).all())


def linked_waits(session: Session, alert_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Give alert and wait of every link of these alerts."""
    wanted, found = list(alert_ids), set()
    for start in range(0, len(wanted), CHUNK):
        query = select(AlertWait.alert_id, AlertWait.wait_id)
        found |= set(session.exec(query.where(col(AlertWait.alert_id).in_(wanted[start : start + CHUNK]))).all())
    return found


def members_of_message(session: Session, message_id: str) -> list[Alert]:
    """Give the alerts that a message of the chat speaks of: one, or those of a digest."""
    return list(session.exec(select(Alert).where(or_(Alert.id == message_id, Alert.digest_id == message_id))).all())


def add_alerts(session: Session, rows: Sequence[dict[str, Any]]) -> list[Alert]:
    """Write new alerts in bulk, thousands at once where a whole programme stalls, and give them."""
    if not rows:
        return []
    session.execute(insert(Alert), rows)
    return list(alerts_by_id(session, (row["id"] for row in rows)).values())


def add_links(session: Session, links: Sequence[tuple[str, str]]) -> None:
    """Note which alert speaks of which wait, in bulk."""
    if links:
        session.execute(insert(AlertWait), [{"alert_id": alert, "wait_id": wait} for alert, wait in links])
