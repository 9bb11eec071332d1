"""When a participant has all his results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.exams import FINAL_STATES, judge_exams

OPEN_STATES = ("enrolled", "awaiting-result", "awaiting-make-up")
final = st.sampled_from(sorted(FINAL_STATES))


@given(st.lists(final, max_size=6), st.integers(0, 6))
def test_every_module_needs_a_final_state_and_the_skill_decides_then(states: list[str], modules: int) -> None:
    done = len(states) >= modules
    assert judge_exams(states, modules, "passed").outcome == ("pass" if done else "wait")
    assert judge_exams(states, modules, "failed").outcome == ("fail" if done else "wait")
    assert judge_exams(states, modules, "sent").rule == "skill-result"


@given(st.lists(final, max_size=5), st.sampled_from(OPEN_STATES), st.data())
def test_one_open_module_keeps_the_exams_open_whatever_the_skill(
    states: list[str], state: str, data: st.DataObject
) -> None:
    states.insert(data.draw(st.integers(0, len(states))), state)
    for skill in ("passed", "failed", "sent"):
        assert judge_exams(states, len(states), skill).outcome == "wait"


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_a_failed_skill_names_its_rule_and_says_why(state: str) -> None:
    decision = judge_exams([state], 1, "failed")
    assert (decision.outcome, decision.rule) == ("fail", "skill-failed")
    assert "技能评价未通过" in decision.reason
