"""A sound answer of every kind and stream, to be broken one way at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.partner import PARSERS
from connectors.registry import KINDS
from tests.connectors.conftest import BEARER, MOODLE
from tests.connectors.script import Asked, Reply

AT = "2024-02-01T08:00:00.000Z"
ID = "320214199102102177"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ATTENDED = "http://adlnet.gov/expapi/verbs/attended"
Row = dict[str, Any]
Answer = Callable[[Asked, str, Sequence[Any]], Any]


@dataclass(frozen=True)
class Wire:
    """One stream of one kind: a row as it should be, and the answer that carries rows."""

    kind: str
    stream: str
    row: Row
    answer: Answer
    auth: dict[str, Any] = field(default_factory=lambda: BEARER)
    options: dict[str, Any] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)

    def says(self, *rows: Any) -> Callable[[Asked], Reply]:
        """Give the plan of a system that holds these rows."""

        def plan(asked: Asked) -> Reply:
            found = self.answer(asked, self.stream, rows)
            return found if isinstance(found, Reply) else Reply(found)

        return plan


def user(number: int = 1, **more: Any) -> Row:
    """An employee."""
    return {"id": f"u{number}", "userName": f"e{number}", "active": True, "meta": {"lastModified": AT},
            "name": {"formatted": "张一"}, ENTERPRISE: {"employeeNumber": f"E{number}", "department": "一车间"}, **more}  # fmt: skip


def scim(asked: Asked, _: str, rows: Sequence[Any]) -> Any:
    """All users in one page, from a server that says it can filter."""
    if asked.path.endswith("/ServiceProviderConfig"):
        return {"filter": {"supported": True}, "pagination": {"cursor": False}}
    return {"totalResults": len(rows), "startIndex": 1, "itemsPerPage": len(rows), "Resources": list(rows)}


def thing(number: int = 1, **more: Any) -> Row:
    """An object of OneRoster."""
    return {"sourcedId": f"s{number}", "status": "active", "dateLastModified": AT, **more}


def ref(id: str) -> Row:
    """A reference of OneRoster."""
    return {"href": f"https://sis.example/{id}", "sourcedId": id, "type": "any"}


ROSTER_ROWS = {
    "terms": thing(title="2024 春", startDate="2024-02-26", endDate="2024-07-06", type="term"),
    "courses": thing(title="机械制图", courseCode="M01", org=ref("o1")),
    "classes": thing(title="机械制图 1 班", classCode="M01-1", course=ref("c1"), terms=[ref("t1")]),
    "people": thing(enabledUser="true", givenName="一", familyName="张",
                    userIds=[{"type": "studentNumber", "identifier": "2023000000001"}]),
    "enrolments": thing(role="student", user=ref("u1"), **{"class": ref("k1")}),
    "line-items": thing(title="期末考试", category=ref("g1"), dueDate="2024-06-30", **{"class": ref("k1")}),
    "results": thing(lineItem=ref("l1"), student=ref("u1"), scoreStatus="fully graded", score=59.95,
                     scoreDate="2024-06-30"),
}  # fmt: skip


def oneroster(asked: Asked, _: str, rows: Sequence[Any]) -> Any:
    """A page of a collection, with its total."""
    name = asked.path.rpartition("/")[2]
    if name == "categories":
        rows = [thing(title="期末", sourcedId="g1")]
    offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
    page = list(rows)[offset : offset + limit]
    return Reply({name: page}, headers={"X-Total-Count": str(len(rows))})


def session(number: int = 1, **more: Any) -> Row:
    """A session of mod_attendance whose register was taken."""
    return {"id": number, "attendanceid": 7, "groupid": 0, "sessdate": 1706778000, "duration": 5400,
            "lasttaken": 1706784000, "timemodified": 1706784000, "description": "", "courseid": 3,
            "statuses": [{"id": 1, "acronym": "P"}, {"id": 2, "acronym": "A"}],
            "attendance_log": [{"id": 10 * number, "studentid": 5, "statusid": "1", "remarks": ""}],
            "users": [{"id": 5, "firstname": "一", "lastname": "张"}], **more}  # fmt: skip


def moodle(asked: Asked, _: str, rows: Sequence[Any]) -> Any:
    """One course with one register, and whatever else is asked for."""
    return {
        "core_webservice_get_site_info": {"functions": [
            {"name": name} for name in ("core_course_get_courses_by_field", "core_course_get_contents",
                                        "core_enrol_get_enrolled_users", "mod_attendance_get_sessions")]},
        "core_course_get_courses_by_field": {"courses": [{"id": 3}], "warnings": []},
        "core_course_get_contents": [{"modules": [{"modname": "attendance", "instance": 7}, {"modname": "forum"}]}],
        "core_enrol_get_enrolled_users": [{"id": 5, "idnumber": "2023000000001"}, {"id": 6, "idnumber": ""}],
        "mod_attendance_get_sessions": list(rows),
    }[asked.form["wsfunction"]]  # fmt: skip


def statement(number: int = 1, **more: Any) -> Row:
    """An xAPI statement of a check-in."""
    return {"id": f"00000000-0000-4000-8000-{number:012}", "verb": {"id": ATTENDED}, "stored": AT, "timestamp": AT,
            "actor": {"account": {"homePage": "https://school.example", "name": "2023000000001"}},
            "object": {"id": "https://lrs.example/sessions/9"}, "result": {"duration": "PT1H30M"},
            "context": {"contextActivities": {"parent": [{"id": "https://lrs.example/classes/k1"}]}}, **more}  # fmt: skip


def xapi(_: Asked, __: str, rows: Sequence[Any]) -> Any:
    """All statements in one answer."""
    return {"statements": list(rows), "more": ""}


def changed(**fields: Any) -> Row:
    """A row of the partner API."""
    return {"id": "p1", "updated_at": "2024-02-01T08:00:00+08:00", **fields}


PARTNER_ROWS = {
    "consents": changed(employee_number="E1", resident_id=ID, kinds=["sensitive"], text_version="1", given_at=AT),
    "documents": changed(resident_id=ID, kind="household", value="农村", as_of="2024-02-01"),
    "leave": changed(resident_id=ID, kind="study", status="approved", hours=4.5,
                     **{"from": "2024-02-01", "to": "2024-02-02"}),
    "outcomes": changed(resident_id=ID, kind="certificate", title="电工", evidence="file", module_code="M01",
                        credits_claimed=3, awarded_on="2023-02-01"),
    "objections": changed(notice_id="n1", resident_id=ID, text="不符", raised_on="2024-02-01", status="open"),
    "admissions": changed(application_id="a1", status="admitted", decided_on="2024-02-01"),
    "registrations": changed(application_id="a1", student_number="2023000000001", status="registered",
                             registered_on="2024-02-01"),
    "class-confirmations": changed(class_id="k1", status="confirmed", starts_on="2024-02-26"),
    "skill-results": changed(registration_id="r1", status="passed", score=80, assessed_on="2024-02-01"),
    "skill-certificates": changed(registration_id="r1", number="Y000132000123254000001", level=4,
                                  issued_on="2024-02-01"),
    "diplomas": changed(graduation_id="g1", number="123455202706000123", issued_on="2024-02-01"),
    "payment-results": changed(payment_id="y1", status="returned", reason="account closed", on="2024-02-01"),
}  # fmt: skip


def partner(_: Asked, __: str, rows: Sequence[Any]) -> Any:
    """All rows in one page."""
    return {"items": list(rows), "next": None}


WIRES = [
    Wire("scim", "employment", user(), scim),
    *(Wire("oneroster", stream, row, oneroster) for stream, row in ROSTER_ROWS.items()),
    Wire("moodle", "attendance", session(), moodle, MOODLE, scope={"classes": ["k1"]}),
    Wire("xapi", "online-study", statement(), xapi),
    *(
        Wire("partner", stream, row, partner, options={"streams": list(PARTNER_ROWS)})
        for stream, row in PARTNER_ROWS.items()
    ),
]
CHATS = ("slack", "apprise")
FOLDERS = ("spreadsheet",)  # they speak no HTTP: test_drop_folder.py holds them to the same
assert {wire.kind for wire in WIRES} | set(CHATS) | set(FOLDERS) == set(KINDS), (
    "a kind of the registry has no wire here"
)
assert set(PARTNER_ROWS) == set(PARSERS), "a stream of the partner API has no row here"
