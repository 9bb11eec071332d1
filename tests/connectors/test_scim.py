"""SCIM: pages by index and by cursor, servers that cap or cannot filter, and what a user becomes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Connection
from connectors.errors import Permanent, Transient
from connectors.scim import ScimConnector
from models.records import Employment, Unreadable
from tests.connectors.conftest import ORGANISATION, Connect, World, pages_of, rows_of
from tests.connectors.script import Asked, Reply, Script, Theatre
from tests.connectors.wires import ENTERPRISE, user

EXTENSION = "urn:yuanmeng:params:scim:schemas:extension:worker:2.0:User"
SINCE = datetime(2024, 2, 1, 8, tzinfo=timezone(timedelta(hours=8)))
Plan = Callable[[Asked], Reply]


def server(count: int, cap: int = 200, abilities: Any = None, refuses: int = 0, cursors: bool = False) -> Plan:
    """A server with so many users that gives at most `cap` a page."""
    users = [user(number) for number in range(1, count + 1)]

    def plan(asked: Asked) -> Reply:
        if asked.path == "/ServiceProviderConfig":
            return Reply(abilities or {"filter": {"supported": True}, "pagination": {"cursor": cursors}})
        if "filter" in asked.query and refuses:
            return Reply({"status": str(refuses), "scimType": "invalidFilter", "detail": "no"}, status=refuses)
        start = int(asked.query.get("cursor") or asked.query.get("startIndex", 1))
        page = users[start - 1 : start - 1 + min(cap, int(asked.query["count"]))]
        more = {"nextCursor": str(start + len(page))} if cursors and start + len(page) <= count else {}
        return Reply({"totalResults": count, "startIndex": start, "itemsPerPage": len(page), "Resources": page, **more})

    return plan


async def numbers(connector: ScimConnector, since: datetime | None = None) -> list[str]:
    """The employee numbers of everybody."""
    async with connector:
        return [row.employee_number for row in await rows_of(connector, "employment", since)]


async def test_a_server_that_caps_a_page_is_read_to_its_end(connect: Connect, script: Script) -> None:
    script.follows(server(25, cap=10))
    found = await numbers(ScimConnector(connect("scim")))
    assert found == [f"E{number}" for number in range(1, 26)]
    assert [asked.query["startIndex"] for asked in script.asked[1:]] == ["1", "10", "19", "25"]
    assert {asked.query["count"] for asked in script.asked[1:]} == {"200"}


@settings(max_examples=60)
@given(count=st.integers(0, 30), cap=st.integers(1, 12), size=st.integers(1, 12), cursors=st.booleans())
def test_nobody_is_lost_or_doubled_however_pages_are_cut(
    theatre: Theatre, count: int, cap: int, size: int, cursors: bool
) -> None:
    script = theatre.open()
    script.follows(server(count, cap, cursors=cursors))
    connection = Connection(
        name="there", kind="scim", organisation=ORGANISATION, base_url=script.url, options={"page_size": size}
    )
    found = asyncio.run(numbers(ScimConnector(connection)))
    assert found == [f"E{number}" for number in range(1, count + 1)]


async def test_a_server_with_cursors_is_walked_by_them(connect: Connect, script: Script) -> None:
    script.follows(server(25, cap=10, cursors=True))
    assert len(await numbers(ScimConnector(connect("scim")))) == 25
    assert [asked.query["cursor"] for asked in script.asked[1:]] == ["", "11", "21"]
    assert not any("startIndex" in asked.query for asked in script.asked)


async def test_cursors_that_go_round_in_a_circle_end_the_read(connect: Connect, script: Script) -> None:
    script.says({"pagination": {"cursor": True}})
    script.keeps_saying({"totalResults": 9, "Resources": [user()], "nextCursor": "again"})
    with pytest.raises(Transient, match="in a circle"):
        await numbers(ScimConnector(connect("scim")))
    assert len(script.asked) == 3


async def test_changes_are_asked_for_in_universal_time(connect: Connect, script: Script) -> None:
    script.follows(server(1))
    await numbers(ScimConnector(connect("scim")), SINCE)
    assert script.asked[1].query["filter"] == 'meta.lastModified ge "2024-02-01T00:00:00.000000Z"'


@pytest.mark.parametrize(
    "abilities",
    [{"filter": {"supported": False}}, {"filter": True, "pagination": [1]}, {"filter": {"supported": "false"}}, {}],
)
async def test_a_server_that_offers_no_filter_is_read_whole(connect: Connect, script: Script, abilities: Any) -> None:
    script.follows(server(3, abilities={"schemas": [], **abilities}))
    assert len(await numbers(ScimConnector(connect("scim")), SINCE)) == 3
    assert not any("filter" in asked.query for asked in script.asked)


@pytest.mark.parametrize("status", [400, 403, 501])
async def test_a_filter_that_is_refused_is_left_out_from_then_on(connect: Connect, script: Script, status: int) -> None:
    script.follows(server(25, cap=10, refuses=status))
    assert len(await numbers(ScimConnector(connect("scim")), SINCE)) == 25
    assert ["filter" in asked.query for asked in script.asked[1:]] == [True, False, False, False, False]


async def test_a_server_that_does_not_say_what_it_can_is_asked_for_nothing_special(
    connect: Connect, script: Script
) -> None:
    whole = server(3)
    script.follows(lambda asked: Reply(status=404) if asked.path == "/ServiceProviderConfig" else whole(asked))
    assert len(await numbers(ScimConnector(connect("scim")), SINCE)) == 3
    assert "filter" not in script.asked[1].query


async def test_fewer_users_than_were_announced_are_no_success(connect: Connect, script: Script) -> None:
    """The rest would be taken for people who left."""
    script.says({"filter": {"supported": True}}, {"totalResults": 5, "Resources": [user(1)]}, {"totalResults": 5})
    with pytest.raises(Transient, match="more than it gives"):
        await numbers(ScimConnector(connect("scim")))


@pytest.mark.parametrize("answer", [{}, {"totalResults": "9"}, {"totalResults": 1, "Resources": {"id": 1}}, [user()]])
async def test_what_is_no_list_of_users_is_said(connect: Connect, script: Script, answer: Any) -> None:
    script.says({"filter": {"supported": True}}, answer)
    with pytest.raises(Permanent, match="base_url"):
        await numbers(ScimConnector(connect("scim")))


@pytest.mark.parametrize(
    ("status", "kind"), [("503", Transient), (500, Transient), ("401", Permanent), ("404", Permanent), (None, Transient),
                         ("200", Transient)]
)  # fmt: skip
async def test_an_error_with_status_200_is_what_it_says(
    connect: Connect, script: Script, status: Any, kind: type[Exception]
) -> None:
    error = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status, "totalResults": 0}
    script.says({"filter": {"supported": True}})
    script.keeps_saying(error)
    with pytest.raises(kind):
        await numbers(ScimConnector(connect("scim")))


async def test_users_who_come_and_go_while_they_are_read_cost_no_other(connect: Connect, script: Script) -> None:
    users = [user(number) for number in range(1, 41)]

    def plan(asked: Asked) -> Reply:
        if asked.path == "/ServiceProviderConfig":
            return Reply({})
        if len(script.asked) == 3:
            del users[2:5]
        if len(script.asked) == 5:
            users.insert(0, user(99))
        start = int(asked.query["startIndex"])
        page = users[start - 1 : start + 9]
        return Reply({"totalResults": len(users), "startIndex": start, "itemsPerPage": len(page), "Resources": page})

    script.follows(plan)
    found = await numbers(ScimConnector(connect("scim", page_size=10)))
    assert {f"E{number}" for number in range(1, 41)} <= set(found)


async def test_a_server_with_cursors_need_not_count(connect: Connect, script: Script) -> None:
    script.says({"pagination": {"cursor": True}}, {"Resources": [user(1)], "nextCursor": "a"}, {"Resources": [user(2)]})
    assert await numbers(ScimConnector(connect("scim"))) == ["E1", "E2"]


async def one(connect: Connect, script: Script, body: dict[str, Any]) -> Any:
    """What one user becomes."""
    script.says({"schemas": []}, {"totalResults": 1, "Resources": [body]})
    async with ScimConnector(connect("scim", extension=EXTENSION)) as connector:
        (row,) = await rows_of(connector, "employment")
    return row


async def test_a_user_becomes_an_employment(connect: Connect, script: Script) -> None:
    extension = {"residentId": "320214199102102177", "leftOn": "2024-01-31"}
    row = await one(connect, script, user(7, active=False, **{EXTENSION: extension}))
    assert row == Employment(
        source_id="u7", changed_at=datetime(2024, 2, 1, 8, tzinfo=UTC), employee_number="E7", name="张一",
        active=False, department="一车间", enterprise_code=ORGANISATION, resident_id="320214199102102177",
        left_on=date(2024, 1, 31),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "number", "name"),
    [
        ({ENTERPRISE: {"employeeNumber": 12}, "name": None, "displayName": "李二"}, "12", "李二"),
        ({ENTERPRISE: None, "externalId": "X9"}, "X9", "张一"),
        ({ENTERPRISE: {}, "name": {}}, "e1", "e1"),
    ],
)
async def test_a_user_is_known_by_the_best_number_and_name_there_is(
    connect: Connect, script: Script, more: dict[str, Any], number: str, name: str
) -> None:
    row = await one(connect, script, user(1, **more))
    assert (row.employee_number, row.name) == (number, name)


@pytest.mark.parametrize("said", [("true", True), ("False", False), (True, True)])
async def test_active_may_be_written_as_text(connect: Connect, script: Script, said: tuple[Any, bool]) -> None:
    assert (await one(connect, script, user(active=said[0]))).active is said[1]


@pytest.mark.parametrize("active", ["yes", 1, None, {}])
async def test_whether_somebody_left_is_never_guessed(connect: Connect, script: Script, active: Any) -> None:
    assert isinstance(await one(connect, script, user(active=active)), Unreadable)


async def test_the_sandbox_gives_everybody_and_then_only_what_changed(world: World) -> None:
    async with ScimConnector(world.connections["hr-precision"]) as connector:
        everybody = await pages_of(connector, "employment")
        newest = max(page.cursor for page in everybody if page.cursor)
        later = await rows_of(connector, "employment", newest)
    assert everybody[0].total == sum(len(page.rows) for page in everybody) > len(later) > 0
    assert all(row.changed_at >= newest for row in later)
    assert all(row.resident_id for page in everybody for row in page.rows)
