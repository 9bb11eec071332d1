"""Reading sources into the database: what is written with which cursor, and what a fault leaves behind."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import Connection
from models.tables.lifecycle import Application
from models.tables.operations import Quarantine, SyncCursor
from models.tables.people import Consent, Document, Employment, Leave, Participant, Worker
from models.tables.teaching import Attendance, ClassSection, Enrolment, Mark, OnlineStudy
from tasks.office import Office, use_office
from tasks.quarantine import quarantine_list, quarantine_retry
from tasks.sync import sync_connections
from tests.connectors.script import Asked, Reply, Script
from tests.fixtures.cohorts import ENTERPRISE, OTHER_ENTERPRISE, STUDY_OVER, Case, change, rows

DAY = date(2026, 6, 1)
STAMP = "2026-05-30T08:00:00Z"
Read = Callable[..., dict[str, Any]]
Rows = list[dict[str, Any]]


@pytest.fixture
def connect(script: Script, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Connects the office in use to the scripted system."""
    monkeypatch.setenv("YM_TEST_SECRET", "secret")

    def make(kind: str, *, organisation: str = ENTERPRISE, **options: Any) -> None:
        from tasks.office import office

        here = office()
        auth = {"type": "bearer", "token_env": "YM_TEST_SECRET"}
        one = Connection(name="there", kind=kind, organisation=organisation, base_url=script.url, auth=auth,
                         options=options)  # fmt: skip
        use_office(Office(here.settings.model_copy(update={"connections": (one,)}), here.engine, here.policies))

    return make


@pytest.fixture
def read() -> Read:
    """Reads the connection as of a day, and gives its account."""

    def go(day: date = DAY, *, full: bool = False) -> dict[str, Any]:
        return asyncio.run(sync_connections(["there"], day, full))["there"]

    return go


def partner(script: Script, **streams: Rows) -> None:
    """Let the system answer with these rows, a page each two, sifting by `since` as a partner does."""

    def answer(asked: Asked) -> Reply:
        found = streams.get(asked.path.rpartition("/")[2], [])
        since = datetime.fromisoformat(asked.query["since"]) if "since" in asked.query else None
        found = [row for row in found if since is None or datetime.fromisoformat(row["updated_at"]) >= since]
        start = int(asked.query.get("cursor") or 0)
        more = str(start + 2) if start + 2 < len(found) else None
        return Reply({"items": found[start : start + 2], "next": more})

    script.follows(answer)


def consent(case: Case, number: int, **changes: Any) -> dict[str, Any]:
    """A form of consent of one of the roster's people."""
    return {
        "id": f"C{number}", "updated_at": STAMP, "employee_number": f"E{number}",
        "resident_id": resident_id(case, number), "kinds": ["sensitive", "school", "notice"], "text_version": "v1",
        "given_at": STAMP, **changes,
    }  # fmt: skip


def resident_id(case: Case, number: int) -> str:
    """The ID number of one of the roster's people."""
    workers = {worker.id: worker.resident_id for worker in rows(Worker)}
    return workers[case.people[number].worker_id]


def same_sum(account: dict[str, Any]) -> bool:
    """Whether read = written + unchanged + removed + quarantined in every stream."""
    return all(
        one["read"] == one["written"] + one["unchanged"] + one["removed"] + one["quarantined"]
        for one in account["streams"].values()
    )


