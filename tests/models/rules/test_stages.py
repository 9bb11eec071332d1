"""The lifecycle's table, stalls, cohorts, notices, attendance, graduation: the smaller rules."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.admission import judge_admission
from models.rules.attendance import AttendanceCount, apply_leave, consecutive_absences, count, may_sit_exam
from models.rules.cohorts import ORDER, cohort_stage
from models.rules.graduation import earliest_graduation, judge_graduation, status_lapses_on
from models.rules.lifecycle import STAGES, WAIT_KINDS, WaitKind, next_stage
from models.rules.policy import DEFAULT_POLICIES, Policy, policy_on
from models.rules.public_notice import judge_notice, notice_ends
from models.rules.registration import registration_due
from models.rules.review import judge_review
from models.rules.skills import LEVELS, meets, skill_level
from models.rules.stalls import due_on, judge_wait
from models.rules.workdays import PLAIN_WEEK

POLICY = DEFAULT_POLICIES[0]
MONDAY = date(2024, 6, 3)


def test_the_stages_follow_each_other_to_the_last() -> None:
    walked, stage = ["nomination"], next_stage("nomination")
    while stage is not None:
        walked.append(stage)
        stage = next_stage(stage)
    assert walked == [one.name for one in STAGES]


@pytest.mark.parametrize("kind", [kind for kind in WAIT_KINDS.values() if kind.limits], ids=lambda kind: kind.name)
def test_a_wait_stalls_on_the_day_after_it_was_due_and_never_before(kind: WaitKind) -> None:
    due = due_on(kind.name, MONDAY, PLAIN_WEEK)
    assert due is not None
    assert not judge_wait(kind.name, MONDAY, due, PLAIN_WEEK).stalled
    stalled = judge_wait(kind.name, MONDAY, due + timedelta(days=1), PLAIN_WEEK)
    assert (stalled.stalled, stalled.level, stalled.holder) == (True, 1, kind.limits[0].holder)
    late = judge_wait(kind.name, MONDAY, due + timedelta(days=400), PLAIN_WEEK)
    assert (late.level, late.holder) == (len(kind.limits), kind.limits[-1].holder)


def test_a_wait_without_a_limit_never_stalls() -> None:
    assert due_on("notice-running", MONDAY, PLAIN_WEEK) is None
    assert not judge_wait("notice-running", MONDAY, date(2030, 1, 1), PLAIN_WEEK).stalled


def test_a_due_date_that_hangs_on_another_day_replaces_the_first_limit() -> None:
    due = date(2024, 10, 1)
    assert not judge_wait("registration-number", MONDAY, due, PLAIN_WEEK, due=due).stalled
    assert judge_wait("registration-number", MONDAY, date(2024, 10, 2), PLAIN_WEEK, due=due).stalled


stages = st.sampled_from([stage.name for stage in STAGES])
statuses = st.sampled_from(["active", "held", "refused", "withdrawn", "completed", "incomplete"])


@given(st.lists(st.tuples(stages, statuses), max_size=30), stages)
def test_a_cohort_never_moves_back(participants: list[tuple[str, str]], current: str) -> None:
    assert ORDER[cohort_stage(participants, current)] >= ORDER[current]


def test_one_stuck_participant_holds_nobody_else_and_the_end_closes() -> None:
    people = [("teaching", "active")] * 5 + [("nomination", "held")]
    assert cohort_stage(people, "registration") == "teaching"
    assert cohort_stage([("teaching", "active")] * 2 + [("registration", "active")] * 3, "admission") == "registration"
    assert cohort_stage([("certification", "completed"), ("review", "refused")], "certification") == "closed"
    assert cohort_stage([], "nomination") == "nomination"


def test_a_notice_hangs_five_working_days_and_waits_for_objections() -> None:
    ends = notice_ends(MONDAY, PLAIN_WEEK, POLICY)
    assert ends == date(2024, 6, 10)
    asked = {"calendar": PLAIN_WEEK, "policy": POLICY}
    assert judge_notice(MONDAY, ends, open_objections=0, upheld=False, **asked).outcome == "wait"
    after = ends + timedelta(days=1)
    assert judge_notice(MONDAY, after, open_objections=0, upheld=False, **asked).outcome == "pass"
    assert judge_notice(MONDAY, after, open_objections=1, upheld=False, **asked).rule == "objection"
    assert judge_notice(MONDAY, MONDAY, open_objections=0, upheld=True, **asked).outcome == "refused"


def test_a_reviewer_cannot_approve_beyond_the_quota() -> None:
    assert judge_review(1, 2, "approve", "").outcome == "pass"
    assert judge_review(2, 2, "approve", "").outcome == "wait"
    assert judge_review(2, 2, "refuse", "no").outcome == "refused"


@pytest.mark.parametrize(("status", "outcome"), [("admitted", "pass"), ("refused", "refused"), ("pending", "wait")])
def test_the_schools_answer_is_judged(status: str, outcome: str) -> None:
    assert judge_admission(status).outcome == outcome


def test_registration_is_due_thirty_days_after_term_start() -> None:
    assert registration_due(date(2023, 9, 1), POLICY) == date(2023, 10, 1)


meanings = st.lists(st.sampled_from(["present", "late", "excused", "absent"]), max_size=20)


@given(meanings)
def test_a_register_adds_up_and_leave_counts_as_neither(drawn: list[str]) -> None:
    tally = count(drawn)
    assert tally.held == len(drawn) == tally.present + tally.late + tally.excused + tally.absent
    assert 0 <= tally.rate() <= 1
    assert count([*drawn, "excused"]).rate() == tally.rate()


def test_seventy_percent_sits_the_exam_and_less_does_not() -> None:
    assert may_sit_exam(AttendanceCount(10, 7, 0, 0, 3), POLICY)
    assert not may_sit_exam(AttendanceCount(10, 6, 0, 0, 4), POLICY)
    assert may_sit_exam(AttendanceCount(), POLICY)


def test_absences_in_a_row_are_the_latest_ones() -> None:
    assert consecutive_absences(["absent", "present", "absent", "absent"]) == 2
    assert consecutive_absences(["absent", "excused", "absent"]) == 2
    assert consecutive_absences(["absent", "absent", "late"]) == 0


def test_leave_covers_an_absence_within_its_days_only() -> None:
    leave = [(date(2024, 3, 28), date(2024, 4, 14))]
    assert apply_leave("absent", date(2024, 3, 28), leave) == "excused"
    assert apply_leave("absent", date(2024, 4, 15), leave) == "absent"
    assert apply_leave("present", date(2024, 4, 1), leave) == "present"


def test_graduation_needs_credits_and_time() -> None:
    start = date(2023, 9, 1)
    earliest = earliest_graduation(start, POLICY)
    assert earliest == date(2026, 3, 1)
    assert judge_graduation(Decimal(75), start, earliest, POLICY).rule == "credits-short"
    assert judge_graduation(Decimal(76), start, earliest - timedelta(days=1), POLICY).rule == "minimum-study-time"
    assert judge_graduation(Decimal(76), start, earliest, POLICY).outcome == "pass"
    assert status_lapses_on(date(2024, 2, 29), POLICY) == date(2032, 2, 29)
    assert earliest_graduation(date(2023, 8, 31), POLICY) == date(2026, 2, 28)


def test_skill_levels_are_ordered() -> None:
    assert [level.rank for level in LEVELS] == sorted(level.rank for level in LEVELS)
    assert meets(3, 4)
    assert not meets(5, 4)
    with pytest.raises(LookupError):
        skill_level(9)


def test_the_latest_policy_in_force_holds() -> None:
    newer = Policy("2027-1", date(2027, 1, 1), min_age=16)
    policies = (newer, *DEFAULT_POLICIES)
    assert policy_on(policies, date(2026, 12, 31)).version == "2019-1"
    assert policy_on(policies, date(2027, 1, 1)) is newer
    with pytest.raises(LookupError):
        policy_on(policies, date(2000, 1, 1))
