"""What a reported record becomes: one row of one table, as a tuple of its columns.

Belongs here: one function a record type, and what it must look up first. Does not: what is wrong with a record
(tasks/gates), records that change rows of ours (mirror.py) or writing (gate.py).
A reference is the id that the row referred to would have; whether it stands is the gate's to ask.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any

from connectors.values import Remembered
from models import records
from models.clock import SHANGHAI
from models.repositories.common import within
from models.repositories.reported import withdrawn_study
from models.rules.identifiers import normalise
from models.tables import people, teaching
from models.tables.base import Reported
from models.vault import opaque
from tasks.source import Names, Source, worker_key

Row = tuple[Any, ...]
Maker = Callable[[Any], Row]
MILLI = Decimal("0.001")


@dataclass(frozen=True)
class Shape:
    """The rows of one record type. `maker` is asked once a batch and gives the function that makes a row.

    The first `keys` columns are the primary key. `references` says which columns hold ids of other reported tables.
    `prepare` looks up what the batch needs and may join records that speak of one row; without it, a row needs no look at
    the database.
    """

    table: type[Reported]
    columns: tuple[str, ...]
    maker: Callable[[Any], Maker]
    references: tuple[tuple[str, type[Reported]], ...] = ()
    prepare: Callable[[Source, Sequence[Any]], Sequence[Any]] | None = None
    keys: int = 1
    whole: bool = True  # whether a row that a whole reading no longer has is gone

    def keys_of(self, rows: Sequence[Row]) -> list[Any]:
        """Give the primary keys of rows, each a tuple."""
        return list(zip(*[map(itemgetter(place), rows) for place in range(self.keys)], strict=True))


def _employment(source: Source) -> Maker:
    """An employee, matched by keyed hash of his number, else by his employee number; who left without a day left then."""

    def row(record: records.Employment) -> Row:
        left_on, changed_at = record.left_on, record.changed_at
        if not record.active and left_on is None and changed_at is not None and changed_at <= source.latest:
            left_on = changed_at.astimezone(SHANGHAI).date()
        number = employee_number(record)
        return (source.key(record.source_id), source.connection, source.organisation, number,
                _worker(source, record, number), record.active, left_on)  # fmt: skip

    return row


def employee_number(record: records.Employment) -> str:
    """Give an employee number as it is kept: normalised, and hashed where it is a personal number in disguise."""
    return opaque(normalise(record.employee_number or ""))


def _worker(source: Source, record: records.Employment, number: str) -> str | None:
    """The one worker an employee is; None while it is nobody, or several."""
    if record.resident_id:
        key = worker_key(record.resident_id)
        return key if source.knows_worker(key) else None
    matches = source.employees(number)
    return next(iter(matches)) if len(matches) == 1 else None


def _look_up_employees(source: Source, batch: Sequence[records.Employment]) -> Sequence[records.Employment]:
    source.look_up((people.Worker, (worker_key(one.resident_id),)) for one in batch if one.resident_id)
    source.look_up_employees(employee_number(one) for one in batch if not one.resident_id)
    return batch


def _term(source: Names) -> Maker:
    return lambda one: (source.key(one.source_id), source.connection, one.source_id, one.title, one.starts_on,
                        one.ends_on)  # fmt: skip


def _course(source: Names) -> Maker:
    return lambda one: (source.key(one.source_id), source.connection, one.source_id, one.code, one.title)


def _class_section(source: Names) -> Maker:
    """A class, in the first of its terms."""
    return lambda one: (
        source.key(one.source_id), source.connection, one.source_id, one.code, one.title,
        source.key(one.course_source_id), source.key(one.term_source_ids[0]) if one.term_source_ids else None,
    )  # fmt: skip


def _learner(source: Names) -> Maker:
    return lambda one: (source.key(one.source_id), source.connection, opaque(one.source_id),
                        one.student_number or None, one.active)  # fmt: skip


def _enrolment(source: Names) -> Maker:
    return lambda one: (source.key(one.source_id), source.key(one.class_source_id), source.key(one.learner_source_id),
                        one.active)  # fmt: skip


def _line_item(source: Names) -> Maker:
    return lambda one: (source.key(one.source_id), source.key(one.class_source_id), one.title, one.part, one.due_on)


def _mark(source: Names) -> Maker:
    key, often = source.key, Remembered(source.key)
    return lambda one: (key(one.source_id), often[one.line_item_source_id], often[one.learner_source_id],
                        None if one.score is None else _measured(one.score), one.score_status, one.scored_on)  # fmt: skip


def _measured(number: Decimal) -> Decimal:
    """A number as a column keeps it, whichever the database; what is beyond any column is the gate's to refuse."""
    try:
        return number.quantize(MILLI)
    except InvalidOperation:
        return number


def _session(source: Source) -> Maker:
    return lambda one: (source.key(one.source_id), source.class_of(one.class_source_id), one.starts_at,
                        one.minutes, one.closed)  # fmt: skip


def _attendance(source: Names) -> Maker:
    return lambda one: (source.key(one.session_source_id), one.student_number, one.meaning)


