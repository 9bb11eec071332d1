"""Admission 录取: the application goes to the school, its decision comes back.

Belongs here: sending the application and acting on the answer. Does not: what an answer means
(rules/admission.py) or the student number (registration.py).
"""

from models.identity import make_id
from models.rules.admission import judge_admission
from models.tables.lifecycle import Application
from models.tables.people import Participant
from tasks.board import Board


def settle(board: Board, participant: Participant) -> bool:
    """Apply once; an admission moves the participant on, a refused place ends him."""
    application = board.applications.get(participant.id)
    if application is None:
        if not board.consented(participant, "school"):
            return False
        application = _apply(board, participant)
    decision = judge_admission(application.status, application.reason)
    if decision.outcome == "refused":
        board.end(participant, "refused", decision.rule, decision.reason, application.decided_on)
    elif decision.outcome == "wait":
        board.wait(decision.rule, participant, application.sent_on)
    return decision.outcome == "pass"


def _apply(board: Board, participant: Participant) -> Application:
    worker = board.workers[participant.worker_id]
    application = Application(id=make_id("AP", participant.id), participant_id=participant.id, sent_on=board.today)
    board.session.add(application)
    board.applications[participant.id] = application
    board.send("partner.applications", application.id, board.cohort.school_code, {
        "application_id": application.id,
        "cohort": board.cohort.code,
        "programme": board.programme.code,
        "level": board.programme.level,
        "name": worker.name,
        "sex": worker.sex,
        "resident_id": worker.resident_id,
        "mobile": worker.mobile,
        "entry_level": worker.education,
    })  # fmt: skip
    return application
