"""Queries about study as schools, centres and platforms report it, and about the modules taken.

Belongs here: classes, registers, online study, marks. Does not: joining them to participants (tasks/study.py).
"""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from sqlmodel import Session as Connection
from sqlmodel import col, select

from models.repositories.common import within
from models.tables.organisations import Module
from models.tables.teaching import (
    Attendance,
    ClassConfirmation,
    ClassSection,
    Course,
    Enrolment,
    Learner,
    LineItem,
    Mark,
    ModuleTaken,
    OnlineStudy,
    Session,
    Term,
)  # fmt: skip

ASKED_BEFORE = timedelta(days=14)  # a register exists as soon as its sessions are planned
ASKED_AFTER = timedelta(days=31)  # a register may be corrected for a month


def learners(connection: Connection, student_numbers: Iterable[str]) -> dict[str, Learner]:
    """Give the learners with these student numbers, by our id of them."""
    return {one.id: one for one in within(connection, Learner, Learner.student_number, student_numbers)}


def enrolments(connection: Connection, learner_ids: Iterable[str]) -> list[Enrolment]:
    """Give the places in classes that these learners have now; those they gave up are left out."""
    return [one for one in within(connection, Enrolment, Enrolment.learner_id, learner_ids) if one.active]


def classes(connection: Connection, ids: Iterable[str]) -> list[ClassSection]:
    """Give these classes, by id."""
    return within(connection, ClassSection, ClassSection.id, ids)


def courses(connection: Connection, ids: Iterable[str]) -> dict[str, Course]:
    """Give these courses, by id."""
    return {one.id: one for one in within(connection, Course, Course.id, ids)}


def terms(connection: Connection, ids: Iterable[str]) -> dict[str, Term]:
    """Give these terms, by id."""
    return {one.id: one for one in within(connection, Term, Term.id, ids)}


def sessions(connection: Connection, class_ids: Iterable[str]) -> list[Session]:
    """Give the face-to-face sessions of these classes, by id."""
    return within(connection, Session, Session.class_id, class_ids)


def line_items(connection: Connection, class_ids: Iterable[str]) -> list[LineItem]:
    """Give what is marked in these classes, by id."""
    return within(connection, LineItem, LineItem.class_id, class_ids)


def confirmations(connection: Connection, class_ids: Iterable[str]) -> list[ClassConfirmation]:
    """Give the centre's word on these classes, by id."""
    return within(connection, ClassConfirmation, ClassConfirmation.class_id, class_ids)


def register_lines(connection: Connection, session_ids: Iterable[str]) -> list[Attendance]:
    """Give the lines of these sessions' registers."""
    return within(connection, Attendance, Attendance.session_id, session_ids)


def online_study(connection: Connection, student_numbers: Iterable[str]) -> list[OnlineStudy]:
    """Give the statements of online study of these student numbers, withdrawn ones too, by id."""
    return within(connection, OnlineStudy, OnlineStudy.student_number, student_numbers)


def marks(connection: Connection, line_item_ids: Iterable[str]) -> list[Mark]:
    """Give the released marks of these line items, by id."""
    return within(connection, Mark, Mark.line_item_id, line_item_ids)


def modules_taken(connection: Connection, participant_id: str) -> list[tuple[ModuleTaken, Module]]:
    """Give what a participant took, each with its module, by term and code."""
    query = select(ModuleTaken, Module).join(Module).where(ModuleTaken.participant_id == participant_id)
    return [(taken, one) for taken, one in connection.exec(query.order_by(col(Module.term), col(Module.code))).all()]


def classes_running(connection: Connection, today: date, *, reported_by: Collection[str] | None = None) -> list[str]:
    """Give the schools' own ids of the classes whose registers are worth asking for, each once, in order.

    Their term runs, starts within two weeks, or ended within a month: registers may be corrected that long.
    `reported_by` names the connections whose classes are meant; all are, unless told.
    """
    query = (
        select(ClassSection.source_id)
        .join(Term)
        .where(Term.starts_on <= today + ASKED_BEFORE, Term.ends_on >= today - ASKED_AFTER)
    )
    if reported_by is not None:
        query = query.where(col(ClassSection.connection).in_(sorted(reported_by)))
    return sorted(set(connection.exec(query).all()))


def class_ids_by_source_id(connection: Connection, source_ids: Iterable[str]) -> dict[str, str]:
    """Give our ids of classes by the school's own, whichever connection reported them; one not known is left out.

    Where two connections report the same id, the first of ours in order stands.
    """
    found: dict[str, str] = {}
    for one in within(connection, ClassSection, ClassSection.source_id, source_ids):
        found.setdefault(one.source_id, one.id)
    return found
