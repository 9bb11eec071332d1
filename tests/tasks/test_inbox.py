"""The inbox: who answers what, once, with a reason that holds no number."""

from datetime import date

import pytest

from models.tables.operations import AuditEvent
from tasks.errors import BadInput
from tests.fixtures.cohorts import APPROVED, LATE, answer, hashes, one
from tests.tasks.conftest import At


@pytest.mark.parametrize(
    ("say", "reason", "sentence"),
    [
        ("perhaps", "r", "answer with approve or refuse"), ("approve", "  ", "give a reason"),
        ("approve", f"as {LATE[0]} said", "holds a personal number"), ("refuse", "call 13911110001", "holds a personal number"),
        ("refuse", "card ６２２００００００００００００１", "holds a personal number"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_stand_is_refused_before_anything_changes(
    at: At, say: str, reason: str, sentence: str
) -> None:
    case = at("review")
    before = hashes()
    with pytest.raises(BadInput, match=sentence):
        answer([case.question("review").id], say, APPROVED, reason)
    assert hashes() == before


def test_an_answer_keeps_who_why_when_and_under_which_rules(at: At) -> None:
    case = at("review")
    asked = case.question("review").id
    assert answer([asked], "approve", APPROVED, "  papers seen ") == {"decided": [asked], "refused": []}
    question = case.question("review")
    assert (question.answer, question.reason, question.decided_by, question.decided_on, question.policy_version) == (
        "approve", "papers seen", "reviewer", APPROVED, "2019-1",
    )  # fmt: skip
    event = one(AuditEvent, action="decided-review")
    assert (event.subject, event.actor, event.reason, event.detail) == (
        case.people[0].id,
        "reviewer",
        "papers seen",
        "approve",
    )


def test_the_same_answer_again_changes_nothing(at: At) -> None:
    case = at("review")
    asked = [case.question("review", number).id for number in range(3)]
    answer(asked, "refuse", APPROVED)
    before = hashes()
    assert answer(asked, "refuse", date(2026, 5, 25), "once more")["decided"] == asked
    assert hashes() == before


def test_one_answer_that_cannot_stand_holds_back_no_other(at: At) -> None:
    case = at("review")
    asked = case.question("review").id
    told = answer(["D-NONE", asked], "approve", APPROVED)
    assert told["decided"] == [asked]
    assert told["refused"] == [{"id": "D-NONE", "reason": "there is no such question: see `yuanmeng inbox`"}]


def test_an_answer_about_one_who_has_ended_changes_nothing(at: At) -> None:
    case = at("review")
    asked = case.question("review").id
    case.left(0, APPROVED)
    case.advance(APPROVED)
    before = hashes()
    told = answer([asked], "approve", APPROVED)
    assert "has ended (withdrawn)" in told["refused"][0]["reason"]
    assert hashes() == before
