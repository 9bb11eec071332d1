"""How the sandbox is driven: its date, what it starts from, every trouble by name with its truth, and tampering."""

import json
import time
import tomllib
from collections.abc import Callable
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from sandbox import numbers, server
from sandbox.server import Sandbox
from sandbox.wire.http import refuse
from tests.sandbox.conftest import Caller

END = "2026-11-20"
GRADEBOOK = "/school/ims/oneroster/gradebook/v1p2"
# Each trouble of the programme: whom it happens to, and one row of the truth that shows what came of it.
TROUBLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "missing-document": ("沈默言", "nominations", {"status": "held", "rules": ["household-evidence-missing"]}),
    "duplicate-row": ("赵德柱", "nominations", {"status": "held", "rules": ["nominated-twice"]}),
    "nominated-first": ("陆鸣", "participants", {"status": "completed", "rules": []}),
    "nominated-elsewhere": ("陆鸣", "nominations", {"status": "held", "rules": ["nominated-elsewhere"]}),
    "bad-id": ("石磊磊", "nominations", {"status": "refused", "rules": ["resident-id-checksum"]}),
    "under-age": ("田野", "nominations", {"status": "refused", "rules": ["under-age"]}),
    "review-refused": ("邓文静", "participants", {"status": "refused", "stage": "review"}),
    "objection-upheld": ("孙启航", "participants", {"stage": "public_notice", "rules": ["objection-upheld"]}),
    "objection-dismissed": ("方圆", "participants", {"status": "completed"}),
    "place-refused": ("何秀兰", "participants", {"stage": "admission", "rules": ["place-refused"]}),
    "school-late": ("彭飞", "participants", {"status": "completed"}),
    "class-unconfirmed": ("潘月", "marks", {"module": "SK201", "state": "passed"}),
    "two-absences": ("马骏", "attendance", {"module": "JD102", "held": 8, "present": 6, "absent": 2}),
    "under-threshold": ("罗小虎", "marks", {"module": "JD501", "state": "barred", "mark": None}),
    "approved-leave": ("周佳怡", "attendance", {"module": "JD201", "held": 6, "excused": 2, "absent": 0}),
    "leave-refused": ("龙涛", "attendance", {"module": "JD201", "excused": 0, "absent": 1}),
    "left-employer": ("郑强", "participants", {"status": "withdrawn", "stage": "teaching", "rules": ["left-employer"]}),
    "left-unpaid": ("丁一鸣", "money", {"source": "school", "paid": "1500.00", "returned": "1500.00", "reversed": "1500.00"}),
    "make-up-passed": ("吴敏", "marks", {"module": "JD101", "state": "passed", "mark": "67.6"}),
    "one-part-failed": ("欧阳雪", "marks", {"module": "SK301", "state": "passed", "mark": "73.8"}),
    "failed-for-good": ("萧然", "marks", {"module": "SK502", "state": "failed", "mark": "50.0"}),
    "grades-late": ("曾凡", "marks", {"module": "SK202", "state": "passed"}),
    "exempt": ("史可", "marks", {"module": "JD101", "state": "exempt", "mark": None}),
    "recognised": ("姚瑶", "recognitions", {"module": "JD202", "status": "granted", "credits": 8}),
    "recognition-over-cap": ("董建军", "recognitions", {"module": "SK401", "credits": 0, "rule": "recognition-cap"}),
    "practice-claimed": ("唐志刚", "recognitions", {"module": "JD501", "rule": "module-never-exempted"}),
    "consent-late": ("夏雨", "participants", {"status": "completed"}),
    "returned-payment": ("冯国平", "money", {"period": "year-1", "paid": "2000.00", "returned": "1000.00"}),
    "source-at-quota": ("谢婷", "money", {"source": "union", "period": "year-3", "paid": "1000.00"}),
    "skill-certificate-late": ("任重", "certificates", {"kind": "skill", "issued_on": "2026-05-11"}),
}  # fmt: skip


