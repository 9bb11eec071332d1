"""Tables of study: what the school and the centre report, and what each participant made of a module.

Belongs here: terms, classes, registers, online study, results and modules taken.
Does not: claims for recognition and certificates (credentials.py).
Ids of reported rows are `<connection>:<source id>`.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from models.tables.base import Reported, Table, instant, measure, one_of, points, reported_id


class Term(Reported, table=True):
    """A school term (OneRoster academicSession)."""

    __tablename__ = "terms"

    id: str = reported_id()
    connection: str
    source_id: str
    title: str
    starts_on: date
    ends_on: date


class Course(Reported, table=True):
    """A course of the school; its code is the code of a module."""

    __tablename__ = "courses"

    id: str = reported_id()
    connection: str
    source_id: str
    code: str = Field(index=True)
    title: str


class ClassSection(Reported, table=True):
    """A class (OneRoster class): one course taught to one group in one term."""

    __tablename__ = "class_sections"

    id: str = reported_id()
    connection: str
    source_id: str = Field(index=True)
    code: str
    title: str
    course_id: str = Field(foreign_key="courses.id", index=True)
    term_id: str | None = Field(default=None, foreign_key="terms.id")


class ClassConfirmation(Reported, table=True):
    """The centre's word that a class will start."""

    __tablename__ = "class_confirmations"
    __table_args__ = (one_of("status", ("planned", "confirmed")),)

    id: str = reported_id()
    class_id: str = Field(foreign_key="class_sections.id", index=True)
    status: str
    starts_on: date
    confirmed_on: date | None = None


class Learner(Reported, table=True):
    """A person in the school's own records, tied to a participant by the student number."""

    __tablename__ = "learners"

    id: str = reported_id()
    connection: str
    source_id: str
    student_number: str | None = Field(default=None, index=True)
    active: bool = True


class Enrolment(Reported, table=True):
    """A learner's place in a class."""

    __tablename__ = "enrolments"

    id: str = reported_id()
    class_id: str = Field(foreign_key="class_sections.id", index=True)
    learner_id: str = Field(foreign_key="learners.id", index=True)
    active: bool = True


class LineItem(Reported, table=True):
    """Something marked in a class: the formative part, the final exam, a make-up."""

    __tablename__ = "line_items"
    __table_args__ = (one_of("part", ("formative", "final", "make-up", "other")),)

    id: str = reported_id()
    class_id: str = Field(foreign_key="class_sections.id", index=True)
    title: str
    part: str
    due_on: date | None = None


class Mark(Reported, table=True):
    """A mark as the school released it for one line item.

    There are millions: that its references stand is asked at the gate (docs/decisions/0009).
    """

    __tablename__ = "marks"

    id: str = reported_id()
    line_item_id: str = Field(index=True)
    learner_id: str = Field(index=True)
    score: Decimal | None = measure(default=None)
    score_status: str
    scored_on: date | None = None


class Session(Reported, table=True):
    """A face-to-face session; only a closed register says who was absent."""

    __tablename__ = "sessions"

    id: str = reported_id()
    class_id: str = Field(foreign_key="class_sections.id", index=True)
    starts_at: datetime = instant()
    minutes: int
    closed: bool


class Attendance(Reported, table=True):
    """A line of a session's register, in our four meanings of the school's own acronyms.

    There are millions: that its session stands is asked at the gate (docs/decisions/0009).
    """

    __tablename__ = "attendance"
    __table_args__ = (one_of("meaning", ("present", "late", "excused", "absent")),)

    session_id: str = reported_id()
    student_number: str = Field(primary_key=True, index=True)
    meaning: str


class OnlineStudy(Reported, table=True):
    """A statement of online study (xAPI): minutes on an activity of a class, or a withdrawn one."""

    __tablename__ = "online_study"

    id: str = reported_id()
    student_number: str = Field(index=True)
    class_id: str | None = Field(default=None, foreign_key="class_sections.id")
    activity: str
    verb: str
    minutes: Decimal = measure()
    at: datetime = instant()
    voided: bool = False


class ModuleTaken(Table, table=True):
    """What a participant made of a module: the outcome our rules draw from attendance and marks."""

    __tablename__ = "modules_taken"
    __table_args__ = (
        UniqueConstraint("participant_id", "module_id"),
        one_of(
            "state",
            ("enrolled", "awaiting-result", "awaiting-make-up", "passed", "failed", "exempt", "barred"),
        ),
        CheckConstraint("mark BETWEEN 0 AND 100", name="mark_range"),
        CheckConstraint("(state IN ('passed', 'exempt')) = (credits > 0)", name="credits_earned"),
        CheckConstraint("held = present + late + excused + absent", name="register_adds_up"),
    )

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id")
    module_id: str = Field(foreign_key="modules.id")
    class_id: str | None = Field(default=None, foreign_key="class_sections.id", index=True)
    state: str
    mark: Decimal | None = points(default=None)
    credits: Decimal = points(default=Decimal("0"))
    rule: str = ""
    held: int = 0
    present: int = 0
    late: int = 0
    excused: int = 0
    absent: int = 0
    online_minutes: Decimal = measure(default=Decimal("0"))
    decided_on: date | None = None
    policy_version: str = ""
