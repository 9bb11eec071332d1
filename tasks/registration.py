"""Registration 学籍注册: the school's student number makes the participant its student.

Belongs here: taking over number and day. Does not: until when the school has time
(rules/registration.py) or anything taught.
"""

from models.repositories.people import number_taken
from models.rules.admission import judge_admission
from models.rules.registration import registration_due
from models.tables.people import Participant
from tasks.board import Board


def settle(board: Board, participant: Participant) -> bool:
    """Take over the student number; until it is there, wait for the school until 30 days after term start."""
    application = board.applications[participant.id]
    decision = judge_admission(application.status, application.reason)
    if decision.outcome == "refused":  # the school took its admission back
        board.end(participant, "refused", decision.rule, decision.reason, application.decided_on)
        return False
    number = application.student_number
    if number is None or application.registered_on is None or number_taken(board.session, number, participant.id):
        due = registration_due(board.cohort.starts_on, board.policy)
        board.wait("registration-number", participant, participant.stage_entered_on, due=due)
        return False
    participant.student_number = application.student_number
    participant.registered_on = application.registered_on
    return True


def follow(board: Board, participant: Participant) -> None:
    """Take over a number that the school corrected after it had registered the participant."""
    application = board.applications.get(participant.id)
    if application is None or participant.student_number is None or application.student_number is None:
        return
    number = application.student_number
    if number != participant.student_number and not number_taken(board.session, number, participant.id):
        participant.student_number = number