def test_rows_are_written_once_and_the_cursor_is_the_sources_greatest_timestamp(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    connect("partner", streams=["consents"])
    late = "2026-05-31T09:00:00Z"
    partner(script, consents=[consent(case, 0), consent(case, 1), consent(case, 2, updated_at=late)])
    first, again, full = read(), read(), read(full=True)
    assert (first["streams"]["consents"]["read"], first["streams"]["consents"]["written"]) == (3, 3)
    assert again["streams"]["consents"]["written"] == 0
    assert full["streams"]["consents"] == full["streams"]["consents"] | {"read": 3, "written": 0, "unchanged": 3}
    (cursor,) = rows(SyncCursor)
    assert cursor.cursor == datetime(2026, 5, 31, 9, tzinfo=UTC)
    assert len(rows(Consent)) == 9
    assert all(same_sum(one) for one in (first, again, full))


def test_the_next_reading_asks_from_the_cursor_less_ten_minutes(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    connect("partner", streams=["consents"])
    partner(script, consents=[consent(case, 0)])
    read()
    read()
    asked = datetime.fromisoformat(script.asked[-1].query["since"])
    assert asked == datetime(2026, 5, 30, 8, tzinfo=UTC) - timedelta(minutes=10)


def test_a_timestamp_in_the_future_is_held_back_and_never_becomes_the_cursor(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    connect("partner", streams=["consents"])
    partner(script, consents=[consent(case, 0), consent(case, 1, updated_at="9999-12-31T23:59:59Z")])
    account = read()["streams"]["consents"]
    assert (account["written"], account["quarantined"]) == (1, 1)
    assert rows(SyncCursor)[0].cursor == datetime(2026, 5, 30, 8, tzinfo=UTC)
    assert [one["rules"] for one in quarantine_list()] == ["timestamp-in-future"]


@pytest.mark.parametrize("stamp", ["9999-12-31T23:59:59-08:00", "9999-12-31T23:59:59Z", "9999-12-31T20:00:00+08:00"])
def test_an_instant_at_the_end_of_the_calendar_stops_no_night(
    case: Case, script: Script, connect: Callable[..., None], read: Read, stamp: str
) -> None:
    """It has no name in every offset: it is held back all the same, beside rows that are right, night after night."""
    connect("scim")
    users = [{**person("u1", "N-1"), "active": False, "meta": {"lastModified": stamp}}, person("u2", "N-2")]
    script.follows(lambda asked: Reply(listed(users) if asked.path.endswith("Users") else {}))
    for _ in range(2):
        account = read(full=True)
        assert (account["status"], account["streams"]["employment"]["quarantined"]) == ("ok", 1)
    assert [one.id for one in rows(Employment)] == ["there:u2"]
    assert [one["rules"] for one in quarantine_list()] == ["timestamp-in-future"]


def test_study_at_the_beginning_of_the_calendar_stops_no_night(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    connect("xapi")
    first = {**statement("s-0"), "timestamp": "0001-01-01T00:00:00+08:00"}
    script.keeps_saying({"statements": [first, statement("s-1")], "more": ""})
    assert read()["streams"]["online-study"]["quarantined"] == 1
    assert [one.id for one in rows(OnlineStudy)] == ["there:s-1"]
    assert [one["rules"] for one in quarantine_list()] == ["date-out-of-range"]


def test_a_page_that_fails_leaves_the_pages_before_it_and_no_cursor(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    """What could not be read is never empty: the account says failed, and the next night reads from where it was."""
    connect("partner", streams=["consents"])
    pages = [consent(case, number) for number in range(4)]
    script.says({"items": pages[:2], "next": "2"}, {"items": pages[2:3], "next": "3"}, Reply(b"<html>", 200))
    script.keeps_saying(Reply(b"<html>", 200))
    account = read()
    assert account["status"] == "failed"
    assert "consents" in account["reason"]
    assert rows(SyncCursor) == []
    partner(script, consents=pages)
    assert read()["streams"]["consents"]["read"] == 4
    assert len(rows(Consent)) == 12


def test_a_row_is_held_back_until_what_it_refers_to_is_there(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    """A mark for a class that comes a night later is taken through again by itself."""
    connect("oneroster", organisation=OTHER_ENTERPRISE)
    late = {name: found for name, found in SCHOOL.items() if name not in ("classes", "enrollments", "lineItems")}
    school(script, late)
    first = read()
    assert first["streams"]["results"]["quarantined"] == 1
    assert [one["rules"] for one in quarantine_list()] == ["reference-unknown"]
    school(script, SCHOOL)
    second = read()
    assert second["status"] == "ok"
    assert quarantine_list() == []
    assert rows(Mark)[0].score == Decimal("59.95")


def test_what_a_school_deletes_is_removed_once(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    connect("oneroster", organisation=OTHER_ENTERPRISE)
    school(script, SCHOOL)
    read()
    gone = {**SCHOOL, "enrollments": [{**SCHOOL["enrollments"][0], "status": "tobedeleted"}]}
    school(script, gone)
    account = read(full=True)["streams"]["enrolments"]
    assert (account["read"], account["removed"]) == (1, 1)
    assert rows(Enrolment) == []
    assert read(full=True)["streams"]["enrolments"]["unchanged"] == 1


def test_an_answer_that_is_taken_back_is_for_a_person_and_our_own_row_stays(
    at: Callable[[str], Case], script: Script, connect: Callable[..., None], read: Read
) -> None:
    case = at("admission")
    application = next(one for one in rows(Application) if one.participant_id == case.people[0].id)
    connect("partner", streams=["admissions"])
    answer = {"id": "A1", "updated_at": STAMP, "application_id": application.id, "status": "admitted", "deleted": True}
    partner(script, admissions=[answer])
    assert read()["streams"]["admissions"]["quarantined"] == 1
    assert {one.id for one in rows(Application)} >= {application.id}
    assert quarantine_list()[0]["rules"] == "answer-taken-back"


def test_two_answers_about_one_application_in_one_page_leave_the_last(
    at: Callable[[str], Case], script: Script, connect: Callable[..., None], read: Read
) -> None:
    case = at("admission")
    application = next(one for one in rows(Application) if one.participant_id == case.people[0].id)
    connect("partner", streams=["admissions"])
    answers = [
        {
            "id": "A1",
            "updated_at": STAMP,
            "application_id": application.id,
            "status": status,
            "decided_on": "2026-05-30",
        }
        for status in ("pending", "admitted")
    ]
    partner(script, admissions=answers)
    account = read()["streams"]["admissions"]
    assert (account["written"], account["unchanged"]) == (1, 1)
    assert next(one for one in rows(Application) if one.id == application.id).status == "admitted"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["statement first", "withdrawal first"])
def test_a_withdrawn_statement_counts_no_more_in_whichever_order_it_comes(
    case: Case, script: Script, connect: Callable[..., None], read: Read, order: tuple[int, int]
) -> None:
    connect("xapi")
    statements = [statement("s-1"), voiding("v-1", "s-1")]
    script.keeps_saying({"statements": [statements[place] for place in order], "more": ""})
    read()
    (row,) = rows(OnlineStudy)
    assert (row.voided, row.student_number, row.minutes) == (True, "2026000000001", Decimal("30.000"))
    assert read(full=True)["streams"]["online-study"]["written"] == 0


def test_employees_are_matched_by_hash_then_by_number_and_a_doubtful_match_is_held(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    people = case.people
    change(Participant, people[2].id, employee_number="N-3")
    connect("scim", extension="urn:x")
    users = [
        person("u1", "N-1", **{"urn:x": {"residentId": resident_id(case, 0)}}),
        person("u2", "N-2", **{"urn:x": {"residentId": "11010519491231002X"}}),
        person("u3", "N-3"),
    ]
    script.follows(lambda asked: Reply(listed(users) if asked.path.endswith("Users") else {}))
    assert read()["status"] == "ok"
    matched = {one.id: one.worker_id for one in rows(Employment)}
    assert matched == {"there:u1": people[0].worker_id, "there:u2": None, "there:u3": people[2].worker_id}


def test_one_number_of_two_workers_is_held_never_guessed(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    for one in case.people[:2]:
        change(Participant, one.id, employee_number="E-SAME")
    connect("scim")
    script.follows(lambda asked: Reply(listed([person("u1", "E-SAME")]) if asked.path.endswith("Users") else {}))
    assert read()["streams"]["employment"]["quarantined"] == 1
    assert quarantine_list()[0]["rules"] == "match-ambiguous"
    change(Participant, case.people[0].id, employee_number="E-OTHER")
    assert quarantine_retry(DAY) == {"cured": 1, "left": 0}
    assert rows(Employment)[0].worker_id == case.people[1].worker_id


def test_registers_are_asked_for_the_classes_that_run(
    at: Callable[[str], Case], script: Script, connect: Callable[..., None], read: Read
) -> None:
    """Only classes whose term runs, is near or has just ended are asked for, by the school's own ids."""
    case = at("teaching")
    case.timetable(["M01", "M03"])
    connect("moodle", organisation=OTHER_ENTERPRISE)
    script.keeps_saying({"courses": []})
    read(date(2026, 9, 20))
    asked = {one.form.get("value") for one in script.asked}
    running = {one.source_id for one in rows(ClassSection) if one.title and "M01" in one.source_id + one.code}
    assert asked == running
    assert rows(Attendance) == []


def test_documents_change_the_worker_and_an_older_one_does_not(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    def card(id: str, number: str, day: str) -> dict[str, Any]:
        return {"id": id, "updated_at": STAMP, "resident_id": resident_id(case, 0), "kind": "bank-card", "value": number,
                "as_of": day}  # fmt: skip

    connect("partner", streams=["documents", "leave"])
    leave = {"id": "L1", "updated_at": STAMP, "resident_id": resident_id(case, 0), "from": "2026-09-01", "to": "2026-09-02",
             "kind": "study", "status": "approved", "hours": 16}  # fmt: skip
    documents = [card("D1", "6220000000000001", "2026-05-30"), card("D2", "6220000000000019", "2026-05-29")]
    partner(script, documents=documents, leave=[leave])
    assert read()["streams"]["documents"]["written"] == 2
    worker = next(one for one in rows(Worker) if one.id == case.people[0].worker_id)
    assert worker.bank_card == "6220000000000001"
    assert (len(rows(Document)), rows(Leave)[0].hours) == (2, Decimal("16.000"))
    wrong = [card("D3", "6220000000000002", "2026-05-31")]
    partner(script, documents=wrong, leave=[])
    assert read(full=True)["streams"]["documents"]["quarantined"] == 1
    assert "6220000000000002" not in str(rows(Quarantine))


def document(case: Case, kind: str, value: str, id: str = "D1") -> dict[str, Any]:
    """A document of the first of the roster's people."""
    return {"id": id, "updated_at": STAMP, "resident_id": resident_id(case, 0), "kind": kind, "value": value,
            "as_of": "2026-05-30"}  # fmt: skip


def test_a_document_settles_what_it_is_about_and_one_that_says_nothing_known_is_held(
    case: Case, script: Script, connect: Callable[..., None], read: Read
) -> None:
    connect("partner", streams=["documents"])
    told = [document(case, "mobile", "+86 139-1111-2222", "D1"), document(case, "household", "城镇", "D2"),
            document(case, "education", "大专", "D3"), document(case, "education", "x", "D4"),
            document(case, "passport", "x", "D5"), document(case, "mobile", "12", "D6")]  # fmt: skip
    partner(script, documents=told)
    assert read()["streams"]["documents"]["quarantined"] == 3
    rules = sorted(one["rules"] for one in quarantine_list())
    assert rules == ["document-kind-unknown", "document-unreadable", "mobile-invalid"]
    worker = next(one for one in rows(Worker) if one.id == case.people[0].worker_id)
    assert (worker.mobile, worker.household, worker.education) == ("13911112222", "urban", "大专")


def test_certificate_numbers_are_checked_and_belong_to_one(
    at: Callable[[str], Case], script: Script, connect: Callable[..., None], read: Read
) -> None:
    case = at("certification")
    case.advance(STUDY_OVER)
    asked = case.graduations()[:3]
    connect("partner", streams=["diplomas"])
    numbers = ("123455202906000001", "123455202906000001", "12345")
    issued = [
        {"id": f"DP{place}", "updated_at": STAMP, "graduation_id": one.id, "number": number, "issued_on": "2026-05-30"}
        for place, (one, number) in enumerate(zip(asked, numbers, strict=True))
    ]
    partner(script, diplomas=issued)
    account = read(STUDY_OVER)["streams"]["diplomas"]
    assert (account["written"], account["quarantined"]) == (1, 2)
    rules = sorted(one["rules"] for one in quarantine_list())
    assert rules == ["certificate-number-taken", "diploma-number-form"]


def statement(id: str) -> dict[str, Any]:
    """Half an hour of online study."""
    return {
        "id": id, "stored": STAMP, "timestamp": STAMP, "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "actor": {"account": {"homePage": "https://x", "name": "2026000000001"}}, "object": {"id": "https://x/unit/1"},
        "result": {"duration": "PT30M"},
    }  # fmt: skip


def voiding(id: str, of: str) -> dict[str, Any]:
    """A statement that withdraws another."""
    return {
        "id": id, "stored": STAMP, "timestamp": STAMP, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "actor": {"mbox": "mailto:x@example.org"}, "object": {"objectType": "StatementRef", "id": of},
    }  # fmt: skip


def person(id: str, number: str, **more: Any) -> dict[str, Any]:
    """An employee as SCIM has him."""
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    return {"id": id, "userName": id, "active": True, "meta": {"lastModified": STAMP},
            enterprise: {"employeeNumber": number}, **more}  # fmt: skip


def listed(users: Rows) -> dict[str, Any]:
    """A page of SCIM users."""
    return {"totalResults": len(users), "startIndex": 1, "itemsPerPage": len(users), "Resources": users}


def _head(id: str) -> dict[str, Any]:
    return {"sourcedId": id, "status": "active", "dateLastModified": STAMP}


def _ref(id: str) -> dict[str, str]:
    return {"href": f"https://x/{id}", "sourcedId": id, "type": "x"}


SCHOOL: dict[str, Rows] = {
    "terms": [{**_head("T1"), "title": "1", "startDate": "2026-09-01", "endDate": "2027-01-16"}],
    "courses": [{**_head("K1"), "courseCode": "M01", "title": "K"}],
    "classes": [{**_head("C1"), "classCode": "C1", "title": "C", "course": _ref("K1"), "terms": [_ref("T1")]}],
    "users": [{**_head("U1"), "enabledUser": "true", "identifier": "2026000000001", "familyName": "A", "givenName": "B"}],
    "enrollments": [{**_head("E1"), "class": _ref("C1"), "user": _ref("U1"), "role": "student"}],
    "categories": [{**_head("CAT"), "title": "期末"}],
    "lineItems": [{**_head("L1"), "class": _ref("C1"), "title": "期末", "category": _ref("CAT"), "dueDate": "2027-01-10"}],
    "results": [{**_head("R1"), "lineItem": _ref("L1"), "student": _ref("U1"), "score": 59.95,
                 "scoreStatus": "fully graded"}],
}  # fmt: skip


def school(script: Script, objects: dict[str, Rows]) -> None:
    """Let the system answer as a school with these objects."""

    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        found = objects.get(name, [])[int(asked.query.get("offset") or 0) :]
        body = {"academicSessions" if name == "terms" else name: found}
        return Reply(body, headers={"X-Total-Count": str(len(objects.get(name, [])))})

    script.follows(answer)
