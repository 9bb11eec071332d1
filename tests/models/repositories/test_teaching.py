"""Classes, enrolments and modules taken, on both databases."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from models.repositories.teaching import class_ids_by_source_id, classes_running, enrolments, modules_taken
from models.tables.organisations import Module
from models.tables.teaching import ClassSection, Enrolment, ModuleTaken, Term
from tests.models.repositories.people import add
from tests.models.tables.rows import DAY

TERM_ENDS = date(2027, 1, 15)


def section(connection: str, source_id: str, term_id: str | None = "ou:t1") -> ClassSection:
    """A class as a connection reported it."""
    return ClassSection(id=f"{connection}:{source_id}", connection=connection, source_id=source_id, code="1", title="班",
                        course_id="ou:c1", term_id=term_id)  # fmt: skip


@pytest.mark.parametrize(
    ("today", "asked"),
    [
        (DAY - timedelta(days=15), False),
        (DAY - timedelta(days=14), True),
        (TERM_ENDS + timedelta(days=31), True),
        (TERM_ENDS + timedelta(days=32), False),
    ],
)
def test_registers_are_asked_for_from_two_weeks_before_a_term_to_a_month_after_it(
    session: Session, today: date, asked: bool
) -> None:
    assert classes_running(session, today) == (["k1"] if asked else [])


def test_a_class_is_asked_for_once_whoever_reported_it_and_not_without_a_term(session: Session) -> None:
    other = Term(id="b:t1", connection="b", source_id="t1", title="秋", starts_on=DAY, ends_on=TERM_ENDS)
    add(session, other, section("b", "k1", "b:t1"), section("b", "k0", "b:t1"), section("ou", "k2", None))
    assert classes_running(session, DAY) == ["k0", "k1"]
    assert classes_running(session, DAY, reported_by={"ou"}) == ["k1"]
    assert classes_running(session, DAY, reported_by=()) == []


def test_a_class_is_found_by_the_schools_own_id_and_the_first_of_two_stands(session: Session) -> None:
    add(session, section("b", "k1", None), section("b", "k2", None))
    assert class_ids_by_source_id(session, ["k1", "k2", "k9"]) == {"k1": "b:k1", "k2": "b:k2"}


def test_a_place_given_up_is_no_enrolment(session: Session) -> None:
    add(session, section("ou", "k2"), Enrolment(id="ou:e2", class_id="ou:k2", learner_id="ou:l1", active=False))
    assert [one.id for one in enrolments(session, ["ou:l1"])] == ["ou:e1"]


def test_modules_taken_come_with_their_module_in_the_programmes_order(session: Session) -> None:
    for code, term in (("300", 1), ("001", 2)):
        module = Module(id=f"JD-2026:{code}", programme_id="JD-2026", code=code, name=code, credits=Decimal(4),
                        kind="compulsory", term=term, formative_share=Decimal("0.5"))  # fmt: skip
        add(session, module, ModuleTaken(id=code, participant_id="P-1", module_id=module.id, state="enrolled"))
    assert [(taken.id, module.code) for taken, module in modules_taken(session, "P-1")] == [
        ("MT-1", "101"), ("300", "300"), ("001", "001"),
    ]  # fmt: skip
    assert modules_taken(session, "P-2") == []
