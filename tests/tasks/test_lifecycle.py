"""The engine: order of stages, one transaction, nothing twice, nobody held by another, never back."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from models.rules.lifecycle import WAIT_KINDS
from models.tables.lifecycle import Step
from tasks.errors import BadInput
from tasks.lifecycle import advance, advance_cohorts
from tasks.news import choose_cohorts
from tasks.office import Office
from tests.fixtures.cohorts import (
    ADMITTED,
    APPROVED,
    CONSENTED,
    NOTICE_ENDED,
    OPENED,
    REGISTERED,
    STUDY_OVER,
    TAUGHT,
    Case,
    hashes,
    late_line,
    open_cohort,
    roster,
    rows,
    take_roster,
)
from tests.tasks.conftest import At

NOVEMBER = date(2026, 11, 2)


def live(case: Case) -> list[str]:
    """A whole life: every stage of it changes nothing when it is advanced again; gives the cohort's stages."""
    seen = []
    steps = [
        (lambda: None, OPENED), (case.consent, CONSENTED), (case.approve, APPROVED), (lambda: None, NOTICE_ENDED),
        (case.admit, ADMITTED), (case.register, REGISTERED), (case.timetable, REGISTERED), (case.pass_all, TAUGHT),
        (lambda: case.assess("passed"), TAUGHT), (case.cards, STUDY_OVER),
        (lambda: case.settle_payments("paid", STUDY_OVER), STUDY_OVER),
        (lambda: case.certify("diploma"), STUDY_OVER), (lambda: case.certify("skill"), STUDY_OVER + timedelta(days=1)),
        (lambda: case.settle_payments("paid", STUDY_OVER + timedelta(days=2)), STUDY_OVER + timedelta(days=2)),
    ]  # fmt: skip
    for bring, day in steps:
        bring()
        case.advance(day)
        before = hashes()
        case.advance(day)
        assert hashes() == before, (day, [name for name, value in hashes().items() if before[name] != value])
        seen.append(case.cohort.stage)
    return seen


def test_a_cohort_lives_from_nomination_to_both_certificates_and_no_day_advanced_twice_changes_a_row(
    both: Case,
) -> None:
    seen = live(both)
    assert list(dict.fromkeys(seen)) == [
        "nomination", "review", "public_notice", "admission", "registration", "teaching", "exams", "certification", "closed",
    ]  # fmt: skip
    assert both.stages() == ["completed"] * 6
    assert both.waits() == []


def test_one_stuck_participant_holds_nobody_else(case: Case) -> None:
    case.consent(1, 2, 3, 4, 5)
    case.advance(CONSENTED)
    case.approve(2, 3, 4, 5)
    case.advance(APPROVED)
    case.advance(NOTICE_ENDED)
    case.admit(3, 4, 5)
    case.advance(ADMITTED)
    assert case.stages() == ["nomination", "review", "admission", "registration", "registration", "registration"]
    assert case.cohort.stage == "admission"  # more than half stand there or further
    assert {wait.kind for wait in case.waits()} == {
        "consent", "review-decision", "admission-decision", "registration-number",
    }  # fmt: skip


def test_a_cohort_never_goes_back_when_those_ahead_leave_or_late_names_come(at: At, tmp_path: Path) -> None:
    case = at("registration")
    for number in range(4):
        case.left(number, ADMITTED)
    take_roster(roster(tmp_path / "late.xlsx", [late_line(0), late_line(1), late_line(2)]), case.code, ADMITTED)
    case.advance(ADMITTED)
    assert sorted(case.stages()) == ["nomination"] * 3 + ["registration"] * 2 + ["withdrawn"] * 4
    assert case.cohort.stage == "registration"


def test_a_participant_passes_several_stages_on_one_day_when_all_their_evidence_is_there(at: At) -> None:
    case = at("admission")
    case.admit()
    case.register()
    case.advance(REGISTERED)
    assert case.stages() == ["teaching"] * 6
    steps = {step.stage: (step.entered_on, step.left_on) for step in rows(Step, participant_id=case.people[0].id)}
    assert steps["admission"] == (NOTICE_ENDED, REGISTERED)
    assert steps["registration"] == (REGISTERED, REGISTERED)
    assert steps["teaching"] == (REGISTERED, None)


