"""Our own partner API: pages by cursor, exact money, and sending once for each key."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from connectors.errors import Permanent, Refused, Transient
from connectors.partner import PARSERS, PartnerConnector
from models.records import AdmissionDecision, Leave, PaymentResult, SkillCertificate, Unreadable
from tests.connectors.conftest import Connect, World, pages_of, rows_of
from tests.connectors.script import Reply, Script
from tests.connectors.wires import PARTNER_ROWS

PAYMENT = {"payment_id": "y1", "source": "union", "amount": "1000.00", "name": "张一", "bank_card": "6220000000000001",
           "purpose": "2024"}  # fmt: skip


async def read(connect: Connect, script: Script, stream: str, *rows: Any) -> list[Any]:
    """What rows of a stream become."""
    script.says({"items": list(rows), "next": None})
    async with PartnerConnector(connect("partner", streams=[stream])) as connector:
        return await rows_of(connector, stream)


async def test_pages_are_walked_by_cursor(connect: Connect, script: Script) -> None:
    row = PARTNER_ROWS["leave"]
    script.says({"items": [row, row], "next": "a+b/="}, {"items": [], "next": "c"}, {"items": [row], "next": ""})
    since = datetime(2024, 2, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    async with PartnerConnector(connect("partner", streams=["leave"], page_size=2)) as connector:
        pages = await pages_of(connector, "leave", since)
    assert [len(page.rows) for page in pages] == [2, 0, 1]
    assert [asked.path for asked in script.asked] == ["/partner/v1/leave"] * 3
    assert [asked.query.get("cursor") for asked in script.asked] == [None, "a+b/=", "c"]
    assert {(asked.query["since"], asked.query["limit"]) for asked in script.asked} == {
        ("2024-02-01T08:00:00+08:00", "2")
    }


async def test_cursors_that_go_round_in_a_circle_end_the_read(connect: Connect, script: Script) -> None:
    script.keeps_saying({"items": [], "next": "again"})
    async with PartnerConnector(connect("partner", streams=["leave"])) as connector:
        with pytest.raises(Transient, match="in a circle"):
            await rows_of(connector, "leave")


async def test_hours_and_levels_are_exact(connect: Connect, script: Script) -> None:
    (leave,) = await read(connect, script, "leave", PARTNER_ROWS["leave"])
    assert isinstance(leave, Leave)
    assert (leave.hours, leave.starts_on) == (Decimal("4.5"), date(2024, 2, 1))
    (certificate,) = await read(connect, script, "skill-certificates", PARTNER_ROWS["skill-certificates"])
    assert isinstance(certificate, SkillCertificate)
    assert certificate.level == 4


async def test_what_is_deleted_is_marked_and_what_lacks_a_time_is_unreadable(connect: Connect, script: Script) -> None:
    row = PARTNER_ROWS["payment-results"]
    timeless = {name: value for name, value in row.items() if name != "updated_at"}
    gone, unread = await read(connect, script, "payment-results", {**row, "deleted": True}, timeless)
    assert isinstance(gone, PaymentResult)
    assert gone.removed
    assert isinstance(unread, Unreadable)
    assert unread.source_id == "p1"


async def test_an_error_with_status_200_is_one_whatever_stands_beside_it(connect: Connect, script: Script) -> None:
    script.keeps_saying({"error": {"code": "busy", "message": "320214199102102177"}, "items": [], "next": None})
    async with PartnerConnector(connect("partner", streams=["leave"])) as connector:
        with pytest.raises(Transient, match="an error") as caught:
            await rows_of(connector, "leave")
        with pytest.raises(Transient, match="an error"):
            await connector.send("payments", "key-1", PAYMENT)
    assert "320214" not in str(caught.value)


@pytest.mark.parametrize("streams", [["leave", "admisions"], "admissions", ["*"]])
def test_a_stream_nobody_knows_is_said_and_not_silently_never_read(connect: Connect, streams: Any) -> None:
    with pytest.raises(Permanent, match=r"options\.streams must be a list of consents, documents"):
        PartnerConnector(connect("partner", streams=streams))


def test_streams_are_read_in_the_order_the_programme_needs_them(connect: Connect) -> None:
    backwards = list(reversed(PARSERS))
    assert PartnerConnector(connect("partner", streams=backwards)).streams == tuple(PARSERS)
    assert PartnerConnector(connect("partner")).streams == ()


# --- sending ----------------------------------------------------------------------------------------------------


async def test_the_key_goes_with_every_attempt(connect: Connect, script: Script) -> None:
    script.says(Reply(status=503), Reply(reset=True), Reply({"id": "y1", "status": "received"}, status=201))
    async with PartnerConnector(connect("partner")) as connector:
        answer = await connector.send("payments", "key-1", PAYMENT)
    assert answer == {"id": "y1", "status": "received"}
    assert [(asked.method, asked.path, asked.json) for asked in script.asked] == [
        ("POST", "/partner/v1/payments", PAYMENT)
    ] * 3
    assert {asked.headers["idempotency-key"] for asked in script.asked} == {"key-1"}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Reply(status=422), Refused), (Reply(status=409), Refused), (Reply(status=404), Permanent),
     (Reply(status=503), Transient), (Reply([1]), Permanent), (Reply(b"", status=204), Permanent)],
)  # fmt: skip
async def test_whether_it_was_taken_is_never_in_doubt(
    connect: Connect, script: Script, reply: Reply, kind: type[Exception]
) -> None:
    script.keeps_saying(reply)
    async with PartnerConnector(connect("partner")) as connector:
        with pytest.raises(kind) as caught:
            await connector.send("payments", "key-1", PAYMENT)
    assert type(caught.value) is kind
    assert "6220000000000001" not in repr(caught.value)


async def test_the_sandbox_takes_the_same_key_once(world: World) -> None:
    key, id = uuid4().hex, f"A-{uuid4().hex[:8]}"
    body = {"application_id": id, "cohort": "NONE", "programme": "p", "level": "junior-college", "name": "张一",
            "sex": "男", "resident_id": "320214199102102177", "entry_level": "senior-secondary"}  # fmt: skip
    async with PartnerConnector(world.connections["school-partner"]) as school:
        first = await school.send("applications", key, body)
        assert await school.send("applications", key, body) == first
        with pytest.raises(Refused):
            await school.send("applications", key, {**body, "name": "李二"})
        with pytest.raises(Refused):
            await school.send("applications", uuid4().hex, {"application_id": id})
        with pytest.raises(Permanent, match="404"):
            await school.send("nothing", uuid4().hex, body)
        world.travel("2024-03-10")
        decisions = [row for row in await rows_of(school, "admissions") if row.application_id == id]
    assert [(type(row), row.status) for row in decisions] == [(AdmissionDecision, "refused")]
