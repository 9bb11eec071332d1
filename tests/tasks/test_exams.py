"""Exams: a final result for every module and the skill assessment's."""

import json
from datetime import date, timedelta

from models.tables.credentials import SkillAssessment
from models.tables.operations import Outbox
from models.tables.teaching import LineItem
from tests.fixtures.cohorts import TAUGHT, change, exam_day, one, rows
from tests.tasks.conftest import At


def test_everyone_is_registered_once_for_the_skill_assessment_the_programme_ends_with(at: At) -> None:
    case = at("exams")
    case.advance(TAUGHT + timedelta(days=1))
    sent = rows(Outbox, kind="partner.skill-registrations")
    assert len(sent) == len(rows(SkillAssessment)) == 6
    payload = json.loads(sent[0].payload)
    assert (payload["occupation"], payload["level"]) == ("电工", 4)
    assert sent[0].organisation_code == case.cohort.assessor_code
    wait = case.waits("skill-result")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("assessor", TAUGHT, date(2029, 4, 16))


def test_grades_that_are_late_are_awaited_of_the_school_by_module(at: At) -> None:
    case = at("exams")
    case.pass_all(but=["M01"])
    case.assess("passed")
    case.advance(TAUGHT)
    assert {(wait.holder, wait.subject) for wait in case.waits("exam-result")} == {("school", "M01")}
    case.pass_all()
    case.advance(TAUGHT + timedelta(days=1))
    assert case.stages() == ["certification"] * 6
    assert case.waits("exam-result") == []


def test_a_module_whose_exam_the_school_never_set_is_still_awaited_of_it(at: At) -> None:
    case = at("exams")
    case.pass_all(but=["M01"])
    case.assess("passed")
    for part in ("formative", "final"):
        change(LineItem, f"school:M01:{part}", due_on=None)
    case.advance(TAUGHT)
    assert case.stages() == ["exams"] * 6
    assert {(wait.kind, wait.holder, wait.subject) for wait in case.waits() if wait.kind != "bank-card"} == {
        ("exam-result", "school", "M01"),
    }  # fmt: skip


def test_results_alone_or_the_skill_alone_are_not_enough(at: At) -> None:
    case = at("exams")
    case.pass_all(0, 1)
    case.assess("passed", 1, 2)
    case.advance(TAUGHT)
    assert case.stages() == ["exams", "certification", "exams", "exams", "exams", "exams"]


def test_a_failed_skill_ends_only_after_every_module_has_its_result(at: At) -> None:
    case = at("exams")
    case.pass_all(0)
    case.assess("failed", 0, 1, day=date(2029, 1, 20))
    case.advance(TAUGHT)
    person = case.people[0]
    assert (person.status, person.rule, person.ended_on) == ("incomplete", "skill-failed", date(2029, 1, 20))
    assert case.stages()[1] == "exams"


def test_a_failed_skill_that_the_assessor_corrects_in_time_passes(at: At) -> None:
    case = at("exams")
    case.assess("failed", 0)
    case.advance(TAUGHT)
    case.pass_all(0)
    case.assess("passed", 0)
    case.advance(TAUGHT + timedelta(days=1))
    assert case.stages()[0] == "certification"


def test_a_module_failed_for_good_does_not_hold_the_exams(at: At) -> None:
    case = at("exams")
    case.pass_all(0, but=["M01"])
    for part, score in (("formative", 50), ("final", 20), ("make-up", 30)):
        case.mark(0, "M01", part, score)
    case.assess("passed", 0)
    case.advance(TAUGHT)
    person = case.people[0]
    assert (person.status, person.rule) == ("incomplete", "credits-short")
    assert one(SkillAssessment, participant_id=person.id).status == "passed"


def test_a_make_up_keeps_its_own_in_exams_and_lets_the_others_go(at: At) -> None:
    case = at("exams")
    case.pass_all()
    case.mark(0, "M10", "final", 20)
    case.assess("passed")
    case.advance(TAUGHT)
    assert case.stages() == ["exams", *["certification"] * 5]
    case.mark(0, "M10", "make-up", 90)
    case.advance(exam_day("M10") + timedelta(days=61))
    assert case.stages()[0] == "certification"