def test_the_cohort_itself_passes_through_every_stage(at: At) -> None:
    case = at("admission")
    case.admit()
    case.register()
    case.advance(REGISTERED)
    own = {
        step.stage: (step.entered_on, step.left_on) for step in rows(Step, cohort_code=case.code, participant_id=None)
    }
    assert own["registration"] == (REGISTERED, REGISTERED)
    assert own["teaching"] == (REGISTERED, None)


def test_a_cohort_whose_first_nominees_all_left_before_it_starts_still_takes_a_roster(
    case: Case, tmp_path: Path
) -> None:
    for number in range(6):
        case.left(number, CONSENTED)
    case.advance(CONSENTED)
    assert case.stages() == ["withdrawn"] * 6
    assert case.cohort.stage == "nomination"
    assert take_roster(roster(tmp_path / "more.xlsx", [late_line()]), case.code, APPROVED)["accepted"] == 1


def test_a_cohort_with_nobody_under_way_closes_only_when_no_payment_is_open(at: At) -> None:
    case = at("teaching")
    case.cards()
    case.advance(REGISTERED)
    for number in range(6):
        case.left(number, REGISTERED)
    case.advance(REGISTERED)
    assert case.stages() == ["withdrawn"] * 6
    assert case.cohort.stage != "closed"
    case.settle_payments("paid", NOVEMBER)
    case.advance(NOVEMBER)
    assert case.cohort.stage == "closed"
    assert asyncio.run(choose_cohorts(NOVEMBER))["under_way"] == 0


def test_a_status_lapses_after_eight_years_and_says_so(at: At) -> None:
    case = at("exams")
    day = date(2034, 9, 1)
    case.advance(day - timedelta(days=1))
    assert case.stages() == ["exams"] * 6
    case.advance(day)
    assert case.stages() == ["incomplete"] * 6
    assert {person.rule for person in case.people} == {"status-lapsed"}


def test_a_diploma_asked_for_in_time_outlives_the_status(at: At) -> None:
    case = at("certification")
    case.advance(STUDY_OVER)
    case.advance(date(2034, 9, 1))
    assert case.stages() == ["certification"] * 6


def test_a_cohort_that_is_not_there_is_one_sentence(sqlite_office: Office) -> None:
    with pytest.raises(BadInput, match="there is no cohort NONE: see `yuanmeng cohort list`"):
        advance("NONE", OPENED)


def test_a_batch_advances_each_cohort_in_its_own_right(case: Case) -> None:
    second = open_cohort(code="WX-2026B")
    stands = asyncio.run(advance_cohorts([case.code, second], as_of=OPENED))
    assert {code: (one["stage"], one["waits"]) for code, one in stands.items()} == {
        case.code: ("nomination", 6), second: ("nomination", 0),
    }  # fmt: skip
    assert asyncio.run(choose_cohorts(OPENED))["under_way"] == 2


def test_a_cohort_without_people_stays_where_it_is(bare: Case) -> None:
    assert bare.advance(TAUGHT) == {"stage": "nomination", "waits": 0, "missed": False}


def test_every_open_wait_names_the_organisation_that_holds_it(at: At) -> None:
    for stage in (
        "nomination",
        "review",
        "public_notice",
        "admission",
        "registration",
        "teaching",
        "exams",
        "certification",
    ):
        case = at(stage)
        case.advance(case.people[0].stage_entered_on)
        cohort, person = case.cohort, case.people[0]
        code = {
            "enterprise_hr": person.enterprise_code, "worker": person.enterprise_code, "union": cohort.union_code,
            "school": cohort.school_code, "assessor": cohort.assessor_code, "union_finance": cohort.finance_code,
        }  # fmt: skip
        assert case.waits()
        for wait in case.waits():
            assert (wait.holder, wait.holder_code) == (WAIT_KINDS[wait.kind].holder, code[wait.holder])


def test_a_claim_made_late_takes_nobody_back(at: At) -> None:
    case = at("certification")
    case.claim(0, "M04")
    case.advance(STUDY_OVER)
    assert case.stages() == ["certification"] * 6
    assert [wait.kind for wait in case.waits("recognition-decision")] == ["recognition-decision"]


def test_two_who_advance_a_cohort_at_once_leave_what_one_leaves(both: Case) -> None:
    both.consent()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: both.advance(CONSENTED), range(2)))
    assert both.stages() == ["review"] * 6
    before = hashes()
    both.advance(CONSENTED)
    assert hashes() == before
    assert len(rows(Step, stage="review", cohort_code=both.code)) == 7
