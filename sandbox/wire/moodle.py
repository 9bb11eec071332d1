"""The school's Moodle: courses, who is enrolled, and the registers of mod_attendance.

Belongs here: the web service functions. Does not: who was there (cohorts/).
"""

from collections.abc import Callable
from typing import Any
from zlib import crc32

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.days import moment
from sandbox.organisations import CENTRE
from sandbox.story import Story
from sandbox.timetable import ClassPlan
from sandbox.truth import register_closed_on
from sandbox.wire.http import Json, Refusal, form, whole
from sandbox.wire.names import SECRET
from sandbox.wire.state import State, state_of

# Course, attendance instance and session ids are the class's number with these added, as numbers in Moodle are.
COURSE, ATTENDANCE, MODULE, SESSION = 1000, 5000, 7000, 100
MINUTES = 180
_STATUSES = (("P", "出勤", 2.0), ("L", "迟到", 1.0), ("E", "请假", 1.0), ("A", "缺勤", 0.0))
Values = dict[str, str]


def _error(exception: str, code: str, message: str) -> Refusal:
    """Return an error as Moodle gives it: with status 200."""
    return Refusal(Json({"exception": exception, "errorcode": code, "message": message}))


async def serve(request: Request) -> Response:
    """POST /webservice/rest/server.php."""
    values = await form(request)
    if values.get("wstoken") != SECRET:
        raise _error("core\\exception\\moodle_exception", "invalidtoken", "Invalid token - token not found")
    if values.get("moodlewsrestformat") != "json":
        return Response('<?xml version="1.0" encoding="UTF-8" ?>\n<EXCEPTION/>', media_type="application/xml")
    function = _FUNCTIONS.get(values.get("wsfunction", ""))
    if function is None:
        raise _error(
            "dml_missing_record_exception",
            "invalidrecord",
            "Can't find data record in database table external_functions.",
        )
    return Json(function(state_of(request), values))


def _plan(state: State, values: Values, name: str, base: int) -> ClassPlan:
    """Return the class a numeric parameter means, if it exists by today."""
    number = whole(values.get(name), 0)
    if not number:
        raise _error("invalid_parameter_exception", "invalidparameter", "Invalid parameter value detected")
    for plan in state.world.classes.values():
        if plan.number + base == number and plan.created_on <= state.today:
            return plan
    raise _error("dml_missing_record_exception", "invalidrecord", "Can't find data record in database.")


def _site(state: State, _: Values) -> Any:
    """core_webservice_get_site_info."""
    functions = [{"name": name, "version": "2023042400"} for name in _FUNCTIONS]
    return {
        "sitename": "无锡开放大学学习平台（示例）",
        "username": "yuanmeng",
        "release": "4.2.1",
        "functions": functions,
    }


def _courses(state: State, values: Values) -> Any:
    """core_course_get_courses_by_field: by idnumber, which is the class's OneRoster sourcedId, by id, or all."""
    field, value = values.get("field", ""), values.get("value", "")
    plans = [p for p in state.world.classes.values() if p.created_on <= state.today]
    if field == "idnumber":
        plans = [p for p in plans if p.id == value]
    elif field == "id":
        plans = [p for p in plans if str(COURSE + p.number) == value]
    elif field:
        raise _error("invalid_parameter_exception", "invalidparameter", "Invalid field name")
    return {"courses": [_course(plan) for plan in plans], "warnings": []}


def _course(plan: ClassPlan) -> dict[str, Any]:
    """Return a course."""
    return {
        "id": COURSE + plan.number,
        "fullname": f"{plan.module.name}（{plan.cohort}）",
        "shortname": f"{plan.cohort}-{plan.module.code}",
        "idnumber": plan.id,
        "startdate": int(moment(plan.starts_on, plan.id).timestamp()),
        "visible": 1,
    }


def _contents(state: State, values: Values) -> Any:
    """core_course_get_contents: a general section with the register in it."""
    plan = _plan(state, values, "courseid", COURSE)
    register = {
        "id": MODULE + plan.number,
        "instance": ATTENDANCE + plan.number,
        "modname": "attendance",
        "name": "面授考勤",
        "visible": 1,
    }
    forum = {
        "id": MODULE + 1000 + plan.number,
        "instance": plan.number,
        "modname": "forum",
        "name": "公告",
        "visible": 1,
    }
    return [{"id": plan.number, "name": "概况", "visible": 1, "summary": "", "modules": [forum, register]}]


