"""What holds for every connector there is: typed pages, no lost row, no failure that looks like nothing to read."""

import traceback
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient

from connectors.base import Connection, Connector
from connectors.errors import OutsideError, Permanent
from connectors.registry import ELSEWHERE, KINDS, open_connector
from models.records import Record, Unreadable
from models.rules.privacy import holds_personal_number
from tests.connectors.conftest import SECRET, Connect, World, pages_of, rows_of
from tests.connectors.script import Reply, Script
from tests.connectors.wires import BEARER, CHATS, FOLDERS, ID, WIRES, Wire, moodle

NAMES = [f"{wire.kind} {wire.stream}" for wire in WIRES]
ONE_EACH = list({wire.kind: wire for wire in WIRES}.values())
KINDS_READ = [wire.kind for wire in ONE_EACH]
every_stream = pytest.mark.parametrize("wire", WIRES, ids=NAMES)
every_kind = pytest.mark.parametrize("wire", ONE_EACH, ids=KINDS_READ)

# What comes only as the answer to something we sent (test_partner.py).
ANSWERS = {
    "AdmissionDecision",
    "Registration",
    "Objection",
    "Diploma",
    "PaymentResult",
    "SkillResult",
    "SkillCertificate",
}
UNASKED = {kind.__name__ for kind in Record.__subclasses__()} - ANSWERS - {"Unreadable"}

# What can come instead of rows; none of it is an empty stream.
FAULTS = {
    "server error": Reply({"detail": ID}, status=500),
    "unauthorised": Reply({"detail": f"{ID} {SECRET}"}, status=401),
    "forbidden": Reply({"detail": ID}, status=403),
    "redirect": Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "reset": Reply(reset=True),
    "half": Reply({"items": [], "statements": [], "totalResults": 0, "users": []}, cut=True),
    "page for people": Reply(f"<html>{ID}</html>".encode()),
    "nothing at all": Reply(b""),
    "null": Reply(b"null"),
    "a list": Reply([[]]),
    "a text": Reply(b'"OK"'),
    "another object": Reply({"result": "OK"}),
    "error with 200": Reply({"exception": "moodle_exception", "errorcode": "invalidtoken", "message": ID,
                             "error": {"message": ID}, "imsx_codeMajor": "failure", "status": "500"}),
    "rows of another shape": Reply({"items": {}, "statements": "none", "totalResults": 1, "Resources": {"a": 1},
                                    "terms": 5, "courses": "none"}),
}  # fmt: skip
every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


def opened(connect: Connect, wire: Wire, client: Any = None) -> Connector:
    """The connector of a wire, on the scripted system."""
    return open_connector(connect(wire.kind, wire.auth, **wire.options), client)


# --- sound answers ----------------------------------------------------------------------------------------------


async def _classes(world: World) -> list[str]:
    async with open_connector(world.connections["school"]) as school:
        return [row.source_id for row in await rows_of(school, "classes")]


async def test_every_stream_of_the_sandbox_gives_typed_records_alone(world: World) -> None:
    world.travel("2026-07-31")
    classes, seen = await _classes(world), set()
    for connection in world.connections.values():
        async with open_connector(connection) as connector:
            for stream in connector.streams:
                for page in await pages_of(connector, stream, classes=classes):
                    stamps = [row.changed_at for row in page.rows if row.changed_at]
                    assert not [row for row in page.rows if isinstance(row, Unreadable)], (connection.name, stream)
                    assert all(row.source_id and isinstance(row, Record) for row in page.rows)
                    assert all(stamp.tzinfo for stamp in stamps)
                    assert page.cursor == max(stamps, default=None)
                    seen |= {(connection.kind, type(row)) for row in page.rows}
    assert {kind for kind, _ in seen} == set(KINDS_READ)
    assert {record.__name__ for _, record in seen} >= UNASKED


async def test_every_connection_of_the_sandbox_is_found_sound(world: World) -> None:
    for connection in world.connections.values():
        async with open_connector(connection) as connector:
            checks = await connector.check()
        assert checks and [one for one in checks if not one.ok] == [], connection.name


