"""Review 审核: the union's decision on each nominee, within the quota.

Belongs here: asking for the decision and acting on it. Does not: the public notice that follows.
"""

from models.tables.people import Participant
from tasks.board import Board


def settle(board: Board, participant: Participant) -> bool:
    """Ask the reviewer once; an approval moves the participant on, a refusal ends him with its reason."""
    request = board.ask(
        "review", participant, "Approve this nominee within the quota? 是否在名额内通过审核？", holder="union"
    )
    if request.answer == "approve":
        return True
    if request.answer == "refuse":
        board.end(participant, "refused", "review-refused", request.reason, request.decided_on)
        return False
    board.wait("review-decision", participant, participant.stage_entered_on)
    return False
