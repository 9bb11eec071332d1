"""Certification: credits and time, then the diploma and the skill certificate."""

import json
from datetime import date, timedelta

from models.tables.lifecycle import Graduation
from models.tables.operations import Outbox
from tests.fixtures.cohorts import STUDY_OVER, TAUGHT, one, rows
from tests.tasks.conftest import At


def test_the_minimum_study_time_is_waited_for_without_a_stall(at: At) -> None:
    case = at("certification")
    wait = case.waits("study-time")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("school", TAUGHT, STUDY_OVER)
    assert rows(Graduation) == []
    case.advance(STUDY_OVER - timedelta(days=1))
    assert rows(Graduation) == []
    case.advance(STUDY_OVER)
    assert len(rows(Graduation)) == 6
    assert case.waits("study-time") == []


def test_the_diploma_is_asked_for_once_with_the_credits_earned(at: At) -> None:
    case = at("certification")
    case.advance(STUDY_OVER)
    case.advance(STUDY_OVER + timedelta(days=1))
    sent = rows(Outbox, kind="partner.graduations")
    assert len(sent) == 6
    assert json.loads(sent[0].payload)["credits"] == "80.0"
    wait = case.waits("diploma-number")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("school", STUDY_OVER, STUDY_OVER + timedelta(days=150))


def test_the_skill_certificate_is_awaited_of_the_assessor_for_twenty_working_days_from_the_assessment(at: At) -> None:
    case = at("certification")
    case.advance(STUDY_OVER)
    wait = case.waits("skill-certificate")[0]
    assert (wait.holder, wait.since) == ("assessor", TAUGHT)
    assert (wait.due_on, wait.provisional) == (date(2029, 2, 19), True)


def test_both_certificates_complete_on_the_day_of_the_later_one(at: At) -> None:
    case = at("certification")
    case.advance(STUDY_OVER)
    case.certify("skill", 0, 1, day=date(2029, 3, 5))
    case.certify("diploma", 0, day=date(2029, 3, 20))
    case.certify("diploma", 2, day=date(2029, 3, 20))
    case.advance(date(2029, 4, 2))
    person = case.people[0]
    assert (person.status, person.ended_on, person.graduated_on) == ("completed", date(2029, 3, 20), date(2029, 3, 20))
    assert case.stages()[1:] == ["certification"] * 5
    assert [wait.kind for wait in case.waits(number=1) if wait.kind != "bank-card"] == ["diploma-number"]
    assert "skill-certificate" in {wait.kind for wait in case.waits(number=2)}


def test_a_skill_certificate_that_is_late_does_not_hold_the_diploma_or_its_award(at: At) -> None:
    case = at("certification")
    case.cards()
    case.advance(STUDY_OVER)
    case.certify("diploma", 0, day=STUDY_OVER)
    case.advance(STUDY_OVER)
    assert case.people[0].graduated_on == STUDY_OVER
    assert case.lines(0, "government", "graduation") == ["award"]


def test_credits_short_end_without_a_diploma_and_hold_nobody(at: At) -> None:
    case = at("exams")
    case.pass_all()
    for part, score in (("formative", 10), ("final", 10), ("make-up", 10)):
        case.mark(0, "M01", part, score)
    case.assess("passed")
    case.advance(TAUGHT)
    person = case.people[0]
    assert (person.status, person.rule, person.ended_on) == ("incomplete", "credits-short", TAUGHT)
    assert "72.0 of 76" in person.reason
    assert case.stages()[1:] == ["certification"] * 5
    case.advance(STUDY_OVER)
    assert len(rows(Graduation)) == 5


def test_a_mark_corrected_while_the_study_time_runs_may_still_cost_the_diploma(at: At) -> None:
    case = at("certification")
    for part in ("formative", "final", "make-up"):
        case.mark(0, "M01", part, 10)
    case.advance(STUDY_OVER)
    assert case.people[0].rule == "credits-short"
    assert one(Graduation, participant_id=case.people[1].id).sent_on == STUDY_OVER
