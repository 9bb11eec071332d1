"""OneRoster as schools have it: with totals, links, filters and caps, or with none of them."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.base import Connection
from connectors.errors import Permanent, Refused, Transient
from connectors.oneroster import COLLECTIONS, OneRosterConnector
from models.records import Enrolment, Learner, LineItem, Result, Term, Unreadable
from tests.connectors.conftest import ORGANISATION, Connect, World, pages_of, rows_of
from tests.connectors.script import Asked, Reply, Script, Theatre
from tests.connectors.wires import AT, ROSTER_ROWS, oneroster, ref, thing

SINCE = datetime(2024, 2, 1, tzinfo=UTC)
TERM = ROSTER_ROWS["terms"]


class School:
    """A school with so many terms, and whatever its server does and does not do."""

    def __init__(self, count: int, cap: int = 10_000, total: bool = True, link: bool = True, **refuses: Any) -> None:
        """All it knows; `refuses` maps names of parameters to the status they get."""
        self.rows = [{**TERM, "sourcedId": f"t{number:04}"} for number in range(count)]
        self.cap, self.total, self.link, self.refuses = cap, total, link, refuses

    def __call__(self, asked: Asked) -> Reply:
        """Answer."""
        for name, status in self.refuses.items():
            if name in asked.query:
                return Reply({"imsx_codeMajor": "failure"}, status=status)
        offset = int(asked.query["offset"])
        page = self.rows[offset : offset + min(self.cap, int(asked.query["limit"]))]
        more = offset + len(page) < len(self.rows)
        headers = {"X-Total-Count": str(len(self.rows))} if self.total else {}
        if self.link and more:
            headers["Link"] = f'<https://elsewhere.example{asked.path}?offset={offset + len(page)}>; rel="next"'
        return Reply({"terms": page}, headers=headers)


async def terms(url: str, size: int, since: datetime | None = None, **options: Any) -> list[Any]:
    """The terms of a school."""
    connection = Connection(name="there", kind="oneroster", organisation=ORGANISATION, base_url=url,
                            options={"page_size": size, **options})  # fmt: skip
    async with OneRosterConnector(connection) as connector:
        return await rows_of(connector, "terms", since)


@settings(max_examples=60)
@given(count=st.integers(0, 40), cap=st.integers(1, 15), size=st.integers(1, 15), total=..., link=...)
@example(count=20, cap=10, size=10, total=False, link=False)
@example(count=20, cap=5, size=10, total=False, link=False)
@example(count=23, cap=5, size=10, total=False, link=True)
@example(count=23, cap=5, size=10, total=True, link=False)
def test_a_full_school_is_read_whatever_its_server_says(
    theatre: Theatre, count: int, cap: int, size: int, total: bool, link: bool
) -> None:
    """No row lost, none doubled; each page repeats the last row of the one before, and one more proves the end."""
    script = theatre.open()
    script.follows(School(count, cap, total, link))
    found = asyncio.run(terms(script.url, size))
    assert [row.source_id for row in found] == [f"t{number:04}" for number in range(count)]
    new = max(1, min(cap, max(2, size)) - 1)
    assert len(script.asked) <= 2 + -(-count // new)


async def test_a_short_page_without_any_hint_is_not_taken_for_the_last(connect: Connect, script: Script) -> None:
    """The server caps the limit at 100 and says so nowhere."""
    script.follows(School(250, cap=100, total=False, link=False))
    assert len(await terms(script.url, 500)) == 250
    assert [asked.query["offset"] for asked in script.asked] == ["0", "99", "198", "249"]


async def test_a_total_that_says_too_little_ends_nothing_while_pages_are_full(script: Script) -> None:
    school = School(30, total=False, link=False)
    script.follows(lambda asked: Reply(school(asked).body, headers={"X-Total-Count": "10"}))
    assert len(await terms(script.url, 10)) == 30


@pytest.mark.parametrize("text", ["many", "-1", "1.5", ""])
async def test_a_total_that_is_no_number_is_no_hint(script: Script, text: str) -> None:
    school = School(3, total=False, link=False)
    script.follows(lambda asked: Reply(school(asked).body, headers={"X-Total-Count": text}))
    assert len(await terms(script.url, 10)) == 3


async def test_a_next_link_to_another_host_is_a_hint_and_never_an_address(script: Script, other: Script) -> None:
    school = School(30, cap=10)
    script.follows(lambda asked: Reply(school(asked).body, headers={"Link": f'<{other.url}/x>; rel="next"'}))
    assert len(await terms(script.url, 20)) == 30
    assert other.asked == []


async def test_a_total_that_says_too_little_ends_nothing_where_pages_are_capped(script: Script) -> None:
    """Each page is short of what was asked for, and the total says that the first of them is all."""
    school = School(45, cap=10, total=False, link=False)
    script.follows(lambda asked: Reply(school(asked).body, headers={"X-Total-Count": "10"}))
    assert len(await terms(script.url, 500)) == 45


async def test_rows_that_are_announced_and_not_given_are_no_empty_school(script: Script) -> None:
    script.keeps_saying(Reply({"terms": []}, headers={"X-Total-Count": "12"}))
    with pytest.raises(Transient, match="gives none"):
        await terms(script.url, 10)
    assert await terms(script.url, 10, SINCE) == []  # many servers count what a filter leaves out


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("change", ["goes", "comes"])
async def test_terms_that_come_or_go_while_they_are_read_cost_no_other(script: Script, change: str, place: str) -> None:
    school = School(40)
    ids = {row["sourcedId"] for row in school.rows}
    at = 3 if place == "before" else 30
    gone = {school.rows[at]["sourcedId"]} if change == "goes" and place == "before" else set()

    def plan(asked: Asked) -> Reply:
        if len(script.asked) == 3:
            if change == "goes":
                del school.rows[at]
            else:
                school.rows.insert(at, {**TERM, "sourcedId": f"{school.rows[at]['sourcedId']}x"})
        return school(asked)

    script.follows(plan)
    found = {row.source_id for row in await terms(script.url, 10)}
    assert ids - gone <= found | {f"t{at:04}"}
    assert len(script.asked) <= 9


async def test_a_server_that_refuses_large_pages_is_asked_for_its_own(script: Script) -> None:
    school, too_much = School(250, cap=100), Reply({"imsx_codeMajor": "failure"}, status=400)

    def plan(asked: Asked) -> Reply:
        usual = Asked(asked.method, asked.path, {**asked.query, "limit": "100"}, {}, b"")
        return too_much if "limit" in asked.query else school(usual)

    script.follows(plan)
    assert len(await terms(script.url, 500)) == 250


async def test_a_server_that_ignores_the_offset_is_not_asked_for_ever(script: Script) -> None:
    script.keeps_saying({"terms": [TERM, {**TERM, "sourcedId": "other"}]})
    with pytest.raises(Permanent, match="pages by offset"):
        await terms(script.url, 10)
    assert len(script.asked) < 10


async def test_only_what_a_school_offers_is_read_in_the_order_the_programme_needs(connect: Connect) -> None:
    assert OneRosterConnector(connect("oneroster")).streams == tuple(COLLECTIONS)
    assert OneRosterConnector(connect("oneroster", streams=["people", "terms"])).streams == ("terms", "people")
    with pytest.raises(Permanent, match=r"options\.streams must be a list of terms, courses"):
        OneRosterConnector(connect("oneroster", streams=["users"]))


# --- filters ----------------------------------------------------------------------------------------------------


async def test_changes_are_asked_for_as_the_standard_writes_it(script: Script) -> None:
    script.follows(School(1))
    await terms(script.url, 10, SINCE)
    query = script.asked[0].query
    assert query["filter"] == "dateLastModified>='2024-02-01T00:00:00.000Z'"
    assert (query["sort"], query["orderBy"], query["limit"], query["offset"]) == ("sourcedId", "asc", "10", "0")


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("name", ["filter", "sort"])
async def test_a_filter_or_order_that_is_refused_is_left_out_and_all_is_read(
    script: Script, name: str, status: int
) -> None:
    script.follows(School(25, **{name: status}))
    assert len(await terms(script.url, 10, SINCE)) == 25
    plain = [set(asked.query) == {"limit", "offset"} for asked in script.asked]
    assert plain[0] is False and all(plain[1:])


async def test_a_server_that_refuses_even_the_plain_question_is_said_to(script: Script) -> None:
    script.keeps_saying(Reply({"imsx_codeMajor": "failure"}, status=400))
    with pytest.raises(Refused):
        await terms(script.url, 10, SINCE)
    assert [set(asked.query) for asked in script.asked[1:]] == [{"limit", "offset"}, {"offset"}]


async def test_a_filter_refused_half_way_is_no_reason_to_go_on_without(script: Script) -> None:
    """Offsets count within the filtered list: going on without it would skip the first rows of the whole one."""
    school = School(25)
    script.follows(
        lambda asked: Reply(status=400) if "filter" in asked.query and asked.query["offset"] != "0" else school(asked)
    )
    with pytest.raises(Refused):
        await terms(script.url, 10, SINCE)


NESTED = {"imsx_StatusInfo": {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_CodeMinor": {}}}
FLAT = {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": "320214199102102177"}


@pytest.mark.parametrize(
    ("minor", "kind", "dead"),
    [("server_busy", Transient, False), ("internal_server_error", Transient, False),
     ("unauthorisedrequest", Permanent, True), ("forbidden", Permanent, True), ("unknownobject", Permanent, False)],
)  # fmt: skip
@pytest.mark.parametrize("nested", [True, False])
async def test_an_error_with_status_200_is_what_it_says(
    script: Script, minor: str, kind: type[Exception], dead: bool, nested: bool
) -> None:
    field = {"imsx_CodeMinorField": [{"imsx_CodeMinorFieldName": "x", "imsx_CodeMinorFieldValue": minor}]}
    info = {"imsx_codeMajor": "failure", "imsx_CodeMinor": field if nested else minor}
    script.keeps_saying({"imsx_StatusInfo": info} if nested else {**info, "terms": []})
    with pytest.raises(kind) as caught:
        await terms(script.url, 10)
    assert caught.value.dead is dead
    assert len(script.asked) == (5 if kind is Transient else 1)


@pytest.mark.parametrize("body", [NESTED, FLAT], ids=["nested", "flat"])
@pytest.mark.parametrize("status", [200, 404])
async def test_an_error_is_one_however_it_is_wrapped(script: Script, body: dict[str, Any], status: int) -> None:
    script.keeps_saying(Reply(body, status=status))
    with pytest.raises(Permanent, match="check"):
        await terms(script.url, 10)


# --- paths and fields -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_both_versions_are_asked_at_their_own_addresses(connect: Connect, script: Script, version: str) -> None:
    script.follows(lambda asked: oneroster(asked, "", []))
    async with OneRosterConnector(connect("oneroster", version=version)) as connector:
        for stream in connector.streams:
            await rows_of(connector, stream)
    paths = {asked.path for asked in script.asked}
    names = [*(one.path for one in COLLECTIONS.values()), "categories"]
    gradebook = {"lineItems", "results", "categories"}
    service = {name: "gradebook" if name in gradebook else "rostering" for name in names}
    assert paths == {f"/v1p1/{name}" if version == "1.1" else f"/{service[name]}/v1p2/{name}" for name in names}


async def test_terms_may_be_wrapped_as_academic_sessions(script: Script) -> None:
    script.says(Reply({"academicSessions": [TERM]}, headers={"X-Total-Count": "1"}))
    (term,) = await terms(script.url, 10)
    assert (term.starts_on, term.ends_on) == (date(2024, 2, 26), date(2024, 7, 5))
    assert isinstance(term, Term)


async def read(connect: Connect, script: Script, stream: str, *rows: dict[str, Any], **options: Any) -> list[Any]:
    """What rows of a stream become."""
    script.follows(lambda asked: oneroster(asked, stream, rows))
    async with OneRosterConnector(connect("oneroster", **options)) as connector:
        return await rows_of(connector, stream)


async def test_what_is_to_be_deleted_is_marked_removed(connect: Connect, script: Script) -> None:
    rows = [ROSTER_ROWS["enrolments"], {**ROSTER_ROWS["enrolments"], "status": "tobedeleted"}]
    stays, goes = await read(connect, script, "enrolments", *rows)
    assert isinstance(stays, Enrolment)
    assert [(row.removed, row.active) for row in (stays, goes)] == [(False, True), (True, False)]


@pytest.mark.parametrize(
    ("more", "number"),
    [
        ({}, "2023000000001"),
        ({"userIds": [{"type": "employeeNumber", "identifier": "9"}], "identifier": "2023000000002"}, "2023000000002"),
        ({"userIds": None, "identifier": ""}, None),
    ],
)
async def test_a_student_number_is_where_the_book_or_the_field_has_it(
    connect: Connect, script: Script, more: dict[str, Any], number: str | None
) -> None:
    (person,) = await read(connect, script, "people", {**ROSTER_ROWS["people"], **more, "enabledUser": "FALSE"})
    assert isinstance(person, Learner)
    assert (person.student_number, person.active, person.name) == (number, False, "张一")


@pytest.mark.parametrize(
    ("score", "expected"), [(59.95, "59.95"), ("60", "60"), (None, None), (0, "0"), ("", None), (1e-7, "0.0000001")]
)
async def test_a_score_is_exactly_what_was_written(
    connect: Connect, script: Script, score: Any, expected: str | None
) -> None:
    status = "fully graded" if expected else "exempt"
    row = {**ROSTER_ROWS["results"], "score": score, "scoreStatus": status}
    (result,) = await read(connect, script, "results", row)
    assert isinstance(result, Result)
    assert result.score == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize("left_out", [{}, {"score": None}, {"score": ""}])
async def test_a_result_that_is_graded_has_a_score(connect: Connect, script: Script, left_out: dict[str, Any]) -> None:
    """A school that renamed the field would else take every mark away."""
    row = {name: value for name, value in ROSTER_ROWS["results"].items() if name != "score"}
    (result,) = await read(connect, script, "results", {**row, **left_out})
    assert isinstance(result, Unreadable)


@pytest.mark.parametrize("score", ["NaN", "Infinity", "1e999999999", "１２", "1_0", "sixty", True, [60], 1e30])
async def test_a_score_nobody_can_have_is_unreadable(connect: Connect, script: Script, score: Any) -> None:
    (result,) = await read(connect, script, "results", {**ROSTER_ROWS["results"], "score": score})
    assert isinstance(result, Unreadable)
    assert result.source_id == "s1"


async def test_which_part_of_a_mark_a_line_item_is_can_be_configured(connect: Connect, script: Script) -> None:
    categories = {"g1": "期末", "g2": "平时", "g3": "大作业", "g4": "问卷"}
    items = [{**ROSTER_ROWS["line-items"], "category": ref(id)} for id in (*categories, "g9")]

    def plan(asked: Asked) -> Reply:
        found = [thing(sourcedId=id, title=title) for id, title in categories.items()]
        rows = [*found, "no category", {}] if asked.path.endswith("categories") else items
        return Reply({asked.path.rpartition("/")[2]: rows}, headers={"X-Total-Count": str(len(rows))})

    script.follows(plan)
    async with OneRosterConnector(connect("oneroster", parts={"大作业": "formative"})) as connector:
        *found, stray = await rows_of(connector, "line-items")
    assert [row.part for row in found] == ["final", "formative", "formative", "other"]
    assert {type(row) for row in found} == {LineItem}
    assert isinstance(stray, Unreadable), "a mark in a category nobody knows must not silently count for nothing"


@pytest.mark.parametrize("parts", [{"大作业": "finals"}, ["大作业"], "大作业"])
async def test_a_part_that_is_none_is_said_before_marks_are_lost(connect: Connect, script: Script, parts: Any) -> None:
    with pytest.raises(Permanent, match=r"options\.parts must map words to formative, final"):
        await read(connect, script, "line-items", parts=parts)


async def test_the_sandbox_gives_the_same_school_in_any_page_size(world: World) -> None:
    school = world.connections["school"]
    found = []
    for size in (7, 100, 100_000):
        connection = school.model_copy(update={"options": {**school.options, "page_size": size}})
        async with OneRosterConnector(connection) as connector:
            found.append({row.source_id for row in await rows_of(connector, "enrolments")})
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 100


async def test_the_sandbox_gives_only_what_changed(world: World) -> None:
    async with OneRosterConnector(world.connections["school"]) as connector:
        pages = await pages_of(connector, "results")
        newest = max(page.cursor for page in pages if page.cursor)
        later = await rows_of(connector, "results", newest)
    assert 0 < len(later) < sum(len(page.rows) for page in pages)
    assert {row.changed_at for row in later} == {newest}


def test_the_instant_of_these_rows_is_sound() -> None:
    assert datetime.fromisoformat(AT).tzinfo is not None
