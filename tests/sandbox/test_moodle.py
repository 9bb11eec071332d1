"""The school's Moodle: courses, places and registers as its web services give them, errors with status 200."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Caller

END = "2026-11-20"
SERVER = "/school/moodle/webservice/rest/server.php"


def course_of(caller: Caller, class_id: str) -> dict[str, Any]:
    """Return the course of a class."""
    (course,) = caller.moodle("core_course_get_courses_by_field", field="idnumber", value=class_id)["courses"]
    return dict(course)


def sessions_of(caller: Caller, class_id: str) -> list[dict[str, Any]]:
    """Return the sessions of a class, found the way a stranger to the numbers finds them."""
    sections = caller.moodle("core_course_get_contents", courseid=course_of(caller, class_id)["id"])
    (instance,) = [m["instance"] for s in sections for m in s["modules"] if m["modname"] == "attendance"]
    found: list[dict[str, Any]] = caller.moodle("mod_attendance_get_sessions", attendanceid=instance)
    return found


def line_of(caller: Caller, class_id: str, name: str) -> str:
    """Return the register's letters of one person in a class."""
    enrolled = caller.moodle("core_enrol_get_enrolled_users", courseid=course_of(caller, class_id)["id"])
    learner = next(user["id"] for user in enrolled if user["fullname"] == name)
    letters = ""
    for session in sessions_of(caller, class_id):
        acronyms = {str(status["id"]): status["acronym"] for status in session["statuses"]}
        letters += "".join(acronyms[e["statusid"]] for e in session["attendance_log"] if e["studentid"] == learner)
    return letters


def test_the_site_says_which_functions_it_has(reading: Caller) -> None:
    site = reading.moodle("core_webservice_get_site_info")
    assert {"mod_attendance_get_sessions", "core_enrol_get_enrolled_users"} <= {f["name"] for f in site["functions"]}


def test_a_course_is_known_from_the_day_its_class_is_made(reading: Caller) -> None:
    class_id = "CLS-WX-2023A-JD101"
    for day, known in (("2023-08-01", 0), ("2023-08-02", 1)):
        reading.travel(day)
        found = reading.moodle("core_course_get_courses_by_field", field="idnumber", value=class_id)
        assert len(found["courses"]) == known and found["warnings"] == []
    course = course_of(reading, class_id)
    assert (course["shortname"], course["visible"]) == ("WX-2023A-JD101", 1)
    assert reading.moodle("core_course_get_courses_by_field", field="id", value=course["id"])["courses"] == [course]
    assert len(reading.moodle("core_course_get_courses_by_field")["courses"]) == 4
    reading.travel(END)
    assert len(reading.moodle("core_course_get_courses_by_field")["courses"]) == 30


def test_enrolled_users_carry_the_student_number_and_leavers_are_suspended(reading: Caller) -> None:
    reading.travel("2023-08-10")
    course = course_of(reading, "CLS-WX-2023A-JD101")["id"]
    assert [user["username"] for user in reading.moodle("core_enrol_get_enrolled_users", courseid=course)] == [
        "teacher"
    ]
    reading.travel("2024-04-16")
    enrolled = reading.moodle("core_enrol_get_enrolled_users", courseid=course)
    students = [user for user in enrolled if user["roles"][0]["shortname"] == "student"]
    assert len(students) == 13
    assert all(len(user["idnumber"]) == 13 and user["idnumber"].isdigit() for user in students)
    assert [user["fullname"] for user in students if user["suspended"]] == ["郑强"]


def test_a_register_fills_when_it_is_closed_and_stays_so(reading: Caller) -> None:
    class_id = "CLS-WX-2023A-JD101"
    taken, logs = {}, {}
    for day in ("2023-09-15", "2023-09-16", "2023-09-23", "2023-09-24", "2024-01-08"):
        reading.travel(day)
        sessions = sessions_of(reading, class_id)
        assert len(sessions) == 6
        assert all(bool(s["lasttaken"]) == bool(s["attendance_log"]) for s in sessions)
        taken[day] = sum(bool(s["lasttaken"]) for s in sessions)
        logs[day] = sessions[0]["attendance_log"]
    # The second session's register is closed the day after it.
    assert list(taken.values()) == [0, 1, 1, 2, 6]
    assert logs["2023-09-16"] == logs["2024-01-08"] and len(logs["2023-09-16"]) == 13


