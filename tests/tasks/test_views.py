"""The views: where a cohort stands, who holds it up, one worker's story; numbers only with a reason."""

from datetime import date

import pytest

from models.tables.funding import FundingSource
from models.tables.lifecycle import Wait
from models.tables.operations import AuditEvent
from tasks.errors import BadInput
from tasks.office import Office
from tasks.views import cohort_list, cohort_view, inbox, stalls, stalls_by, worker_view
from tests.fixtures.cohorts import (
    CARD,
    DATA,
    OPENED,
    REGISTERED,
    TAUGHT,
    Case,
    change,
    hashes,
    one,
    open_cohort,
    rows,
    take_roster,
    write,
)
from tests.tasks.conftest import At

LATE_DAY = date(2026, 6, 10)
NUMBER = "320214199003120011"


def test_a_cohort_is_shown_with_its_waits_as_lines_of_people(case: Case) -> None:
    case.advance(OPENED)
    view = cohort_view(case.code, as_of=OPENED)
    assert (view["stage"], view["entered"], view["participants"]) == ("nomination", "2026-05-18", {"active": 6})
    (line,) = view["waits"]
    assert (line["on"], line["for"], line["people"], line["since"], line["due"], line["stalled"]) == (
        "enterprise_hr", "the worker's consents", 6, "2026-05-18", "2026-05-25", False,
    )  # fmt: skip
    assert cohort_view(case.code, as_of=LATE_DAY)["waits"][0]["stalled"] is True


def test_the_timeline_is_in_the_order_of_the_stages_even_when_several_passed_on_one_day(both: Case) -> None:
    both.bring_to("admission")
    both.admit()
    both.register()
    both.advance(REGISTERED)
    shown = [(stay["stage"], stay["left"]) for stay in cohort_view(both.code, as_of=REGISTERED)["timeline"]]
    assert [stage for stage, _ in shown] == [
        "nomination",
        "review",
        "public_notice",
        "admission",
        "registration",
        "teaching",
    ]
    assert shown[-1] == ("teaching", None)
    steps = worker_view(both.people[0].worker_id)["participations"][0]["steps"]
    assert [stay["stage"] for stay in steps] == [stage for stage, _ in shown]


def test_rows_that_made_no_participant_are_counted_by_their_status(bare: Case) -> None:
    take_roster(DATA / "as-sent.xlsx", bare.code)
    assert cohort_view(bare.code)["participants"] == {"active": 3, "held": 2, "refused": 7}


def test_the_list_counts_people_waits_and_stalls(at: At) -> None:
    case = at("review")
    open_cohort(code="WX-2026B")
    first, second = cohort_list(as_of=LATE_DAY)
    assert (first["code"], first["stage"], first["participants"], first["waits"], first["stalled"]) == (
        case.code, "review", {"active": 6}, 6, 6,
    )  # fmt: skip
    assert (second["code"], second["participants"], second["waits"], second["stalled"]) == ("WX-2026B", {}, 0, 0)


def test_stalls_name_who_holds_what_up_since_when(at: At) -> None:
    case = at("review")
    assert stalls(as_of=date(2026, 5, 27)) == []
    (line,) = stalls(as_of=date(2026, 5, 28))
    assert (line["cohort"], line["on"], line["holder"], line["people"], line["level"]) == (
        case.code,
        "union",
        "示例市总工会",
        6,
        1,
    )


def test_the_inbox_names_whom_each_question_is_about(at: At) -> None:
    case = at("review")
    asked = inbox()
    assert len(asked) == 6
    assert {line["name"] for line in asked} >= {"陈向阳", "丁香"}
    assert {(line["kind"], line["holder"], line["cohort"]) for line in asked} == {("review", "union", case.code)}


def test_a_code_or_worker_that_is_not_there_is_one_sentence(sqlite_office: Office) -> None:
    with pytest.raises(BadInput, match="there is no cohort NONE"):
        cohort_view("NONE")
    with pytest.raises(BadInput, match="there is no worker NONE"):
        worker_view("NONE")
    assert cohort_list() == inbox() == stalls() == []