@every_stream
async def test_a_sound_row_becomes_one_record(connect: Connect, script: Script, wire: Wire) -> None:
    script.follows(wire.says(wire.row))
    async with opened(connect, wire) as connector:
        assert wire.stream in connector.streams
        (row, *entries) = await rows_of(connector, wire.stream, **wire.scope)
    assert not isinstance(row, Unreadable)
    assert row.source_id in (str(wire.row.get("id")), wire.row.get("sourcedId"))
    assert len(entries) == (1 if wire.kind == "moodle" else 0)
    number = str(wire.row.get("number", ""))  # a diploma's own number is as long as an ID
    assert not holds_personal_number(repr(row).replace(repr(number), ""))


@every_stream
async def test_reading_since_an_instant_asks_for_it_or_reads_all(connect: Connect, script: Script, wire: Wire) -> None:
    script.follows(wire.says(wire.row))
    async with opened(connect, wire) as connector:
        rows = await rows_of(connector, wire.stream, datetime(2024, 1, 31, 16, tzinfo=UTC), **wire.scope)
    asked = [str(one.query) for one in script.asked]
    assert len(rows) == (2 if wire.kind == "moodle" else 1)
    assert wire.kind == "moodle" or any("2024-01-31T16:00:00" in one for one in asked)


@every_stream
async def test_no_rows_are_an_empty_page_and_no_error(connect: Connect, script: Script, wire: Wire) -> None:
    script.follows(wire.says())
    async with opened(connect, wire) as connector:
        pages = await pages_of(connector, wire.stream, **wire.scope)
    assert [list(page.rows) for page in pages] == [[]]


# --- broken rows ------------------------------------------------------------------------------------------------


def broken(row: dict[str, Any]) -> list[Any]:
    """A row broken in every way: each field missing, each field something else, and no row at all."""
    strange = [None, "", "x", "a\x00b", "2024-02-30", [], {}, [1], {"a": [None]}, -1, 10**25, 1e300, True, "9" * 40]
    without = [{name: value for name, value in row.items() if name != left_out} for left_out in row]
    other = [{**row, name: value} for name in row for value in strange]
    return [*without, *other, None, 5, "row", [], {}, [[[]]], "a\x00"]


@every_stream
async def test_a_row_that_cannot_be_read_stays(connect: Connect, script: Script, wire: Wire) -> None:
    """As many records as rows came, each whole or named unreadable, and none that a database would refuse."""
    rows = [*broken(wire.row), wire.row]
    script.follows(wire.says(*rows))
    async with opened(connect, wire) as connector:
        found = await rows_of(connector, wire.stream, **wire.scope)
    unread = [row for row in found if isinstance(row, Unreadable)]
    whole = [row for row in found if not isinstance(row, Unreadable)]
    if wire.kind == "moodle":
        whole = [row for row in whole if type(row) is type(found[-2])]
        unread = [
            row for row in unread if "sessdate" in row.payload or "duration" in row.payload or len(row.payload) < 99
        ]
    assert len(whole) + len(unread) >= len(rows)
    assert len(unread) >= 7 + len(wire.row) // 4
    assert {(row.stream, row.rule) for row in unread} == {(wire.stream, "row-unreadable")}
    assert all(row.source_id and "\x00" not in row.source_id + row.payload for row in unread)
    assert not any("\x00" in repr(row) or "\\x00" in repr(row) for row in whole)
    assert not any(holds_personal_number(repr(row)) for row in unread if row.source_id != "9" * 40)


# --- answers that are none --------------------------------------------------------------------------------------


@every_fault
@every_stream
async def test_what_could_not_be_read_is_never_an_empty_page(
    connect: Connect, script: Script, wire: Wire, fault: Reply
) -> None:
    script.keeps_saying(fault)
    async with opened(connect, wire) as connector:
        with pytest.raises(OutsideError) as caught:
            await rows_of(connector, wire.stream, **wire.scope)
    _is_decent(caught.value)


