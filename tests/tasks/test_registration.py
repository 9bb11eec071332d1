"""Registration: the school's number and day."""

from datetime import date

from models.tables.lifecycle import Application
from tests.fixtures.cohorts import ADMITTED, REGISTERED, Case, change, one
from tests.tasks.conftest import At


def test_the_number_is_awaited_until_thirty_days_after_the_term_starts(at: At) -> None:
    wait = at("registration").waits("registration-number")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("school", ADMITTED, date(2026, 10, 1))


def test_number_and_day_are_taken_over(at: At) -> None:
    case = at("registration")
    case.register(0)
    case.advance(date(2026, 9, 12))
    person = case.people[0]
    assert (person.student_number, person.registered_on, person.stage_entered_on) == (
        case.number(0),
        REGISTERED,
        date(2026, 9, 12),
    )
    assert case.stages()[1:] == ["registration"] * 5


def test_a_number_without_its_day_is_not_enough(at: At) -> None:
    case = at("registration")
    change(Application, one(Application, participant_id=case.people[0].id).id, student_number="1")
    case.advance(REGISTERED)
    assert case.stages()[0] == "registration"


def test_a_number_the_school_gave_twice_holds_only_the_second_and_stops_nobody(both: Case) -> None:
    both.bring_to("registration")
    both.register()
    change(Application, one(Application, participant_id=both.people[1].id).id, student_number=both.number(0))
    both.advance(REGISTERED)
    assert sorted(both.stages()) == ["registration", *["teaching"] * 5]
    assert [wait.kind for wait in both.waits() if wait.stage == "registration"] == ["registration-number"]
    both.register(1)
    both.register(0)
    both.advance(REGISTERED)
    assert both.stages() == ["teaching"] * 6


def test_an_admission_the_school_takes_back_before_registration_refuses_the_place(at: At) -> None:
    case = at("registration")
    key = one(Application, participant_id=case.people[0].id).id
    change(Application, key, status="refused", reason="entered in error", decided_on=date(2026, 7, 1))
    case.advance(date(2026, 7, 2))
    person = case.people[0]
    assert (person.status, person.rule, person.reason) == ("refused", "place-refused", "entered in error")


def test_a_number_the_school_corrects_later_is_followed(at: At) -> None:
    case = at("teaching")
    change(Application, one(Application, participant_id=case.people[0].id).id, student_number="2632020009999")
    case.advance(REGISTERED)
    assert case.people[0].student_number == "2632020009999"
    change(Application, one(Application, participant_id=case.people[0].id).id, student_number=case.number(1))
    case.advance(REGISTERED)
    assert case.people[0].student_number == "2632020009999"  # another's number is not taken over
