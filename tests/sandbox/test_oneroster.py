"""The school's OneRoster service: valid by the published definitions at any date, and by the book in its manners."""

import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from jsonschema.validators import validator_for

from tests.sandbox.conftest import Caller

STANDARDS = Path(__file__).parents[3] / "shared" / "standards"
FILES = {
    "rostering": "onerosterv1p2rostersservice_openapi3_v1p0.json",
    "gradebook": "onerosterv1p2gradebookservice_openapi3_v1p0.json",
}
COLLECTIONS = {
    "rostering": {
        "orgs": "org", "schools": "org", "academicSessions": "academicSession", "terms": "academicSession",
        "gradingPeriods": "academicSession", "courses": "course", "classes": "class", "users": "user",
        "students": "user", "teachers": "user", "enrollments": "enrollment",
    },
    "gradebook": {"categories": "category", "lineItems": "lineItem", "results": "result"},
}  # fmt: skip
NESTED = {
    "rostering": {
        "/classes/{classSourcedId}/students": "/classes/CLS-WX-2023A-JD101/students",
        "/classes/{classSourcedId}/teachers": "/classes/CLS-WX-2023A-JD101/teachers",
        "/courses/{courseSourcedId}/classes": "/courses/CRS-JD101/classes",
        "/schools/{schoolSourcedId}/classes": "/schools/123202004660001017/classes",
        "/schools/{schoolSourcedId}/courses": "/schools/123202004660001017/courses",
        "/schools/{schoolSourcedId}/enrollments": "/schools/123202004660001017/enrollments",
        "/terms/{termSourcedId}/classes": "/terms/TERM-2023F/classes",
    },
    "gradebook": {
        "/classes/{classSourcedId}/lineItems": "/classes/CLS-WX-2023A-JD101/lineItems",
        "/classes/{classSourcedId}/results": "/classes/CLS-WX-2023A-JD101/results",
    },
}
DATES = ("2023-05-15", "2023-09-18", "2024-04-22", "2024-09-19", "2026-11-20")
BASE = "/school/ims/oneroster"


@lru_cache
def definition(service: str) -> dict[str, Any]:
    path = STANDARDS / FILES[service]
    if not path.is_file():
        assert not os.environ.get("CI"), f"CI must have {path}"
        pytest.skip(f"the published definitions are not here: {path}")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@lru_cache
def schema_validator(service: str, path: str, status: str = "200") -> Any:
    document = definition(service)
    answer = document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]
    schema = {"components": document["components"], **answer}
    return validator_for(schema, default=Draft4Validator)(schema)


def errors(service: str, path: str, body: Any, status: str = "200") -> list[str]:
    found = schema_validator(service, path, status).iter_errors(body)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


@pytest.mark.parametrize("day", DATES)
@pytest.mark.parametrize("service", ["rostering", "gradebook"])
def test_every_collection_is_valid_at_every_date(reading: Caller, service: str, day: str) -> None:
    reading.travel(day)
    headers = reading.token()
    for name, one in COLLECTIONS[service].items():
        body = reading.get(f"{BASE}/{service}/v1p2/{name}?limit=500", headers=headers)
        assert errors(service, f"/{name}", body) == []
        (rows,) = body.values()
        for row in rows[:1]:
            single = reading.get(f"{BASE}/{service}/v1p2/{name}/{row['sourcedId']}", headers=headers)
            assert single[one] == row
            assert errors(service, f"/{name}/{{sourcedId}}", single) == []
    if day == DATES[-1]:
        assert rows


@pytest.mark.parametrize("service", ["rostering", "gradebook"])
def test_what_hangs_under_an_object_is_valid_too(reading: Caller, service: str) -> None:
    reading.travel("2024-04-22")
    headers = reading.token()
    for path, called in NESTED[service].items():
        body = reading.get(f"{BASE}/{service}/v1p2{called}", headers=headers)
        (rows,) = body.values()
        assert rows, path
        assert errors(service, path, body) == []


def test_the_validation_would_notice_a_wrong_answer() -> None:
    assert errors("rostering", "/orgs", {"orgs": [{"sourcedId": 1}]})


