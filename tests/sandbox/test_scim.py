"""The HR systems: SCIM by the RFC in lists, filters, both ways of paging, and refusals."""

from typing import Any

import httpx
import pytest

from sandbox.organisations import DRIVES, ENTERPRISES, MOULDS, PRECISION
from tests.sandbox.conftest import Caller

END = "2026-11-20"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:yuanmeng:params:scim:schemas:extension:worker:2.0:User"


def users(caller: Caller, path: str = PRECISION.path, **query: Any) -> list[dict[str, Any]]:
    """Return the resources of a list of users."""
    found: list[dict[str, Any]] = caller.get(f"/{path}/scim/v2/Users", params=query)["Resources"]
    return found


def number_of(user: dict[str, Any]) -> str:
    return str(user[ENTERPRISE]["employeeNumber"])


@pytest.mark.parametrize("enterprise", ENTERPRISES)
def test_a_list_is_in_the_envelope_of_the_rfc(reading: Caller, enterprise: Any) -> None:
    answer = reading.http.get(f"/{enterprise.path}/scim/v2/Users")
    assert answer.headers["content-type"].startswith("application/scim+json")
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert body["totalResults"] == body["itemsPerPage"] == len(body["Resources"]) > 15
    assert body["startIndex"] == 1
    for user in body["Resources"]:
        assert user["schemas"] == [CORE, ENTERPRISE, WORKER]
        assert user["active"] is True and user["meta"]["resourceType"] == "User"
        assert user[ENTERPRISE]["organization"] == enterprise.name
        assert {"residentId", "hiredOn", "education"} == user[WORKER].keys()


def test_a_user_is_found_at_his_location_and_a_stranger_is_not(reading: Caller) -> None:
    for user in users(reading):
        assert reading.get(user["meta"]["location"]) == user
        assert user["meta"]["location"].endswith(f"/Users/{user['id']}")
    stranger = reading.http.get(f"/{PRECISION.path}/scim/v2/Users/nobody")
    assert stranger.status_code == 404
    assert stranger.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert stranger.json()["status"] == "404" and stranger.json()["detail"]


@pytest.mark.parametrize("count", [1, 4, 100, 1000])
def test_pages_by_index_cover_everyone_once(reading: Caller, count: int) -> None:
    reading.travel(END)
    seen: list[str] = []
    while True:
        body = reading.get(f"/{MOULDS.path}/scim/v2/Users?startIndex={len(seen) + 1}&count={count}")
        seen += [user["id"] for user in body["Resources"]]
        assert body["startIndex"] + body["itemsPerPage"] - 1 == len(seen)
        if len(seen) >= body["totalResults"]:
            break
    assert len(seen) == len(set(seen)) == body["totalResults"]


@pytest.mark.parametrize("count", [1, 4, 1000])
def test_pages_by_cursor_cover_everyone_once_where_they_are_offered(reading: Caller, count: int) -> None:
    reading.travel(END)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = reading.get(f"/{DRIVES.path}/scim/v2/Users", params={"cursor": cursor, "count": count})
        assert "startIndex" not in body
        seen += [user["id"] for user in body["Resources"]]
        cursor = body.get("nextCursor")
    assert len(seen) == len(set(seen)) == body["totalResults"]


