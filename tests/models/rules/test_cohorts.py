"""When a cohort closes."""

from hypothesis import given
from hypothesis import strategies as st

from models.rules.cohorts import ORDER, cohort_stage
from models.rules.lifecycle import STAGES

stages = st.sampled_from([stage.name for stage in STAGES])
over = st.sampled_from(["refused", "withdrawn", "completed", "incomplete"])


@given(st.lists(st.tuples(stages, over), min_size=1), st.sampled_from(list(ORDER)))
def test_a_cohort_whose_people_are_all_done_closes_only_when_nothing_is_awaited(
    people: list[tuple[str, str]], current: str
) -> None:
    assert cohort_stage(people, current) == "closed"
    assert cohort_stage(people, current, awaiting=True) == ("closed" if current == "closed" else STAGES[-1].name)
