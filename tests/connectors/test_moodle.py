"""Moodle's registers: errors with status 200, the school's own acronyms, and absences that only a taken register proves."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import Permanent, Transient
from connectors.moodle import NEEDED, MoodleConnector
from models.records import RegisterEntry, Session, Unreadable
from tests.connectors.conftest import MOODLE, SECRET, Connect, World, pages_of, rows_of
from tests.connectors.script import Asked, Reply, Script
from tests.connectors.wires import moodle, session


async def read(connect: Connect, script: Script, *sessions: Any, **options: Any) -> list[Any]:
    """What the sessions of one class become."""
    script.follows(lambda asked: Reply(moodle(asked, "attendance", sessions)))
    async with MoodleConnector(connect("moodle", MOODLE, **options)) as connector:
        return await rows_of(connector, "attendance", classes=["k1"])


def lines(*acronyms: str) -> dict[str, Any]:
    """A register in which one person after another has an acronym."""
    return {
        "statuses": [{"id": number, "acronym": acronym} for number, acronym in enumerate(acronyms)],
        "attendance_log": [{"id": 90 + n, "studentid": 5, "statusid": str(n)} for n in range(len(acronyms))],
    }


async def test_a_session_and_its_register_become_records(connect: Connect, script: Script) -> None:
    held, entry = await read(connect, script, session(1))
    at = datetime.fromtimestamp(1706778000, UTC)
    assert held == Session(
        source_id="1", class_source_id="k1", starts_at=at, minutes=90, closed=True,
        taken_at=datetime.fromtimestamp(1706784000, UTC),
    )  # fmt: skip
    assert entry == RegisterEntry(
        source_id="1:2023000000001", session_source_id="1", class_source_id="k1", student_number="2023000000001",
        meaning="present",
    )  # fmt: skip


async def test_the_token_goes_with_the_form_and_never_in_an_address(connect: Connect, script: Script) -> None:
    await read(connect, script, session())
    assert {(asked.method, asked.path) for asked in script.asked} == {("POST", "/webservice/rest/server.php")}
    assert {asked.form["wstoken"] for asked in script.asked} == {SECRET}
    assert {asked.form["moodlewsrestformat"] for asked in script.asked} == {"json"}
    assert [asked.form["wsfunction"] for asked in script.asked] == list(NEEDED)
    assert all(asked.query == {} for asked in script.asked)


@pytest.mark.parametrize("taken", [0, None, ""])
async def test_a_register_that_was_not_taken_says_nothing(connect: Connect, script: Script, taken: Any) -> None:
    (held,) = await read(connect, script, session(lasttaken=taken))
    assert (held.closed, held.taken_at) == (False, None)


async def test_the_usual_acronyms_have_their_usual_meaning(connect: Connect, script: Script) -> None:
    _, *entries = await read(connect, script, session(**lines("P", "L", "E", "A")))
    assert [entry.meaning for entry in entries] == ["present", "late", "excused", "absent"]


async def test_a_school_gives_its_own_acronyms_a_meaning(connect: Connect, script: Script) -> None:
    own = {"到": "present", "假": "excused", "L": "absent"}
    _, *entries = await read(connect, script, session(**lines("到", "假", "L", "P")), acronyms=own)
    assert [entry.meaning for entry in entries] == ["present", "excused", "absent", "present"]


async def test_an_acronym_without_a_meaning_is_never_guessed(connect: Connect, script: Script) -> None:
    _, known, unknown = await read(connect, script, session(**lines("P", "旷")))
    assert known.meaning == "present"
    assert isinstance(unknown, Unreadable)
    assert (unknown.source_id, unknown.stream, unknown.within) == ("1:2023000000001", "attendance", None)
    assert unknown.class_source_id == "k1"


@pytest.mark.parametrize("acronyms", [{"到": "here"}, {"到": None}, ["到"]])
async def test_a_meaning_that_is_none_is_said(connect: Connect, script: Script, acronyms: Any) -> None:
    with pytest.raises(Permanent, match=r"options\.acronyms must map words to present, late, excused, absent"):
        await read(connect, script, session(), acronyms=acronyms)


@pytest.mark.parametrize("person", [6, 99])
async def test_a_line_of_somebody_without_a_student_number_stays(connect: Connect, script: Script, person: int) -> None:
    line = {"id": 4, "studentid": person, "statusid": "1"}
    _, stray = await read(connect, script, session(attendance_log=[line]))
    assert isinstance(stray, Unreadable)
    assert (stray.source_id, stray.within) == ("1:4", "1")


@pytest.mark.parametrize("line", [None, 5, [], {}, {"studentid": []}, {"studentid": {}, "id": None}])
async def test_a_line_that_is_none_may_be_anybodys_of_its_register(connect: Connect, script: Script, line: Any) -> None:
    _, stray = await read(connect, script, session(attendance_log=[line]))
    assert isinstance(stray, Unreadable)
    assert (stray.source_id.startswith("1:row-"), stray.within) == (True, "1")


@pytest.mark.parametrize("field", ["sessdate", "lasttaken"])
@pytest.mark.parametrize("seconds", [1e13, 1e17, -1e17, 2**62, 1e30])
async def test_a_day_beyond_the_calendar_stops_no_reading(
    connect: Connect, script: Script, field: str, seconds: float
) -> None:
    """What a clock's library says of it depends on how far beyond it lies."""
    broken, *rest = await read(connect, script, session(1, **{field: seconds}), session(2))
    assert isinstance(broken, Unreadable) or (broken.closed is False and seconds < 0)
    assert [row.source_id for row in rest if isinstance(row, Session)] == ["2"]