def test_the_configuration_says_who_pages_by_cursor(reading: Caller) -> None:
    offers = {}
    for enterprise in ENTERPRISES:
        body = reading.get(f"/{enterprise.path}/scim/v2/ServiceProviderConfig")
        offers[enterprise] = body["pagination"]["cursor"]
        assert body["filter"] == {"supported": True, "maxResults": 100}
        assert body["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    assert offers == {PRECISION: False, DRIVES: True, MOULDS: False}


@pytest.mark.parametrize(
    ("path", "query", "kind"),
    [
        (PRECISION.path, "cursor=", "invalidValue"),
        (DRIVES.path, "cursor=abc", "invalidCursor"),
        (DRIVES.path, "cursor=LTU=", "invalidCursor"),
        (DRIVES.path, "cursor=eHl6", "invalidCursor"),
        (DRIVES.path, "count=many", "invalidValue"),
        (DRIVES.path, "startIndex=first", "invalidValue"),
        (DRIVES.path, "filter=colour eq \"red\"", "invalidFilter"),
        (DRIVES.path, "filter=active", "invalidFilter"),
        (DRIVES.path, "filter=active eq true or id pr", "invalidFilter"),
        (DRIVES.path, "filter=meta.lastModified ge \"soon\"", "invalidFilter"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_refused(reading: Caller, path: str, query: str, kind: str) -> None:
    answer = reading.http.get(f"/{path}/scim/v2/Users?{query}")
    assert answer.status_code == 400
    assert (answer.json()["scimType"], answer.json()["status"]) == (kind, "400")


def test_a_count_of_nothing_or_less_gives_the_total_alone(reading: Caller) -> None:
    for count in (0, -3):
        body = reading.get(f"/{PRECISION.path}/scim/v2/Users?count={count}&startIndex=-1")
        assert body["Resources"] == [] and body["totalResults"] > 15 and body["startIndex"] == 1


def test_whoever_starts_past_the_end_finds_nobody(reading: Caller) -> None:
    for start in (1000, 10**30):
        body = reading.get(f"/{PRECISION.path}/scim/v2/Users?startIndex={start}")
        assert body["Resources"] == [] and body["totalResults"] > 15


def test_filters_do_what_they_say(reading: Caller) -> None:
    everyone = users(reading, DRIVES.path)
    first = everyone[0]
    number = number_of(first)
    for text in (
        f'externalId eq "{number}"',
        f'userName eq "{first["userName"].upper()}"',
        f'id eq "{first["id"]}"',
        f'{ENTERPRISE}:employeeNumber eq "{number}"',
        f'employeeNumber sw "{number}" and active eq true',
        f'externalId co "{number[1:]}"',
        f'externalId le "{number}" and externalId ge "{number}"',
    ):
        assert users(reading, DRIVES.path, filter=text) == [first], text
    assert users(reading, DRIVES.path, filter=f'externalId ne "{number}"') == everyone[1:]
    assert users(reading, DRIVES.path, filter=f'externalId gt "{number}"') == everyone[1:]
    assert users(reading, DRIVES.path, filter=f'externalId lt "{number}"') == []
    assert users(reading, DRIVES.path, filter='meta.created ge "2023-05-15"') == []


@pytest.mark.parametrize("name", ["meta.lastModified", f"{CORE}:meta.lastModified"])
def test_a_leaver_is_inactive_and_the_only_news(reading: Caller, name: str) -> None:
    text = f'{name} ge "2023-06-01T00:00:00Z"'
    reading.travel("2024-04-14")
    assert users(reading, DRIVES.path, filter=text) == []
    reading.travel("2024-04-15")
    (leaver,) = users(reading, DRIVES.path, filter=text)
    assert leaver["active"] is False and leaver["displayName"] == "郑强"
    assert leaver["meta"]["lastModified"].startswith("2024-04-15T")
    assert users(reading, DRIVES.path, filter="active eq false") == [leaver]


def test_nobody_is_there_before_he_is_hired(reading: Caller) -> None:
    def names() -> set[str]:
        return {user["displayName"] for user in users(reading)}

    reading.travel("2023-07-02")
    before = names()
    reading.travel("2023-07-03")
    assert names() - before == {"田野"}


def test_a_name_is_parted_into_family_and_given(reading: Caller) -> None:
    names = {u["displayName"]: (u["name"]["familyName"], u["name"]["givenName"]) for u in users(reading, MOULDS.path)}
    assert names["欧阳雪"] == ("欧阳", "雪") and names["陆鸣"] == ("陆", "鸣")
    names = {u["displayName"]: (u["name"]["familyName"], u["name"]["givenName"]) for u in users(reading)}
    assert names["阿依努尔·买买提"] == ("买买提", "阿依努尔")


def test_a_worker_nominated_by_two_enterprises_is_on_both_payrolls(reading: Caller) -> None:
    ids = {
        user[WORKER]["residentId"]
        for path in (PRECISION.path, MOULDS.path)
        for user in users(reading, path)
        if user["displayName"] == "陆鸣"
    }
    assert len(ids) == 1


@pytest.mark.parametrize("path", ["Users", "Users/x", "ServiceProviderConfig"])
def test_nobody_without_the_token_is_served_and_no_other_enterprise_exists(reading: Caller, path: str) -> None:
    answer = httpx.get(f"{reading.url}/{PRECISION.path}/scim/v2/{path}", trust_env=False)
    assert (answer.status_code, answer.json()["status"]) == (401, "401")
    assert reading.http.get(f"/hr/91320214MA1YM9999X/scim/v2/{path}").status_code == 404