def test_errors_are_in_the_words_of_the_standard(reading: Caller) -> None:
    headers = reading.token()
    for path, status in (
        ("/users?filter=colour='red'", 400),
        ("/users?filter=status", 400),
        ("/users?filter=dateLastModified>='soon'", 400),
        ("/users?fields=colour", 400),
        ("/users?limit=0", 422),
        ("/users?limit=ten", 422),
        ("/users/nobody", 404),
        ("/pupils", 404),
        ("/results", 404),
        ("/users/USR-T0/orgs", 404),
    ):
        answer = reading.http.get(f"{BASE}/rostering/v1p2{path}", headers=headers)
        assert answer.status_code == status, path
        assert errors("rostering", "/users", answer.json(), str(status) if status != 404 else "default") == []
        assert answer.json()["imsx_codeMajor"] == "failure"


def test_a_token_ends_with_its_business_date_and_opens_its_scopes_only(reading: Caller) -> None:
    headers = reading.token()
    assert reading.http.get(f"{BASE}/rostering/v1p2/orgs", headers=headers).status_code == 200
    reading.travel("2023-05-16")
    expired = reading.http.get(f"{BASE}/rostering/v1p2/orgs", headers=headers)
    assert expired.status_code == 401
    scope = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
    form = {"grant_type": "client_credentials", "scope": scope}
    issued = reading.http.post("/school/token", data=form, auth=("yuanmeng", "sandbox-token")).json()
    narrow = {"Authorization": f"Bearer {issued['access_token']}"}
    assert reading.http.get(f"{BASE}/rostering/v1p2/orgs", headers=narrow).status_code == 200
    assert reading.http.get(f"{BASE}/gradebook/v1p2/results", headers=narrow).status_code == 403


def test_a_wrong_client_or_grant_gets_no_token(reading: Caller) -> None:
    wrong = reading.http.post("/school/token", data={"grant_type": "client_credentials", "client_id": "x"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    grant = reading.http.post("/school/token", data={"grant_type": "password"})
    assert (grant.status_code, grant.json()["error"]) == (400, "unsupported_grant_type")


def test_pages_cover_every_row_once_and_say_how_many_there_are(reading: Caller) -> None:
    reading.travel("2024-04-22")
    headers = reading.token()
    url, seen, total = f"{reading.url}{BASE}/rostering/v1p2/enrollments?limit=37", [], 0
    while url:
        answer = reading.http.get(url, headers=headers)
        total = int(answer.headers["X-Total-Count"])
        seen += [row["sourcedId"] for row in answer.json()["enrollments"]]
        url = answer.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen)) == total > 100
    past = reading.http.get(f"{BASE}/rostering/v1p2/enrollments?offset={total}", headers=headers)
    assert past.json() == {"enrollments": []}
    assert set(past.links) == {"first", "last", "prev"}


def test_filters_sorting_and_fields_do_what_they_say(reading: Caller) -> None:
    reading.travel("2024-04-22")
    headers = reading.token()

    def rows(query: str, name: str = "users", service: str = "rostering") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = reading.get(f"{BASE}/{service}/v1p2/{name}?limit=500&{query}", headers=headers)[
            name
        ]
        return found

    news = rows("filter=dateLastModified>='2024-04-01T00:00:00.000Z'")
    assert [user["enabledUser"] for user in news] == ["false"]
    both = rows("filter=familyName='马' AND givenName='骏'")
    assert [user["givenName"] for user in both] == ["骏"]
    assert len(rows("filter=familyName='马' OR familyName='林'")) == 2
    assert rows("filter=familyName~'阳'")[0]["familyName"] == "欧阳"
    assert len(rows("filter=familyName!='马'")) == len(rows("")) - 1
    ordered = [user["familyName"] for user in rows("sort=familyName&orderBy=desc")]
    assert ordered == sorted(ordered, reverse=True)
    assert rows("fields=sourcedId,familyName&limit=1")[0].keys() == {"sourcedId", "familyName"}
    assert all(r["score"] < 60 for r in rows("filter=score<'60'", "results", "gradebook"))
    assert rows("filter=class='CLS-WX-2023A-JD101'", "results", "gradebook")


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("score>'90'", lambda score: score > 90), ("score>='90'", lambda score: score >= 90),
        ("score<='60'", lambda score: score <= 60), ("score!='88'", lambda score: score != 88),
        ("score='88'", lambda score: score == 88), ("score<'0'", lambda score: False),
        ("score>'90' AND score<'92' OR score='45'", lambda score: 90 < score < 92 or score == 45),
    ],
)  # fmt: skip
def test_scores_are_compared_as_numbers(reading: Caller, query: str, holds: Callable[[float], bool]) -> None:
    reading.travel("2024-04-22")
    path, headers = f"{BASE}/gradebook/v1p2/results", reading.token()
    scores = [row["score"] for row in reading.get(f"{path}?limit=500", headers=headers)["results"] if "score" in row]
    found = reading.get(path, params={"limit": 500, "filter": query}, headers=headers)["results"]
    assert sorted(row["score"] for row in found if "score" in row) == sorted(filter(holds, scores))