def _confirmation(source: Source) -> Maker:
    return lambda one: (source.key(one.source_id), source.class_of(one.class_source_id), one.status, one.starts_on,
                        one.confirmed_on)  # fmt: skip


def _online_study(source: Source) -> Maker:
    """A statement of online study; a withdrawn one stays with its own words, marked, and counts no more."""

    def row(one: records.OnlineStudy) -> Row:
        key = source.key(one.source_id)
        stands = source.find(teaching.OnlineStudy, key) if one.voided and not one.student_number else None
        if stands is not None:
            told: Row = (
                stands.student_number,
                stands.class_id,
                stands.activity,
                stands.verb,
                stands.minutes,
                stands.at,
            )
        else:
            told = (one.student_number, source.class_of(one.class_source_id) if one.class_source_id else None,
                    one.activity, one.verb, _measured(one.minutes), one.at)  # fmt: skip
        return (key, *told, one.voided or key in source.withdrawn)

    return row


def _join_withdrawals(source: Source, batch: Sequence[records.OnlineStudy]) -> Sequence[records.OnlineStudy]:
    """A store may give a withdrawal before what it withdraws, or long after: both speak of one row."""
    _look_up_classes(source, batch)
    source.withdrawn |= withdrawn_study(source.session, {source.key(one.source_id) for one in batch})
    source.keep_all(within(source.session, teaching.OnlineStudy, teaching.OnlineStudy.id,
                           (source.key(one.source_id) for one in batch if one.voided)))  # fmt: skip
    withdrawn = {one.source_id: one for one in batch if one.voided}
    if not withdrawn:
        return batch
    told = {one.source_id for one in batch if not one.voided}
    return [
        replace(one, voided=True, changed_at=withdrawn[one.source_id].changed_at)
        if not one.voided and one.source_id in withdrawn else one
        for one in batch if not (one.voided and one.source_id in told)
    ]  # fmt: skip


def _look_up_classes(source: Source, batch: Sequence[Any]) -> Sequence[Any]:
    source.look_up_classes(one.class_source_id for one in batch if one.class_source_id)
    return batch


_CLASS = ("class_id", teaching.ClassSection)
_PERSON = ("learner_id", teaching.Learner)
SHAPES: dict[type[records.Record], Shape] = {
    records.Employment: Shape(
        people.Employment,
        ("id", "connection", "enterprise_code", "employee_number", "worker_id", "active", "left_on"),
        _employment, prepare=_look_up_employees,
    ),
    records.Term: Shape(teaching.Term, ("id", "connection", "source_id", "title", "starts_on", "ends_on"), _term),
    records.Course: Shape(teaching.Course, ("id", "connection", "source_id", "code", "title"), _course),
    records.ClassSection: Shape(
        teaching.ClassSection, ("id", "connection", "source_id", "code", "title", "course_id", "term_id"),
        _class_section, (("course_id", teaching.Course), ("term_id", teaching.Term)),
    ),
    records.Learner: Shape(
        teaching.Learner, ("id", "connection", "source_id", "student_number", "active"), _learner
    ),
    records.Enrolment: Shape(
        teaching.Enrolment, ("id", "class_id", "learner_id", "active"), _enrolment, (_CLASS, _PERSON)
    ),
    records.LineItem: Shape(
        teaching.LineItem, ("id", "class_id", "title", "part", "due_on"), _line_item, (_CLASS,)
    ),
    records.Result: Shape(
        teaching.Mark, ("id", "line_item_id", "learner_id", "score", "score_status", "scored_on"), _mark,
        (("line_item_id", teaching.LineItem), _PERSON),
    ),
    records.Session: Shape(
        teaching.Session, ("id", "class_id", "starts_at", "minutes", "closed"), _session, prepare=_look_up_classes
    ),
    records.RegisterEntry: Shape(
        teaching.Attendance, ("session_id", "student_number", "meaning"), _attendance,
        (("session_id", teaching.Session),), keys=2,
    ),
    records.OnlineStudy: Shape(
        teaching.OnlineStudy,
        ("id", "student_number", "class_id", "activity", "verb", "minutes", "at", "voided"),
        _online_study, prepare=_join_withdrawals, whole=False,
    ),
    records.ClassConfirmation: Shape(
        teaching.ClassConfirmation, ("id", "class_id", "status", "starts_on", "confirmed_on"), _confirmation,
        prepare=_look_up_classes,
    ),
}  # fmt: skip


def ours_of(batch: Sequence[Any]) -> Sequence[Any]:
    """Give the records, all of one type, of what we keep: a teacher's place in a class is none of ours."""
    if not batch or not isinstance(batch[0], records.Enrolment):
        return batch
    return [one for one in batch if one.role == "student"]


def stand_in_order(kinds: Iterable[type[records.Record]]) -> list[type[records.Record]]:
    """Give record types in the order in which their rows are written: what others refer to comes first."""
    places = {kind: place for place, kind in enumerate(SHAPES)}
    return sorted(kinds, key=lambda kind: places.get(kind, len(places)))