def _members(state: State, plan: ClassPlan) -> list[tuple[Story, bool]]:
    """Return who is enrolled by today, and whether still."""
    members = []
    for story in state.world.students.values():
        study = story.studies.get(plan.module.code)
        if story.cohort == plan.cohort and study and study.enrolled and story.registered_on:
            left = story.left_on is not None and story.left_on < state.today
            if story.registered_on <= state.today and not (left and not study.letters):
                members.append((story, left))
    return members


def learner_id(story: Story) -> int:
    """Return a person's numeric id in Moodle."""
    return 20_000 + int(story.student_number or 0) % 10_000


def _names(story: Story) -> dict[str, Any]:
    """Return how Moodle names a person."""
    return {"id": learner_id(story), "firstname": story.person.given_name, "lastname": story.person.surname}


def _enrolled(state: State, values: Values) -> Any:
    """core_enrol_get_enrolled_users: students, those suspended too, and the teacher."""
    plan = _plan(state, values, "courseid", COURSE)
    roles = [{"roleid": 5, "name": "学生", "shortname": "student", "sortorder": 0}]
    users = [
        {
            **_names(story),
            "username": f"s{story.student_number}",
            "fullname": story.person.name,
            "idnumber": story.student_number,
            "suspended": left,
            "roles": roles,
        }
        for story, left in _members(state, plan)
    ]
    teacher = {"roleid": 3, "name": "教师", "shortname": "editingteacher", "sortorder": 0}
    users.append({"id": 3, "username": "teacher", "firstname": "立德", "lastname": "陈", "fullname": "陈立德",
                  "idnumber": "", "suspended": False, "roles": [teacher]})  # fmt: skip
    return users


def _sessions(state: State, values: Values) -> Any:
    """mod_attendance_get_sessions: every session planned, with its register once that is closed."""
    plan = _plan(state, values, "attendanceid", ATTENDANCE)
    members = _members(state, plan)
    users = [_names(story) for story, left in members if not left]
    return [_session(state, plan, place, members, users) for place in range(len(plan.sessions))]


def _session(
    state: State, plan: ClassPlan, place: int, members: list[tuple[Story, bool]], users: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a session; `lasttaken` is 0 and the log empty until the register is closed."""
    day, closed = plan.sessions[place], register_closed_on(plan, place)
    start = moment(day, "class").replace(hour=9 if place % 2 else 13, minute=0)
    taken = closed <= state.today
    done = int(moment(closed, f"{plan.id}{place}").replace(hour=19).timestamp())
    created = int(moment(plan.created_on, plan.id).timestamp())
    first = (ATTENDANCE + plan.number) * 10
    return {
        "id": SESSION * plan.number + place,
        "attendanceid": ATTENDANCE + plan.number,
        "groupid": 0,
        "sessdate": int(start.timestamp()),
        "duration": MINUTES * 60,
        "lasttaken": done if taken else 0,
        "lasttakenby": 3 if taken else 0,
        "timemodified": done if taken else created,
        "description": f"第{place + 1}次面授 {CENTRE.name}",
        "descriptionformat": 1,
        "courseid": COURSE + plan.number,
        "statuses": [
            {"id": first + at, "attendanceid": ATTENDANCE + plan.number, "acronym": letter, "description": text,
             "grade": grade, "visible": 1, "deleted": 0, "setnumber": 0}
            for at, (letter, text, grade) in enumerate(_STATUSES)
        ],
        "attendance_log": _log(state, plan, place, members, first) if taken else [],
        "users": users,
    }  # fmt: skip


def _log(
    state: State, plan: ClassPlan, place: int, members: list[tuple[Story, bool]], first: int
) -> list[dict[str, Any]]:
    """Return the register of a session: a line for each who was on the list that day."""
    order = [letter for letter, _, _ in _STATUSES]
    log = []
    for story, _ in members:
        letters = story.studies[plan.module.code].letters
        if place < len(letters):
            letter = state.letters.get((plan.id, str(story.student_number), place), letters[place])
            id = crc32(f"{plan.id}{place}{story.student_number}".encode())
            log.append({"id": id, "studentid": learner_id(story), "statusid": str(first + order.index(letter)),
                        "remarks": "", "statusset": ""})  # fmt: skip
    return log


_FUNCTIONS: dict[str, Callable[[State, Values], Any]] = {
    "core_webservice_get_site_info": _site,
    "core_course_get_courses_by_field": _courses,
    "core_course_get_contents": _contents,
    "core_enrol_get_enrolled_users": _enrolled,
    "mod_attendance_get_sessions": _sessions,
}
ROUTES = [Route("/school/moodle/webservice/rest/server.php", serve, methods=["GET", "POST"])]
