"""Our xAPI connector on ralph: statements posted to it arrive as online study.

ralph's store of files takes one POST a store, so each test posts its statements at once, to a store of its own.
It differs from xAPI in three ways our connector must live with: `since` is compared with the time of the study and
not with the time of storing, a withdrawn statement is still given, and the last page has no `more` at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from connectors.base import Connection
from connectors.errors import Permanent
from connectors.registry import open_connector
from models.records import OnlineStudy, Unreadable
from tests.peers.conftest import SECRET_ENV

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

SITE = "https://platform.example"
VERBS = "http://adlnet.gov/expapi/verbs"
START = datetime(2024, 3, 1, 8, tzinfo=UTC)


@dataclass
class Lrs:
    """A store of its own: one user of ralph, and a client that is logged in as him."""

    http: httpx.Client
    user: str


@pytest.fixture
def lrs(ralph_url: str, ralph_users: Iterator[str], peer_secret: str) -> Iterator[Lrs]:
    """An empty store."""
    user = next(ralph_users)
    headers = {"X-Experience-API-Version": "1.0.3"}
    with httpx.Client(base_url=ralph_url, auth=(user, peer_secret), headers=headers, trust_env=False) as http:
        yield Lrs(http, user)


def agent(name: str, site: str = SITE) -> dict[str, Any]:
    """An actor by account."""
    return {"objectType": "Agent", "account": {"homePage": site, "name": name}}


def study(number: int, verb: str = "attended", duration: str = "PT45M", site: str = SITE) -> dict[str, Any]:
    """A statement that a student studied one unit of the class K7."""
    parent = {"objectType": "Activity", "id": f"{SITE}/classes/K7"}
    return {
        "id": str(uuid4()), "actor": agent(f"S{number:03}", site), "verb": {"id": f"{VERBS}/{verb}"},
        "object": {"objectType": "Activity", "id": f"{SITE}/classes/K7/units/{number}"},
        "result": {"completion": True, "duration": duration},
        "context": {"contextActivities": {"parent": [parent]}},
        "timestamp": (START + timedelta(days=number)).isoformat(),
    }  # fmt: skip


def withdrawal(of: dict[str, Any]) -> dict[str, Any]:
    """A statement that voids another."""
    return {
        "id": str(uuid4()), "actor": agent("platform"), "verb": {"id": f"{VERBS}/voided"},
        "object": {"objectType": "StatementRef", "id": of["id"]},
        "timestamp": (START + timedelta(days=60)).isoformat(),
    }  # fmt: skip


def store(lrs: Lrs, statements: list[dict[str, Any]]) -> None:
    """Post statements over the store's own API."""
    answer = lrs.http.post("/xAPI/statements", json=statements)
    assert answer.status_code == 200, answer.text
    assert answer.json() == [statement["id"] for statement in statements]


def connection(lrs: Lrs, **options: Any) -> Connection:
    """Our connection to the store, four statements a page."""
    return Connection(
        name="platform", kind="xapi", organisation="12320200MB1TEXT03K", base_url=str(lrs.http.base_url),
        auth={"type": "basic", "username": lrs.user, "password_env": SECRET_ENV},
        options={"page_size": 4, **options},
    )  # fmt: skip


async def read(settings: Connection, since: datetime | None = None) -> list[list[OnlineStudy | Unreadable]]:
    """Read all pages of online study."""
    async with open_connector(settings) as connector:
        return [list(page.rows) async for page in connector.read("online-study", since)]


def flat(pages: list[list[OnlineStudy | Unreadable]]) -> list[OnlineStudy]:
    """All records of all pages, every one of them readable."""
    rows = [row for page in pages for row in page]
    return [row for row in rows if isinstance(row, OnlineStudy) or pytest.fail(f"not read: {row}")]


async def test_the_store_gives_back_what_was_posted(lrs: Lrs) -> None:
    posted = study(1)
    store(lrs, [posted])
    answer = lrs.http.get("/xAPI/statements")
    assert answer.status_code == 200
    [given] = answer.json()["statements"]
    assert given | posted == given and given["stored"]


