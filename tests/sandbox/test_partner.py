"""The partner API: streams that page and remember, posts that count once, and offices that answer when the story says."""

from typing import Any

import httpx
import pytest

from sandbox.organisations import DRIVES, ENTERPRISES, MOULDS, OFFICES, PRECISION
from sandbox.wire.names import POSTS, STREAMS
from tests.sandbox.conftest import Caller

END = "2026-11-20"
STREAM_PATHS = [
    f"/{organisation.path}/partner/v1/{stream}"
    for organisation in (*OFFICES, *ENTERPRISES)
    for stream in STREAMS["hr" if organisation in ENTERPRISES else organisation.path]
]
POST_PATHS = [(office, stream) for office, streams in POSTS.items() for stream in streams]
PAYMENT = {
    "payment_id": "PY-1", "source": "union", "amount": "1000.00", "name": "冯国平", "bank_card": "6220000000000001",
    "purpose": "工会助学金",
}  # fmt: skip
NOTICE = {"notice_id": "NT-1", "cohort": "WX-2023A", "published_on": "2023-05-24", "ends_on": "2023-05-31"}


@pytest.mark.parametrize("path", STREAM_PATHS)
def test_every_stream_answers_in_its_envelope(reading: Caller, path: str) -> None:
    reading.travel(END)
    body = reading.get(path)
    assert body.keys() == {"items", "next"}
    assert all({"id", "updated_at"} <= item.keys() for item in body["items"])
    changes = [item["updated_at"] for item in body["items"]]
    assert changes == sorted(changes)


def test_what_enterprises_and_the_centre_say_on_their_own_is_there(reading: Caller) -> None:
    reading.travel(END)
    for office, stream, count in (
        (PRECISION.path, "consents", 14), (DRIVES.path, "consents", 11), (MOULDS.path, "consents", 15),
        (PRECISION.path, "documents", 1), (PRECISION.path, "leave", 1), (MOULDS.path, "leave", 1),
        (MOULDS.path, "outcomes", 4), (DRIVES.path, "outcomes", 1), ("centre", "class-confirmations", 30),
    ):  # fmt: skip
        assert len(reading.stream(office, stream, limit=500)) == count, (office, stream)


