"""The study: what schools report, joined for a cohort's own people."""

from datetime import UTC, date, datetime
from decimal import Decimal

from models.repositories.organisations import modules_of
from models.repositories.people import participants_of
from models.tables.organisations import Cohort
from models.tables.teaching import Attendance, Enrolment, Learner, LineItem, Mark, Session
from tasks.office import unit_of_work
from tasks.study import Study, load, session_day
from tests.fixtures.cohorts import Case, change, class_id, exam_day, rows, write
from tests.tasks.conftest import At

DAY = date(2026, 9, 12)


def gathered(case: Case) -> Study:
    """The study of the cohort."""
    with unit_of_work() as session:
        return load(
            session,
            modules_of(session, session.get_one(Cohort, case.code).programme_id),
            participants_of(session, case.code),
        )


def test_people_of_another_cohort_and_teachers_are_left_out(at: At) -> None:
    case = at("teaching")
    case.timetable(["M01"])
    write(Learner(id="school:x", connection="school", source_id="x", student_number="99"),
          Learner(id="school:y", connection="school", source_id="y", student_number=None),
          Enrolment(id="school:M01:x", class_id=class_id("M01"), learner_id="school:x"))  # fmt: skip
    case.sessions("M01", [DAY])
    write(Attendance(session_id=f"centre:M01:{DAY}", student_number="99", meaning="absent"))
    study = gathered(case)
    assert set(study.taken_by) == {case.number(place) for place in range(6)}
    assert set(study.registers[f"centre:M01:{DAY}"]) == set(study.taken_by)


def test_a_class_knows_its_module_term_confirmation_sessions_in_order_and_exam(at: At) -> None:
    case = at("teaching")
    case.timetable(["M01"])
    case.sessions("M01", [date(2026, 9, 19), DAY])
    change(LineItem, "school:M01:formative", due_on=date(2026, 12, 1))
    one = gathered(case).classes[class_id("M01")]
    assert (one.module.code, one.term and one.term.title) == ("M01", "term 1")
    assert one.confirmation is not None and one.confirmation.status == "confirmed"
    assert [session_day(session) for session in one.sessions] == [DAY, date(2026, 9, 19)]
    assert one.exam_on() == exam_day("M01")


def test_a_session_late_in_the_evening_is_of_the_day_in_shanghai(at: At) -> None:
    assert session_day(Session(id="s", class_id="c", minutes=90, closed=True,
                               starts_at=datetime(2026, 9, 12, 16, 30, tzinfo=UTC))) == date(2026, 9, 13)  # fmt: skip


def test_marks_belong_to_the_learner_behind_the_number(at: At) -> None:
    case = at("teaching")
    case.timetable(["M01"])
    case.mark(0, "M01", "final", 71)
    study = gathered(case)
    assert study.marks[case.number(0), "school:M01:final"].score == Decimal(71)
    assert (case.number(1), "school:M01:final") not in study.marks
    assert len(rows(Mark)) == 1


def test_a_cohort_without_numbers_has_no_study(at: At) -> None:
    study = gathered(at("registration"))
    assert (study.classes, dict(study.taken_by), study.registers, study.marks) == ({}, {}, {}, {})
