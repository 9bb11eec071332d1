"""What the watch notes: due dates of open waits move when the policy or the calendar does, and only then."""

from dataclasses import replace
from datetime import date
from typing import Any

from models.rules.policy import DEFAULT_POLICIES
from models.rules.workdays import PLAIN_WEEK
from models.tables.lifecycle import Alert, Wait
from models.tables.organisations import Cohort
from tasks.office import Office, office, unit_of_work, use_office
from tasks.watch.notes import move_due_dates
from tests.fixtures.cohorts import OPENED, hashes, one, open_cohort, rows, write
from tests.tasks.conftest import At
from tests.tasks.test_stalls import watch

CHANGED = date(2026, 5, 25)


def wait(kind: str, since: date, **values: Any) -> Wait:
    """A wait of the template's cohort as an earlier night left it."""
    values = {"due_on": date(2026, 5, 25), "stage": "review", "holder": "union", "holder_code": None} | values
    return Wait(id=f"WT-{kind}", cohort_code="WX-2026A", kind=kind, since=since, **values)


def under(**changes: Any) -> None:
    """Work by another policy from the day of the change on."""
    here = office()
    policy = replace(DEFAULT_POLICIES[0], version="JS-1", effective_from=CHANGED, **changes)
    use_office(Office(here.settings, here.engine, (*DEFAULT_POLICIES, policy)))


def move(day: date) -> int:
    """Move the due dates as the watch of a day does."""
    with unit_of_work() as session:
        return move_due_dates(session, day)


def test_a_policy_that_changes_between_two_nights_moves_what_is_due_without_an_advance(office: Office) -> None:
    open_cohort()
    write(wait("review-decision", OPENED))
    under(limits={"review-decision": (7,)})
    assert move(date(2026, 5, 24)) == 0  # not in force yet
    assert (move(CHANGED), one(Wait).due_on) == (1, date(2026, 5, 27))
    before = hashes()
    assert move(CHANGED) == 0
    assert hashes() == before
    assert [watch(date(2026, 5, day))["raised"] for day in (26, 27, 28)] == [0, 0, 1]


def test_a_longer_limit_ends_an_alert_and_the_same_one_comes_back_when_it_is_over(sqlite_office: Office) -> None:
    open_cohort()
    write(wait("review-decision", date(2026, 5, 13)))  # due on the 20th
    assert watch(date(2026, 5, 21))["raised"] == 1
    under(limits={"review-decision": (10,)})
    assert watch(CHANGED)["resolved"] == 1  # due on the 27th now
    assert [watch(date(2026, 5, day))["raised"] for day in (26, 27, 28)] == [0, 0, 1]
    assert one(Alert).openings == 2


def test_the_number_of_a_student_is_due_by_the_start_of_his_own_cohort(sqlite_office: Office) -> None:
    open_cohort()
    write(Cohort(**{**one(Cohort).model_dump(), "code": "WX-2026B", "starts_on": date(2026, 10, 1)}))
    write(wait("registration-number", OPENED, due_on=None),
          wait("registration-number", OPENED, due_on=None).model_copy(update={"id": "WT-B", "cohort_code": "WX-2026B"}))  # fmt: skip
    move(OPENED)
    due = {row.cohort_code: row.due_on for row in rows(Wait)}
    assert due == {"WX-2026A": date(2026, 10, 1), "WX-2026B": date(2026, 10, 31)}
    under(registration_days_after_term_start=45)
    move(CHANGED)
    assert {row.cohort_code: row.due_on for row in rows(Wait)} == {
        "WX-2026A": date(2026, 10, 16),
        "WX-2026B": date(2026, 11, 15),
    }


def test_what_no_limit_gives_a_due_date_keeps_its_own(sqlite_office: Office) -> None:
    open_cohort()
    write(wait("notice-running", OPENED), wait("study-time", OPENED, due_on=date(2029, 3, 1)))
    assert move(OPENED) == 0
    assert {row.due_on for row in rows(Wait)} == {CHANGED, date(2029, 3, 1)}


def test_a_wait_that_is_settled_is_left_alone(sqlite_office: Office) -> None:
    open_cohort()
    write(wait("review-decision", date(2026, 4, 1), resolved_on=OPENED))
    assert (move(OPENED), one(Wait).due_on) == (0, CHANGED)


def test_a_calendar_that_comes_out_takes_the_doubt_away_even_where_no_day_moves(sqlite_office: Office) -> None:
    open_cohort()
    write(wait("review-decision", OPENED, provisional=True))
    vars(office())["calendar"] = PLAIN_WEEK
    assert move(OPENED) == 0
    del vars(office())["calendar"]
    assert (move(OPENED), one(Wait).provisional, one(Wait).due_on) == (1, False, CHANGED)


def test_an_advance_and_the_watch_agree_on_every_due_date(at: At) -> None:
    """What a cohort's own run declares is where the watch would put it: neither moves the other's."""
    for stage in ("nomination", "registration", "certification"):
        case = at(stage)
        case.advance(date(2029, 1, 23) if stage == "certification" else OPENED)
        assert case.waits()
        assert move(date(2029, 1, 23) if stage == "certification" else OPENED) == 0