def _is_decent(error: OutsideError) -> None:
    """One sentence that names the system, without a secret or a personal number anywhere in its traceback."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in shown
    assert not holds_personal_number(shown)
    assert str(error).startswith("there: ")
    assert "\n" not in str(error)


@every_fault
@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("apprise", *FOLDERS)]
)  # any answer will do: test_apprise.py
async def test_a_check_says_in_one_sentence_what_is_wrong(
    connect: Connect, script: Script, kind: str, fault: Reply
) -> None:
    wire = next((wire for wire in WIRES if wire.kind == kind), None)
    script.keeps_saying(fault)
    connection = connect(kind, wire.auth if wire else BEARER, **(wire.options if wire else {"channel": "C1"}))
    async with open_connector(connection) as connector:
        checks = await connector.check()
    assert checks and not any(one.ok for one in checks)
    for one in checks:
        assert one.message.startswith("there: ") and "\n" not in one.message
        assert SECRET not in repr(one) and not holds_personal_number(repr(one))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("apprise", *FOLDERS)])
async def test_a_system_that_is_away_is_said_to_be(connect: Connect, dead_url: str, kind: str) -> None:
    wire = next((wire for wire in WIRES if wire.kind == kind), None)
    options = wire.options if wire else {"channel": "C1"}
    async with open_connector(connect(kind, wire.auth if wire else BEARER, dead_url, **options)) as connector:
        checks = await connector.check()
    assert not any(one.ok for one in checks)
    assert "reached" in checks[0].message


# --- clients and secrets ----------------------------------------------------------------------------------------


@every_kind
async def test_a_client_can_be_given(connect: Connect, script: Script, wire: Wire) -> None:
    script.follows(wire.says(wire.row))
    used = []

    async def remember(request: httpx.Request) -> None:
        used.append(str(request.url))

    async with httpx.AsyncClient(trust_env=False, event_hooks={"request": [remember]}) as client:
        async with opened(connect, wire, client) as connector:
            await rows_of(connector, wire.stream, **wire.scope)
        assert not client.is_closed
    assert len(used) == len(script.asked) > 0


async def test_a_client_can_be_given_to_a_chat(connect: Connect, script: Script) -> None:
    script.keeps_saying({"ok": True, "messages": []})
    client = WebClient("of-its-own", base_url=f"{script.url}/", retry_handlers=[])
    async with open_connector(connect("slack", channel="C1"), client) as chat:
        assert all(one.ok for one in await chat.check())
    assert {asked.headers["authorization"] for asked in script.asked} == {"Bearer of-its-own"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in FOLDERS])
async def test_a_secret_that_is_missing_stops_its_connection_alone(connect: Connect, script: Script, kind: str) -> None:
    connection = connect(kind, {"type": "bearer", "token_env": "NOT_SET_ANYWHERE", "url_env": "NOT_SET_ANYWHERE"})
    with pytest.raises(Permanent, match="NOT_SET_ANYWHERE is not set"):
        await open_connector(connection).__aenter__()
    assert script.asked == []


# --- the registry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [("feishu", "by scim"), ("sap", "use one of scim, oneroster, moodle, xapi, partner, spreadsheet, slack, apprise")],
)  # fmt: skip
def test_a_kind_that_is_no_connection_here_says_what_to_do(connect: Connect, kind: str, words: str) -> None:
    with pytest.raises(Permanent, match=words) as caught:
        open_connector(connect(kind))
    _is_decent(caught.value)


def test_no_kind_is_both_known_and_elsewhere() -> None:
    assert not set(KINDS) & set(ELSEWHERE)


def test_only_a_chat_has_nothing_to_read(connect: Connect) -> None:
    for kind in KINDS:
        options = {"streams": ["leave"]} if kind == "partner" else {}
        assert bool(open_connector(connect(kind, **options)).streams) is (kind not in CHATS)


@pytest.mark.parametrize("field", ["base_url", "name"])
def test_a_connection_without_an_address_or_a_name_is_refused(field: str) -> None:
    sound = {"name": "a", "kind": "scim", "organisation": "x", "base_url": "https://hr.example"}
    with pytest.raises(ValueError, match=field):
        Connection.model_validate({**sound, field: "no good"})
    assert Connection.model_validate(sound).auth == {}


def test_the_wires_of_these_tests_are_the_sandbox_s_too() -> None:
    """A wire that is asked for something nobody knows fails loudly, so that no test reads emptiness for success."""
    from tests.connectors.script import Asked

    with pytest.raises(KeyError):
        moodle(Asked("POST", "/", {}, {}, b"wsfunction=unknown"), "attendance", [])
