"""Review 审核: a reviewer's answer holds only within the quota."""

from models.rules.decision import Decision


def judge_review(approved_so_far: int, quota: int, answer: str, reason: str) -> Decision:
    """Judge a reviewer's answer: an approval beyond the quota waits, everything else stands as given."""
    if answer == "approve" and approved_so_far >= quota:
        return Decision("wait", "quota-full", f"the quota of {quota} is used up: refuse, or raise the quota first")
    return Decision(
        "pass" if answer == "approve" else "refused", "" if answer == "approve" else "review-refused", reason
    )
