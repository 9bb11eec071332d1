"""What a story is: the dated facts of one nominee, and what must come of them, written down.

Belongs here: the shapes. Does not: the stories themselves (cohorts/) or who answers with them (wire/).
"""

from dataclasses import dataclass, field
from datetime import date

from sandbox.organisations import Organisation
from sandbox.people import Person
from sandbox.programmes import Programme
from sandbox.timetable import ClassPlan, Term


@dataclass(frozen=True, slots=True)
class Study:
    """What someone made of a module.

    `letters` is the register, one of P L E A a session, shorter when he left; scores are out of 100;
    `state` passed, failed, exempt, barred, or empty when it never came to that; `mark` as examiners wrote it.
    """

    letters: str
    formative: float | None = None
    final: float | None = None
    make_up: float | None = None
    state: str = "passed"
    mark: str | None = None
    minutes: tuple[int, ...] = ()
    enrolled: bool = True
    recognised: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What someone in an office answers when asked, and from which day he is ready to."""

    kind: str
    answer: str
    on: date
    reason: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document HR sends in: household, education, bank-card or mobile."""

    kind: str
    value: str
    on: date


@dataclass(frozen=True, slots=True)
class StudyLeave:
    """Paid study leave as HR decided on it."""

    starts_on: date
    ends_on: date
    status: str
    hours: int
    on: date


@dataclass(frozen=True, slots=True)
class Claim:
    """A learning outcome claimed for a module, and what comes of it: granted, or refused by a rule."""

    kind: str
    title: str
    evidence: str
    module: str
    credits: int
    awarded_on: date
    seen_on: date
    decided_on: date
    granted: bool
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection: raised two working days into the notice, settled so many working days later."""

    text: str
    status: str
    settled_after: int
    reason: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The school's decision, not before a day."""

    status: str
    on: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """What one source pays for one period, in yuan: gross sums, so paid twice after a return counts twice."""

    source: str
    period: str
    awarded: str
    paid: str
    returned: str = "0.00"
    reversed: str = "0.00"


@dataclass(frozen=True, slots=True)
class Skill:
    """The skill assessment and its certificate."""

    score: str
    assessed_on: date
    seen_on: date
    number: str
    issued_on: date
    seen_number_on: date
    status: str = "passed"


@dataclass(frozen=True, slots=True)
class Diploma:
    """The diploma."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ends for a participant: status, the stage it ends in, the rules that ended it, the reason."""

    status: str
    stage: str
    known_on: date
    rules: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A trouble by its name, whom it happens to, and the story in a sentence."""

    name: str
    cohort: str
    person: str
    resident_id: str
    story: str


@dataclass(frozen=True, slots=True)
class Funding:
    """A source of money in a plan; amount and budget in yuan."""

    source: str
    name: str
    amount: str
    trigger: str
    periods: int
    budget: str
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A roster an enterprise sends: its layout is titled, plain or csv."""

    enterprise: Organisation
    available_on: date
    layout: str

    @property
    def header_row(self) -> int:
        """The number of the header's line in the sheet, 1 being the first."""
        return 3 if self.layout == "titled" else 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What all of a cohort share: its plan, its calendar, and what each who completes is paid."""

    code: str
    name: str
    programme: Programme
    project_code: str
    project_name: str
    starts_on: date
    nomination_opens_on: date
    quota: int
    sheets: tuple[Sheet, ...]
    funding: tuple[Funding, ...]
    terms: tuple[Term, ...]
    consent_on: date
    reviewed_on: date
    admitted_on: date
    registered_on: date
    assessed_on: date
    skill_seen_on: date
    skill_issued_on: date
    diploma_on: date
    paid: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One nominee of one cohort from roster to the end. What did not happen to him is None or empty."""

    person: Person
    cohort: str
    enterprise: Organisation
    employee_number: str
    consent_on: date
    decisions: tuple[Decision, ...]
    ending: Ending
    roster: dict[str, str] = field(default_factory=dict)
    row_rules: tuple[str, ...] = ()
    row_status: str = "accepted"
    roster_only: bool = False
    documents: tuple[Document, ...] = ()
    objection: Objection | None = None
    admission: Admission | None = None
    registered_on: date | None = None
    student_number: str | None = None
    studies: dict[str, Study] = field(default_factory=dict)
    leaves: tuple[StudyLeave, ...] = ()
    claims: tuple[Claim, ...] = ()
    left_on: date | None = None
    returns: bool = False
    sends_new_card: bool = False
    skill: Skill | None = None
    diploma: Diploma | None = None
    money: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A row of a roster: whose it is, and how it is judged on its own."""

    story: Story
    status: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CohortStory:
    """A cohort with its people, classes, roster rows and troubles."""

    facts: Facts
    stories: tuple[Story, ...]
    classes: tuple[ClassPlan, ...]
    rows: dict[str, tuple[RosterRow, ...]]
    troubles: tuple[Trouble, ...]
