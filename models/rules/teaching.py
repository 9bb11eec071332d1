"""Teaching 教学: when it ends, and what of a class or of a participant's study somebody is to be told.

Belongs here: decisions on reported classes, registers and results. Does not: counting a register (attendance.py)
or making a mark (marks.py).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta

from models.rules.attendance import AttendanceCount, consecutive_absences, may_sit_exam
from models.rules.policy import Policy


def teaching_over(
    modules: Collection[str], exempt: Collection[str], classes: Sequence[tuple[str, date | None]], today: date
) -> bool:
    """Say whether teaching is over for a participant: every module had its class or is exempt, every term has ended.

    `classes` are the module of each class he is enrolled in, with the last day of its term.
    """
    taught = {module for module, _ in classes} | set(exempt)
    return set(modules) <= taught and all(ends_on is not None and ends_on < today for _, ends_on in classes)


def barred_from_exam(
    attendance: AttendanceCount,
    sessions: Sequence[tuple[date, bool]],
    exam_on: date | None,
    today: date,
    policy: Policy,
) -> bool:
    """Say whether attendance bars from the exam: not before its day, nor while any register may still change it.

    `sessions` are the day of each session and whether its register is closed.
    """
    if may_sit_exam(attendance, policy) or not sessions or exam_on is None or exam_on > today:
        return False
    return all(closed and day <= today for day, closed in sessions)


def study_waits(
    state: str,
    meanings: Sequence[str],
    attendance: AttendanceCount,
    *,
    running: bool,
    exam_on: date | None,
    today: date,
    policy: Policy,
) -> list[str]:
    """Give the kinds of wait that a participant's module calls for: absences, low attendance, results, a make-up.

    Attendance is looked at while the class's term runs (`running`) and the module is not settled.
    """
    waits: list[str] = []
    if running and meanings and state == "enrolled":
        if consecutive_absences(meanings) >= policy.absences_in_a_row:
            waits.append("absent-twice")
        if attendance.held >= policy.attendance_min_sessions and not may_sit_exam(attendance, policy):
            waits.append("attendance-low")
    if exam_on is not None and exam_on <= today and state == "awaiting-result":
        waits.append("exam-result")
    if exam_on is not None and state == "awaiting-make-up":
        waits.append("make-up-exam")
    return waits


def confirmation_asked_on(starts_on: date, policy: Policy) -> date:
    """Give the day from which a class's confirmation is awaited: unconfirmed on the day after, it is a stall."""
    return starts_on - timedelta(days=policy.class_confirmation_days + 1)


def awaits_confirmation(
    starts_on: date, today: date, policy: Policy, *, confirmed: bool, registers_closed: Iterable[bool]
) -> bool:
    """Say whether the centre is to confirm a class: its start draws near and no register says that it began."""
    return not confirmed and confirmation_asked_on(starts_on, policy) <= today and not any(registers_closed)


def register_overdue(held_on: date, closed: bool, today: date, policy: Policy) -> bool:
    """Say whether a session's register should have been reported: three nights after it, by default."""
    return not closed and held_on + timedelta(days=policy.attendance_report_nights) <= today