def truth_of(caller: Caller, topic: str, *ids: str) -> list[dict[str, Any]]:
    """Return the truth's rows about a person."""
    return [row for row in caller.get("/_sandbox/truth")[topic] if row["resident_id"] in ids]


def tamper(caller: Caller, what: str, **body: Any) -> int:
    """Change a fact; return the status."""
    return caller.http.post("/_sandbox/tamper", json={"what": what, **body}).status_code


def test_every_trouble_has_a_name(reading: Caller) -> None:
    assert {trouble["name"] for trouble in reading.get("/_sandbox")["troubles"]} == TROUBLES.keys()


@pytest.mark.parametrize("name", TROUBLES)
def test_every_trouble_has_its_person_and_its_truth(reading: Caller, name: str) -> None:
    person, topic, shown = TROUBLES[name]
    reading.travel(END)
    trouble = next(t for t in reading.get("/_sandbox")["troubles"] if (t["name"], t["person"]) == (name, person))
    number = reading.person(person, trouble["cohort"]).person.resident_id
    rows = truth_of(reading, topic, number, numbers.broken_resident_id(number))
    assert any(shown.items() <= row.items() for row in rows if row["cohort"] == trouble["cohort"]), rows
    assert trouble["story"].endswith("。")


def test_whoever_comes_after_the_quota_gets_nothing_of_that_source(reading: Caller) -> None:
    reading.travel(END)
    for name in ("谢婷", "高远"):
        number = reading.person(name).person.resident_id
        assert {row["source"] for row in truth_of(reading, "money", number)} == {"union", "government"}


def test_a_class_is_confirmed_three_days_before_it_starts_and_marks_come_weeks_late(reading: Caller) -> None:
    reading.travel("2024-02-27")
    rows = {row["class_id"]: row for row in reading.stream("centre", "class-confirmations", limit=100)}
    assert (rows["CLS-WX-2023B-SK201"]["status"], rows["CLS-WX-2023B-SK201"]["starts_on"]) == ("planned", "2024-03-02")
    number = reading.person("曾凡").person.resident_id
    for day, known in (("2024-08-14", False), ("2024-08-15", True)):
        reading.travel(day)
        assert any(row["module"] == "SK202" for row in truth_of(reading, "marks", number)) == known


