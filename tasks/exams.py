"""Exams 考试: a final result for each module, make-ups included, and the skill assessment.

Belongs here: registering for the skill assessment and saying what is still awaited.
Does not: when exams are over (rules/exams.py), the marks (teaching.py draws them) or certificates (certification.py).
"""

from models.identity import make_id
from models.rules.exams import judge_exams
from models.tables.credentials import SkillAssessment
from models.tables.people import Participant
from tasks.board import Board


def settle(board: Board, participant: Participant) -> bool:
    """Go on when every module has a final state and the skill assessment its result."""
    assessment = board.assessments.get(participant.id) or _register(board, participant)
    states = [taken.state for taken in board.modules_taken.get(participant.id, [])]
    decision = judge_exams(states, len(board.modules), assessment.status)
    if decision.rule == "skill-result":
        board.wait("skill-result", participant, assessment.sent_on)
    elif decision.outcome == "fail":
        board.end(participant, "incomplete", decision.rule, decision.reason, assessment.assessed_on)
    return decision.outcome == "pass"


def _register(board: Board, participant: Participant) -> SkillAssessment:
    """Register once for the skill assessment the programme ends with."""
    programme, worker = board.programme, board.workers[participant.worker_id]
    assessment = SkillAssessment(
        id=make_id("SK", participant.id), participant_id=participant.id, occupation=programme.occupation,
        level=programme.skill_level, sent_on=board.today,
    )  # fmt: skip
    board.session.add(assessment)
    board.assessments[participant.id] = assessment
    board.send("partner.skill-registrations", assessment.id, board.cohort.assessor_code, {
        "registration_id": assessment.id, "cohort": board.cohort.code, "name": worker.name,
        "resident_id": worker.resident_id, "occupation": programme.occupation, "level": programme.skill_level,
    })  # fmt: skip
    return assessment
