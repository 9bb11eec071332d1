"""Withdrawal 退出: for which reasons and on which days a participant may leave."""

from datetime import date

from models.rules.decision import Decision

REASONS = {
    "left-employer": "the worker left the nominating enterprise 已从推荐单位离职",
    "dropped-out": "the worker gave up the programme 本人放弃学习",
    "expelled": "the school expelled the worker 学校开除学籍",
    "deceased": "the worker has died 已故",
}
MAY_LEAVE = ("active", "held", "withdrawn")  # withdrawn: the same withdrawal again changes nothing


def has_left(active: bool, left_on: date | None, nominated_on: date, today: date) -> bool:
    """Say whether what the enterprise's HR says means a withdrawal: he left since his nomination, by today."""
    return not active and left_on is not None and nominated_on <= left_on <= today


def judge_withdrawal(rule: str, status: str, day: date, nominated_on: date, today: date) -> Decision:
    """Judge a withdrawal that a coordinator enters: a known reason, an open participation, a day that can be."""
    if rule not in REASONS:
        return Decision("refused", "reason-unknown", f"the reason for a withdrawal is one of {', '.join(REASONS)}")
    if status not in MAY_LEAVE:
        return Decision(
            "refused", "ended", f"the participation has ended already ({status}): nothing is left to withdraw from"
        )
    if not nominated_on <= day <= today:
        return Decision(
            "refused", "day", f"a withdrawal lies between the nomination ({nominated_on}) and today ({today})"
        )
    return Decision("pass", reason=REASONS[rule])
