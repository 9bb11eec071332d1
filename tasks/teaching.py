"""Teaching 教学: classes, attendance and marks become the state of each module; what is missing is awaited.

Belongs here: drawing modules taken from the reported study, waits on centre, school and supervisors.
Does not: gathering the study (study.py) or the rules of teaching, attendance and marks (rules/).
"""

from datetime import date
from decimal import Decimal

from models.identity import make_id
from models.repositories.teaching import ASKED_AFTER
from models.rules.attendance import AttendanceCount, absent_since, apply_leave, count
from models.rules.marks import ModuleEvidence, settle_module
from models.rules.teaching import (
    awaits_confirmation,
    barred_from_exam,
    confirmation_asked_on,
    register_overdue,
    study_waits,
    teaching_over,
)
from models.tables.organisations import Module
from models.tables.people import Participant
from models.tables.teaching import ModuleTaken, Session
from tasks.board import Board
from tasks.study import Class, Study, load, session_day


def study_of(board: Board) -> Study:
    """The cohort's study, gathered once a run."""
    if board.study is None:
        board.study = load(board.session, board.modules, board.participants)
    return board.study


def settle(board: Board, participant: Participant) -> bool:
    """Teaching ends for a participant when the last term of the programme's classes is over."""
    classes = [(one.module.code, one.term.ends_on if one.term else None) for one in study_of(board).of(participant)]
    modules = {module.code for module in board.modules}
    return teaching_over(modules, _exempt(board, participant), classes, board.today)


def _exempt(board: Board, participant: Participant) -> set[str]:
    granted = {row.module_id for row in board.recognitions.get(participant.id, []) if row.status == "granted"}
    return {module.code for module in board.modules if module.id in granted}


def derive(board: Board, participant: Participant) -> None:
    """Draw the modules taken from what is reported, up to the day a participant ended.

    Of one who was anonymised since nothing is found by his number any more: what was drawn stands.
    """
    if participant.registered_on is None or participant.student_number is None:
        return
    study = study_of(board)
    classes = {one.module.code: one for one in study.of(participant)}
    exempt = _exempt(board, participant)
    for module in board.modules:
        one = classes.get(module.code)
        if one is not None or module.code in exempt:
            _take(board, participant, module, one, module.code in exempt)


def _take(board: Board, participant: Participant, module: Module, one: Class | None, exempt: bool) -> None:
    key = make_id("MT", participant.id, module.id)
    taken = next((row for row in board.modules_taken.get(participant.id, []) if row.id == key), None)
    if taken is None:
        taken = ModuleTaken(id=key, participant_id=participant.id, module_id=module.id, state="enrolled")
        board.session.add(taken)
        board.modules_taken.setdefault(participant.id, []).append(taken)
    meanings = _meanings(board, participant, one) if one else []
    attendance = count(meaning for _, meaning in meanings)
    policy = board.policy_at_exam(one.exam_on() if one else participant.registered_on)
    outcome = settle_module(_evidence(board, participant, module, one, exempt, attendance), policy)
    study = study_of(board)
    minutes = (
        study.minutes.get((participant.student_number or "", one.section.id), Decimal("0")) if one else Decimal("0")
    )
    facts = {
        "class_id": one.section.id if one else None, "state": outcome.state, "mark": outcome.mark,
        "credits": module.credits if outcome.state in ("passed", "exempt") else Decimal("0"), "rule": outcome.rule,
        "held": attendance.held, "present": attendance.present, "late": attendance.late,
        "excused": attendance.excused, "absent": attendance.absent, "online_minutes": minutes,
        "policy_version": policy.version,
    }  # fmt: skip
    if any(getattr(taken, name) != value for name, value in facts.items()):
        for name, value in facts.items():
            setattr(taken, name, value)
        taken.decided_on = board.today
    if one is not None and participant.status == "active":
        seen = [(session_day(session), meaning) for session, meaning in meanings]
        _declare(board, participant, one, taken, seen, attendance)


