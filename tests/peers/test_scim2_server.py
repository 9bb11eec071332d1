"""Our SCIM connector on scim2-server: users made over its own API arrive as employments."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from connectors.base import Connection
from connectors.errors import Permanent
from connectors.registry import open_connector
from models.records import Employment
from tests.peers.conftest import SECRET_ENV

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

ENTERPRISE = "91320200MA1TEXT06T"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
EXTENSION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@contextmanager
def tenant(url: str, secret: str) -> Iterator[httpx.Client]:
    """A client of a server without users."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/scim+json"}
    with httpx.Client(base_url=f"{url}/{uuid4().hex}/v2", headers=headers, trust_env=False) as http:
        yield http


@pytest.fixture
def hr(scim_url: str, peer_secret: str) -> Iterator[httpx.Client]:
    """An HR system without employees."""
    with tenant(scim_url, peer_secret) as http:
        yield http


@pytest.fixture
def hr_by_cursor(scim_cursor_url: str, peer_secret: str) -> Iterator[httpx.Client]:
    """An HR system without employees that pages by cursor and cannot filter."""
    with tenant(scim_cursor_url, peer_secret) as http:
        yield http


def employ(http: httpx.Client, number: int, active: bool = True) -> str:
    """Make a user over the server's own API, and return its id."""
    body = {
        "schemas": [CORE, EXTENSION], "userName": f"user{number}", "active": active, "name": {"formatted": f"王{number}"},
        EXTENSION: {"employeeNumber": f"E{number:03}", "department": "装配"},
    }  # fmt: skip
    answer = http.post("/Users", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def dismiss(http: httpx.Client, id: str) -> None:
    """Set a user inactive over the server's own API."""
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    answer = http.patch(f"/Users/{id}", json=body)
    assert answer.status_code in (200, 204), answer.text


def connection(http: httpx.Client, **changes: Any) -> Connection:
    """Our connection to a tenant, five employees a page."""
    values = {
        "name": "hr", "kind": "scim", "organisation": ENTERPRISE, "base_url": str(http.base_url),
        "auth": {"type": "bearer", "token_env": SECRET_ENV}, "options": {"page_size": 5},
    }  # fmt: skip
    return Connection(**{**values, **changes})


async def read(settings: Connection, since: datetime | None = None) -> list[list[Employment]]:
    """Read all pages of employments."""
    async with open_connector(settings) as connector:
        return [list(page.rows) async for page in connector.read("employment", since)]


def flat(pages: list[list[Employment]]) -> list[Employment]:
    """All records of all pages."""
    return [row for page in pages for row in page]


async def test_all_users_are_read_over_several_pages(hr: httpx.Client) -> None:
    ids = {employ(hr, number, active=number % 3 != 0) for number in range(12)}
    pages = await read(connection(hr))
    rows = flat(pages)
    assert [len(page) for page in pages] == [5, 4, 3]  # each page is asked for from the last user of the one before
    assert {row.source_id for row in rows} == ids
    assert {row.employee_number: row.active for row in rows} == {f"E{n:03}": n % 3 != 0 for n in range(12)}
    first = next(row for row in rows if row.employee_number == "E001")
    assert (first.name, first.department, first.enterprise_code) == ("王1", "装配", ENTERPRISE)
    assert all(row.changed_at is not None and row.changed_at.tzinfo for row in rows)


async def test_a_second_read_gets_only_who_changed_since(hr: httpx.Client) -> None:
    ids = [employ(hr, number) for number in range(8)]
    before = flat(await read(connection(hr)))
    dismiss(hr, ids[3])
    employ(hr, 8)
    newest = max(row.changed_at for row in before if row.changed_at)
    after = flat(await read(connection(hr), newest))
    # At or after the newest change seen: the last of the first read comes again.
    assert {row.employee_number: row.active for row in after} == {"E003": False, "E007": True, "E008": True}


async def test_a_server_that_pages_by_cursor_is_read_to_its_end(hr_by_cursor: httpx.Client) -> None:
    ids = {employ(hr_by_cursor, number) for number in range(12)}
    pages = await read(connection(hr_by_cursor))
    assert [len(page) for page in pages] == [5, 5, 2]
    assert {row.source_id for row in flat(pages)} == ids


async def test_a_server_that_cannot_filter_gives_everyone_again(hr_by_cursor: httpx.Client) -> None:
    for number in range(6):
        employ(hr_by_cursor, number)
    before = flat(await read(connection(hr_by_cursor)))
    newest = max(row.changed_at for row in before if row.changed_at)
    assert set(flat(await read(connection(hr_by_cursor), newest))) == set(before)


async def test_a_server_without_users_gives_one_empty_page(hr: httpx.Client) -> None:
    assert await read(connection(hr)) == [[]]


async def test_a_wrong_token_is_permanent(hr: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_ENV, "another")
    with pytest.raises(Permanent, match="secret") as caught:
        await read(connection(hr))
    assert caught.value.status == 401


async def test_a_wrong_path_is_permanent(hr: httpx.Client) -> None:
    with pytest.raises(Permanent, match="base_url") as caught:
        await read(connection(hr, base_url=f"{hr.base_url}elsewhere"))
    assert caught.value.status == 404


async def test_the_check_says_whether_the_connection_works(hr: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_connector(connection(hr)) as connector:
        assert [(check.ok, check.message) for check in await connector.check()] == [(True, "")]
    monkeypatch.setenv(SECRET_ENV, "another")
    async with open_connector(connection(hr)) as connector:
        [refused] = await connector.check()
    assert not refused.ok and "secret" in refused.message
