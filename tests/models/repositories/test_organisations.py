"""Cohorts, levels and names, on both databases."""

from datetime import date

from sqlmodel import Session

from models.repositories.organisations import (
    cohorts,
    cohorts_moved_on,
    cohorts_opened_by,
    cohorts_under_way,
    enterprise_codes,
    levels_of,
    modules_of,
    organisation_names,
)
from models.tables.organisations import Organisation
from tests.models.repositories.people import FIRST, SECOND, add, second_cohort
from tests.models.tables.rows import ENTERPRISE


def test_a_closed_cohort_is_not_open_and_a_later_one_has_not_opened(session: Session) -> None:
    second = second_cohort(session)
    assert cohorts_under_way(session) == [FIRST, SECOND]
    second.stage, second.nomination_opens_on = "closed", date(2026, 5, 2)
    assert cohorts_under_way(session) == [FIRST]
    assert [one.code for one in cohorts_opened_by(session, date(2026, 5, 1))] == [FIRST]
    assert [one.code for one in cohorts_opened_by(session, date(2026, 5, 2))] == [FIRST, SECOND]


def test_the_cohorts_that_moved_on_a_day_are_given_in_order_and_not_more_than_asked(session: Session) -> None:
    second_cohort(session)
    day = cohorts(session)[0].stage_entered_on
    assert cohorts_moved_on(session, day, 50) == [FIRST, SECOND]
    assert cohorts_moved_on(session, day, 1) == [FIRST]
    assert cohorts_moved_on(session, date(2030, 1, 1), 50) == []


def test_levels_are_those_of_the_cohorts_asked_for(session: Session) -> None:
    assert levels_of(session, [FIRST]) == {"junior-college"}
    assert levels_of(session, []) == frozenset()


def test_what_a_plan_sets_up_is_found_by_it(session: Session) -> None:
    assert enterprise_codes(session, FIRST) == [ENTERPRISE]
    assert [one.code for one in modules_of(session, "JD-2026")] == ["101"]


def test_names_are_found_for_more_codes_than_one_statement_holds(session: Session) -> None:
    codes = [f"{number:018}" for number in range(1100)]
    add(session, *(Organisation(code=code, name=f"厂{code}") for code in codes))
    found = organisation_names(session, [*codes, "9" * 18])
    assert found == {code: f"厂{code}" for code in codes}
