"""The quarantine, the outbox and the audit trail, on both databases."""

from datetime import timedelta

from sqlmodel import Session

from models.repositories.audit import record, trail_of
from models.repositories.operations import all_held_back, held_back, held_back_count, waiting_outbox
from models.tables.operations import Outbox, Quarantine
from tests.models.repositories.people import add
from tests.models.tables.rows import DAY, SCHOOL


def row(name: str, connection: str = "ou", stream: str = "users", **values: object) -> Quarantine:
    """A row that broke a rule."""
    return Quarantine(id=name, connection=connection, stream=stream, source_id=name, rules="r", payload="{}",
                      **{"first_on": DAY, **values})  # fmt: skip


def test_what_is_held_back_is_what_is_not_cured(session: Session) -> None:
    add(
        session, row("Q-3", first_on=DAY - timedelta(days=1)), row("Q-2", stream="terms"), row("Q-4", cured_on=DAY),
        row("Q-5", "hr"),
    )  # fmt: skip
    assert [one.id for one in held_back(session, "ou")] == ["Q-1", "Q-2", "Q-3"]
    assert [one.id for one in held_back(session, "ou", "terms")] == ["Q-2"]
    assert [one.id for one in all_held_back(session)] == ["Q-3", "Q-1", "Q-2", "Q-5"]
    assert held_back_count(session) == 4


def test_effects_that_wait_are_given_the_oldest_first(session: Session) -> None:
    def effect(name: str, **values: object) -> Outbox:
        return Outbox(id=name, kind="chat.post", payload="{}", **{"created_on": DAY, **values})

    add(
        session, effect("OB-0", status="sent", sent_on=DAY), effect("OB-3", created_on=DAY - timedelta(days=1)),
        effect("OB-2"), effect("OB-4", status="failed"),
    )  # fmt: skip
    assert [tuple(one) for one in waiting_outbox(session)] == [
        ("OB-3", "chat.post", None), ("OB-1", "partner.applications", SCHOOL), ("OB-2", "chat.post", None),
    ]  # fmt: skip


def test_a_line_of_the_trail_is_written_once_for_its_key_and_read_in_order(session: Session) -> None:
    values = {"action": "decided", "actor": "tester", "on": DAY}
    assert record(session, subject="P-1", key="a", **values)
    assert not record(session, subject="P-1", key="a", **values)
    assert record(session, subject="W-1", key="b", **values)
    assert record(session, subject="W-2", key="c", **values)
    assert [one.key for one in trail_of(session, ["W-1", "P-1"])] == ["k1", "a", "b"]
