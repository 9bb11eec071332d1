"""A cohort on a day: the evidence about its participants, and what advancing it records.

Belongs here: loading evidence, moving a participant, declaring waits, asking people, sending effects.
Does not: any stage's own decision (tasks/<stage>.py) or rule (models/rules).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel

from models.clock import SHANGHAI
from models.identity import make_id
from models.repositories.common import add_missing
from models.repositories.funding import awards, funding_sources, ledger_lines, payments
from models.repositories.lifecycle import waits_of_cohort
from models.repositories.organisations import modules_of
from models.repositories.people import by_participant, by_worker, participants_of, workers
from models.rules.lifecycle import WAIT_KINDS, next_stage
from models.rules.policy import Policy, policy_on
from models.rules.stalls import due_on
from models.rules.workdays import Calendar
from models.tables.credentials import Certificate, Outcome, Recognition, SkillAssessment
from models.tables.funding import Award, FundingSource, LedgerLine, Payment
from models.tables.lifecycle import (
    Application,
    DecisionRequest,
    Graduation,
    Notice,
    NoticeEntry,
    Objection,
    Step,
    Wait,
)
from models.tables.operations import Outbox
from models.tables.organisations import Cohort, Module, Programme
from models.tables.people import Consent, Document, Employment, Leave, Nomination, Participant, Worker
from models.tables.teaching import ModuleTaken
from tasks.study import Study

Row = TypeVar("Row", bound=SQLModel)


@dataclass
class Board:
    """Everything that advancing one cohort on one day reads and writes, in one transaction."""

    session: Session
    cohort: Cohort
    today: date
    calendar: Calendar
    policies: Sequence[Policy]
    declared: dict[str, Wait] = field(default_factory=dict)
    new_notice: Notice | None = None
    study: Study | None = None

    def again(self, today: date) -> "Board":
        """Give the same evidence to be judged anew, by another `today`; nothing is declared or decided yet."""
        other = Board(self.session, self.cohort, today, self.calendar, self.policies, study=self.study)
        known = {
            name: value for name, value in vars(self).items() if isinstance(vars(Board).get(name), cached_property)
        }
        vars(other).update({name: value for name, value in known.items() if name != "policy"})
        return other

    def awaits_what(self, other: "Board") -> bool:
        """Whether the same is awaited here as there, from the same holders until the same days."""
        return {key: _moving(wait) for key, wait in self.declared.items()} == {
            key: _moving(wait) for key, wait in other.declared.items()
        }

    @cached_property
    def policy(self) -> Policy:
        """The policy that holds today."""
        return policy_on(self.policies, self.today)

    def policy_at_exam(self, exam_on: date | None) -> Policy:
        """The policy an exam is judged by: that of its day, whatever holds since; today's before it is held."""
        return policy_on(self.policies, min(exam_on or self.today, self.today))

    @cached_property
    def programme(self) -> Programme:
        """The programme of the cohort."""
        return self.session.get_one(Programme, self.cohort.programme_id)

    @cached_property
    def modules(self) -> list[Module]:
        """The modules of the programme, in order."""
        return modules_of(self.session, self.cohort.programme_id)

    @cached_property
    def participants(self) -> list[Participant]:
        """All participants of the cohort, ended ones too."""
        return participants_of(self.session, self.cohort.code)

    @cached_property
    def workers(self) -> dict[str, Worker]:
        """The workers behind the participants, by id."""
        return workers(self.session, [participant.worker_id for participant in self.participants])

    def _of_participants(self, table: type[Row]) -> dict[str, list[Row]]:
        return by_participant(self.session, table, [participant.id for participant in self.participants])

    def _of_workers(self, table: type[Row]) -> dict[str, list[Row]]:
        return by_worker(self.session, table, self.workers)

    def _one_each(self, table: type[Row]) -> dict[str, Row]:
        return {participant_id: rows[0] for participant_id, rows in self._of_participants(table).items()}

    @cached_property
    def nominations(self) -> dict[str, list[Nomination]]:
        """Roster rows by participant."""
        return self._of_participants(Nomination)

    @cached_property
    def consents(self) -> dict[str, list[Consent]]:
        """Consents by worker."""
        return self._of_workers(Consent)

    @cached_property
    def documents(self) -> dict[str, list[Document]]:
        """Documents by worker."""
        return self._of_workers(Document)

    @cached_property
    def leaves(self) -> dict[str, list[Leave]]:
        """Study leave by worker."""
        return self._of_workers(Leave)

    @cached_property
    def employments(self) -> dict[str, list[Employment]]:
        """What HR systems say, by worker."""
        return self._of_workers(Employment)

    @cached_property
    def outcomes(self) -> dict[str, list[Outcome]]:
        """Claimed outcomes by worker."""
        return self._of_workers(Outcome)

    @cached_property
    def requests(self) -> dict[str, list[DecisionRequest]]:
        """Questions to people, by participant."""
        return self._of_participants(DecisionRequest)

    @cached_property
    def objections(self) -> dict[str, list[Objection]]:
        """Objections by participant."""
        return self._of_participants(Objection)

    @cached_property
    def notice_entries(self) -> dict[str, NoticeEntry]:
        """The place of each participant on a public notice."""
        return self._one_each(NoticeEntry)

    @cached_property
    def applications(self) -> dict[str, Application]:
        """Applications to the school, by participant."""
        return self._one_each(Application)

    @cached_property
    def graduations(self) -> dict[str, Graduation]:
        """Requests for a diploma, by participant."""
        return self._one_each(Graduation)

    @cached_property
    def assessments(self) -> dict[str, SkillAssessment]:
        """Skill assessments, by participant."""
        return self._one_each(SkillAssessment)

    @cached_property
    def recognitions(self) -> dict[str, list[Recognition]]:
        """Decided claims, by participant."""
        return self._of_participants(Recognition)

    @cached_property
    def modules_taken(self) -> dict[str, list[ModuleTaken]]:
        """Modules taken, by participant."""
        return self._of_participants(ModuleTaken)

    @cached_property
    def certificates(self) -> dict[str, list[Certificate]]:
        """Certificates that are back, by participant."""
        return self._of_participants(Certificate)

    @cached_property
    def sources(self) -> list[FundingSource]:
        """The sources of money of the cohort."""
        return funding_sources(self.session, self.cohort.code)

    @cached_property
    def awards(self) -> dict[str, Award]:
        """Awards by id, reversed ones too."""
        return awards(self.session, [participant.id for participant in self.participants])

    @cached_property
    def payments(self) -> dict[str, list[Payment]]:
        """Payment orders by award, in the order they were tried."""
        return payments(self.session, self.awards)

    @cached_property
    def lines(self) -> dict[str, LedgerLine]:
        """Ledger lines by id."""
        return ledger_lines(self.session, [participant.id for participant in self.participants])

    def credits(self, participant: Participant) -> Decimal:
        """Credits earned so far: passed, exempt and recognised modules."""
        taken = self.modules_taken.get(participant.id, [])
        return sum((module.credits for module in taken), start=Decimal("0"))

    def wait(
        self,
        kind: str,
        participant: Participant | None,
        since: date,
        *,
        subject: str = "",
        due: date | None = None,
    ) -> None:
        """Declare that something is awaited today; `finish_waits` compares it with what was awaited before.

        Holder and time limit come from the lifecycle's table; `due` is for limits that hang on another day.
        """
        person = participant.id if participant else None
        key = make_id("WT", self.cohort.code, person or "", kind, subject, since)
        holder = WAIT_KINDS[kind].holder
        due_day = due or due_on(kind, since, self.calendar, self.policy)
        self.declared[key] = Wait(
            id=key, cohort_code=self.cohort.code, participant_id=person, kind=kind, subject=subject, since=since,
            stage=participant.stage if participant else self.cohort.stage, holder=holder,
            holder_code=self.holder_code(holder, participant), due_on=due_day,
            provisional=due_day is not None and self.calendar.is_provisional(due_day),
        )  # fmt: skip

    def consented(self, participant: Participant, kind: str) -> bool:
        """Whether a consent of this kind stands; one that was withdrawn is awaited again from that day on."""
        given = [one.withdrawn_at for one in self.consents.get(participant.worker_id, []) if one.kind == kind]
        if None in given:
            return True
        days = [at.astimezone(SHANGHAI).date() for at in given if at is not None]
        self.wait("consent", participant, max(days, default=participant.stage_entered_on))
        return False

    def holder_code(self, holder: str, participant: Participant | None) -> str | None:
        """Give the organisation behind a role; a worker is reached through his enterprise."""
        if holder in ("enterprise_hr", "worker"):
            return participant.enterprise_code if participant else None
        return {
            "union": self.cohort.union_code, "school": self.cohort.school_code, "centre": self.cohort.centre_code,
            "assessor": self.cohort.assessor_code, "union_finance": self.cohort.finance_code,
        }.get(holder, self.cohort.federation_code)  # fmt: skip

    def ask(
        self, kind: str, participant: Participant, question: str, *, holder: str, subject: str = ""
    ) -> DecisionRequest:
        """Put a question into the inbox once; give it with its answer, if any."""
        key = make_id("D", kind, participant.id, subject)
        for request in self.requests.get(participant.id, []):
            if request.id == key:
                return request
        request = DecisionRequest(
            id=key, kind=kind, cohort_code=self.cohort.code, participant_id=participant.id, subject=subject,
            question=question, holder=holder, asked_on=self.today,
        )  # fmt: skip
        self.session.add(request)
        self.requests.setdefault(participant.id, []).append(request)
        return request

    def send(self, kind: str, key: str, organisation_code: str, payload: Mapping[str, Any], subject: str = "") -> None:
        """Put an effect on the outside into the outbox, once for its key."""
        add_missing(self.session, Outbox(
            id=key, kind=kind, organisation_code=organisation_code, subject=subject or self.cohort.code,
            payload=json.dumps(payload, ensure_ascii=False, sort_keys=True), created_on=self.today,
        ))  # fmt: skip

    def enter(self, participant: Participant, stage: str) -> None:
        """Move a participant into a stage today, closing the step before."""
        close_step(self.session, participant, self.today)
        participant.stage, participant.stage_entered_on = stage, self.today
        self.open_step(participant.id, stage)

    def move_on(self, participant: Participant) -> bool:
        """Move a participant to the next stage; False when there is none."""
        following = next_stage(participant.stage)
        if following is None:
            return False
        self.enter(participant, following)
        return True

    def end(self, participant: Participant, status: str, rule: str, reason: str, on: date | None = None) -> None:
        """End a participation with its status, the rule and the sentence that explain it."""
        participant.status, participant.rule, participant.reason = status, rule, reason
        participant.ended_on = on or self.today
        close_step(self.session, participant, self.today)

    def open_step(self, participant_id: str | None, stage: str) -> None:
        """Record a stay in a stage from today."""
        key = make_id("S", self.cohort.code, participant_id or "", stage)
        add_missing(self.session, Step(
            id=key, cohort_code=self.cohort.code, participant_id=participant_id, stage=stage, entered_on=self.today,
        ))  # fmt: skip

    def finish_waits(self) -> None:
        """Make the stored waits equal to the declared ones: new ones open, settled ones resolve today."""
        stored = {wait.id: wait for wait in waits_of_cohort(self.session, self.cohort.code)}
        for key, wait in self.declared.items():
            if key not in stored:
                self.session.add(wait)
            else:
                _refresh(stored[key], wait)
        for key, wait in stored.items():
            if key not in self.declared and wait.resolved_on is None:
                wait.resolved_on = self.today


def close_step(session: Session, participant: Participant, on: date) -> None:
    """End a participant's stay in his stage."""
    step = session.get(Step, make_id("S", participant.cohort_code, participant.id, participant.stage))
    if step is not None and step.left_on is None:
        step.left_on = on


MOVING = ("stage", "holder", "holder_code", "due_on", "provisional")  # what may move while a wait is open


def _moving(wait: Wait) -> tuple[object, ...]:
    return tuple(getattr(wait, name) for name in MOVING)


def _refresh(stored: Wait, declared: Wait) -> None:
    """Carry over what may move, and that it is open."""
    for name in MOVING:
        if getattr(stored, name) != getattr(declared, name):
            setattr(stored, name, getattr(declared, name))
    if stored.resolved_on is not None:
        stored.resolved_on = None


Settle = Callable[[Board, Participant], bool]
