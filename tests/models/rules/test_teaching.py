"""When teaching ends, who is barred from an exam, and what somebody is to be told."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.attendance import AttendanceCount, count
from models.rules.policy import DEFAULT_POLICIES
from models.rules.teaching import (
    awaits_confirmation,
    barred_from_exam,
    confirmation_asked_on,
    register_overdue,
    study_waits,
    teaching_over,
)

POLICY = DEFAULT_POLICIES[0]
DAY = date(2026, 11, 2)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
LOW, ENOUGH = AttendanceCount(10, 6, 0, 0, 4), AttendanceCount(10, 7, 0, 0, 3)


def test_teaching_is_over_on_the_day_after_the_last_term() -> None:
    classes = [("M01", BEFORE), ("M02", DAY)]
    assert not teaching_over({"M01", "M02"}, (), classes, DAY)
    assert teaching_over({"M01", "M02"}, (), classes, AFTER)


def test_a_module_without_a_class_keeps_teaching_open_unless_it_is_exempt() -> None:
    assert not teaching_over({"M01", "M02"}, (), [("M01", BEFORE)], DAY)
    assert teaching_over({"M01", "M02"}, {"M02"}, [("M01", BEFORE)], DAY)
    assert teaching_over({"M01"}, {"M01"}, [], DAY)


def test_a_class_without_a_term_keeps_teaching_open() -> None:
    assert not teaching_over({"M01"}, (), [("M01", None)], DAY)
    assert not teaching_over({"M01"}, (), [("M01", BEFORE), ("M01", None)], DAY)


def test_low_attendance_bars_from_the_exam_on_its_day_and_not_before() -> None:
    held = [(BEFORE, True), (BEFORE, True)]
    assert barred_from_exam(LOW, held, DAY, DAY, POLICY)
    assert not barred_from_exam(LOW, held, DAY, BEFORE, POLICY)
    assert not barred_from_exam(LOW, held, None, DAY, POLICY)
    assert not barred_from_exam(ENOUGH, held, DAY, DAY, POLICY)


@given(st.lists(st.tuples(st.dates(BEFORE, AFTER), st.booleans()), max_size=8))
def test_nobody_is_barred_while_a_register_may_still_change_his_attendance(sessions: list[tuple[date, bool]]) -> None:
    barred = barred_from_exam(LOW, sessions, DAY, DAY, POLICY)
    assert barred == (bool(sessions) and not [1 for day, closed in sessions if day > DAY or not closed])


def waits(state: str, meanings: list[str], *, running: bool = True, exam_on: date | None = DAY) -> list[str]:
    """What a module with this register calls for on the day."""
    return study_waits(
        state, meanings, count(meanings), running=running, exam_on=exam_on, today=DAY, policy=POLICY
    )  # fmt: skip


@pytest.mark.parametrize(
    ("meanings", "told"),
    [
        (["present", "absent"], []),
        (["absent", "absent"], ["absent-twice"]),
        (["absent", "excused", "absent"], ["absent-twice", "attendance-low"]),
        (["absent", "absent", "present"], ["attendance-low"]),
        (["absent", "present", "present", "present"], []),
        ([], []),
    ],
)
def test_absences_are_told_while_the_term_runs_and_the_module_is_open(meanings: list[str], told: list[str]) -> None:
    assert waits("enrolled", meanings) == told
    assert waits("enrolled", meanings, running=False) == []
    assert waits("passed", meanings) == []


def test_a_result_is_awaited_from_the_exam_on_and_a_make_up_whenever_one_is_due() -> None:
    assert waits("awaiting-result", []) == ["exam-result"]
    assert waits("awaiting-result", [], exam_on=AFTER) == []
    assert waits("awaiting-result", [], exam_on=None) == []
    assert waits("awaiting-make-up", [], exam_on=AFTER) == ["make-up-exam"]


@given(st.dates(DAY, DAY + timedelta(days=60)), st.booleans(), st.lists(st.booleans(), max_size=3))
def test_a_class_is_to_be_confirmed_from_eleven_days_before_it_unless_it_is_or_has_begun(
    starts_on: date, confirmed: bool, closed: list[bool]
) -> None:
    asked = awaits_confirmation(starts_on, DAY, POLICY, confirmed=confirmed, registers_closed=closed)
    near = starts_on - DAY <= timedelta(days=11)
    assert near == (confirmation_asked_on(starts_on, POLICY) <= DAY)
    assert asked == (near and not confirmed and True not in closed)


def test_a_register_is_overdue_after_three_nights() -> None:
    third = DAY + timedelta(days=3)
    assert not register_overdue(DAY, False, third - timedelta(days=1), POLICY)
    assert register_overdue(DAY, False, third, POLICY)
    assert not register_overdue(DAY, True, third, POLICY)
