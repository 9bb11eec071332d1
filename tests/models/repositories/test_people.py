"""Who takes part where and how, on both databases."""

from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import Session

from models.repositories.people import (
    active_counts,
    approved_leave_hours,
    by_participant,
    by_worker,
    is_open_elsewhere,
    nominations_of,
    participants_of,
    participations_of,
    rows_without_participant,
    statuses,
    unclaimed_employments,
    worker_count,
)
from models.tables.people import Consent, Employment, Leave, Nomination, Participant
from tests.models.repositories.people import FIRST, SECOND, add, nomination, participant, second_cohort, worker
from tests.models.tables.rows import DAY, ENTERPRISE


def test_people_are_counted_by_status_and_rows_that_made_nobody_by_theirs(session: Session) -> None:
    second_cohort(session)
    add(
        session, *(worker(number) for number in range(4)), participant(0), participant(1, status="withdrawn"),
        participant(2, SECOND), participant(3, SECOND, status="held"), nomination(10), nomination(11, SECOND, status="held"),
    )  # fmt: skip
    expected = {FIRST: {"active": 2, "refused": 1, "withdrawn": 1}, SECOND: {"active": 1, "held": 2}}
    assert statuses(session) == expected
    assert statuses(session, SECOND) == {SECOND: expected[SECOND]}
    assert list(statuses(session)[FIRST]) == sorted(expected[FIRST])
    assert active_counts(session, [FIRST, "none"]) == {FIRST: 2}
    assert [one.id for one in rows_without_participant(session, FIRST)] == ["NM-A0010"]


def test_a_cohort_without_anybody_has_no_statuses(session: Session) -> None:
    second_cohort(session)
    assert statuses(session, SECOND) == {}


def test_another_participation_counts_as_open_while_it_is_active_or_held(session: Session) -> None:
    second_cohort(session)
    standing = session.get_one(Participant, "P-1")
    assert not is_open_elsewhere(session, standing)
    other = participant(1, SECOND, worker_id="W-1", status="held")
    add(session, other)
    assert is_open_elsewhere(session, standing)
    assert [one.id for one in participations_of(session, "W-1")] == ["P-1", other.id]
    other.status, other.ended_on = "refused", DAY
    assert not is_open_elsewhere(session, standing)


def test_participations_are_given_in_the_order_of_nomination(session: Session) -> None:
    second_cohort(session)
    add(session, participant(1, SECOND, worker_id="W-1", status="completed", nominated_on=date(2024, 5, 1)))
    assert [one.cohort_code for one in participations_of(session, "W-1")] == [SECOND, FIRST]


def test_a_worker_counts_once_and_a_refused_one_not_at_all(session: Session) -> None:
    second_cohort(session)
    add(
        session, worker(1, household="rural"), worker(2, household="rural"), worker(3, household="urban"),
        participant(1, status="withdrawn"), participant(1, SECOND), participant(2, status="refused"), participant(3),
    )  # fmt: skip
    assert worker_count(session, [FIRST, SECOND]) == 3
    assert worker_count(session, [FIRST, SECOND], household="rural") == 1
    assert worker_count(session, [SECOND]) == 1
    assert worker_count(session, []) == 0


def test_leave_counts_once_it_is_approved_and_has_begun(session: Session) -> None:
    asked = Leave(
        id="L-2", worker_id="W-1", kind="study", starts_on=DAY, ends_on=DAY, status="pending", hours=Decimal(4)
    )
    add(session, asked)
    assert approved_leave_hours(session, DAY - timedelta(days=1)) == 0
    assert approved_leave_hours(session, DAY) == Decimal(8)


def test_rows_are_found_by_whom_they_hang_on(session: Session) -> None:
    add(session, worker(1), participant(1), nomination(1, participant_id="P-A0001"))
    ids = [one.id for one in participants_of(session, FIRST)]
    assert ids == ["P-1", "P-A0001"]
    found = by_participant(session, Nomination, ids)
    assert {key: [row.id for row in rows] for key, rows in found.items()} == {"P-1": ["NM-1"], "P-A0001": ["NM-A0001"]}
    assert set(by_worker(session, Consent, ["W-1", "W-0001"])) == {"W-1"}
    assert [one.id for one in nominations_of(session, "P-A0001")] == ["NM-A0001"]


def test_an_employment_that_belongs_to_somebody_is_not_claimed(session: Session) -> None:
    free = Employment(id="E-2", connection="hr", enterprise_code=ENTERPRISE, employee_number="1", active=True)
    add(session, free)
    assert [one.id for one in unclaimed_employments(session, ENTERPRISE, "1")] == ["E-2"]
    assert unclaimed_employments(session, ENTERPRISE, "2") == []
