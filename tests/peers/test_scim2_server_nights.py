"""Nights on scim2-server: what stands in the database is, row by row, what was put into the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from models.clock import SHANGHAI
from models.tables.people import Employment
from models.vault import opaque
from tasks.office import Office
from tests.fixtures.cohorts import open_cohort, rows
from tests.peers.nights import let_ten_minutes_pass, night
from tests.peers.test_scim2_server import connection, dismiss, employ, tenant

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

Truth = dict[str, tuple[str, bool]]


@dataclass
class Hr:
    """A server, and the ids of those who are in it."""

    http: httpx.Client
    ids: list[str] = field(default_factory=list)

    def put(self, *numbers: int) -> list[str]:
        """Employ people; give their ids."""
        made = [employ(self.http, number) for number in numbers]
        self.ids += made
        return made

    def truth(self) -> Truth:
        """What the server itself holds, one user at a time: number and whether he is employed, by the id here."""
        users = [self.http.get(f"/Users/{id}").raise_for_status().json() for id in self.ids]
        return {
            f"hr:{opaque(user['id'])}": (opaque(f"E{user['userName'].removeprefix('user'):0>3}"), user["active"])
            for user in users
        }


@contextmanager
def opened(url: str, secret: str) -> Iterator[Hr]:
    """An HR system without employees."""
    with tenant(url, secret) as http:
        yield Hr(http)


@pytest.fixture(params=["scim_url", "scim_cursor_url", "scim_capped_url", "scim_capped_cursor_url"])
def hr(request: pytest.FixtureRequest, peer_secret: str, sqlite_office: Office) -> Iterator[Hr]:
    """An HR system without employees, once of each kind, and an office that knows the enterprise."""
    open_cohort()
    with opened(str(request.getfixturevalue(request.param)), peer_secret) as made:
        yield made


def standing() -> Truth:
    """What stands in the database."""
    return {row.id: (row.employee_number, row.active) for row in rows(Employment)}


def test_two_nights_leave_what_the_server_holds(hr: Hr) -> None:
    there = connection(hr.http, options={"page_size": 5})
    ids = hr.put(*range(13))
    assert night(there)["read"] == 13
    assert standing() == hr.truth() and len(standing()) == 13
    dismiss(hr.http, ids[3])
    hr.put(13)
    night(there)
    assert standing() == hr.truth() and len(standing()) == 14
    today = {datetime.now(UTC).astimezone(SHANGHAI).date()}
    assert {row.left_on for row in rows(Employment) if not row.active} == today


def test_a_full_night_finds_who_is_no_longer_there_at_all(hr: Hr) -> None:
    there = connection(hr.http, options={"page_size": 200})
    ids = hr.put(*range(13))
    night(there)
    assert hr.http.delete(f"/Users/{ids[5]}").status_code == 204
    hr.ids.remove(ids[5])
    night(there, full=True)
    left = {id: row for id, row in standing().items() if id not in hr.truth()}
    assert left.keys() <= {f"hr:{opaque(ids[5])}"}
    assert {id: row for id, row in standing().items() if id not in left} == hr.truth()


@pytest.mark.parametrize("url", ["scim_url", "scim_capped_url"])
def test_a_second_night_reads_the_overlap_alone(
    request: pytest.FixtureRequest, url: str, peer_secret: str, sqlite_office: Office
) -> None:
    open_cohort()
    with opened(str(request.getfixturevalue(url)), peer_secret) as hr:
        there = connection(hr.http, options={"page_size": 5})
        ids = hr.put(*range(13))
        first = night(there)
        let_ten_minutes_pass("hr", "employment")
        dismiss(hr.http, ids[0])
        second = night(there)
        # The one whose change was the last, and the one who left since.
        assert (first["read"], second["read"], second["written"]) == (13, 2, 1)
        assert standing() == hr.truth()


def test_counts_are_capped_by_these_servers(
    scim_capped_url: str, scim_capped_cursor_url: str, peer_secret: str
) -> None:
    """So that the nights above surely meet what they are about."""
    for url, query in ((scim_capped_url, {"startIndex": "1"}), (scim_capped_cursor_url, {"cursor": ""})):
        with opened(url, peer_secret) as hr:
            hr.put(*range(6))
            page = hr.http.get("/Users", params={"count": "200", **query}).json()
            assert (len(page["Resources"]), page["totalResults"]) == (4, 6)
