"""Recognition: claims put to the school, decided within the caps, kept with rule version, evidence and reviewer."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from models.tables.credentials import Outcome, Recognition
from models.tables.lifecycle import DecisionRequest
from models.tables.people import Participant
from tests.fixtures.cohorts import REGISTERED, TAUGHT, Case, answer, change, hashes, one, rows, write
from tests.tasks.conftest import At

ASKED = date(2026, 9, 20)


def decide(case: Case, claim: str, say: str = "approve", day: date = ASKED, reason: str = "seen") -> Recognition:
    """Answer the question about a claim and give what was written."""
    answer([one(DecisionRequest, kind="recognition", subject=claim).id], say, day, reason)
    return one(Recognition, outcome_id=claim)


def test_a_claim_is_put_to_the_school_once_its_worker_is_registered(at: At) -> None:
    case = at("registration")
    claim = case.claim(0, "M01")
    case.advance(REGISTERED)
    assert rows(DecisionRequest, kind="recognition") == []
    case.register()
    case.advance(ASKED)
    assert one(DecisionRequest, kind="recognition").subject == claim
    wait = case.waits("recognition-decision")[0]
    assert (wait.holder, wait.subject, wait.since, wait.due_on) == ("school", "M01", ASKED, date(2026, 10, 23))


def test_a_granted_claim_exempts_from_its_module_and_keeps_how_it_was_decided(at: At) -> None:
    case = at("teaching")
    claim = case.claim(0, "M01")
    case.advance(ASKED)
    made = decide(case, claim)
    assert (made.status, made.credits, made.rule, made.reviewer, made.evidence, made.policy_version) == (
        "granted", Decimal(8), "", "reviewer", "doc", "2019-1",
    )  # fmt: skip
    case.advance(ASKED)
    taken = case.taken(0, "M01")
    assert (taken.state, taken.mark, taken.credits) == ("exempt", None, Decimal(8))
    assert case.waits("recognition-decision") == []


def test_an_exemption_stands_beside_a_class_that_was_attended_and_failed(at: At) -> None:
    case = at("teaching")
    case.timetable()
    case.mark(0, "M01", "formative", 10)
    case.mark(0, "M01", "final", 10)
    claim = case.claim(0, "M01")
    case.advance(ASKED)
    decide(case, claim)
    case.advance(ASKED)
    assert case.taken(0, "M01").state == "exempt"


@pytest.mark.parametrize(
    ("module", "kind", "credits", "rule"),
    [
        ("M09", "certificate", 8, "module-never-exempted"), ("M10", "same-school", 8, "module-never-exempted"),
        ("M99", "certificate", 8, "module-unknown"), ("M01", "certificate", 7, "credits-too-few"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("say", ["approve", "refuse"])
def test_a_claim_no_rule_allows_is_refused_by_the_rules_name_whoever_said_what(
    at: At, module: str, kind: str, credits: int, rule: str, say: str
) -> None:
    case = at("teaching")
    claim = case.claim(0, module, kind, credits)
    case.advance(ASKED)
    made = decide(case, claim, say)
    assert (made.status, made.rule, made.credits) == ("refused", rule, Decimal(0))


def test_the_cap_on_compulsory_credits_refuses_what_the_reviewer_approved(at: At) -> None:
    case = at("teaching")
    # Six compulsory modules of eight credits: 35 % of 48 is 16.8, so a third one passes the cap.
    claims = [case.claim(0, module) for module in ("M01", "M02", "M03")]
    case.advance(ASKED)
    made = [decide(case, claim) for claim in claims]
    assert [(each.status, each.rule) for each in made] == [
        ("granted", ""),
        ("granted", ""),
        ("refused", "recognition-cap"),
    ]
    assert sum(each.credits for each in made) == Decimal(16)
    case.advance(ASKED)
    assert case.waits("recognition-decision") == []


def test_credits_of_the_same_school_are_not_capped(at: At) -> None:
    case = at("teaching")
    claims = [case.claim(0, module, "same-school") for module in ("M01", "M02", "M03", "M05")]
    case.advance(ASKED)
    assert [decide(case, claim).status for claim in claims] == ["granted"] * 4


def test_self_study_credits_stop_at_forty_in_a_hundred(at: At) -> None:
    case = at("teaching")
    # Electives do not count for the compulsory cap; 40 % of 80 credits is 32.
    claims = [case.claim(0, module, "self-study-exam") for module in ("M04", "M06", "M01", "M02", "M03")]
    case.advance(ASKED)
    made = [decide(case, claim) for claim in claims]
    assert [each.status for each in made] == ["granted"] * 4 + ["refused"]
    assert made[-1].rule == "recognition-cap"


def test_two_claims_for_one_module_are_granted_once(at: At) -> None:
    case = at("teaching")
    first = case.claim(0, "M04")
    case.advance(ASKED)
    decide(case, first)

    write(Outcome(id="lrs:second", worker_id=case.people[0].worker_id, kind="certificate", title="again", evidence="doc",
                  module_code="M04", credits_claimed=Decimal(8), awarded_on=date(2025, 1, 1)))  # fmt: skip
    case.advance(ASKED)
    assert decide(case, "lrs:second").rule == "already-recognised"


def test_a_reviewers_refusal_keeps_his_reason(at: At) -> None:
    case = at("teaching")
    claim = case.claim(0, "M01")
    case.advance(ASKED)
    made = decide(case, claim, "refuse", reason="the certificate is another trade's")
    assert (made.status, made.rule, made.reason) == (
        "refused",
        "reviewer-refused",
        "the certificate is another trade's",
    )


def test_an_undecided_claim_holds_only_its_own_participant_and_not_before_the_stage(at: At) -> None:
    case = at("exams")
    claim = case.claim(0, "M01")
    case.pass_all()
    case.assess("passed")
    case.advance(TAUGHT)
    assert case.stages() == ["recognition", *["certification"] * 5]
    decide(case, claim, "refuse", TAUGHT)
    case.advance(TAUGHT + timedelta(days=1))
    assert case.stages()[0] == "certification"


def test_recognised_credits_count_for_the_diploma(at: At) -> None:
    case = at("exams")
    claim = case.claim(0, "M04")
    case.pass_all(0, but=["M04"])
    case.assess("passed", 0)
    case.advance(TAUGHT)
    assert case.stages()[0] == "exams"  # M04 has no result
    decide(case, claim, day=TAUGHT)
    case.advance(TAUGHT)
    assert case.stages()[0] == "certification"


def test_asking_and_deciding_again_changes_nothing(at: At) -> None:
    case = at("teaching")
    claim = case.claim(0, "M01")
    case.advance(ASKED)
    decide(case, claim)
    case.advance(ASKED)
    before = hashes()
    decide(case, claim)
    case.advance(ASKED)
    assert hashes() == before


def test_what_an_anonymised_participant_made_of_a_module_stands_when_his_cohort_is_looked_at_again(at: At) -> None:
    """Closed cohorts are, where a payment comes back; nothing can be drawn anew for one whose number is gone."""
    case = at("teaching")
    case.timetable()
    case.sessions("M01", [REGISTERED])
    claim = case.claim(0, "M01")
    case.advance(ASKED)
    decide(case, claim)
    case.advance(ASKED)
    before = case.taken(0, "M01").model_dump()
    assert (before["state"], before["held"]) == ("exempt", 1)
    change(Participant, case.people[0].id, status="incomplete", ended_on=ASKED, student_number=None)
    case.advance(TAUGHT)
    assert case.taken(0, "M01").model_dump() == before
