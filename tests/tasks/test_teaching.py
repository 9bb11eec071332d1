"""Teaching: attendance, leave and marks become modules taken; what classes and people wait for."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from models.rules.policy import DEFAULT_POLICIES
from models.tables.organisations import Module
from models.tables.people import Leave
from models.tables.teaching import (
    Attendance,
    ClassConfirmation,
    ClassSection,
    Course,
    Enrolment,
    Mark,
    OnlineStudy,
    Term,
)
from tasks.office import Office, office, use_office
from tests.fixtures.cohorts import (
    REGISTERED,
    TAUGHT,
    TERMS,
    Case,
    change,
    class_id,
    exam_day,
    hashes,
    noon,
    one,
    rows,
    write,
)
from tests.tasks.conftest import At

DAYS = [date(2026, 9, 12) + timedelta(days=7 * week) for week in range(5)]
EXAM = date(2027, 1, 8)


@pytest.fixture
def taught(at: At) -> Case:
    """A cohort with its timetable, its people in every class."""
    case = at("teaching")
    case.timetable()
    case.advance(REGISTERED)
    return case


def test_everyone_enrolled_takes_the_modules_and_says_nothing_is_awaited(taught: Case) -> None:
    assert taught.taken(0, "M01").state == "enrolled"
    assert {wait.kind for wait in taught.waits()} == {"bank-card"}  # the money waits beside it


def test_teaching_ends_on_the_day_after_the_last_term(taught: Case) -> None:
    taught.advance(TERMS[-1][1])
    assert taught.stages() == ["teaching"] * 6
    taught.advance(TERMS[-1][1] + timedelta(days=1))
    assert taught.stages() == ["exams"] * 6


def test_teaching_goes_on_while_a_module_has_no_class_yet(at: At) -> None:
    case = at("teaching")
    case.timetable(["M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08", "M09"])
    case.advance(TAUGHT)
    assert case.stages() == ["teaching"] * 6


def test_two_absences_in_a_row_call_the_supervisor_and_end_with_the_next_session_attended(taught: Case) -> None:
    taught.sessions("M01", DAYS[:2], present=[1, 2, 3, 4, 5])
    taught.advance(DAYS[1])
    wait = taught.waits("absent-twice")[0]
    assert (wait.kind, wait.participant_id, wait.subject, wait.since) == (
        "absent-twice",
        taught.people[0].id,
        "M01",
        DAYS[1],
    )
    taught.sessions("M01", DAYS[2:3])
    taught.advance(DAYS[2])
    assert taught.waits("absent-twice") == []


def test_approved_leave_is_neither_present_nor_absent_and_late_approval_takes_the_wait_away(taught: Case) -> None:
    taught.sessions("M01", DAYS[:3], present=[1, 2, 3, 4, 5])
    taught.leave(0, DAYS[0], DAYS[2], status="pending")
    taught.advance(DAYS[2])
    assert {wait.kind for wait in taught.waits(number=0)} >= {"absent-twice", "attendance-low"}
    change(Leave, f"hr:leave-0-{DAYS[0]}", status="approved")
    taught.advance(DAYS[3])
    assert {wait.kind for wait in taught.waits(number=0)} & {"absent-twice", "attendance-low"} == set()
    taken = taught.taken(0, "M01")
    assert (taken.held, taken.present, taken.excused, taken.absent) == (3, 0, 3, 0)


def test_leave_covers_its_first_and_last_day_alone(taught: Case) -> None:
    taught.sessions("M01", DAYS[:4], present=[])
    taught.leave(0, DAYS[1], DAYS[2])
    taught.advance(DAYS[3])
    taken = taught.taken(0, "M01")
    assert (taken.excused, taken.absent) == (2, 2)


def test_low_attendance_is_said_only_after_enough_sessions_and_to_the_worker(taught: Case) -> None:
    taught.sessions("M01", DAYS[:1], present=[])
    taught.sessions("M01", DAYS[1:2])
    taught.advance(DAYS[1])
    assert taught.waits("attendance-low") == []
    taught.sessions("M01", DAYS[2:3])
    taught.sessions("M01", DAYS[3:4])
    taught.advance(DAYS[3])
    assert taught.waits("attendance-low") == []  # three of four
    taught.sessions("M01", DAYS[4:5], present=[])
    taught.advance(DAYS[4])
    wait = taught.waits("attendance-low")[0]
    assert (wait.holder, wait.subject, wait.since, wait.due_on) == ("worker", "M01", TERMS[0][0], TERMS[0][0])


def test_a_worker_under_the_threshold_is_barred_and_a_corrected_register_lets_him_sit_again(taught: Case) -> None:
    taught.sessions("M01", DAYS, present=[1, 2, 3, 4, 5])
    taught.mark(0, "M01", "formative", 90)
    taught.mark(0, "M01", "final", 90)
    taught.advance(EXAM - timedelta(days=1))
    assert taught.taken(0, "M01").state == "passed"  # barred only once the exam's day has come
    taught.advance(EXAM)
    barred = taught.taken(0, "M01")
    assert (barred.state, barred.rule, barred.credits, barred.mark) == (
        "barred",
        "attendance-below-threshold",
        Decimal(0),
        None,
    )
    assert taught.taken(1, "M01").state == "awaiting-result"
    for day in DAYS[:4]:
        write(Attendance(session_id=f"centre:M01:{day}", student_number=taught.number(0), meaning="late"))
    taught.advance(EXAM + timedelta(days=3))
    freed = taught.taken(0, "M01")
    assert (freed.state, freed.mark, freed.credits, freed.late) == ("passed", Decimal("90.0"), Decimal("8.0"), 4)


def test_seventy_in_a_hundred_may_sit(taught: Case) -> None:
    days = [DAYS[0] + timedelta(days=number) for number in range(10)]
    taught.sessions("M01", days[:7], present=[0])
    taught.sessions("M01", days[7:], present=[])
    taught.mark(0, "M01", "formative", 60)
    taught.mark(0, "M01", "final", 60)
    taught.advance(EXAM)
    assert taught.taken(0, "M01").state == "passed"
    assert taught.taken(1, "M01").state == "barred"


def test_an_open_register_makes_nobody_absent(taught: Case) -> None:
    taught.sessions("M01", DAYS[:1], closed=False)
    taught.advance(DAYS[0] + timedelta(days=2))
    assert taught.taken(0, "M01").held == 0
    assert taught.waits("attendance-unreported") == []


def test_a_register_not_reported_for_three_nights_waits_on_the_school_for_the_whole_class(taught: Case) -> None:
    taught.sessions("M01", DAYS[:1], closed=False)
    taught.advance(DAYS[0] + timedelta(days=3))
    wait = taught.waits("attendance-unreported")[0]
    assert (wait.participant_id, wait.holder, wait.subject, wait.since) == (None, "school", "C-M01", DAYS[0])
    assert wait.due_on == DAYS[0] + timedelta(days=2)  # three nights have passed: it is late today
    taught.sessions("M01", DAYS[:1])
    taught.advance(DAYS[0] + timedelta(days=4))
    assert taught.waits("attendance-unreported") == []


def test_a_class_unconfirmed_ten_days_before_its_start_is_overdue_at_the_centre(taught: Case) -> None:
    start = TERMS[1][0]
    change(ClassConfirmation, "centre:M03", status="planned", confirmed_on=None)
    taught.advance(start - timedelta(days=12))
    assert taught.waits("class-confirmation") == []
    taught.advance(start - timedelta(days=10))
    wait = taught.waits("class-confirmation")[0]
    assert (wait.participant_id, wait.holder, wait.holder_code, wait.subject) == (
        None, "centre", taught.cohort.centre_code, "C-M03",
    )  # fmt: skip
    assert wait.due_on == start - timedelta(days=11)
    change(ClassConfirmation, "centre:M03", status="confirmed", confirmed_on=start)
    taught.advance(start)
    assert taught.waits("class-confirmation") == []


def test_a_class_that_meets_is_taken_as_confirmed(taught: Case) -> None:
    change(ClassConfirmation, "centre:M01", status="planned", confirmed_on=None)
    taught.advance(DAYS[0])
    assert [wait.subject for wait in taught.waits("class-confirmation")] == ["C-M01"]
    taught.sessions("M01", DAYS[:1])
    taught.advance(DAYS[0])
    assert taught.waits("class-confirmation") == []


def test_online_minutes_are_counted_apart_and_withdrawn_statements_do_not_count(taught: Case) -> None:
    for place, (minutes, voided) in enumerate([(30, False), (12, False), (99, True)]):
        write(OnlineStudy(id=f"lrs:{place}", student_number=taught.number(0), class_id=class_id("M01"), activity="a", verb="v",
                          minutes=Decimal(minutes), at=noon(DAYS[0]), voided=voided))  # fmt: skip
    write(OnlineStudy(id="lrs:none", student_number=taught.number(0), class_id=None, activity="a", verb="v",
                      minutes=Decimal(7), at=noon(DAYS[0])))  # fmt: skip
    taught.advance(DAYS[1])
    taken = taught.taken(0, "M01")
    assert (taken.online_minutes, taken.held) == (Decimal(42), 0)


# --- marks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formative", "final", "state", "mark"),
    [
        ("50", "66.583", "awaiting-make-up", "59.9"),  # 20 + 39.9498
        ("50", "66.584", "passed", "60.0"),  # 20 + 39.9504
        ("59.5", "60.25", "passed", "60.0"),  # 23.8 + 36.15 is 59.95, which rounds half up
        ("0", "100", "passed", "60.0"),
        ("100", "33.24", "awaiting-make-up", "59.9"),  # 40 + 19.944
    ],
)
def test_a_mark_is_made_of_its_parts_rounded_half_up(
    taught: Case, formative: str, final: str, state: str, mark: str
) -> None:
    taught.mark(0, "M01", "formative", formative)
    taught.mark(0, "M01", "final", final)
    taught.advance(EXAM)
    taken = taught.taken(0, "M01")
    assert (taken.state, taken.mark) == (state, Decimal(mark))


def test_where_each_part_must_pass_a_high_sum_is_not_enough(taught: Case) -> None:
    taught.mark(0, "M05", "formative", 100)
    taught.mark(0, "M05", "final", 59)
    taught.advance(exam_day("M05"))
    taken = taught.taken(0, "M05")
    assert (taken.state, taken.rule, taken.mark) == ("awaiting-make-up", "part-below-pass", Decimal("75.4"))
    taught.mark(0, "M05", "make-up", 60)
    taught.advance(exam_day("M05") + timedelta(days=70))
    assert taught.taken(0, "M05").state == "passed"


def test_a_failed_exam_waits_without_a_limit_for_its_make_up_and_may_be_passed_there(taught: Case) -> None:
    taught.mark(0, "M01", "formative", 60)
    taught.mark(0, "M01", "final", 30)
    taught.advance(EXAM)
    wait = taught.waits("make-up-exam")[0]
    assert (wait.holder, wait.subject, wait.since, wait.due_on) == ("school", "M01", EXAM, None)
    taught.mark(0, "M01", "make-up", 70)
    taught.advance(EXAM + timedelta(days=70))
    taken = taught.taken(0, "M01")
    assert (taken.state, taken.mark, taken.credits) == ("passed", Decimal("66.0"), Decimal(8))
    assert taught.waits("make-up-exam") == []


def test_a_failed_make_up_fails_for_good_and_holds_nobody(taught: Case) -> None:
    taught.mark(0, "M01", "formative", 60)
    taught.mark(0, "M01", "final", 30)
    taught.mark(0, "M01", "make-up", 40)
    taught.advance(EXAM + timedelta(days=70))
    taken = taught.taken(0, "M01")
    assert (taken.state, taken.credits, taken.rule) == ("failed", Decimal(0), "mark-below-pass")


def test_a_corrected_mark_makes_the_module_anew(taught: Case) -> None:
    taught.mark(0, "M01", "formative", 60)
    taught.mark(0, "M01", "final", 30)
    taught.advance(EXAM)
    change(Mark, f"school:M01:final:{taught.number(0)}", score=Decimal(90))
    day = EXAM + timedelta(days=5)
    taught.advance(day)
    taken = taught.taken(0, "M01")
    assert (taken.state, taken.mark, taken.decided_on) == ("passed", Decimal("78.0"), day)
    assert taught.waits("make-up-exam") == []
    change(Mark, f"school:M01:final:{taught.number(0)}", score=Decimal(30))
    taught.advance(day)
    assert (taught.taken(0, "M01").state, taught.taken(0, "M01").credits) == ("awaiting-make-up", Decimal(0))


def test_an_exempt_mark_is_worth_credits_and_no_mark(taught: Case) -> None:
    taught.mark(0, "M01", "final", None, status="exempt")
    taught.advance(EXAM)
    taken = taught.taken(0, "M01")
    assert (taken.state, taken.mark, taken.credits) == ("exempt", None, Decimal(8))


def test_a_mark_not_fully_graded_is_no_mark_yet(taught: Case) -> None:
    taught.mark(0, "M01", "formative", 80)
    taught.mark(0, "M01", "final", 80, status="partially graded")
    taught.advance(EXAM)
    assert taught.taken(0, "M01").state == "awaiting-result"
    wait = taught.waits("exam-result", 0)[0]
    assert (wait.holder, wait.subject, wait.since, wait.due_on) == ("school", "M01", EXAM, EXAM + timedelta(days=30))


def test_a_module_marked_by_its_formative_part_alone_needs_no_final(taught: Case) -> None:
    taught.mark(0, "M09", "formative", 60)
    taught.mark(1, "M09", "formative", "59.9")
    taught.advance(exam_day("M09"))
    assert taught.taken(0, "M09").state == "passed"
    assert taught.taken(1, "M09").state == "awaiting-make-up"
    taught.mark(1, "M09", "make-up", 61)
    taught.advance(exam_day("M09") + timedelta(days=70))
    assert (taught.taken(1, "M09").state, taught.taken(1, "M09").mark) == ("passed", Decimal("61.0"))


def test_an_enrolment_that_is_no_longer_active_counts_no_more(taught: Case) -> None:
    change(Enrolment, f"school:M01:{taught.number(0)}", active=False)
    taught.mark(0, "M01", "formative", 90)
    taught.mark(0, "M01", "final", 90)
    taught.advance(EXAM)
    assert taught.taken(0, "M01").state == "enrolled"


def test_a_term_moved_by_the_school_moves_the_end_of_teaching(taught: Case) -> None:
    change(Term, "school:t5", ends_on=TERMS[-1][1] + timedelta(days=14))
    taught.advance(TERMS[-1][1] + timedelta(days=1))
    assert taught.stages() == ["teaching"] * 6


def test_a_course_that_is_no_module_of_the_programme_is_left_alone(taught: Case) -> None:
    write(Course(id="school:X", connection="school", source_id="X", code="X99", title="choir"),
          ClassSection(id="school:class-X", connection="school", source_id="class-X", code="C-X", title="choir", course_id="school:X"),
          Enrolment(id="school:X:0", class_id="school:class-X", learner_id=f"school:{taught.number(0)}"))  # fmt: skip
    taught.advance(DAYS[0])
    assert len(rows(Module)) == 10


def test_study_after_a_withdrawal_counts_no_more(taught: Case) -> None:
    taught.sessions("M01", DAYS[:2])
    taught.left(0, DAYS[1])
    taught.sessions("M01", DAYS[2:])
    taught.advance(DAYS[4])
    assert (taught.taken(0, "M01").held, taught.taken(1, "M01").held) == (2, 5)
    assert taught.waits(number=0) == []


def test_the_same_evidence_again_changes_nothing_and_keeps_the_day_of_decision(taught: Case) -> None:
    taught.mark(0, "M01", "formative", 80)
    taught.mark(0, "M01", "final", 80)
    taught.advance(EXAM)
    before = hashes()
    taught.advance(EXAM)
    assert hashes() == before
    taught.advance(EXAM + timedelta(days=1))
    assert taught.taken(0, "M01").decided_on == EXAM
    assert one(Term, id="school:t1").title == "term 1"


def test_a_third_absence_in_a_row_is_the_same_wait_since_the_second(taught: Case) -> None:
    taught.sessions("M01", DAYS[:2], present=[1, 2, 3, 4, 5])
    taught.advance(DAYS[1])
    (before,) = taught.waits("absent-twice")
    taught.sessions("M01", DAYS[2:3], present=[1, 2, 3, 4, 5])
    taught.advance(DAYS[2])
    (after,) = taught.waits("absent-twice")
    assert (after.id, after.since) == (before.id, DAYS[1])


def test_a_register_of_the_last_week_is_asked_for_when_the_term_is_over(taught: Case) -> None:
    last = TERMS[0][1]
    taught.sessions("M01", [last], closed=False)
    taught.advance(last + timedelta(days=3))
    assert [wait.since for wait in taught.waits("attendance-unreported")] == [last]
    taught.advance(last + timedelta(days=31))
    assert taught.waits("attendance-unreported")
    taught.advance(last + timedelta(days=32))  # corrected no more
    assert taught.waits("attendance-unreported") == []


def test_an_exam_is_judged_by_the_policy_of_its_day_whatever_holds_later(taught: Case) -> None:
    """A higher pass mark from the second year on fails nobody who passed in the first."""
    stricter = replace(DEFAULT_POLICIES[0], version="2027-9", effective_from=date(2027, 9, 1), pass_mark=Decimal(80))
    for module in ("M01", "M05"):
        taught.mark(0, module, "formative", 70)
        taught.mark(0, module, "final", 70)
    here = office()
    use_office(Office(here.settings, here.engine, (*DEFAULT_POLICIES, stricter)))
    taught.advance(EXAM)
    taught.advance(date(2028, 2, 1))
    first, third = taught.taken(0, "M01"), taught.taken(0, "M05")
    assert (first.state, first.policy_version) == ("passed", DEFAULT_POLICIES[0].version)
    assert (third.state, third.policy_version) == ("awaiting-make-up", "2027-9")
