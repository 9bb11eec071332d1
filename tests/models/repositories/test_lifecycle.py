"""Steps, waits and the inbox, on both databases."""

from collections import Counter
from datetime import date, timedelta

from sqlmodel import Session

from models.repositories.lifecycle import (
    approved_reviews,
    asked_in,
    cohort_steps,
    is_decided,
    notice_count,
    open_wait_groups,
    open_waits,
    open_waits_of,
    overdue_by_holder,
    steps_of,
    unanswered,
    waits_by_holder,
    waits_of_cohort,
)
from models.tables.lifecycle import Step
from tests.models.repositories.people import (
    FIRST,
    SECOND,
    add,
    nomination,
    participant,
    request,
    second_cohort,
    wait,
    worker,
)
from tests.models.tables.rows import DAY

LATER = DAY + timedelta(days=3)


def test_the_inbox_names_whom_each_question_is_about_the_oldest_first(session: Session) -> None:
    add(
        session, worker(1), participant(1), nomination(2),
        request("D-3", participant_id="P-A0001", asked_on=LATER), request("D-2", nomination_id="NM-A0002"),
        request("D-1", participant_id="P-A0001", answer="approve"), request("D-4", asked_on=LATER),
    )  # fmt: skip
    found = [(one.id, name) for one, name in unanswered(session)]
    assert found == [("D-2", "行2"), ("DR-1", "高建国"), ("D-3", "工1"), ("D-4", "")]


def test_a_question_is_decided_once_it_has_an_answer(session: Session) -> None:
    add(session, nomination(2), request("D-2", nomination_id="NM-A0002"))
    assert not is_decided(session, "NM-A0002")
    add(session, request("D-3", nomination_id="NM-A0002", answer="refuse"))
    assert is_decided(session, "NM-A0002")


def test_the_quota_counts_the_cohorts_own_approved_reviews_alone(session: Session) -> None:
    second_cohort(session)
    add(
        session, request("D-1", answer="approve"), request("D-2", answer="refuse"), request("D-3"),
        request("D-4", answer="approve", cohort_code=SECOND), request("D-5", answer="approve", kind="recognition"),
    )  # fmt: skip
    assert approved_reviews(session, FIRST) == 1
    assert notice_count(session, FIRST) == 1
    assert notice_count(session, SECOND) == 0


def test_a_cohorts_own_steps_are_apart_from_those_of_its_people(session: Session) -> None:
    add(
        session, Step(id="S-2", cohort_code=FIRST, participant_id="P-1", stage="review", entered_on=DAY),
        Step(id="S-3", cohort_code=FIRST, stage="review", entered_on=date(2026, 6, 1), left_on=DAY),
    )  # fmt: skip
    assert [one.stage for one in cohort_steps(session, FIRST)] == ["review", "teaching"]
    assert [one.id for one in steps_of(session, "P-1")] == ["S-2"]


def test_open_waits_are_the_oldest_first_and_of_one_cohort_when_it_is_named(session: Session) -> None:
    second_cohort(session)
    add(
        session, wait("B", since=LATER, participant_id="P-1"), wait("C", resolved_on=LATER), wait("A", SECOND),
    )  # fmt: skip
    assert [one.id for one in open_waits(session)] == ["A", "WT-1", "B"]
    assert [one.id for one in open_waits(session, FIRST)] == ["WT-1", "B"]
    assert [one.id for one in open_waits_of(session, "P-1")] == ["B"]
    assert [one.id for one in waits_of_cohort(session, FIRST)] == ["B", "C", "WT-1"]


def test_waits_counted_in_groups_are_the_waits_counted_one_by_one(session: Session) -> None:
    second_cohort(session)
    due = (None, DAY, LATER)
    add(session, *(
        wait(f"{cohort[-1]}{number}", cohort, kind=("consent", "review-decision")[number % 2], due_on=due[number % 3],
             since=DAY + timedelta(days=number % 2), resolved_on=LATER if number % 5 == 0 else None)
        for cohort in (FIRST, SECOND) for number in range(20)
    ))  # fmt: skip
    one_by_one = Counter((one.cohort_code, one.kind, one.since, one.due_on) for one in open_waits(session))
    groups = open_wait_groups(session)
    assert {(one.cohort_code, one.kind, one.since, one.due_on): one.number for one in groups} == one_by_one
    assert len(groups) == len(one_by_one)


def test_a_wait_is_overdue_on_the_day_after_it_was_due(session: Session) -> None:
    add(session, wait("A", due_on=DAY), wait("B", due_on=DAY, holder="school"), wait("C", due_on=DAY, resolved_on=DAY))
    assert overdue_by_holder(session, DAY) == {}
    assert overdue_by_holder(session, DAY + timedelta(days=1)) == {"union": 1, "school": 1}


def test_who_holds_what_up_is_counted_over_all_cohorts_the_oldest_first(session: Session) -> None:
    second_cohort(session)
    add(
        session, wait("A", SECOND, since=DAY - timedelta(days=9), due_on=DAY), wait("B", due_on=LATER),
        wait("C", kind="consent", holder="enterprise_hr", since=DAY - timedelta(days=10)), wait("D", resolved_on=LATER),
    )  # fmt: skip
    consents, reviews = waits_by_holder(session, LATER)
    assert consents == ("enterprise_hr", "consent", 1, 1, 0, DAY - timedelta(days=10))
    assert reviews[:2] == ("union", "review-decision")
    assert reviews[3:] == (
        2,
        len([one for one in open_waits(session) if one.due_on and one.due_on < LATER]),
        reviews.since,
    )
    assert reviews.since == DAY - timedelta(days=9)
    assert reviews.waits == len([one for one in open_waits(session) if one.kind == "review-decision"])


def test_the_cohorts_of_questions_and_of_rows_are_found_each_once(session: Session) -> None:
    second_cohort(session)
    add(session, request("D-1"), request("D-2"), request("D-3", cohort_code=SECOND), nomination(2, SECOND))
    assert asked_in(session, ["D-1", "D-2", "unknown"]) == [FIRST]
    assert asked_in(session, ["D-3", "NM-B0002", "D-1"]) == [FIRST, SECOND]
    assert asked_in(session, []) == []