def test_a_field_a_row_lacks_equals_nothing(reading: Caller) -> None:
    headers = reading.token()
    rows = reading.get(f"{BASE}/rostering/v1p2/users?filter=identifier!='1'", headers=headers)["users"]
    assert rows == reading.get(f"{BASE}/rostering/v1p2/users", headers=headers)["users"]
    assert reading.get(f"{BASE}/rostering/v1p2/users?filter=identifier='1'", headers=headers)["users"] == []


@pytest.mark.parametrize("query", ["score>'many'", "score~'many'", "status='active' XOR status='x'", "status='a' AND "])
def test_a_filter_that_cannot_be_read_is_refused(reading: Caller, query: str) -> None:
    reading.travel("2024-04-22")
    answer = reading.http.get(f"{BASE}/gradebook/v1p2/results", params={"filter": query}, headers=reading.token())
    assert answer.status_code == 400 and errors("gradebook", "/results", answer.json(), "400") == []


def test_nothing_hangs_under_what_is_not_there(reading: Caller) -> None:
    reading.travel("2024-04-22")
    headers = reading.token()
    for path in ("/classes/CLS-X/students", "/terms/TERM-2025F/classes", "/terms/TERM-2023F/users", "/x/y/classes"):
        answer = reading.http.get(f"{BASE}/rostering/v1p2{path}", headers=headers)
        assert answer.status_code == 404, path


def test_a_school_year_knows_the_terms_that_are_published(reading: Caller) -> None:
    for day, terms in (("2023-08-01", ["TERM-2023F"]), ("2024-01-08", ["TERM-2023F", "TERM-2024S"])):
        reading.travel(day)
        year = reading.get(f"{BASE}/rostering/v1p2/academicSessions/YEAR-2024", headers=reading.token())
        assert [child["sourcedId"] for child in year["academicSession"]["children"]] == terms


def test_a_place_given_by_mistake_is_taken_back_and_a_leaver_is_disabled(reading: Caller) -> None:
    statuses = {}
    for day in ("2023-09-13", "2023-09-25"):
        reading.travel(day)
        answer = reading.get(f"{BASE}/rostering/v1p2/enrollments/ENR-MISTAKE", headers=reading.token())
        statuses[day] = answer["enrollment"]["status"]
    assert statuses == {"2023-09-13": "active", "2023-09-25": "tobedeleted"}
    leaver = reading.person("郑强")
    reading.travel("2024-04-22")
    number = leaver.student_number
    (user,) = reading.get(f"{BASE}/rostering/v1p2/users?filter=identifier='{number}'", headers=reading.token())["users"]
    assert user["enabledUser"] == "false"
    assert user["userIds"] == [{"type": "studentNumber", "identifier": number}]


def test_marks_come_out_when_they_are_released_and_late_where_the_story_says(reading: Caller) -> None:
    def released(day: str, cls: str, part: str) -> int:
        reading.travel(day)
        path = f"{BASE}/gradebook/v1p2/classes/CLS-{cls}/results?limit=500&filter=lineItem='LI-CLS-{cls}-{part}'"
        return len(reading.get(path, headers=reading.token())["results"])

    assert released("2024-01-16", "WX-2023A-JD101", "final") == 0
    assert released("2024-01-17", "WX-2023A-JD101", "final") == 13
    assert released("2024-08-14", "WX-2023B-SK202", "final") == 0
    assert released("2024-08-15", "WX-2023B-SK202", "final") == 11
    assert released("2024-03-18", "WX-2023A-JD101", "make-up") == 0
    assert released("2024-03-19", "WX-2023A-JD101", "make-up") == 1


def test_exempt_and_barred_results_have_no_score(reading: Caller) -> None:
    reading.travel("2026-11-20")
    headers = reading.token()
    states = {}
    for status in ("exempt", "not submitted"):
        rows = reading.get(f"{BASE}/gradebook/v1p2/results?filter=scoreStatus='{status}'", headers=headers)["results"]
        assert all("score" not in row for row in rows)
        states[status] = len(rows)
    assert states == {"exempt": 4, "not submitted": 1}
