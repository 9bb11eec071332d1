"""Exams 考试: when a participant has all his results."""

from collections.abc import Sequence

from models.rules.decision import Decision

FINAL_STATES = frozenset({"passed", "failed", "exempt", "barred"})


def judge_exams(states: Sequence[str], modules: int, skill_status: str) -> Decision:
    """Judge whether exams are over: a final state in each of so many modules, and the skill assessment's result.

    A failed skill assessment fails the participant once his modules are settled. `skill_status` is sent, passed or
    failed; `states` are those of marks.ModuleOutcome, one a module taken.
    """
    if skill_status == "sent":
        return Decision("wait", "skill-result", "the result of the skill assessment is not there yet")
    if len(states) < modules or not FINAL_STATES.issuperset(states):
        return Decision("wait", "exam-result", "a module has no final result yet")
    if skill_status == "failed":
        return Decision("fail", "skill-failed", "the skill assessment was not passed 技能评价未通过")
    return Decision("pass")
