"""Admission 录取: what the school's answer means."""

from models.rules.decision import Decision


def judge_admission(status: str, reason: str = "") -> Decision:
    """Judge the school's answer: admitted passes, refused ends, anything else waits."""
    if status == "admitted":
        return Decision("pass")
    if status == "refused":
        return Decision("refused", "place-refused", reason or "the school refused the place")
    return Decision("wait", "admission-decision", "the school has not decided yet")
