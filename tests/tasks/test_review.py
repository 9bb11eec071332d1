"""Review: one question a nominee, answered within the quota."""

from datetime import date

from models.tables.lifecycle import DecisionRequest, Step
from tests.fixtures.cohorts import APPROVED, CONSENTED, DATA, Case, answer, hashes, one, open_cohort, rows, take_roster
from tests.tasks.conftest import At


def test_the_reviewer_is_asked_once_and_the_wait_is_the_unions(at: At) -> None:
    case = at("review")
    case.advance(date(2026, 6, 1))
    assert len(rows(DecisionRequest, kind="review")) == 6
    wait = case.waits("review-decision")[0]
    assert (wait.holder, wait.holder_code, wait.since, wait.due_on) == (
        "union", case.cohort.union_code, CONSENTED, date(2026, 5, 27),
    )  # fmt: skip


def test_a_refusal_ends_the_nominee_with_the_reviewers_reason(at: At) -> None:
    case = at("review")
    answer([case.question("review").id], "refuse", APPROVED, "not in the trade")
    case.advance(date(2026, 5, 25))
    person = case.people[0]
    assert (person.status, person.rule, person.reason, person.ended_on) == (
        "refused", "review-refused", "not in the trade", APPROVED,
    )  # fmt: skip
    assert case.stages()[1:] == ["review"] * 5
    assert one(Step, participant_id=person.id, stage="review").left_on == date(2026, 5, 25)


def test_the_quota_is_never_overdrawn_even_in_one_batch(both: Case) -> None:
    second = Case(open_cohort(code="WX-2026B", quota=2))
    for person in both.people:
        assert person.status == "active"
    both.left(0, CONSENTED)
    both.advance(CONSENTED)
    take_roster(DATA / "as-sent.csv", second.code)
    second.consent()
    second.advance(CONSENTED)
    asked = sorted(each.id for each in rows(DecisionRequest, kind="review", cohort_code=second.code))
    told = answer(asked, "approve", APPROVED)
    assert (len(told["decided"]), len(told["refused"])) == (2, len(asked) - 2)
    assert len(asked) == 3
    assert "the quota of 2 is used up" in told["refused"][0]["reason"]
    before = hashes()
    answer(asked, "approve", APPROVED)
    assert hashes() == before


def test_an_answer_is_given_once(at: At) -> None:
    case = at("review")
    asked = case.question("review").id
    answer([asked], "approve", APPROVED)
    assert "decided already (approve, 2026-05-21)" in answer([asked], "refuse", APPROVED)["refused"][0]["reason"]
