"""Withdrawal 退出: a participant leaves at any stage, with a reason and a date; his payments stop.

Belongs here: noticing that a worker left his employer, and withdrawals a coordinator enters.
Does not: what may be a withdrawal (rules/withdrawal.py) or the reversal of unpaid awards (funding.py).
"""

from datetime import date

from models.clock import business_date
from models.repositories.audit import record
from models.rules.withdrawal import REASONS, has_left, judge_withdrawal
from models.tables.organisations import Cohort
from models.tables.people import Participant
from tasks.board import Board, close_step
from tasks.errors import BadInput
from tasks.office import unit_of_work
from tasks.step import step


def settle(board: Board, participant: Participant) -> bool:
    """Withdraw a participant whose enterprise says that he left; True when he is withdrawn."""
    for employment in board.employments.get(participant.worker_id, []):
        if employment.enterprise_code != participant.enterprise_code:
            continue
        if has_left(employment.active, employment.left_on, participant.nominated_on, board.today):
            board.end(participant, "withdrawn", "left-employer", REASONS["left-employer"], employment.left_on)
            return True
    return False


@step(name="withdraw")
async def withdraw(
    participant_id: str, rule: str, reason: str, actor: str, on: date | None = None, as_of: date | None = None
) -> str:
    """Withdraw a participant for one of REASONS, from a day on (today unless given); give his cohort's code.

    The same withdrawal again changes nothing. Raises BadInput for an id, a reason or a day that cannot be.
    """
    today = business_date(as_of)
    day = on or today
    with unit_of_work() as session:
        participant = session.get(Participant, participant_id)
        if participant is None:
            raise BadInput(f"there is no participant {participant_id}: `yuanmeng worker show` and the inbox give ids")
        session.get_one(Cohort, participant.cohort_code, with_for_update=True)
        session.refresh(participant)  # a night may have moved him while we waited for his cohort
        decision = judge_withdrawal(rule, participant.status, day, participant.nominated_on, today)
        if decision.outcome == "refused":
            raise BadInput(decision.reason)
        if participant.status in ("active", "held"):
            participant.status, participant.rule, participant.ended_on = "withdrawn", rule, day
            participant.reason = f"{decision.reason}: {reason}"
            close_step(session, participant, today)
            record(session, action="withdrawn", subject=participant.id, actor=actor, on=today, reason=reason,
                   detail=rule, key=f"withdrawn:{participant.id}:{day}")  # fmt: skip
        return participant.cohort_code
