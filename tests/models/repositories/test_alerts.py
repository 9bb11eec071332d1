"""Alerts and the waits they speak of, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from models.repositories.alerts import (
    alert_wait_ids,
    alerts,
    alerts_by_id,
    digest_members,
    linked_waits,
    members_of_message,
    open_alerts,
    told_since,
)
from models.tables.lifecycle import Alert, AlertWait
from tests.models.repositories.people import FIRST, add, wait
from tests.models.tables.rows import DAY

NOON = datetime(2026, 9, 1, 4, tzinfo=UTC)


def alert(name: str, **values: object) -> Alert:
    """An alert of the first cohort."""
    given = {"since": DAY, "raised_on": DAY, **values}
    return Alert(id=name, cohort_code=FIRST, kind="review-decision", holder="union", people=1, level=1, **given)


def ids(found: list[Alert]) -> list[str]:
    """The ids of alerts."""
    return [one.id for one in found]


def test_open_alerts_come_oldest_first_and_those_that_are_over_are_left_out(session: Session) -> None:
    day = DAY - timedelta(days=3)
    add(session, alert("A-2"), alert("A-3"), alert("A-4", since=day), alert("A-5", status="resolved", resolved_on=DAY))
    found = [name for name in ids(open_alerts(session)) if name != "A-1"]  # the one every database of these tests has
    assert found == ["A-4", "A-2", "A-3"]
    assert "A-5" in ids(alerts(session))
    assert sorted(alerts_by_id(session, ["A-5", "A-2", "A-none"])) == ["A-2", "A-5"]


def test_a_message_speaks_of_its_own_alert_or_of_all_in_its_digest(session: Session) -> None:
    add(session, alert("A-2"), alert("A-3", digest_id="AD-1"), alert("A-4", digest_id="AD-1"))
    assert ids(members_of_message(session, "A-2")) == ["A-2"]
    assert sorted(ids(members_of_message(session, "AD-1"))) == ["A-3", "A-4"]
    assert {key: ids(found) for key, found in digest_members(session, ["AD-1", "AD-9"]).items()} == {
        "AD-1": ["A-3", "A-4"]
    }


def test_what_was_told_of_late_is_counted_by_route(session: Session) -> None:
    add(
        session, alert("A-2", route="chat", told_at=NOON), alert("A-3", route="chat", told_at=NOON - timedelta(minutes=11)),
        alert("A-4", route="other", told_at=NOON), alert("A-5", route="chat"),
    )  # fmt: skip
    assert told_since(session, NOON - timedelta(minutes=10)) == {"chat": 1, "other": 1}


def test_an_alert_keeps_the_waits_it_ever_spoke_of(session: Session) -> None:
    add(session, alert("A-2"), wait("W1", resolved_on=DAY), wait("W2"))
    add(session, AlertWait(alert_id="A-2", wait_id="W1"), AlertWait(alert_id="A-2", wait_id="W2"))
    assert alert_wait_ids(session, "A-2") == {"W1", "W2"}
    assert linked_waits(session, ["A-2", "A-9"]) == {("A-2", "W1"), ("A-2", "W2")}