def test_about_tells_the_seed_the_date_and_the_nights(reading: Caller) -> None:
    about = reading.get("/_sandbox")
    assert (about["seed"], about["today"]) == (1, "2023-05-15")
    assert about["suggested_dates"] == reading.get("/_sandbox/dates")
    assert about["suggested_dates"][-1] == END
    reading.travel("2024-02-22")
    assert reading.get("/_sandbox")["today"] == "2024-02-22"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'"2024-01-01"', b"{}", b'{"date": null}', b'{"date": "soon"}', b'{"date": "0001-01-01"}']
)
def test_a_date_that_is_none_is_refused_and_time_stands_still(reading: Caller, content: bytes) -> None:
    answer = reading.http.put("/_sandbox/today", content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert reading.get("/_sandbox")["today"] == "2023-05-15"


def test_time_may_go_back_and_everything_with_it(reading: Caller) -> None:
    before = reading.stream("centre", "class-confirmations")
    reading.travel(END)
    assert len(reading.stream("centre", "class-confirmations")) > len(before)
    reading.travel("2023-05-15")
    assert reading.stream("centre", "class-confirmations") == before


def test_plans_and_connections_are_toml_that_opens(reading: Caller) -> None:
    for plan in reading.get("/_sandbox/plans"):
        assert tomllib.loads(plan["toml"])["code"] == plan["cohort"]
    answer = reading.http.get("/_sandbox/connections")
    assert answer.headers["content-type"].startswith("application/toml")
    connections = tomllib.loads(answer.text)["connections"]
    assert all(connection["base_url"].startswith(reading.url) for connection in connections)


def test_people_in_offices_answer_when_they_are_ready(reading: Caller) -> None:
    assert reading.get("/_sandbox/people") == []
    reading.travel("2023-05-24")
    ready = reading.get("/_sandbox/people")
    assert {d["kind"] for d in ready} == {"review", "nominated-twice"}
    assert all(d["on"] <= "2023-05-24" and d["reason"] and d["answer"] in ("approve", "refuse") for d in ready)
    reading.travel(END)
    kinds = {d["kind"] for d in reading.get("/_sandbox/people")}
    assert kinds == {"review", "nominated-twice", "nominated-elsewhere", "recognition"}


@pytest.mark.parametrize("day", ["2023-09-13", "2024-03-25"])
def test_a_mark_changed_behind_our_back_is_news_of_that_day(fresh: Caller, day: str) -> None:
    """Tampered before the marks are out it comes with them, tampered afterwards it comes at once."""
    story = fresh.person("马骏")
    row = f"{GRADEBOOK}/results/RES-CLS-WX-2023A-JD101-final-{story.student_number}"
    who = {"cohort": "WX-2023A", "resident_id": story.person.resident_id, "module": "JD101"}
    fresh.travel(day)
    assert tamper(fresh, "mark", **who, score=12.5) == 200
    out = max(day, "2024-01-17")
    fresh.travel(out)
    result = fresh.get(row, headers=fresh.token())["result"]
    assert (result["score"], result["scoreStatus"]) == (12.5, "fully graded")
    assert result["dateLastModified"].startswith(out)
    query = {"filter": f"dateLastModified>='{out}T00:00:00.000Z'", "limit": 500}
    assert result in fresh.get(f"{GRADEBOOK}/results", params=query, headers=fresh.token())["results"]
    assert truth_of(fresh, "marks", story.person.resident_id)[0]["mark"] != "12.5"


def test_a_register_changed_behind_our_back_says_the_other_letter(fresh: Caller) -> None:
    fresh.travel(END)
    story = fresh.person("马骏")
    who = {"cohort": "WX-2023A", "resident_id": story.person.resident_id, "module": "JD102"}

    def sixth() -> str:
        session = fresh.moodle("mod_attendance_get_sessions", attendanceid=5101)[5]
        learner = 20_000 + int(story.student_number) % 10_000
        (entry,) = [e for e in session["attendance_log"] if e["studentid"] == learner]
        return str(next(s["acronym"] for s in session["statuses"] if str(s["id"]) == entry["statusid"]))

    assert sixth() == "A"
    assert tamper(fresh, "register", **who, session=6, letter="L") == 200
    assert sixth() == "L"
    for session, letter in ((0, "P"), (9, "P"), (1, "PL"), (1, ""), (1, "X"), ("one", "P")):
        assert tamper(fresh, "register", **who, session=session, letter=letter) == 400
    assert tamper(fresh, "register", **{**who, "module": "SK101"}, session=1, letter="P") == 400


@pytest.mark.parametrize(("source", "bounces"), [("", True), ("union", True), ("school", False)])
def test_payments_bounce_once_they_are_told_to(fresh: Caller, source: str, bounces: bool) -> None:
    story = fresh.person("马骏")
    who = {"cohort": "WX-2023A", "resident_id": story.person.resident_id} | ({"source": source} if source else {})
    assert tamper(fresh, "payment", **who) == 200
    fresh.pay("PY-1", story, source="union")
    fresh.travel("2023-05-18")
    (result,) = fresh.stream("finance", "payment-results")
    assert (result["status"], result["reason"]) == (("returned", "账户状态异常") if bounces else ("paid", None))


def test_the_truth_itself_can_be_changed_at_one_row(fresh: Caller) -> None:
    number = fresh.person("马骏").person.resident_id
    match = {"resident_id": number, "module": "JD101"}
    assert tamper(fresh, "truth", list="marks", match=match, change={"mark": "0.0"}) == 200
    assert truth_of(fresh, "marks", number) == []
    fresh.travel(END)
    marks = {row["module"]: row["mark"] for row in truth_of(fresh, "marks", number)}
    assert marks.pop("JD101") == "0.0" and "0.0" not in marks.values()


@pytest.mark.parametrize(
    "body",
    [
        [], {}, {"what": "weather"}, {"what": ["mark"]}, {"what": "mark"},
        {"what": "mark", "cohort": "WX-2023A", "resident_id": "nobody", "module": "JD101", "score": 1},
        {"what": "payment", "cohort": "WX-2031X", "resident_id": "nobody"},
        {"what": "truth", "list": "weather", "match": {}, "change": {}},
        {"what": "truth", "list": "marks", "match": {"resident_id": "nobody"}, "change": {"mark": "1"}},
        {"what": "truth", "list": "marks", "match": "all", "change": {"mark": "1"}},
        {"what": "truth", "list": "marks", "match": {}},
    ],
)  # fmt: skip
def test_what_cannot_be_tampered_with_is_refused_and_stays(fresh: Caller, body: Any) -> None:
    fresh.travel(END)
    before = fresh.get("/_sandbox/truth")
    answer = fresh.http.post("/_sandbox/tamper", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert fresh.get("/_sandbox/truth") == before


def test_a_mark_that_cannot_be_is_refused(reading: Caller) -> None:
    who = {"cohort": "WX-2023A", "resident_id": reading.person("马骏").person.resident_id}
    assert tamper(reading, "mark", **who, module="SK101", score=1) == 400
    assert tamper(reading, "mark", **who, module="JD101", score="good") == 400


def test_what_only_reads_cannot_be_written_to(reading: Caller) -> None:
    for path in ("/_sandbox", "/_sandbox/truth", "/_sandbox/plans", "/lrs/xAPI/statements", "/slack/"):
        assert reading.http.delete(path).status_code == 405
    assert reading.http.get("/nowhere").status_code == 404


def test_it_starts_in_no_time_and_stops_twice() -> None:
    before = time.perf_counter()
    sandbox = Sandbox.start(seed=7)
    assert time.perf_counter() - before < 2
    assert httpx.get(f"{sandbox.url}/_sandbox", trust_env=False).json()["seed"] == 7
    assert sandbox.__enter__() is sandbox
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=int(sandbox.url.rsplit(":", 1)[1]))
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{sandbox.url}/_sandbox", trust_env=False)


def test_one_that_does_not_come_up_says_so_and_gives_its_port_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    monkeypatch.setattr(sandbox._server.up, "wait", lambda timeout: False)
    with pytest.raises(RuntimeError, match="did not start"):
        sandbox.__enter__()
    assert sandbox._listener.fileno() == -1 and not sandbox._thread.is_alive()


def test_one_that_was_never_started_can_be_stopped() -> None:
    Sandbox().stop()


@pytest.mark.parametrize("announced", [True, False])
def test_in_the_foreground_it_announces_its_address(monkeypatch: pytest.MonkeyPatch, announced: bool) -> None:
    servers: list[Any] = []
    addresses: list[str] = []

    class Remembered(uvicorn.Server):
        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            servers.append(self)

    monkeypatch.setattr("sandbox.server.uvicorn.Server", Remembered)
    announce: Callable[[str], None] | None = addresses.append if announced else None
    thread = Thread(target=server.serve, args=(3, 0, announce))
    thread.start()
    _until(lambda: bool(servers) and servers[0].started)
    if announced:
        assert httpx.get(f"{addresses[0]}/_sandbox", trust_env=False).json()["seed"] == 3
    servers[0].should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive() and len(addresses) == announced


def _until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most ten seconds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


async def test_only_refusals_are_answered_as_such() -> None:
    with pytest.raises(KeyError):
        await refuse(None, KeyError("a mistake of ours"))  # type: ignore[arg-type]


def test_answers_are_plain_json(reading: Caller) -> None:
    reading.travel(END)
    answer = reading.http.get("/_sandbox/truth")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content).keys() == {
        "participants", "attendance", "marks", "credits", "recognitions", "skill", "money", "certificates", "online",
        "nominations",
    }  # fmt: skip
