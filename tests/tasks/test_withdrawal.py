"""Withdrawal at every stage: payments stop, what was paid stays, nothing is awaited of him any more."""

import asyncio
from datetime import date, timedelta

import pytest

from models.tables.funding import Award, Payment
from models.tables.lifecycle import Step
from models.tables.operations import AuditEvent
from tasks.errors import BadInput
from tasks.views import inbox
from tasks.withdrawal import withdraw
from tests.fixtures.cohorts import OPENED, OTHER_ENTERPRISE, REGISTERED, Case, answer, change, hashes, one, rows
from tests.tasks.conftest import At

LATER = date(2029, 2, 1)


def leave(case: Case, number: int, rule: str = "dropped-out", day: date = LATER, on: date | None = None) -> str:
    """Enter a withdrawal as a coordinator does."""
    return asyncio.run(withdraw(case.people[number].id, rule, "said so", "coordinator", on=on, as_of=day))


STAGES = ("nomination", "review", "public_notice", "admission", "registration", "teaching", "exams", "certification")


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_who_leaves_at_any_stage_ends_there_and_nothing_is_awaited_of_him(at: At, stage: str) -> None:
    case = at(stage)
    leave(case, 0)
    case.left(1, LATER)
    case.advance(LATER)
    for number, rule in ((0, "dropped-out"), (1, "left-employer")):
        person = case.people[number]
        assert (person.status, person.rule, person.ended_on, person.stage) == ("withdrawn", rule, LATER, stage)
        assert case.waits(number=number) == []
        assert {step.left_on is None for step in rows(Step, participant_id=person.id)} == {False}
    assert {case.people[number].status for number in range(2, 6)} == {"active"}
    before = hashes()
    leave(case, 0)
    case.advance(LATER)
    assert hashes() == before


def test_unpaid_awards_are_reversed_and_paid_ones_stay(at: At) -> None:
    case = at("teaching")
    assert case.lines(0, "union", "year-1") == ["award"]  # no card, so nothing is ordered
    case.cards(1)
    case.advance(REGISTERED)
    case.settle_payments("paid", REGISTERED, 1)
    for number in (0, 1):
        case.left(number, REGISTERED + timedelta(days=30))
    case.advance(REGISTERED + timedelta(days=30))
    assert case.lines(0, "union", "year-1") == ["award", "reversal"]
    assert case.lines(0, "school", "registration") == ["award", "reversal"]
    assert case.lines(1, "union", "year-1") == ["award", "payment"]
    case.advance(REGISTERED + timedelta(days=800))
    assert case.lines(1, "union", "year-2") == []


def test_a_payment_under_way_is_waited_for_and_reversed_only_when_it_comes_back(at: At) -> None:
    case = at("teaching")
    case.cards(0, 1)
    case.advance(REGISTERED)
    for number in (0, 1):
        case.left(number, REGISTERED)
    case.advance(REGISTERED)
    assert {wait.kind for wait in case.waits(number=0)} == {"payment-result"}
    case.settle_payments("returned", REGISTERED + timedelta(days=5), 0, reason="account closed")
    case.settle_payments("paid", REGISTERED + timedelta(days=5), 1)
    case.advance(REGISTERED + timedelta(days=6))
    assert case.lines(0, "union", "year-1") == ["award", "payment", "return", "reversal"]
    assert case.lines(1, "union", "year-1") == ["award", "payment"]
    assert case.waits(number=0) == case.waits(number=1) == []
    assert {award.status for award in rows(Award, participant_id=case.people[0].id)} == {"reversed"}


def test_an_award_that_fell_due_after_the_day_he_left_is_not_granted(at: At) -> None:
    case = at("teaching")
    leave(case, 0, day=date(2027, 10, 1), on=date(2027, 9, 9))
    case.advance(date(2027, 10, 1))
    assert case.lines(0, "union", "year-2") == []


def test_a_worker_who_left_before_his_award_was_granted_is_granted_nothing(at: At) -> None:
    case = at("registration")
    case.register()
    case.left(0, date(2026, 9, 15))
    case.advance(date(2026, 9, 20))
    assert case.people[0].status == "withdrawn"
    assert rows(Award, participant_id=case.people[0].id) == []


def test_hr_may_say_it_before_the_day(at: At) -> None:
    case = at("teaching")
    case.left(0, date(2026, 10, 1))
    case.advance(date(2026, 9, 30))
    assert case.stages()[0] == "teaching"
    case.advance(date(2026, 10, 1))
    assert case.stages()[0] == "withdrawn"


def test_leaving_another_enterprise_or_being_at_work_is_no_withdrawal(at: At) -> None:
    case = at("teaching")
    case.left(0, REGISTERED, enterprise=OTHER_ENTERPRISE)
    case.left(1, None, active=True)
    case.left(2, None)  # gone, but nobody says since when
    case.advance(LATER)
    assert "withdrawn" not in case.stages()


def test_a_withdrawal_of_a_day_that_cannot_be_is_refused_and_changes_nothing(at: At) -> None:
    case = at("teaching")
    before = hashes()
    for rule, on in (
        ("dropped-out", OPENED - timedelta(days=1)),
        ("dropped-out", LATER + timedelta(days=1)),
        ("bored", LATER),
    ):
        with pytest.raises(BadInput):
            leave(case, 0, rule, LATER, on)
    with pytest.raises(BadInput, match="there is no participant P-NONE"):
        asyncio.run(withdraw("P-NONE", "deceased", "r", "c", as_of=LATER))
    assert hashes() == before


def test_one_who_completed_cannot_be_withdrawn(at: At) -> None:
    case = at("certification")
    change(type(case.people[0]), case.people[0].id, status="completed", ended_on=LATER)
    with pytest.raises(BadInput, match="nothing is left to withdraw from"):
        leave(case, 0)


def test_a_withdrawal_leaves_one_audit_line_with_who_and_why(at: At) -> None:
    case = at("teaching")
    assert leave(case, 0) == leave(case, 0, "expelled") == case.code
    event = one(AuditEvent, action="withdrawn")
    assert (event.subject, event.actor, event.reason, event.detail) == (
        case.people[0].id,
        "coordinator",
        "said so",
        "dropped-out",
    )


def test_a_held_nominee_may_withdraw(at: At) -> None:
    case = at("nomination")
    change(type(case.people[0]), case.people[0].id, status="held", rule="household-evidence-missing")
    leave(case, 0)
    case.advance(LATER)
    assert case.people[0].status == "withdrawn"


def test_a_question_about_a_worker_who_left_stands_in_no_inbox_and_takes_no_place(at: At) -> None:
    case = at("review")
    asked = case.question("review").id
    leave(case, 0)
    assert asked not in [line["id"] for line in inbox()]
    assert len(inbox()) == 5
    assert "has ended" in answer([asked], "approve", LATER)["refused"][0]["reason"]


def test_a_corrected_hr_record_brings_nobody_back_by_itself(at: At) -> None:
    case = at("teaching")
    case.left(0, REGISTERED)
    case.advance(REGISTERED)
    case.left(0, None, active=True)
    case.advance(LATER)
    assert case.stages()[0] == "withdrawn"
    assert rows(Payment) == []
