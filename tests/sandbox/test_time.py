"""The world through time: the same for a seed, silent about the future, and only ever growing."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from sandbox.organisations import ENTERPRISES, OFFICES
from sandbox.wire.names import STREAMS
from tests.sandbox.conftest import Caller, calling

END = "2026-11-20"
NIGHTS = ("2023-05-15", "2023-06-26", "2023-09-13", "2024-01-16", "2024-04-22", "2024-08-05", "2025-03-20",
          "2026-01-26", "2026-04-27", "2026-10-26", END)  # fmt: skip
ROSTERING, GRADEBOOK = "/school/ims/oneroster/rostering/v1p2", "/school/ims/oneroster/gradebook/v1p2"
ONEROSTER = [
    f"{ROSTERING}/{name}" for name in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
]
ONEROSTER += [f"{GRADEBOOK}/{name}" for name in ("categories", "lineItems", "results")]
PARTNERS = [
    f"/{organisation.path}/partner/v1/{stream}"
    for organisation in (*OFFICES, *ENTERPRISES)
    for stream in STREAMS["hr" if organisation in ENTERPRISES else organisation.path]
]
CLASSES = (100, 101, 109, 202, 300)
MOODLE: list[tuple[str, dict[str, int]]] = [("core_course_get_courses_by_field", {})] + [
    call
    for number in CLASSES
    for call in (
        ("core_enrol_get_enrolled_users", {"courseid": 1000 + number}),
        ("core_course_get_contents", {"courseid": 1000 + number}),
        ("mod_attendance_get_sessions", {"attendanceid": 5000 + number}),
    )
]
# Fields that say when something became so; dates of plans (a class's start, an exam) may lie ahead.
HAPPENED = re.compile(
    rb'"(?:dateLastModified|updated_at|lastModified|created|stored|timestamp|scoreDate|decided_on|confirmed_on|'
    rb"issued_on|registered_on|raised_on|given_at|as_of|assessed_on|hiredOn|awarded_on|received_on)"
    rb'":"(\d{4}-\d\d-\d\d)'
)
Answers = dict[str, bytes]


def play(caller: Caller) -> None:
    """Send everything there is to send, each on a plausible day."""
    for cohort, published in (("WX-2023A", "2023-05-24"), ("WX-2023B", "2023-05-30"), ("WX-2024S", "2023-11-28")):
        caller.travel(published)
        stories = caller.world.cohort(cohort).stories
        people = [{"name": s.person.name, "last_four": s.person.resident_id[-4:]} for s in stories]
        notice = {"notice_id": f"NT-{cohort}", "cohort": cohort, "published_on": published, "ends_on": published}
        assert caller.send("union", "notices", notice | {"people": people}).status_code == 201
        for story in stories:
            assert caller.apply(story).status_code == 201
    _play_the_end(caller)


def _play_the_end(caller: Caller) -> None:
    """Register for the skill assessment, ask for diplomas, pay."""
    for day, cohorts in (("2026-01-05", ("WX-2023A", "WX-2023B")), ("2026-06-10", ("WX-2024S",))):
        caller.travel(day)
        for story in (s for s in caller.world.students.values() if s.cohort in cohorts):
            skill: dict[str, Any] = {
                "registration_id": f"SK-{story.student_number}",
                "cohort": story.cohort,
                "name": story.person.name,
            }
            skill |= {"resident_id": story.person.resident_id, "occupation": "电工", "level": 4}
            assert caller.send("assessor", "skill-registrations", skill).status_code == 201
            graduation = {"graduation_id": f"GR-{story.student_number}", "student_number": story.student_number}
            assert caller.send("school", "graduations", graduation | {"credits": "80"}).status_code == 201
            assert caller.pay(f"PY-{story.student_number}", story).status_code == 201


def crawl(caller: Caller, day: str) -> Answers:
    """Return the bytes of everything the outside says on a day, by path; the port is none of its facts."""
    caller.travel(day)
    answers: Answers = {}

    def keep(name: str, answer: httpx.Response) -> None:
        assert answer.status_code == 200, (name, answer.text)
        answers[name] = answer.content.replace(caller.url.encode(), b"http://sandbox")

    token = caller.token()
    for path in ONEROSTER:
        url = f"{path}?limit=500"
        while url:
            answer = caller.http.get(url, headers=token)
            keep(url, answer)
            url = answer.links.get("next", {}).get("url", "").removeprefix(caller.url)
    for path in PARTNERS:
        keep(path, caller.http.get(path, params={"limit": 500}))
    for enterprise in ENTERPRISES:
        keep(f"{enterprise.path} users", caller.http.get(f"/{enterprise.path}/scim/v2/Users"))
    for function, values in MOODLE:
        form = {"wstoken": "sandbox-token", "wsfunction": function, "moodlewsrestformat": "json"} | values
        keep(f"{function} {values}", caller.http.post("/school/moodle/webservice/rest/server.php", data=form))
    auth, version = httpx.BasicAuth("yuanmeng", "sandbox-token"), {"X-Experience-API-Version": "1.0.3"}
    url = "/lrs/xAPI/statements"
    while url:
        answer = caller.http.get(url, auth=auth, headers=version)
        keep(url, answer)
        url = answer.json()["more"]
    for name in ("truth", "people"):
        keep(name, caller.http.get(f"/_sandbox/{name}"))
    return answers


@pytest.fixture(scope="module")
def played() -> Iterator[Caller]:
    """A sandbox to which everything has been sent."""
    with calling() as caller:
        play(caller)
        yield caller


@pytest.fixture(scope="module")
def nights(played: Caller) -> dict[str, Answers]:
    """Everything said on each of some nights."""
    return {day: crawl(played, day) for day in NIGHTS}


def test_the_same_seed_says_the_same_byte_for_byte_and_another_seed_something_else(nights: dict[str, Answers]) -> None:
    for seed in (1, 2):
        with calling(seed) as other:
            play(other)
            # Backwards, so that what was said before is no excuse.
            said = {day: crawl(other, day) for day in reversed(NIGHTS)}
        for day in NIGHTS:
            assert (said[day] == nights[day]) == (seed == 1), day


def test_nothing_is_said_to_have_happened_after_the_date(nights: dict[str, Answers]) -> None:
    for day, answers in nights.items():
        found = [(name, at.decode()) for name, body in answers.items() for at in HAPPENED.findall(body)]
        assert found
        assert [(name, at) for name, at in found if at > day] == [], day


def test_moodle_says_nothing_was_taken_after_the_date(nights: dict[str, Answers]) -> None:
    for day, answers in nights.items():
        end = datetime.fromisoformat(f"{day}T23:59:59+08:00").astimezone(UTC).timestamp()
        for name, body in answers.items():
            if name.startswith("mod_attendance") and b'"exception"' not in body:
                assert all(max(s["lasttaken"], s["timemodified"]) <= end for s in orjson.loads(body))


def test_no_number_is_known_before_its_day(played: Caller, nights: dict[str, Answers]) -> None:
    for day, answers in nights.items():
        said, today = b"".join(answers.values()), date.fromisoformat(day)
        for story in played.world.students.values():
            numbers = {story.student_number: story.registered_on or date.max}
            if story.skill:
                numbers[story.skill.number] = story.skill.seen_number_on
            if story.diploma:
                numbers[story.diploma.number] = story.diploma.issued_on
            for number, known_on in numbers.items():
                assert known_on <= today or str(number).encode() not in said, (day, number)


def test_at_the_end_every_number_is_known(played: Caller, nights: dict[str, Answers]) -> None:
    partners = b"".join(body for name, body in nights[END].items() if "partner" in name)
    for story in played.world.students.values():
        assert str(story.student_number).encode() in partners
        for paper in (story.skill, story.diploma):
            assert paper is None or paper.number.encode() in partners


def rows_of(answers: Answers) -> set[str]:
    """Return what is there, by its names; versions and counts may change, rows may not go."""
    found = set()
    for name, content in answers.items():
        body = orjson.loads(content)
        if name == "truth":
            for topic, rows in body.items():
                found |= {f"{topic} {_key(topic, row)}" for row in rows}
        elif name == "people":
            found |= {f"people {orjson.dumps(row)!r}" for row in body}
        elif "/partner/" in name:
            found |= {f"{name} {row['id']}" for row in body["items"]}
        elif name.startswith("/school"):
            (rows,) = body.values()
            found |= {f"{name.split('?')[0]} {row['sourcedId']}" for row in rows}
        elif name.startswith("/lrs"):
            found |= {f"statement {row['id']}" for row in body["statements"] if row.get("result") != MISTAKE}
        elif name.endswith("users"):
            found |= {f"{name} {row['id']}" for row in body["Resources"]}
        elif isinstance(body, list):
            found |= {f"{name} {row['id']} {e['id']}" for row in body for e in row.get("attendance_log", [{"id": 0}])}
    return found


MISTAKE = {"completion": True, "duration": "PT10H"}


def _key(topic: str, row: dict[str, Any]) -> str:
    """Return what a row of the truth is about."""
    names = ("cohort", "resident_id", "module", "source", "period", "kind", "enterprise", "row")
    return " ".join(str(row[name]) for name in names if name in row)


def test_moving_the_date_forward_only_adds(nights: dict[str, Answers]) -> None:
    before: set[str] = set()
    for day, answers in nights.items():
        now = rows_of(answers)
        assert before - now == set(), day
        assert len(now) > len(before), day
        before = now


def test_what_the_truth_said_once_it_says_for_ever(nights: dict[str, Answers]) -> None:
    last = orjson.loads(nights[END]["truth"])
    for answers in nights.values():
        for topic, rows in orjson.loads(answers["truth"]).items():
            if topic not in ("attendance", "credits"):
                assert all(row in last[topic] for row in rows), topic


def test_no_reference_of_the_school_leads_nowhere(nights: dict[str, Answers]) -> None:
    for day, answers in nights.items():
        said = b"".join(body for name, body in answers.items() if name.startswith("/school/ims"))
        there = set(re.findall(rb'\{"sourcedId":"([^"]+)","status"', said))
        named = set(re.findall(rb'"href":"[^"]+","sourcedId":"([^"]+)"', said))
        assert named and named <= there, day


@pytest.mark.bench
def test_every_night_is_answered_quickly(played: Caller) -> None:
    played.travel(END)
    token = played.token()
    slowest: dict[str, float] = {}
    for path in (*ONEROSTER, *PARTNERS, *(f"/{e.path}/scim/v2/Users" for e in ENTERPRISES), "/_sandbox/truth"):
        headers = token if path in ONEROSTER else None
        times = [played.http.get(path, headers=headers).elapsed.total_seconds() for _ in range(5)]
        slowest[urlsplit(path).path] = min(times)
    assert max(slowest.values()) < 0.03, slowest
