"""The learning record store: immutable statements, `more` links, a withdrawal, and refusals."""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from tests.sandbox.conftest import Caller

END = "2026-11-20"
PATH = "/lrs/xAPI/statements"
VERBS = "http://adlnet.gov/expapi/verbs/"
VERSION = {"X-Experience-API-Version": "1.0.3"}


def ask(caller: Caller, url: str = PATH, **query: Any) -> httpx.Response:
    """Ask the store for statements."""
    auth = httpx.BasicAuth("yuanmeng", "sandbox-token")
    return caller.http.get(url, params=query or None, headers=VERSION, auth=auth)


def every(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    """Return all statements a query finds, following `more`."""
    found: list[dict[str, Any]] = []
    answer = ask(caller, **query).json()
    found += answer["statements"]
    while answer["more"]:
        assert urlsplit(answer["more"]).netloc == "" and answer["more"].startswith("/lrs/")
        answer = ask(caller, answer["more"]).json()
        found += answer["statements"]
    return found


def minutes(statement: dict[str, Any]) -> int:
    """Return the minutes of an ISO 8601 duration as the store writes it."""
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?", statement["result"]["duration"])
    assert found
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def test_statements_are_by_the_book(reading: Caller) -> None:
    reading.travel(END)
    answer = ask(reading)
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"
    assert answer.headers["X-Experience-API-Consistent-Through"] == f"{END}T23:59:59.000Z"
    for statement in every(reading):
        assert str(UUID(statement["id"])) == statement["id"] and statement["version"] == "1.0.3"
        assert statement["actor"]["account"]["homePage"] == "https://learn.example.edu.cn"
        assert statement["verb"]["id"].startswith(VERBS)
        if statement["verb"]["id"] != VERBS + "voided":
            assert statement["actor"]["account"]["name"] in reading.world.students
            (parent,) = statement["context"]["contextActivities"]["parent"]
            assert parent["id"].rsplit("/", 1)[-1] in reading.world.classes
            assert statement["object"]["id"].startswith(parent["id"])


@pytest.mark.parametrize("limit", [7, 50, 200, 1000])
def test_pages_cover_every_statement_once(reading: Caller, limit: int) -> None:
    reading.travel("2024-01-08")
    ids = [statement["id"] for statement in every(reading, limit=limit)]
    assert len(ids) == len(set(ids)) > 80
    assert ids == [statement["id"] for statement in every(reading)]


def test_newest_come_first_unless_asked_otherwise(reading: Caller) -> None:
    reading.travel("2024-01-08")
    down = [statement["stored"] for statement in every(reading, limit=30)]
    up = [statement["stored"] for statement in every(reading, limit=30, ascending="true")]
    assert down == sorted(down, reverse=True) and up == sorted(up) and len(up) == len(down)


def test_since_and_until_part_the_statements_in_two(reading: Caller) -> None:
    reading.travel("2024-01-08")
    everything = every(reading)
    middle = everything[len(everything) // 2]["stored"]
    newer, older = every(reading, since=middle), every(reading, until=middle)
    assert all(statement["stored"] > middle for statement in newer)
    assert newer + older == everything
    assert every(reading, since=everything[0]["stored"]) == []


def test_a_verb_can_be_asked_for(reading: Caller) -> None:
    reading.travel("2024-01-08")
    for word in ("attended", "completed"):
        found = every(reading, verb=VERBS + word)
        assert found and {statement["verb"]["id"] for statement in found} == {VERBS + word}


def test_a_mistake_is_there_until_it_is_voided(reading: Caller) -> None:
    reading.travel("2023-11-28")
    (mistake,) = [s for s in every(reading) if minutes(s) == 600]
    assert ask(reading, statementId=mistake["id"]).json() == mistake
    assert ask(reading, voidedStatementId=mistake["id"]).status_code == 404
    reading.travel("2023-12-04")
    (voiding,) = every(reading, verb=VERBS + "voided")
    assert voiding["object"] == {"objectType": "StatementRef", "id": mistake["id"]}
    assert voiding in every(reading, since="2023-11-28T23:59:59Z")
    assert mistake not in every(reading)
    assert ask(reading, statementId=mistake["id"]).status_code == 404
    assert ask(reading, voidedStatementId=mistake["id"]).json() == mistake


def test_a_statement_never_changes(reading: Caller) -> None:
    kept: dict[str, Any] = {}
    for day in ("2023-10-20", "2024-01-08", END):
        reading.travel(day)
        now = {statement["id"]: statement for statement in every(reading)}
        assert all(now[id] == before for id, before in kept.items() if id in now)
        assert len(kept.keys() - now.keys()) <= 1
        kept = now


def test_minutes_come_to_what_the_truth_says(reading: Caller) -> None:
    reading.travel(END)
    sums: dict[tuple[str, str], int] = {}
    for statement in every(reading):
        if statement["verb"]["id"] != VERBS + "voided":
            story = reading.world.students[statement["actor"]["account"]["name"]]
            module = statement["context"]["contextActivities"]["parent"][0]["id"].rsplit("-", 1)[-1]
            key = (story.person.resident_id, module)
            sums[key] = sums.get(key, 0) + minutes(statement)
    assert sums == {(r["resident_id"], r["module"]): r["minutes"] for r in reading.get("/_sandbox/truth")["online"]}


@pytest.mark.parametrize("query", [{"limit": "many"}, {"from": "-1"}, {"since": "soon"}, {"until": "later"}])
def test_a_question_that_cannot_be_read_is_refused(reading: Caller, query: dict[str, str]) -> None:
    answer = ask(reading, **query)
    assert answer.status_code == 400 and answer.json()["error"] is True


def test_nobody_without_the_password_is_served(reading: Caller) -> None:
    for header in ("", "Bearer sandbox-token", "Basic !", "Basic /w==", "Basic eXVhbm1lbmc6d3Jvbmc="):
        answer = httpx.get(
            reading.url + PATH, headers=VERSION | ({"Authorization": header} if header else {}), trust_env=False
        )
        assert answer.status_code == 401, header


def test_the_version_must_be_named(reading: Caller) -> None:
    for version in ({}, {"X-Experience-API-Version": "2.0.0"}):
        answer = reading.http.get(PATH, headers=version, auth=httpx.BasicAuth("yuanmeng", "sandbox-token"))
        assert answer.status_code == 400
    assert reading.get("/lrs/xAPI/about")["version"] == ["1.0.3"]


def test_an_unknown_statement_is_not_found(reading: Caller) -> None:
    assert ask(reading, statementId="00000000-0000-0000-0000-000000000000").status_code == 404