def _meanings(board: Board, participant: Participant, one: Class) -> list[tuple[Session, str]]:
    """What each closed session was for the participant, with approved leave taken into account."""
    leaves = [
        (row.starts_on, row.ends_on) for row in board.leaves.get(participant.worker_id, []) if row.status == "approved"
    ]
    study = study_of(board)
    last = participant.ended_on or date.max
    return [
        (session, apply_leave(study.meaning(participant, session), session_day(session), leaves))
        for session in one.sessions
        if session.closed and session_day(session) <= last
    ]


def _evidence(
    board: Board,
    participant: Participant,
    module: Module,
    one: Class | None,
    exempt: bool,
    attendance: AttendanceCount,
) -> ModuleEvidence:
    study = study_of(board)
    scores: dict[str, list[Decimal]] = {"formative": [], "final": [], "make-up": [], "other": []}
    for item in sorted(one.items, key=lambda item: (item.due_on or date.max, item.id)) if one else []:
        mark = study.mark(participant, item)
        if mark is not None and mark.score_status == "exempt":
            exempt = True
        if mark is not None and mark.score is not None and mark.score_status == "fully graded":
            scores[item.part].append(mark.score)
    exam_on = one.exam_on() if one else None
    return ModuleEvidence(
        formative=scores["formative"][-1] if scores["formative"] else None,
        finals=tuple(scores["final"]), make_ups=tuple(scores["make-up"]),
        formative_share=module.formative_share, each_part=module.each_part, exempt=exempt,
        may_sit=one is None or not _barred(board, one, attendance),
        exam_held=exam_on is not None and exam_on <= board.today,
    )  # fmt: skip


def _barred(board: Board, one: Class, attendance: AttendanceCount) -> bool:
    sessions = [(session_day(session), session.closed) for session in one.sessions]
    return barred_from_exam(attendance, sessions, one.exam_on(), board.today, board.policy_at_exam(one.exam_on()))


def _declare(
    board: Board,
    participant: Participant,
    one: Class,
    taken: ModuleTaken,
    seen: list[tuple[date, str]],
    attendance: AttendanceCount,
) -> None:
    """Declare what this class has waiting for this participant today."""
    term, exam_on = one.term, one.exam_on()
    began = {
        "absent-twice": absent_since(seen, board.policy.absences_in_a_row), "attendance-low": term.starts_on if term else None,
        "exam-result": exam_on, "make-up-exam": exam_on,
    }  # fmt: skip
    for kind in study_waits(
        taken.state, [meaning for _, meaning in seen], attendance, exam_on=exam_on, today=board.today, policy=board.policy,
        running=term is not None and term.starts_on <= board.today <= term.ends_on,
    ):  # fmt: skip
        since = began[kind]
        if since is not None:
            board.wait(kind, participant, since, subject=one.module.code)
    _await_unset_exam(board, participant, one, taken)


def _await_unset_exam(board: Board, participant: Participant, one: Class, taken: ModuleTaken) -> None:
    """A class whose term is over without an exam known to us: its result is the school's to give all the same."""
    over = one.term is not None and one.term.ends_on < board.today
    if one.term is not None and over and one.exam_on() is None and taken.state == "enrolled":
        board.wait("exam-result", participant, one.term.ends_on, subject=one.module.code)


def watch_classes(board: Board) -> None:
    """Declare what whole classes wait for: the centre's confirmation, registers not reported."""
    for one in study_of(board).classes.values():
        if one.term is not None and board.today <= one.term.ends_on + ASKED_AFTER:
            _watch_registers(board, one)
        if one.term is None or board.today > one.term.ends_on:
            continue
        starts_on = one.confirmation.starts_on if one.confirmation else one.term.starts_on
        confirmed = one.confirmation is not None and one.confirmation.status == "confirmed"
        closed = [session.closed for session in one.sessions]
        if awaits_confirmation(starts_on, board.today, board.policy, confirmed=confirmed, registers_closed=closed):
            ask_on = confirmation_asked_on(starts_on, board.policy)
            board.wait("class-confirmation", None, ask_on, subject=one.section.code)


def _watch_registers(board: Board, one: Class) -> None:
    """The registers of a class are asked for while it is taught, and as long after as they may still be corrected."""
    for session in one.sessions:
        if register_overdue(session_day(session), session.closed, board.today, board.policy):
            board.wait("attendance-unreported", None, session_day(session), subject=one.section.code)
