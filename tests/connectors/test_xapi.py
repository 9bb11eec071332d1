"""xAPI: relative `more` links, verbs sifted on our side, statements withdrawn, durations."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Permanent, Transient
from connectors.xapi import VOIDED, XapiConnector
from models.records import OnlineStudy, Unreadable
from tests.connectors.conftest import Connect, World, pages_of, rows_of
from tests.connectors.script import Script
from tests.connectors.wires import AT, statement

COMPLETED = "http://adlnet.gov/expapi/verbs/completed"


async def read(connect: Connect, script: Script, *statements: Any, **options: Any) -> list[Any]:
    """What statements become."""
    script.says({"statements": list(statements), "more": ""})
    async with XapiConnector(connect("xapi", **options)) as connector:
        return await rows_of(connector, "online-study")


async def test_a_statement_becomes_online_study(connect: Connect, script: Script) -> None:
    (row,) = await read(connect, script, statement(1, verb={"id": COMPLETED}))
    at = datetime(2024, 2, 1, 8, tzinfo=UTC)
    assert row == OnlineStudy(
        source_id="00000000-0000-4000-8000-000000000001", changed_at=at, student_number="2023000000001",
        class_source_id="k1", activity="https://lrs.example/sessions/9", verb="completed", minutes=Decimal(90), at=at,
    )  # fmt: skip


async def test_what_is_asked_is_as_the_standard_says(connect: Connect, script: Script) -> None:
    script.says({"statements": [], "more": ""})
    since = datetime(2024, 2, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    async with XapiConnector(connect("xapi", page_size=50)) as connector:
        await rows_of(connector, "online-study", since)
    (asked,) = script.asked
    assert asked.path == "/xAPI/statements"
    assert asked.query == {"since": "2024-02-01T00:00:00Z", "limit": "50", "ascending": "true"}
    assert asked.headers["x-experience-api-version"] == "1.0.3"


async def test_more_is_followed_as_it_is_with_its_own_question(connect: Connect, script: Script) -> None:
    script.says(
        {"statements": [statement(1)], "more": "/xAPI/statements?limit=1&more=a%2Bb"},
        {"statements": [], "more": "?more=c"},
        {"statements": [statement(2)], "more": None},
    )
    async with XapiConnector(connect("xapi")) as connector:
        pages = await pages_of(connector, "online-study")
    assert [len(page.rows) for page in pages] == [1, 0, 1]
    assert [asked.query.get("more") for asked in script.asked] == [None, "a+b", "c"]
    assert "ascending" not in script.asked[1].query
    assert {asked.headers["x-experience-api-version"] for asked in script.asked} == {"1.0.3"}


async def test_more_at_another_host_is_not_followed(connect: Connect, script: Script, other: Script) -> None:
    script.says({"statements": [statement()], "more": f"{other.url}/xAPI/statements"})
    async with XapiConnector(connect("xapi")) as connector:
        with pytest.raises(Permanent, match="not followed"):
            await rows_of(connector, "online-study")
    assert other.asked == []


async def test_more_that_leads_in_a_circle_ends_the_read(connect: Connect, script: Script) -> None:
    script.keeps_saying({"statements": [statement()], "more": "/xAPI/statements?more=1"})
    async with XapiConnector(connect("xapi")) as connector:
        with pytest.raises(Transient, match="in a circle"):
            await rows_of(connector, "online-study")
    assert len(script.asked) == 2


async def test_other_verbs_are_sifted_here_since_servers_do_it_badly(connect: Connect, script: Script) -> None:
    answered = statement(2, verb={"id": "http://adlnet.gov/expapi/verbs/answered"})
    rows = await read(connect, script, statement(1), answered)
    assert [row.verb for row in rows] == ["attended"]
    assert not any("verb" in asked.query for asked in script.asked)


async def test_a_voiding_statement_withdraws_the_one_it_names(connect: Connect, script: Script) -> None:
    gone = "00000000-0000-4000-8000-000000000009"
    voiding = statement(3, verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": gone})
    (row,) = await read(connect, script, voiding)
    assert (row.source_id, row.voided, row.student_number, row.minutes) == (gone, True, "", Decimal(0))
    assert row.changed_at == datetime.fromisoformat(AT)


async def test_accounts_of_another_platform_are_none_of_ours(connect: Connect, script: Script) -> None:
    other = statement(2, actor={"account": {"homePage": "https://elsewhere.example", "name": "9"}})
    nameless = statement(3, actor={"mbox": "mailto:a@b.example"})
    rows = await read(connect, script, statement(1), other, nameless, home_page="https://school.example")
    assert [type(row) for row in rows] == [OnlineStudy, Unreadable]


@pytest.mark.parametrize(
    ("result", "minutes"),
    [({"duration": "PT45M"}, 45), ({"duration": "P1DT1H"}, 1500), ({"duration": "PT90.9S"}, "1.5"), ({}, 0),
     (None, 0), ({"duration": None}, 0)],
)  # fmt: skip
async def test_a_duration_is_read_in_minutes(connect: Connect, script: Script, result: Any, minutes: Any) -> None:
    (row,) = await read(connect, script, statement(result=result))
    assert row.minutes == Decimal(minutes)


@pytest.mark.parametrize("duration", ["P1M", "-PT5M", "90", "P99999999999999999D", 90])
async def test_a_duration_that_is_none_is_unreadable(connect: Connect, script: Script, duration: Any) -> None:
    (row,) = await read(connect, script, statement(result={"duration": duration}))
    assert isinstance(row, Unreadable)


@pytest.mark.parametrize(
    ("context", "source_id"),
    [
        ({"contextActivities": {"parent": {"id": "https://lrs.example/classes/k7/"}}}, "k7"),
        ({"contextActivities": {"parent": [{"id": "k8"}]}}, "k8"),
        ({"contextActivities": {"parent": []}}, ""),
        ({"contextActivities": {}}, ""),
        ({}, ""),
        (None, ""),
    ],
)
async def test_the_class_is_the_parent_activity(connect: Connect, script: Script, context: Any, source_id: str) -> None:
    (row,) = await read(connect, script, statement(context=context))
    assert row.class_source_id == source_id


async def test_the_sandbox_gives_the_same_study_in_any_page_size(world: World) -> None:
    lrs = world.connections["learning-records"]
    found = []
    for size in (7, 500):
        async with XapiConnector(lrs.model_copy(update={"options": {"page_size": size}})) as connector:
            found.append([row.source_id for row in await rows_of(connector, "online-study")])
    assert sorted(found[0]) == sorted(found[1])
    assert len(set(found[0])) == len(found[0]) > 20


async def test_the_sandbox_gives_only_what_was_stored_later(world: World) -> None:
    async with XapiConnector(world.connections["learning-records"]) as connector:
        stored = sorted(row.changed_at for row in await rows_of(connector, "online-study"))
        later = await rows_of(connector, "online-study", stored[len(stored) // 2])
    assert 0 < len(later) < len(stored)
