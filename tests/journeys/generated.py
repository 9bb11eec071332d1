"""Generated journeys: two cohorts whom everything happens to that can happen, on days drawn by lot, by the doors it comes by.

Belongs here: what happens. Does not: what a night makes of it, or what is held against it (oracle.py).
What a school, a centre or an HR system reports goes through the gate by the bulk path; what people do and what others
answer to us changes rows of ours.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlmodel import select

from connectors.base import Connection
from models import records
from models.tables.credentials import Certificate, SkillAssessment
from models.tables.funding import Payment
from models.tables.lifecycle import Application, DecisionRequest, Graduation, Objection
from models.tables.people import Consent, Participant, Worker
from tasks.errors import BadInput
from tasks.gate import take
from tasks.office import unit_of_work
from tasks.reading import source_of
from tasks.withdrawal import withdraw
from tests.fixtures.cohorts import (
    CARD,
    CONSENTS,
    DATA,
    ENTERPRISE,
    OTHER_CARD,
    OTHER_ENTERPRISE,
    TERMS,
    Case,
    answer,
    change,
    late_line,
    noon,
    open_cohort,
    roster,
    rows,
    take_roster,
    write,
)

FIRST = date(2026, 5, 18)
SCHOOL = Connection(name="school", kind="told", organisation=OTHER_ENTERPRISE, base_url="http://x")
HR = Connection(name="hr", kind="told", organisation=ENTERPRISE, base_url="http://x")
MODULES = tuple(f"M{number:02}" for number in range(1, 11))
REPORTED = (
    "term", "course", "section", "confirmation", "learner", "enrolment", "line_item", "mark", "session", "register", "study",
    "employment",
)  # fmt: skip
OWN = (
    "consent", "unconsent", "decide", "objection", "admission", "registration", "document", "leave", "claim", "card",
    "payment", "assessment", "certificate", "withdrawal",
)  # fmt: skip


@dataclass
class Fate:
    """What happens to two cohorts, drawn by lot; `said` is what the school says now, by record and id."""

    lot: Random
    folder: Path
    day: date = FIRST
    said: dict[tuple[type[Any], str], Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Two cohorts of two rosters are opened; their school has a timetable for nobody yet."""
        take_roster(DATA / "plain.xlsx", open_cohort())
        lines = [late_line(place) for place in range(3)]
        take_roster(roster(self.folder / "late.xlsx", lines), open_cohort(code="WX-2026B"))
        self._timetable()

    def live(self) -> date:
        """Go on to a later day, and let some things happen on it."""
        self.day += timedelta(days=self.lot.choice((1, 1, 1, 2, 3, 5, 8, 13, 30)))
        self.told.clear()
        self._go_on()
        for _ in range(self.lot.choice((0, 0, 1, 1, 2, 3))):
            name = self.lot.choice((*REPORTED, *OWN))
            doing: Callable[[], None] = getattr(self, f"_{name}")
            self.told.append(name)
            doing()
        return self.day

    # --- the ordinary way -----------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Most people do their part sooner or later, or nobody would ever come anywhere."""
        chances = (
            (0.5, self._consent_all), (0.4, self._decide_all), (0.4, self._admit_all), (0.4, self._register_all),
            (0.3, self._enrol_all), (0.3, self._mark_all), (0.3, self._assess_all), (0.3, self._certify_all),
            (0.3, self._pay_all),
        )  # fmt: skip
        for chance, do in chances:
            if self.lot.random() < chance:
                self.told.append(do.__name__)
                do()

    def _consent_all(self) -> None:
        for person in self._people():
            if self.lot.random() < 0.6:
                self._give_consent(person)

    def _decide_all(self) -> None:
        open_ = [one for one in rows(DecisionRequest, answer="") if self.lot.random() < 0.7]
        for one in open_:
            answer([one.id], "approve" if self.lot.random() < 0.9 else "refuse", self.day)

    def _admit_all(self) -> None:
        for one in rows(Application, status="sent"):
            change(Application, one.id, status="admitted", decided_on=self.day)

    def _register_all(self) -> None:
        for place, one in enumerate(sorted(rows(Application, status="admitted"), key=lambda one: one.id)):
            if one.student_number is None:
                self._number(one, f"2632020000{place:03}")

    def _enrol_all(self) -> None:
        """The school takes up who has a number, and puts them into all classes."""
        for number in self._numbers():
            if (records.Learner, number) not in self.said:
                self._say(
                    SCHOOL,
                    "people",
                    records.Learner(source_id=number, changed_at=None, student_number=number, name="x", active=True),
                )
                self._say(SCHOOL, "enrolments", *(
                    records.Enrolment(source_id=f"{module}:{number}", changed_at=None, class_source_id=f"class-{module}",
                                      learner_source_id=number, role="student", active=True) for module in MODULES
                ))  # fmt: skip

    def _mark_all(self) -> None:
        """Marks of the exams that are over are released."""
        over = [module for module in MODULES if self._exam(module) <= self.day]
        marks = [
            records.Result(source_id=f"{module}:{part}:{number}", changed_at=None, line_item_source_id=f"{module}:{part}", learner_source_id=number,
                           score=Decimal(self.lot.choice((55, 70, 80))), score_status="fully graded", scored_on=self.day)
            for module in over for number in self._learners() for part in ("formative", "final")
        ]  # fmt: skip
        new = [one for one in marks if (records.Result, one.source_id) not in self.said]
        if new:
            self._say(SCHOOL, "results", *new)

    def _assess_all(self) -> None:
        for one in rows(SkillAssessment, status="sent"):
            change(SkillAssessment, one.id, status="passed", assessed_on=self.day)

    def _certify_all(self) -> None:
        for one in rows(Graduation):
            self._certify(one.participant_id, "diploma")
        for one in rows(SkillAssessment, status="passed"):
            self._certify(one.participant_id, "skill")

    def _pay_all(self) -> None:
        for one in rows(Payment, status="ordered"):
            status = self.lot.choice(("paid", "paid", "returned"))
            change(
                Payment,
                one.id,
                status=status,
                settled_on=self.day,
                returned_on=self.day if status == "returned" else None,
            )

    # --- what is reported -----------------------------------------------------------------------------------------

    def _timetable(self) -> None:
        terms = [records.Term(source_id=f"t{place}", changed_at=None, title=f"t{place}", starts_on=start, ends_on=end)
                 for place, (start, end) in enumerate(TERMS, 1)]  # fmt: skip
        self._say(SCHOOL, "terms", *terms)
        self._say(
            SCHOOL, "courses", *(records.Course(source_id=one, changed_at=None, code=one, title=one) for one in MODULES)
        )
        self._say(SCHOOL, "classes", *(
            records.ClassSection(source_id=f"class-{one}", changed_at=None, code=f"C-{one}", title=one, course_source_id=one,
                                 term_source_ids=(f"t{(int(one[1:]) + 1) // 2}",)) for one in MODULES
        ))  # fmt: skip
        self._say(SCHOOL, "line-items", *(
            records.LineItem(source_id=f"{one}:{part}", changed_at=None, class_source_id=f"class-{one}", title=part, part=part,
                             due_on=self._exam(one)) for one in MODULES for part in ("formative", "final")
        ))  # fmt: skip

    @staticmethod
    def _exam(module: str) -> date:
        return TERMS[(int(module[1:]) - 1) // 2][1] - timedelta(days=7)

    def _term(self) -> None:
        self._alter(
            records.Term, "terms", lambda one: {self.lot.choice(("starts_on", "ends_on")): self._near()}, goes=0
        )

    def _course(self) -> None:
        self._alter(
            records.Course, "courses", lambda one: {"code": self.lot.choice((*MODULES, *(one.source_id,) * 10))}, goes=0
        )

    def _section(self) -> None:
        changes: Sequence[Callable[[], dict[str, Any]]] = (
            lambda: {"course_source_id": self.lot.choice(MODULES)},
            lambda: {"term_source_ids": self.lot.choice(((), ("t1",), ("t2",), ("t3",)))},
        )
        self._alter(records.ClassSection, "classes", lambda one: self.lot.choice(changes)(), goes=0)

    def _confirmation(self) -> None:
        module = self.lot.choice(MODULES)
        status = self.lot.choice(("planned", "confirmed"))
        self._say(SCHOOL, "class-confirmations", records.ClassConfirmation(
            source_id=f"K{self.lot.randint(1, 6)}", changed_at=None, class_source_id=f"class-{module}", status=status, starts_on=self._near(),
            confirmed_on=self.day if status == "confirmed" else None, removed=self.lot.random() < 0.2,
        ))  # fmt: skip

    def _learner(self) -> None:
        numbers = [*self._numbers(), "2632020099999"]
        self._alter(records.Learner, "people", lambda one: {"student_number": self.lot.choice(numbers)}, goes=0)

    def _enrolment(self) -> None:
        changes: Sequence[Callable[[Any], dict[str, Any]]] = (
            lambda one: {"active": not one.active},
            lambda one: {"learner_source_id": self.lot.choice(self._learners())},
            lambda one: {"class_source_id": f"class-{self.lot.choice(MODULES)}"},
        )
        self._alter(records.Enrolment, "enrolments", self.lot.choice(changes))

    def _line_item(self) -> None:
        changes: Sequence[Callable[[], dict[str, Any]]] = (
            lambda: {"due_on": self.lot.choice((None, self._near()))},
            lambda: {"class_source_id": f"class-{self.lot.choice(MODULES)}"},
            lambda: {"part": self.lot.choice(("formative", "final", "make-up", "other"))},
        )
        self._alter(records.LineItem, "line-items", lambda one: self.lot.choice(changes)(), goes=0)

    def _mark(self) -> None:
        changes: Sequence[Callable[[], dict[str, Any]]] = (
            lambda: {"score": Decimal(self.lot.randint(30, 100))},
            lambda: {"learner_source_id": self.lot.choice(self._learners())},
            lambda: {"score_status": self.lot.choice(("exempt", "fully graded", "not submitted"))},
        )
        self._alter(records.Result, "results", lambda one: self.lot.choice(changes)())

    def _session(self) -> None:
        """A session is planned, moved, held, or gone."""
        key = f"S{self.lot.randint(1, 12)}"
        standing = self.said.get((records.Session, key))
        of = standing.class_source_id if standing and self.lot.random() < 0.8 else f"class-{self.lot.choice(MODULES)}"
        held = noon(self._near())
        self._say(SCHOOL, "sessions", records.Session(source_id=key, changed_at=None, class_source_id=of, starts_at=held, minutes=90,
                  closed=self.lot.random() < 0.6, removed=standing is not None and self.lot.random() < 0.1))  # fmt: skip

    def _register(self) -> None:
        sessions = [one for (kind, _), one in self.said.items() if kind is records.Session and not one.removed]
        numbers = self._numbers()
        if not sessions or not numbers:
            return
        one = self.lot.choice(sessions)
        self._say(SCHOOL, "registers", *(
            records.RegisterEntry(source_id=f"{one.source_id}:{number}", changed_at=None, session_source_id=one.source_id,
                                  class_source_id=one.class_source_id, student_number=number,
                                  meaning=self.lot.choice(("present", "present", "late", "excused", "absent")),
                                  removed=self.lot.random() < 0.1)
            for number in self.lot.sample(numbers, self.lot.randint(1, len(numbers)))
        ))  # fmt: skip

    def _study(self) -> None:
        numbers = self._numbers()
        if numbers:
            self._say(SCHOOL, "study", records.OnlineStudy(
                source_id=f"O{self.lot.randint(1, 8)}", changed_at=None, student_number=self.lot.choice(numbers),
                class_source_id=f"class-{self.lot.choice(MODULES)}", activity="unit", verb="completed",
                minutes=Decimal(self.lot.randint(1, 90)), at=noon(self.day), voided=self.lot.random() < 0.2,
            ))  # fmt: skip

    def _employment(self) -> None:
        """Somebody leaves, has left, comes back, or will have left by a day to come."""
        with unit_of_work() as session:
            known = list(session.exec(select(Worker.id, Worker.resident_id)).all())
        place = self.lot.randrange(len(known))
        active = self.lot.random() < 0.6
        self._say(HR, "employments", records.Employment(
            source_id=f"H{place % 4}", changed_at=None, employee_number=f"E{place}", name="x", active=active, enterprise_code=ENTERPRISE,
            resident_id=known[place][1], left_on=None if active else self._near(),
        ))  # fmt: skip

    # --- what people do, and what others answer ---------------------------------------------------------------------

    def _consent(self) -> None:
        self._give_consent(self.lot.choice(self._people()))

    def _give_consent(self, person: Participant) -> None:
        write(*(Consent(id=f"hr:{person.worker_id}:{kind}", worker_id=person.worker_id, kind=kind, text_version="v1",
                        given_at=noon(FIRST)) for kind in CONSENTS))  # fmt: skip

    def _unconsent(self) -> None:
        if given := rows(Consent):
            change(Consent, self.lot.choice(given).id, withdrawn_at=noon(self.day))

    def _decide(self) -> None:
        if asked := rows(DecisionRequest, answer=""):
            answer([self.lot.choice(asked).id], self.lot.choice(("approve", "refuse")), self.day)

    def _objection(self) -> None:
        person = self.lot.choice(self._people())
        status = self.lot.choice(("open", "open", "dismissed", "upheld"))
        write(Objection(id=f"union:{person.id}", participant_id=person.id, raised_on=self.day, status=status,
                        decided_on=None if status == "open" else self.day, reason="x"))  # fmt: skip

    def _admission(self) -> None:
        if sent := rows(Application):
            change(Application, self.lot.choice(sent).id, status=self.lot.choice(("pending", "admitted", "admitted", "refused")),
                   decided_on=self.day)  # fmt: skip

    def _registration(self) -> None:
        """A number is given, corrected, or given twice: to one who must wait until the other has another."""
        if admitted := rows(Application, status="admitted"):
            numbers = [*self._numbers(), *(f"26320200{self.lot.randint(100, 999):05}" for _ in range(2))]
            self._number(self.lot.choice(admitted), self.lot.choice(numbers))

    def _number(self, application: Application, number: str) -> None:
        change(Application, application.id, student_number=number, registered_on=application.registered_on or self.day)

    def _document(self) -> None:
        """A document settles what a worker's education is: it may not suffice."""
        person = self.lot.choice(self._people())
        with unit_of_work() as session:
            worker = session.get_one(Worker, person.worker_id)
            worker.education = self.lot.choice(("高中", "中专", "初中"))

    def _leave(self) -> None:
        person = self.lot.choice(self._people())
        case = Case(person.cohort_code)
        start = self._near()
        case.leave(
            self._place(case, person), start, start + timedelta(days=20), self.lot.choice(("approved", "pending"))
        )

    def _claim(self) -> None:
        person = self.lot.choice(self._people())
        case = Case(person.cohort_code)
        case.claim(self._place(case, person), self.lot.choice(MODULES), self.lot.choice(("certificate", "same-school")))

    def _card(self) -> None:
        person = self.lot.choice(self._people())
        change(Worker, person.worker_id, bank_card=self.lot.choice((CARD, OTHER_CARD)), bank_card_changed_on=self.day)

    def _payment(self) -> None:
        if ordered := rows(Payment):
            one = self.lot.choice(ordered)
            if one.status != "returned":
                change(Payment, one.id, status="returned", settled_on=one.settled_on or self.day, returned_on=self.day)

    def _assessment(self) -> None:
        if sent := rows(SkillAssessment):
            change(
                SkillAssessment,
                self.lot.choice(sent).id,
                status=self.lot.choice(("passed", "failed")),
                assessed_on=self.day,
            )

    def _certificate(self) -> None:
        person = self.lot.choice(self._people())
        self._certify(person.id, self.lot.choice(("diploma", "skill")))

    def _certify(self, participant_id: str, kind: str) -> None:
        if not rows(Certificate, participant_id=participant_id, kind=kind):
            write(Certificate(id=f"C-{kind}-{participant_id}", participant_id=participant_id, kind=kind,
                              number=f"{kind}-{participant_id}", issued_on=self.day))  # fmt: skip

    def _withdrawal(self) -> None:
        if self.lot.random() < 0.2:
            with suppress(BadInput):
                asyncio.run(withdraw(self.lot.choice(self._people()).id, "dropped-out", "x", "tester", as_of=self.day))

    # --- plumbing -------------------------------------------------------------------------------------------------

    def _say(self, connection: Connection, stream: str, *said: Any) -> None:
        """The source reports, in one batch, by the gate."""
        with unit_of_work() as session:
            take(source_of(session, connection, self.day), stream, list(said))
        self.said.update({(type(one), one.source_id): one for one in said})

    def _alter(
        self, kind: type[Any], stream: str, how: Callable[[Any], dict[str, Any]], goes: float = 0.15
    ) -> None:  # fmt: skip
        """Say something else of what was said before; some of it goes."""
        known = [one for (of, _), one in self.said.items() if of is kind]
        if known and self._learners():
            one = self.lot.choice(known)
            self._say(SCHOOL, stream, replace(one, **how(one), removed=self.lot.random() < goes))

    def _near(self) -> date:
        return self.day + timedelta(days=self.lot.randint(-40, 40))

    def _people(self) -> list[Participant]:
        return sorted(rows(Participant), key=lambda one: one.id)

    def _place(self, case: Case, person: Participant) -> int:
        return [one.id for one in case.people].index(person.id)

    def _numbers(self) -> list[str]:
        return sorted({one.student_number for one in rows(Application) if one.student_number})

    def _learners(self) -> list[str]:
        return [key for (kind, key) in self.said if kind is records.Learner]
