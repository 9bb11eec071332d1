"""The study of a cohort as the school and the centre report it, gathered for its participants.

Belongs here: joining learners, classes, registers, online study and marks. Does not: judging any of it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlmodel import Session as Connection

from models.clock import SHANGHAI
from models.repositories import teaching
from models.repositories.common import grouped
from models.tables.organisations import Module
from models.tables.people import Participant
from models.tables.teaching import ClassConfirmation, ClassSection, Learner, LineItem, Mark, Session, Term


@dataclass
class Class:
    """A class with its module, term, confirmation, sessions and line items."""

    section: ClassSection
    module: Module
    term: Term | None
    confirmation: ClassConfirmation | None = None
    sessions: list[Session] = field(default_factory=list)
    items: list[LineItem] = field(default_factory=list)

    def exam_on(self) -> date | None:
        """The day of the last exam that is not a make-up."""
        days = [item.due_on for item in self.items if item.part in ("final", "formative") and item.due_on]
        return max(days) if days else None


@dataclass
class Study:
    """All reported study of one cohort's participants."""

    classes: dict[str, Class]
    taken_by: dict[str, list[Class]]
    registers: dict[str, dict[str, str]]
    minutes: dict[tuple[str, str], Decimal]
    marks: dict[tuple[str, str], Mark]

    def of(self, participant: Participant) -> list[Class]:
        """The classes a participant is enrolled in."""
        return self.taken_by.get(participant.student_number or "", [])

    def meaning(self, participant: Participant, session: Session) -> str:
        """What the register says of a participant; a closed register without him says absent."""
        return self.registers.get(session.id, {}).get(participant.student_number or "", "absent")

    def mark(self, participant: Participant, item: LineItem) -> Mark | None:
        """The released mark of a participant for a line item."""
        return self.marks.get((participant.student_number or "", item.id))


def load(connection: Connection, modules: list[Module], participants: list[Participant]) -> Study:
    """Gather the study of these participants, by a fixed number of queries."""
    numbers = [one.student_number for one in participants if one.student_number]
    learners = teaching.learners(connection, numbers)
    enrolments = teaching.enrolments(connection, learners)
    classes = _classes(connection, modules, {one.class_id for one in enrolments})
    taken: dict[str, list[Class]] = defaultdict(list)
    for enrolment in enrolments:
        number = learners[enrolment.learner_id].student_number
        if enrolment.class_id in classes and number is not None:
            taken[number].append(classes[enrolment.class_id])
    return Study(
        classes, taken, _registers(connection, classes, set(numbers)), _minutes(connection, numbers),
        _marks(connection, classes, learners),
    )  # fmt: skip


def _classes(connection: Connection, modules: list[Module], ids: set[str]) -> dict[str, Class]:
    sections = teaching.classes(connection, sorted(ids))
    courses = teaching.courses(connection, [section.course_id for section in sections])
    terms = teaching.terms(connection, [section.term_id for section in sections if section.term_id])
    by_code = {module.code: module for module in modules}
    found = {
        section.id: Class(section, by_code[courses[section.course_id].code], terms.get(section.term_id or ""))
        for section in sections
        if courses[section.course_id].code in by_code
    }
    for session in teaching.sessions(connection, found):
        found[session.class_id].sessions.append(session)
    for item in teaching.line_items(connection, found):
        found[item.class_id].items.append(item)
    for confirmation in teaching.confirmations(connection, found):
        found[confirmation.class_id].confirmation = confirmation
    for one in found.values():
        one.sessions.sort(key=lambda session: (session.starts_at, session.id))
    return found


def _registers(connection: Connection, classes: dict[str, Class], numbers: set[str]) -> dict[str, dict[str, str]]:
    sessions = [session.id for one in classes.values() for session in one.sessions]
    rows = [row for row in teaching.register_lines(connection, sessions) if row.student_number in numbers]
    return {key: {row.student_number: row.meaning for row in group}
            for key, group in grouped(rows, lambda row: row.session_id).items()}  # fmt: skip


def _minutes(connection: Connection, numbers: list[str]) -> dict[tuple[str, str], Decimal]:
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in teaching.online_study(connection, numbers):
        if not row.voided and row.class_id is not None:
            totals[row.student_number, row.class_id] += row.minutes
    return totals


def _marks(
    connection: Connection, classes: dict[str, Class], learners: dict[str, Learner]
) -> dict[tuple[str, str], Mark]:
    items = [item.id for one in classes.values() for item in one.items]
    return {
        (learners[row.learner_id].student_number or "", row.line_item_id): row
        for row in teaching.marks(connection, items)
        if row.learner_id in learners
    }


def session_day(session: Session) -> date:
    """The day of a session in Shanghai."""
    return session.starts_at.astimezone(SHANGHAI).date()