async def test_online_study_is_read_across_more_pages(lrs: Lrs) -> None:
    posted = [study(n, "completed" if n % 2 else "attended", f"PT1H{n}M") for n in range(10)]
    store(lrs, posted)
    pages = await read(connection(lrs))
    assert [len(page) for page in pages] == [4, 4, 2]
    rows = {row.source_id: row for row in flat(pages)}
    assert rows.keys() == {statement["id"] for statement in posted}
    third = rows[posted[3]["id"]]
    assert (third.student_number, third.class_source_id, third.verb) == ("S003", "K7", "completed")
    assert (third.minutes, third.at, third.voided) == (Decimal(63), START + timedelta(days=3), False)
    assert third.activity == f"{SITE}/classes/K7/units/3"
    assert all(row.changed_at and row.changed_at > row.at for row in rows.values())


async def test_a_store_that_ends_with_a_full_page_is_read_to_its_end(lrs: Lrs) -> None:
    store(lrs, [study(n) for n in range(8)])
    assert [len(page) for page in await read(connection(lrs))] == [4, 4, 0]


async def test_other_verbs_are_left_out(lrs: Lrs) -> None:
    verbs = ["attended", "experienced", "completed", "answered", "attempted", "attended"]
    store(lrs, [study(n, verb) for n, verb in enumerate(verbs)])
    pages = await read(connection(lrs))
    assert sorted((row.student_number, row.verb) for row in flat(pages)) == [
        ("S000", "attended"), ("S002", "completed"), ("S005", "attended"),
    ]  # fmt: skip


async def test_other_platforms_are_left_out_where_a_home_page_is_named(lrs: Lrs) -> None:
    store(lrs, [study(1), study(2, site="https://other.example")])
    assert {row.student_number for row in flat(await read(connection(lrs)))} == {"S001", "S002"}
    assert {row.student_number for row in flat(await read(connection(lrs, home_page=SITE)))} == {"S001"}


async def test_a_voiding_statement_withdraws_what_it_names(lrs: Lrs) -> None:
    mistake, kept = study(1, duration="PT10H"), study(2)
    store(lrs, [mistake, kept, withdrawal(mistake)])
    rows = flat(await read(connection(lrs)))
    # In which order ralph gives what came in one POST is its own affair.
    assert {row.source_id for row in rows if row.voided} == {mistake["id"]}
    assert {row.source_id for row in rows if not row.voided} == {mistake["id"], kept["id"]}


@pytest.mark.parametrize(
    ("duration", "minutes"), [("PT90S", "1.5"), ("PT2H30M", "150"), ("P1DT1H", "1500"), ("PT0S", "0")]
)
async def test_durations_are_read_in_minutes(lrs: Lrs, duration: str, minutes: str) -> None:
    store(lrs, [study(1, duration=duration)])
    [row] = flat(await read(connection(lrs)))
    assert row.minutes == Decimal(minutes)


async def test_a_second_read_gets_only_what_came_since(lrs: Lrs) -> None:
    store(lrs, [study(n) for n in range(10)])
    since = START + timedelta(days=3)
    rows = flat(await read(connection(lrs), since))
    assert {row.student_number for row in rows} == {f"S{n:03}" for n in range(4, 10)}


async def test_an_empty_store_gives_one_empty_page(lrs: Lrs) -> None:
    assert await read(connection(lrs)) == [[]]


async def test_a_wrong_password_is_permanent(lrs: Lrs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_ENV, "another")
    with pytest.raises(Permanent, match="secret") as caught:
        await read(connection(lrs))
    assert caught.value.status == 401


async def test_a_wrong_path_is_permanent(lrs: Lrs) -> None:
    settings = connection(lrs).model_copy(update={"base_url": f"{lrs.http.base_url}/elsewhere"})
    with pytest.raises(Permanent, match="base_url") as caught:
        await read(settings)
    assert caught.value.status == 404


async def test_the_check_says_whether_the_connection_works(lrs: Lrs, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_connector(connection(lrs)) as connector:
        assert [(check.ok, check.message) for check in await connector.check()] == [(True, "")]
    monkeypatch.setenv(SECRET_ENV, "another")
    async with open_connector(connection(lrs)) as connector:
        [refused] = await connector.check()
    assert not refused.ok and "secret" in refused.message
