"""Certification 发证: the diploma and the skill certificate come back with their numbers.

Belongs here: asking for the diploma, taking both numbers, completing a participant.
Does not: whether credits suffice (rules/graduation.py), when both are back (rules/certification.py) or the skill
assessment (exams.py).
"""

from models.identity import make_id
from models.rules.certification import completed_on, missing_certificates
from models.rules.graduation import earliest_graduation, judge_graduation, judge_status
from models.tables.lifecycle import Graduation
from models.tables.people import Participant
from tasks.board import Board


def settle(board: Board, participant: Participant) -> bool:
    """Ask for the diploma when the credits suffice, wait for both certificates, then complete."""
    issued = {certificate.kind: certificate.issued_on for certificate in board.certificates.get(participant.id, [])}
    request = board.graduations.get(participant.id)
    if request is None:
        if not _may_graduate(board, participant):
            return False
        request = _request_diploma(board, participant)
    if "diploma" in issued:
        participant.graduated_on = issued["diploma"]
    _await(board, participant, request, missing_certificates(issued))
    last = completed_on(issued)
    if last is not None:
        board.end(participant, "completed", "", "both certificates are back 双证齐全", last)
    return False


def _await(board: Board, participant: Participant, request: Graduation, missing: list[str]) -> None:
    if "diploma" in missing:
        board.wait("diploma-number", participant, request.sent_on)
    assessment = board.assessments.get(participant.id)
    if "skill" in missing and assessment is not None:
        board.wait("skill-certificate", participant, assessment.assessed_on or participant.stage_entered_on)


def lapse(board: Board, participant: Participant) -> None:
    """End a participant whose student status lapsed before his diploma was asked for."""
    if participant.registered_on is None or participant.id in board.graduations:
        return
    decision = judge_status(board.cohort.starts_on, board.today, board.policy)
    if decision.outcome == "fail":
        board.end(participant, "incomplete", decision.rule, decision.reason)


def _may_graduate(board: Board, participant: Participant) -> bool:
    earned = board.credits(participant)
    decision = judge_graduation(earned, board.cohort.starts_on, board.today, board.policy,
                                credits_needed=board.programme.credits_to_graduate)  # fmt: skip
    if decision.outcome == "fail":
        board.end(participant, "incomplete", decision.rule, decision.reason)
    elif decision.outcome == "wait":
        board.wait(
            "study-time",
            participant,
            participant.stage_entered_on,
            due=earliest_graduation(board.cohort.starts_on, board.policy),
        )
    return decision.outcome == "pass"


def _request_diploma(board: Board, participant: Participant) -> Graduation:
    request = Graduation(id=make_id("G", participant.id), participant_id=participant.id, sent_on=board.today)
    board.session.add(request)
    board.graduations[participant.id] = request
    earned = board.credits(participant)
    board.send("partner.graduations", request.id, board.cohort.school_code, {
        "graduation_id": request.id, "student_number": participant.student_number, "credits": str(earned),
    })  # fmt: skip
    return request