def test_a_session_says_when_it_is_and_what_its_letters_mean(reading: Caller) -> None:
    reading.travel(END)
    plan = reading.world.classes["CLS-WX-2023A-JD102"]
    sessions = sessions_of(reading, plan.id)
    china = timedelta(hours=8)
    days = [(datetime.fromtimestamp(s["sessdate"], UTC) + china).date() for s in sessions]
    assert tuple(days) == plan.sessions and len(days) == 8
    assert len({s["id"] for s in sessions}) == len(sessions)
    for session in sessions:
        assert session["duration"] == 3 * 60 * 60 and session["courseid"] == course_of(reading, plan.id)["id"]
        assert [status["acronym"] for status in session["statuses"]] == ["P", "L", "E", "A"]
        assert session["sessdate"] < session["lasttaken"] == session["timemodified"]
        ids = {user["id"] for user in session["users"]}
        assert {entry["studentid"] for entry in session["attendance_log"]} >= ids


@pytest.mark.parametrize(
    ("class_id", "name", "letters"),
    [
        ("CLS-WX-2023A-JD102", "马骏", "PPPPPAAP"),
        ("CLS-WX-2023A-JD501", "罗小虎", "PAPAPA"),
        ("CLS-WX-2023A-JD201", "周佳怡", "PPEEPP"),
        ("CLS-WX-2024S-JD201", "龙涛", "PPPPAP"),
        ("CLS-WX-2023A-JD201", "郑强", "PPPP"),
    ],
)
def test_the_register_says_what_the_story_says(reading: Caller, class_id: str, name: str, letters: str) -> None:
    reading.travel(END)
    assert line_of(reading, class_id, name) == letters


def test_who_is_exempt_by_recognition_has_no_place_in_the_class(reading: Caller) -> None:
    reading.travel(END)
    enrolled = reading.moodle("core_enrol_get_enrolled_users", courseid=course_of(reading, "CLS-WX-2023B-SK201")["id"])
    assert "董建军" not in {user["fullname"] for user in enrolled} and len(enrolled) == 11


def test_a_leaver_is_off_the_list_of_later_classes(reading: Caller) -> None:
    reading.travel(END)
    enrolled = reading.moodle("core_enrol_get_enrolled_users", courseid=course_of(reading, "CLS-WX-2023A-JD301")["id"])
    assert "郑强" not in {user["fullname"] for user in enrolled}


def test_errors_come_with_status_200(reading: Caller) -> None:
    reading.travel(END)
    for function, values, code in (
        ("core_no_such_function", {}, "invalidrecord"),
        ("core_course_get_contents", {}, "invalidparameter"),
        ("core_course_get_contents", {"courseid": "x"}, "invalidparameter"),
        ("core_course_get_contents", {"courseid": "²"}, "invalidparameter"),
        ("core_course_get_contents", {"courseid": "9"}, "invalidrecord"),
        ("core_course_get_courses_by_field", {"field": "colour", "value": "red"}, "invalidparameter"),
        ("core_webservice_get_site_info", {"wstoken": "wrong"}, "invalidtoken"),
        ("core_webservice_get_site_info", {"wstoken": ""}, "invalidtoken"),
    ):
        answer = reading.moodle(function, **values)
        assert answer.keys() == {"exception", "errorcode", "message"}
        assert answer["errorcode"] == code, (function, values)


def test_a_class_of_the_future_is_not_there_yet(reading: Caller) -> None:
    reading.travel(END)
    course = course_of(reading, "CLS-WX-2024S-JD501")["id"]
    reading.travel("2024-01-01")
    assert reading.moodle("core_enrol_get_enrolled_users", courseid=course)["errorcode"] == "invalidrecord"


def test_get_works_too_and_without_the_format_it_is_xml(reading: Caller) -> None:
    query = {"wstoken": "sandbox-token", "wsfunction": "core_webservice_get_site_info"}
    assert reading.get(SERVER, params=query | {"moodlewsrestformat": "json"})["username"] == "yuanmeng"
    xml = httpx.get(f"{reading.url}{SERVER}", params=query, trust_env=False)
    assert xml.status_code == 200 and xml.headers["content-type"].startswith("application/xml")


def test_every_register_is_closed_within_a_day(reading: Caller) -> None:
    plan = reading.world.classes["CLS-WX-2024S-JD101"]
    for place, day in enumerate(plan.sessions):
        reading.travel((day + timedelta(days=1)).isoformat())
        assert sessions_of(reading, plan.id)[place]["lasttaken"], day
    assert plan.sessions[0] > date(2024, 3, 8)
