"""Compares our database with the sandbox's truth, row by row, and names every difference.

Belongs here: what is compared with what. Does not: the truth (sandbox) or how our rows came about (tasks).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlmodel import Session, select

from models.repositories.common import grouped
from models.rules.identifiers import normalise
from models.tables.credentials import Certificate, Outcome, Recognition, SkillAssessment
from models.tables.funding import LedgerLine
from models.tables.organisations import Module
from models.tables.people import Nomination, Participant, Worker
from models.tables.teaching import ModuleTaken
from models.vault import keyring

Fact = tuple[Any, ...]
Facts = dict[Fact, Fact]


@dataclass
class Comparison:
    """How many facts were compared, and the sentences that name those which differ."""

    compared: int = 0
    differences: list[str] = field(default_factory=list)

    def take(self, topic: str, expected: Facts, found: Facts) -> None:
        """Compare one topic: every fact of either side must stand on the other, and say the same."""
        for key in sorted(expected.keys() | found.keys(), key=str):
            self.compared += 1
            if expected.get(key) != found.get(key):
                self.differences.append(
                    f"{topic} {' '.join(map(str, key))}: the truth is {_told(expected.get(key))}, "
                    f"the database says {_told(found.get(key))}"
                )


def _told(fact: Fact | None) -> str:
    return "nothing" if fact is None else ", ".join(str(part) for part in fact)


def compare(session: Session, truth: Mapping[str, Any]) -> Comparison:
    """Compare everything the truth tells with our rows; people are named by cohort and worker id."""
    comparison = Comparison()
    for topic, found in _database(session).items():
        comparison.take(topic, _expected(topic, truth), found)
    return comparison


def _person(row: Mapping[str, Any]) -> Fact:
    """Name a person as our database does, so that no number is ever printed."""
    return row["cohort"], keyring().match_hash("resident-id", normalise(row["resident_id"]))[:12]


def _expected(topic: str, truth: Mapping[str, Any]) -> Facts:
    key, value = SHAPES[topic]
    return {
        (*_person(row), *(str(row[name]) for name in key)): tuple(_plain(row[name]) for name in value)
        for row in truth[topic]
    }


SHAPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nominations": (("enterprise", "row"), ("rules",)),
    "participants": ((), ("status", "rules")),
    "attendance": (("module",), ("held", "present", "late", "excused", "absent")),
    "marks": (("module",), ("state", "mark")),
    "credits": ((), ("earned", "recognised")),
    "recognitions": (("module",), ("status", "credits", "rule")),
    "online": (("module",), ("minutes",)),
    "skill": ((), ("status",)),
    "money": (("source", "period"), ("awarded", "paid", "returned", "reversed")),
    "certificates": (("kind",), ("number", "issued_on")),
}


def _plain(value: Any) -> str:
    """Numbers compare by value: 1000 is 1000.00."""
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ",".join(value)
    try:
        return f"{Decimal(str(value)):.2f}"
    except ArithmeticError:
        return str(value)


def _facts(rows: Iterator[tuple[Fact, Fact]]) -> Facts:
    return {tuple(str(part) for part in key): tuple(_plain(part) for part in value) for key, value in rows}


def _database(session: Session) -> dict[str, Facts]:
    people = {
        participant.id: (participant.cohort_code, worker.resident_id_hash[:12])
        for participant, worker in session.exec(select(Participant, Worker).join(Worker)).all()
    }
    return {
        "nominations": _facts(_nominations(session)),
        "participants": _facts(_participants(session, people)),
        "attendance": _facts(_attendance(session, people)),
        "marks": _facts(_marks(session, people)),
        "credits": _facts(_credits(session, people)),
        "recognitions": _facts(_recognitions(session, people)),
        "online": _facts(_online(session, people)),
        "skill": _facts(
            (people[row.participant_id], (row.status,)) for row in session.exec(select(SkillAssessment)).all()
        ),
        "money": _facts(_money(session, people)),
        "certificates": _facts(
            ((*people[row.participant_id], row.kind), (row.number, row.issued_on))
            for row in session.exec(select(Certificate)).all()
        ),
    }


def _nominations(session: Session) -> Iterator[tuple[Fact, Fact]]:
    for one in session.exec(select(Nomination)).all():
        person = (one.cohort_code, (one.resident_id_hash or "")[:12])
        yield (*person, one.enterprise_code, one.row), (one.rules,)


def _participants(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    """Everyone a roster named: participants, and those whose row was refused at once."""
    refused = select(Nomination).where(Nomination.participant_id == None, Nomination.status == "refused")  # noqa: E711
    for row in session.exec(refused).all():
        if not row.rules.startswith(("resident-id", "nominated-twice")):
            yield (row.cohort_code, (row.resident_id_hash or "")[:12]), (row.status, row.rules)
    for one in session.exec(select(Participant)).all():
        yield people[one.id], (one.status, one.rule)


def _attendance(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    for taken, module in session.exec(select(ModuleTaken, Module).join(Module)).all():
        if taken.held:
            yield (
                (*people[taken.participant_id], module.code),
                (taken.held, taken.present, taken.late, taken.excused, taken.absent),
            )


def _marks(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    settled = ("passed", "failed", "exempt", "barred")
    for taken, module in session.exec(select(ModuleTaken, Module).join(Module)).all():
        if taken.state in settled:
            yield (*people[taken.participant_id], module.code), (taken.state, taken.mark)


def _credits(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    """Credits by study and by recognition, apart; who has none of either is not told."""
    recognised = grouped(session.exec(select(Recognition)).all(), lambda row: row.participant_id)
    for participant_id, rows in grouped(
        session.exec(select(ModuleTaken)).all(), lambda row: row.participant_id
    ).items():
        granted = sum((row.credits for row in recognised.get(participant_id, [])), start=Decimal("0"))
        earned = sum((row.credits for row in rows), start=Decimal("0")) - granted
        if earned or granted:
            yield people[participant_id], (earned, granted)


def _recognitions(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    for row, outcome in session.exec(select(Recognition, Outcome).join(Outcome)).all():
        yield (*people[row.participant_id], outcome.module_code), (row.status, row.credits, row.rule)


def _online(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    for taken, module in session.exec(select(ModuleTaken, Module).join(Module)).all():
        if taken.online_minutes:
            yield (*people[taken.participant_id], module.code), (taken.online_minutes,)


def _money(session: Session, people: Mapping[str, Fact]) -> Iterator[tuple[Fact, Fact]]:
    kinds = ("award", "payment", "return", "reversal")
    lines = grouped(session.exec(select(LedgerLine)).all(), lambda row: (row.participant_id, row.source, row.period))
    for (participant_id, source, period), rows in lines.items():
        yield (
            (*people[participant_id], source, period),
            tuple(sum((row.amount for row in rows if row.kind == kind), start=Decimal("0")) for kind in kinds),
        )