@pytest.mark.parametrize("limit", [1, 7, 30, 100])
def test_pages_cover_every_row_once_in_order(reading: Caller, limit: int) -> None:
    reading.travel(END)
    path = "/centre/partner/v1/class-confirmations"
    seen, cursor = [], None
    while True:
        body = reading.get(path, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
        assert len(body["items"]) <= limit
        seen += body["items"]
        cursor = body["next"]
        if not cursor:
            break
    assert seen == reading.stream("centre", "class-confirmations", limit=500)
    assert len({item["id"] for item in seen}) == len(seen) == 30


def test_since_gives_what_changed_at_or_after_it(reading: Caller) -> None:
    reading.travel("2024-02-29")
    items = reading.stream("centre", "class-confirmations")
    newest = items[-1]
    assert reading.stream("centre", "class-confirmations", since=newest["updated_at"]) == [newest]
    assert (newest["class_id"], newest["status"]) == ("CLS-WX-2023B-SK201", "confirmed")
    assert reading.stream("centre", "class-confirmations", since="2024-03-01") == []
    assert reading.stream("centre", "class-confirmations", since="2023-01-01T00:00:00Z") == items


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=ten", "limit=" + "9" * 5000, "since=soon", "cursor=%21", "cursor=YWJj"]
)
def test_a_question_that_cannot_be_read_is_refused(reading: Caller, query: str) -> None:
    answer = reading.http.get(f"/school/partner/v1/admissions?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid" and answer.json()["error"]["message"]


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic c2FuZGJveC10b2tlbg==", "sandbox-token"])
def test_nobody_without_the_token_is_served(reading: Caller, header: str | None) -> None:
    with httpx.Client(base_url=reading.url, trust_env=False) as http:
        headers = {"Authorization": header} if header else {}
        for path in STREAM_PATHS:
            answer = http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorised")
        for office, stream in POST_PATHS:
            answer = http.post(f"/{office}/partner/v1/{stream}", json={}, headers={"Idempotency-Key": "k", **headers})
            assert answer.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/school/partner/v1/pupils", "/school/partner/v1/consents", "/nowhere/partner/v1/admissions",
        "/hr/partner/v1/consents", "/hr/91320214MA1YM9999X/partner/v1/consents", "/school/partner/v1/admissions/AD-1",
        f"/{PRECISION.path}/partner/v1/admissions",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(reading: Caller, path: str) -> None:
    answer = reading.http.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")


def test_nothing_can_be_sent_where_nothing_is_taken_in(reading: Caller) -> None:
    refused = reading.send("school", "admissions", {"id": "1"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert reading.http.get("/school/partner/v1/applications").headers["allow"] == "POST"
    assert reading.send("centre", "applications", {"id": "1"}).status_code == 404


def test_the_same_key_and_body_is_the_same_answer_even_days_later(fresh: Caller) -> None:
    first = fresh.send("finance", "payments", PAYMENT)
    assert first.status_code == 201
    assert first.json() == {"id": "PY-1", "status": "received", "received_on": "2023-05-15"}
    reordered = dict(reversed(PAYMENT.items()))
    fresh.travel("2023-06-05")
    again = fresh.send("finance", "payments", reordered, key="PY-1")
    assert again.status_code == 200 and again.content == first.content
    assert len(fresh.stream("finance", "payment-results")) == 1


def test_the_same_key_with_another_body_is_a_conflict_and_changes_nothing(fresh: Caller) -> None:
    fresh.send("finance", "payments", PAYMENT)
    other = fresh.send("finance", "payments", PAYMENT | {"amount": "2000.00", "payment_id": "PY-2"}, key="PY-1")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    fresh.travel("2023-05-18")
    assert [row["payment_id"] for row in fresh.stream("finance", "payment-results")] == ["PY-1"]


def test_one_office_knows_nothing_of_the_keys_of_another(fresh: Caller) -> None:
    assert fresh.send("finance", "payments", PAYMENT, key="same").status_code == 201
    assert fresh.send("union", "notices", NOTICE | {"people": [{}]}, key="same").status_code == 422
    assert fresh.send("union", "notices", NOTICE | {"people": []}, key="same").status_code == 201


def test_a_post_without_a_key_or_a_readable_body_is_refused(fresh: Caller) -> None:
    assert fresh.http.post("/finance/partner/v1/payments", json=PAYMENT).status_code == 400
    headers = {"Idempotency-Key": "k"}
    for content in (b"", b"{", b"[1]", b'"text"', b'{"a": NaN}', b"[" * 3000, b"\xff"):
        answer = fresh.http.post("/finance/partner/v1/payments", content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), content


@pytest.mark.parametrize(("office", "stream"), POST_PATHS)
def test_a_body_that_lacks_a_field_is_refused_and_names_it(reading: Caller, office: str, stream: str) -> None:
    answer = reading.send(office, stream, {"x": "1"}, key="k")
    assert answer.status_code == 422
    assert "missing: " in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"published_on": "soon"}, {"published_on": 5}, {"published_on": "9999-12-31"}, {"people": "all"},
        {"people": [{"name": "孙启航"}]},
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_refused_and_may_be_sent_again(fresh: Caller, change: dict[str, Any]) -> None:
    four = fresh.person("孙启航").person.resident_id[-4:]
    good = NOTICE | {"people": [{"name": "孙启航", "last_four": four}]}
    assert fresh.send("union", "notices", good | change).status_code == 422
    assert fresh.send("union", "notices", good).status_code == 201


def test_a_level_that_is_no_number_leaves_no_half_result(fresh: Caller) -> None:
    body = _skill_body(fresh, "任重") | {"level": "四级"}
    assert fresh.send("assessor", "skill-registrations", body).status_code == 422
    fresh.travel(END)
    assert fresh.stream("assessor", "skill-results") == []


def test_a_stranger_or_a_cohort_nobody_knows_is_refused_by_the_school_and_ignored_elsewhere(fresh: Caller) -> None:
    story = fresh.person("任重")
    body = {"application_id": "AP-X", "cohort": "WX-2031X", "programme": "1", "level": "bachelor", "name": "任重"}
    body |= {"sex": "男", "resident_id": story.person.resident_id, "entry_level": "x"}
    assert fresh.send("school", "applications", body).status_code == 201
    assert fresh.send("union", "notices", NOTICE | {"cohort": "WX-2031X", "people": []}).status_code == 201
    graduation = {"graduation_id": "GR-X", "student_number": "1", "credits": 80}
    assert fresh.send("school", "graduations", graduation).status_code == 201
    skill = _skill_body(fresh, "任重") | {"cohort": "WX-2031X"}
    assert fresh.send("assessor", "skill-registrations", skill).status_code == 201
    fresh.travel(END)
    (decision,) = fresh.stream("school", "admissions")
    assert (decision["status"], decision["reason"]) == ("refused", "不在招生名册")
    assert fresh.stream("school", "registrations") == fresh.stream("school", "diplomas") == []
    assert fresh.stream("union", "objections") == fresh.stream("assessor", "skill-results") == []


def _at(caller: Caller, office: str, stream: str, *days: str) -> list[list[dict[str, Any]]]:
    """Return a stream as it stands on each of some days."""
    found = []
    for day in days:
        caller.travel(day)
        found.append(caller.stream(office, stream))
    return found


def test_the_school_is_pending_then_decides_then_registers(fresh: Caller) -> None:
    fresh.travel("2023-06-01")
    fresh.apply(fresh.person("马骏"), "AP-1")
    fresh.apply(fresh.person("何秀兰"), "AP-2")
    before, pending, decided = _at(fresh, "school", "admissions", "2023-06-01", "2023-06-02", "2023-06-20")
    assert before == [] and [row["status"] for row in pending] == ["pending", "pending"]
    decisions = {row["application_id"]: row for row in decided}
    assert decisions["AP-1"]["status"] == "admitted" and decisions["AP-1"]["reason"] is None
    assert decisions["AP-1"]["decided_on"] == "2023-06-20"
    assert decisions["AP-2"]["status"] == "refused" and "学历证明" in decisions["AP-2"]["reason"]
    story = fresh.person("马骏")
    none, (registered,) = _at(fresh, "school", "registrations", "2023-09-05", "2023-09-13")
    assert none == []
    assert registered["student_number"] == story.student_number and registered["status"] == "registered"
    assert registered["registered_on"] == story.registered_on.isoformat()


def test_a_late_school_decides_far_past_its_fifteen_working_days(fresh: Caller) -> None:
    fresh.travel("2023-06-15")
    fresh.apply(fresh.person("彭飞"))
    early, late = _at(fresh, "school", "admissions", "2023-08-07", "2023-08-08")
    assert [row["status"] for row in early] == ["pending"]
    assert [row["status"] for row in late] == ["admitted"]


def test_a_late_application_is_decided_a_week_after_it_was_sent(fresh: Caller) -> None:
    fresh.travel("2023-06-27")
    fresh.apply(fresh.person("沈默言"))
    early, late = _at(fresh, "school", "admissions", "2023-07-03", "2023-07-04")
    assert [early[0]["status"], late[0]["status"]] == ["pending", "admitted"]


@pytest.mark.parametrize(
    ("name", "cohort", "published", "raised", "settled", "status"),
    [
        ("孙启航", "WX-2023A", "2023-05-24", "2023-05-26", "2023-06-01", "upheld"),
        ("方圆", "WX-2024S", "2023-11-28", "2023-11-30", "2023-12-22", "dismissed"),
    ],
)
def test_a_notice_meets_the_objection_of_the_story(
    fresh: Caller, name: str, cohort: str, published: str, raised: str, settled: str, status: str
) -> None:
    story = fresh.person(name)
    fresh.travel(published)
    people = [
        {"name": s.person.name, "last_four": s.person.resident_id[-4:]} for s in fresh.world.cohort(cohort).stories
    ]
    notice = {"notice_id": "NT-9", "cohort": cohort, "published_on": published, "ends_on": published, "people": people}
    assert fresh.send("union", "notices", notice).status_code == 201
    none, (opened,), (closed,) = _at(fresh, "union", "objections", published, raised, settled)
    assert none == []
    assert opened["status"] == "open" and opened["reason"] is opened["decided_on"] is None
    assert opened["resident_id"] == story.person.resident_id and opened["raised_on"] == raised
    assert closed["status"] == status and closed["decided_on"] == settled and closed["reason"]


def test_nobody_objects_to_a_person_the_notice_does_not_name(fresh: Caller) -> None:
    people = [{"name": "孙启航", "last_four": "0000"}, {"name": "马骏", "last_four": "1111"}]
    fresh.send("union", "notices", NOTICE | {"people": people})
    fresh.travel(END)
    assert fresh.stream("union", "objections") == []


def test_a_payment_to_the_right_card_is_paid_within_two_working_days(fresh: Caller) -> None:
    story = fresh.person("马骏")
    fresh.travel("2023-09-28")
    fresh.pay("PY-1", story)
    early, (row,) = _at(fresh, "finance", "payment-results", "2023-10-07", "2023-10-08")
    assert early == []
    assert (row["payment_id"], row["status"], row["reason"], row["on"]) == ("PY-1", "paid", None, "2023-10-08")


def test_a_returned_payment_is_followed_by_a_new_card_and_paid_again(fresh: Caller) -> None:
    story = fresh.person("冯国平")
    fresh.travel("2023-09-13")
    fresh.pay("PY-1", story)
    (returned,), none = (
        _at(fresh, "finance", "payment-results", "2023-09-15", "2023-09-15")[0],
        fresh.stream(DRIVES.path, "documents"),
    )
    assert (returned["status"], returned["reason"], none) == ("returned", "账号与户名不符", [])
    early, (document,) = _at(fresh, DRIVES.path, "documents", "2023-09-25", "2023-09-26")
    assert early == []
    assert (document["kind"], document["value"]) == ("bank-card", story.person.spare_card)
    fresh.pay("PY-2", story, card=document["value"])
    fresh.travel("2023-09-28")
    assert [row["status"] for row in fresh.stream("finance", "payment-results")] == ["returned", "paid"]


def test_one_never_sends_a_new_card_and_a_stranger_is_never_paid(fresh: Caller) -> None:
    fresh.travel("2024-03-13")
    fresh.pay("PY-1", fresh.person("丁一鸣"))
    fresh.pay("PY-2", fresh.person("何秀兰"))
    fresh.travel(END)
    rows = {row["payment_id"]: (row["status"], row["reason"]) for row in fresh.stream("finance", "payment-results")}
    assert rows == {"PY-1": ("returned", "账号与户名不符"), "PY-2": ("returned", "查无此户名")}
    assert len(fresh.stream(PRECISION.path, "documents")) == 1


def _skill_body(caller: Caller, name: str) -> dict[str, Any]:
    """Return a registration for the skill assessment."""
    story = caller.person(name)
    body = {"registration_id": f"SK-{story.employee_number}", "cohort": story.cohort, "name": name}
    return body | {"resident_id": story.person.resident_id, "occupation": "车工", "level": 4}


def test_the_assessor_examines_and_certifies_one_of_them_late(fresh: Caller) -> None:
    fresh.travel("2026-01-26")
    for name in ("任重", "欧阳雪", "邓文静"):
        assert fresh.send("assessor", "skill-registrations", _skill_body(fresh, name)).status_code == 201
    none, results = _at(fresh, "assessor", "skill-results", "2026-03-18", "2026-03-19")
    assert none == [] and [row["status"] for row in results] == ["passed", "passed"]
    in_time, both = _at(fresh, "assessor", "skill-certificates", "2026-05-10", "2026-05-11")
    assert [row["number"] for row in in_time] == [fresh.person("欧阳雪").skill.number]
    assert both[-1]["number"] == fresh.person("任重").skill.number
    assert (both[-1]["level"], both[-1]["issued_on"]) == (4, "2026-05-11")


def test_the_school_issues_diplomas_to_those_who_graduate(fresh: Caller) -> None:
    fresh.travel("2026-04-27")
    for name in ("马骏", "罗小虎"):
        number = fresh.person(name).student_number
        body = {"graduation_id": f"GR-{number}", "student_number": number, "credits": "80"}
        assert fresh.send("school", "graduations", body).status_code == 201
    none, (diploma,) = _at(fresh, "school", "diplomas", "2026-06-24", "2026-06-25")
    assert none == [] and diploma["number"] == fresh.person("马骏").diploma.number
    assert diploma["issued_on"] == "2026-06-25"