@pytest.mark.parametrize("body", [None, 5, {}, {"id": []}, {"id": " "}])
async def test_a_session_without_an_id_may_be_any_of_its_class(connect: Connect, script: Script, body: Any) -> None:
    (stray,) = await read(connect, script, body)
    assert isinstance(stray, Unreadable)
    assert (stray.source_id.startswith("row-"), stray.within) == (True, "k1")


@pytest.mark.parametrize("part", ["attendance_log", "statuses"])
@pytest.mark.parametrize("value", [None, 5])
async def test_a_session_whose_register_cannot_be_read_proves_no_absence(
    connect: Connect, script: Script, part: str, value: Any
) -> None:
    """Closed and without lines, it would make everybody absent."""
    broken, *rest = await read(connect, script, session(1, **{part: value}), session(2))
    assert isinstance(broken, Unreadable)
    assert (broken.source_id, broken.within, broken.class_source_id) == ("1", None, "k1")
    assert [type(row) for row in rest] == [Session, RegisterEntry]


ERRORS = {
    "invalidtoken": (Permanent, "check its token and rights"),
    "accessexception": (Permanent, "check its token and rights"),
    "invalidrecord": (Permanent, "its function core_course_get_courses_by_field failed"),
    "sitemaintenance": (Transient, "being maintained"),
}


@pytest.mark.parametrize("code", ERRORS)
async def test_an_error_with_status_200_is_one(connect: Connect, script: Script, code: str) -> None:
    kind, words = ERRORS[code]
    script.keeps_saying({"exception": "moodle_exception", "errorcode": code, "message": "320214199102102177"})
    async with MoodleConnector(connect("moodle", MOODLE)) as connector:
        with pytest.raises(kind, match=words) as caught:
            await rows_of(connector, "attendance", classes=["k1"])
    assert "320214" not in str(caught.value)


async def test_a_function_that_fails_in_the_middle_fails_the_read(connect: Connect, script: Script) -> None:
    def plan(asked: Asked) -> Reply:
        if asked.form["wsfunction"] == NEEDED[3]:
            return Reply({"exception": "dml", "errorcode": "invalidparameter"})
        return Reply(moodle(asked, "", []))

    script.follows(plan)
    async with MoodleConnector(connect("moodle", MOODLE)) as connector:
        with pytest.raises(Permanent, match=NEEDED[3]):
            await rows_of(connector, "attendance", classes=["k1"])


@pytest.mark.parametrize("function", NEEDED)
@pytest.mark.parametrize("answer", [{}, "OK", 5, {"courses": [5]}, [5], [{"modules": 5}], [{"x": 1}]])
async def test_what_has_another_shape_is_no_empty_class(
    connect: Connect, script: Script, function: str, answer: Any
) -> None:
    fits = function == NEEDED[1] and answer == [{"x": 1}]  # a section without modules is one

    def plan(asked: Asked) -> Reply:
        return Reply(answer if asked.form["wsfunction"] == function else moodle(asked, "", [session()]))

    script.follows(plan)
    async with MoodleConnector(connect("moodle", MOODLE)) as connector:
        if fits:
            assert await rows_of(connector, "attendance", classes=["k1"]) == []
        elif function == NEEDED[3] and isinstance(answer, list):
            rows = await rows_of(connector, "attendance", classes=["k1"])
            assert [type(row) for row in rows] == [Unreadable]
        else:
            with pytest.raises(Permanent, match="another shape"):
                await rows_of(connector, "attendance", classes=["k1"])


async def test_a_class_moodle_does_not_have_yet_is_empty(connect: Connect, script: Script) -> None:
    script.says({"courses": [], "warnings": []})
    async with MoodleConnector(connect("moodle", MOODLE)) as connector:
        (page,) = await pages_of(connector, "attendance", classes=["k9"])
    assert list(page.rows) == []


async def test_each_class_is_a_page_and_one_that_fails_stops_the_read(connect: Connect, script: Script) -> None:
    def plan(asked: Asked) -> Reply:
        if asked.form.get("value") == "k3":
            return Reply({"exception": "x", "errorcode": "y"})
        return Reply(moodle(asked, "", [session()]))

    script.follows(plan)
    async with MoodleConnector(connect("moodle", MOODLE)) as connector:
        assert len(await pages_of(connector, "attendance", classes=["k1", "k2"])) == 2
        assert await pages_of(connector, "attendance") == []
        with pytest.raises(Permanent):
            await pages_of(connector, "attendance", classes=["k1", "k2", "k3", "k4", "k5", "k6", "k7"])


async def test_a_check_names_the_functions_a_token_may_not_call(connect: Connect, script: Script) -> None:
    script.says({"functions": [{"name": NEEDED[0]}, {"name": NEEDED[1]}, 5]}, {"functions": None})
    async with MoodleConnector(connect("moodle", MOODLE)) as connector:
        (some,), (none,) = await connector.check(), await connector.check()
    assert not some.ok and not none.ok
    assert NEEDED[2] in some.message and NEEDED[3] in some.message and NEEDED[0] not in some.message


async def test_the_sandbox_s_registers_have_a_line_for_each_place(world: World) -> None:
    from connectors.oneroster import OneRosterConnector

    async with OneRosterConnector(world.connections["school"]) as school:
        classes = [row.source_id for row in await rows_of(school, "classes")]
    async with MoodleConnector(world.connections["school-moodle"]) as connector:
        rows = await rows_of(connector, "attendance", classes=classes)
    sessions = {row.source_id: row for row in rows if isinstance(row, Session)}
    entries = [row for row in rows if isinstance(row, RegisterEntry)]
    assert len(sessions) + len(entries) == len(rows) > 100
    assert {entry.session_source_id for entry in entries} == {id for id, row in sessions.items() if row.closed}