def test_a_worker_is_found_by_either_id_and_shown_masked(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    person = case.people[0]
    view = worker_view(person.id)
    assert view == worker_view(person.worker_id)
    assert (view["name"], view["resident_id"]) == ("陈向阳", "320214********0011")
    assert not [number for number in (NUMBER, "13911110001", CARD) if number in str(view)]
    part = view["participations"][0]
    assert (part["cohort"], part["stage"], part["student_number"]) == (case.code, "teaching", case.number(0))
    assert {line["kind"] for line in part["money"]} == {"award"}
    assert [wait["kind"] for wait in part["waits"]] == ["bank-card"]


def test_a_reveal_needs_a_reason_and_leaves_a_line_in_the_trail(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    worker = case.people[0].worker_id
    before = hashes()
    for reason in ("", "   "):
        with pytest.raises(BadInput, match="give a reason for the reveal"):
            worker_view(worker, reveal=True, reason=reason, actor="clerk")
    assert hashes() == before
    view = worker_view(worker, reveal=True, reason=" a call came back ", actor="clerk", as_of=LATE_DAY)
    assert view["revealed"] == {"resident_id": NUMBER, "mobile": "13911110001", "bank_card": CARD}
    event = one(AuditEvent, action="revealed")
    assert (event.subject, event.actor, event.reason, event.on) == (worker, "clerk", "a call came back", LATE_DAY)
    assert NUMBER not in str(worker_view(worker))
    worker_view(worker, reveal=True, reason="again", actor="clerk")
    assert len(rows(AuditEvent, action="revealed")) == 2


def test_a_workers_money_is_told_in_the_order_it_happened(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    case.settle_payments("returned", REGISTERED, 0)
    case.left(0, REGISTERED)
    case.advance(REGISTERED)
    money = worker_view(case.people[0].id)["participations"][0]["money"]
    mine = [line["kind"] for line in money if line["source"] == "union"]
    assert mine == ["award", "payment", "return", "reversal"]


def test_modules_are_shown_in_the_order_of_the_programme(at: At) -> None:
    case = at("exams")
    case.pass_all(0)
    case.advance(TAUGHT)
    modules = worker_view(case.people[0].id)["participations"][0]["modules"]
    assert [module["module"] for module in modules] == [f"M{number:02}" for number in range(1, 11)]
    assert {(module["state"], module["mark"], module["credits"]) for module in modules} == {("passed", "80.0", "8.0")}


def test_two_cohorts_held_up_by_one_union_since_one_day_are_two_lines(sqlite_office: Office) -> None:
    codes = [open_cohort(), open_cohort(code="WX-2026Z")]
    write(*(
        Wait(id=f"WT-{code}", cohort_code=code, stage="review", kind="review-decision", holder="union", since=OPENED,
             due_on=OPENED)
        for code in codes
    ))  # fmt: skip
    assert [line["cohort"] for line in stalls(as_of=LATE_DAY)] == sorted(codes)


def test_what_is_watched_besides_the_waits_is_held_up_too(office: Office) -> None:
    code = open_cohort()
    for source in rows(FundingSource, cohort_code=code):
        change(FundingSource, source.id, quota=10, granted_heads=10, nearly_used_on=OPENED)
    found = [line for line in stalls(as_of=LATE_DAY) if line["kind"] == "money-nearly-used"]
    assert found
    assert {(line["cohort"], line["on"], line["since"]) for line in found} == {(code, "union_finance", str(OPENED))}
    groups = stalls_by("holder", as_of=LATE_DAY)["groups"]
    assert [(group["on"], group["steps"]) for group in groups] == [(["union_finance"], len(found))]


def test_groups_are_in_the_order_of_their_oldest_stall(both: Case) -> None:
    both.advance(OPENED)
    write(Wait(id="WT-old", cohort_code=both.code, stage="teaching", kind="class-confirmation", holder="centre",
               holder_code=both.cohort.centre_code, since=date(2026, 5, 1), due_on=date(2026, 5, 4)))  # fmt: skip
    view = stalls_by("holder", as_of=LATE_DAY)
    assert [group["since"] for group in view["groups"]] == ["2026-05-01", "2026-05-18"]
    assert [group["workers"] for group in view["groups"]] == [6, 6]
    (one_cohort,) = stalls_by("cohort", as_of=LATE_DAY)["groups"]
    assert (one_cohort["name"], one_cohort["steps"], one_cohort["workers"]) == (both.code, 2, 6)
    by_age = stalls_by("age", as_of=LATE_DAY)
    assert (by_age["groups"], by_age["stalls"]) == ([], view["stalls"])
    assert by_age["stalls"] == stalls(as_of=LATE_DAY)
