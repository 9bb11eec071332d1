"""What connectors hand over: one frozen value for each thing a source reports, free of any wire's names.

Belongs here: the shape of what arrives, in our words, as the source said it. Does not: how it was asked for
(connectors), whether it may be believed (tasks and their gate) or what is kept of it (tables).
Each record has the source's own id and the instant the source last changed it, where the source tells.
Names and personal numbers are hidden in `repr`, so that a record may stand in a message or a log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, Literal, TypeVar, dataclass_transform

Part = Literal["formative", "final", "make-up", "other"]
Meaning = Literal["present", "late", "excused", "absent"]
T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def reported(kind: type[T]) -> type[T]:
    """Make a record type: its values are frozen, and mypy holds that.

    Python would hold it at a price: a frozen value takes thrice as long to make, and a night makes millions.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(kind)


@reported
class Record:
    """A thing a source reports; `changed_at` carries an offset and is the source's own clock, not ours."""

    source_id: str
    changed_at: datetime | None = None


R_co = TypeVar("R_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[R_co]):
    """One page of a stream: its records, the greatest source timestamp among them, how many there may be in all.

    `total` is the source's own hint and decides nothing; a page may be empty. `document` is what a file is remembered
    by, where the page is what one stream found in one file: once its rows are written it need not be read again.
    """

    rows: Sequence[R_co]
    cursor: datetime | None = None
    total: int | None = None
    document: str | None = None


@reported
class Unreadable(Record):
    """A row the source sent that is none of what was asked for: it goes to quarantine under `rule`, never lost.

    It has the id of what it would be. Where that cannot be told, `within` is the source's id of what it belongs to (a
    session, a class), or "" where it may be anything of its stream. `class_source_id` names the class it was asked for.
    """

    stream: str
    rule: str = "row-unreadable"
    payload: str = field(repr=False)
    within: str | None = None
    class_source_id: str | None = None


@reported
class Employment(Record):
    """What an HR system says of one employee; `active` false means that he left, on `left_on` where it is told."""

    employee_number: str
    name: str = field(repr=False)
    active: bool
    department: str | None = None
    enterprise_code: str
    resident_id: str | None = field(default=None, repr=False)
    left_on: date | None = None


@reported
class Term(Record):
    """A term of the school; both days belong to it."""

    title: str
    starts_on: date
    ends_on: date
    removed: bool = False


@reported
class Course(Record):
    """A course; `code` is the code of a module of the programme."""

    code: str
    title: str
    removed: bool = False


@reported
class ClassSection(Record):
    """A class: one course taught to one group, in one or more terms."""

    code: str
    title: str
    course_source_id: str
    term_source_ids: tuple[str, ...] = ()
    removed: bool = False


@reported
class Learner(Record):
    """A person in the school's records; teachers among them have no student number."""

    student_number: str | None
    name: str = field(repr=False)
    active: bool
    removed: bool = False


@reported
class Enrolment(Record):
    """A person's place in a class; `role` is "student" for those who study in it."""

    class_source_id: str
    learner_source_id: str
    role: str
    active: bool
    removed: bool = False


@reported
class LineItem(Record):
    """Something marked in a class, and which part of the mark it is."""

    class_source_id: str
    title: str
    part: Part
    due_on: date | None = None
    removed: bool = False


@reported
class Result(Record):
    """A released result; `score` in points, None where `score_status` says why ("exempt", "not submitted")."""

    line_item_source_id: str
    learner_source_id: str
    score: Decimal | None
    score_status: str
    scored_on: date | None = None
    removed: bool = False


@reported
class Session(Record):
    """A face-to-face session; `closed` once its register was taken (`taken_at`), which alone proves an absence."""

    class_source_id: str
    starts_at: datetime
    minutes: int
    closed: bool
    taken_at: datetime | None = None
    removed: bool = False


@reported
class RegisterEntry(Record):
    """What a register says of one learner in one session."""

    session_source_id: str
    class_source_id: str
    student_number: str
    meaning: Meaning
    removed: bool = False


@reported
class OnlineStudy(Record):
    """A stretch of online study or a check-in, in minutes; `voided` when its platform withdrew it.

    A withdrawn one whose first wording is no longer to be had has an empty student number.
    """

    student_number: str
    class_source_id: str
    activity: str
    verb: str
    minutes: Decimal
    at: datetime
    voided: bool = False


@reported
class Consent(Record):
    """A worker's consents on one form; kinds are "sensitive", "school" and "notice"."""

    employee_number: str
    resident_id: str = field(repr=False)
    kinds: tuple[str, ...]
    text_version: str
    given_at: datetime
    withdrawn_at: datetime | None = None
    removed: bool = False


@reported
class Document(Record):
    """A document that settles a fact: household, education, bank-card or mobile, as of a day."""

    resident_id: str = field(repr=False)
    kind: str
    value: str = field(repr=False)
    as_of: date
    removed: bool = False


@reported
class Leave(Record):
    """Paid study leave from its first to its last day; only status "approved" excuses."""

    resident_id: str = field(repr=False)
    starts_on: date
    ends_on: date
    kind: str
    status: str
    hours: Decimal
    removed: bool = False


@reported
class OutcomeClaim(Record):
    """A learning outcome that a worker claims for a module."""

    resident_id: str = field(repr=False)
    kind: str
    title: str
    evidence: str
    module_code: str
    credits_claimed: Decimal
    awarded_on: date
    removed: bool = False


@reported
class Objection(Record):
    """An objection to a name on a public notice: open, upheld or dismissed."""

    notice_id: str
    resident_id: str = field(repr=False)
    text: str = field(repr=False)
    raised_on: date
    status: str
    decided_on: date | None = None
    reason: str | None = field(default=None, repr=False)
    removed: bool = False


@reported
class AdmissionDecision(Record):
    """The school's answer to an application: admitted, refused or pending."""

    application_id: str
    status: str
    reason: str | None = None
    decided_on: date | None = None
    removed: bool = False


@reported
class Registration(Record):
    """The student number an admitted applicant was registered under."""

    application_id: str
    student_number: str
    status: str
    registered_on: date
    removed: bool = False


@reported
class ClassConfirmation(Record):
    """The centre's word on a class: planned or confirmed."""

    class_source_id: str
    status: str
    starts_on: date
    confirmed_on: date | None = None
    removed: bool = False


@reported
class SkillResult(Record):
    """The result of a skill assessment: passed or failed."""

    registration_id: str
    score: Decimal | None
    status: str
    assessed_on: date
    removed: bool = False


@reported
class Diploma(Record):
    """A diploma's number for a graduation that was asked for."""

    graduation_id: str
    number: str
    issued_on: date
    removed: bool = False


@reported
class SkillCertificate(Record):
    """A skill certificate's number; `level` is 5 elementary to 1 senior technician."""

    registration_id: str
    number: str
    level: int
    issued_on: date
    removed: bool = False


@reported
class PaymentResult(Record):
    """What became of a payment order: paid or returned, and why."""

    payment_id: str
    status: str
    reason: str | None = field(default=None, repr=False)
    on: date
    removed: bool = False
