"""Queries about what has been kept long enough: candidates in batches, and the changes that take a person out of a row.

Belongs here: finding and changing. Does not: the periods (rules/retention.py), or the transaction (tasks/retention.py).
Ids, statuses, marks, credits and money stay, so that reports and counts do; the ledger and the audit trail are not touched.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from models.identity import make_id
from models.repositories.common import CHUNK
from models.repositories.news import note
from models.rules.retention import Traces
from models.tables.credentials import Certificate, Outcome, Recognition
from models.tables.funding import Award, LedgerLine, Payment
from models.tables.lifecycle import Application, DecisionRequest, Objection
from models.tables.operations import Outbox, Quarantine
from models.tables.organisations import Cohort
from models.tables.people import Consent, Document, Employment, Nomination, Participant, Worker

GONE = "GONE"  # begins what stands in the place of a hash or number that must stay unique
NOBODY = "已匿名"
NOTHING = "{}"
NEVER_SENT = "kept long enough, and never sent"


@dataclass(frozen=True, slots=True)
class Known:
    """A worker who is there to be forgotten: his id, whether something goes at the first step, and his traces."""

    id: str
    is_reducible: bool
    traces: Traces


def is_anonymous(worker: Worker) -> bool:
    """Say whether a worker was taken out of everything: what is told of that person is told of nobody we know."""
    return worker.resident_id_hash.startswith(f"{GONE}-")


def known_workers(session: Session, after: str, limit: int) -> list[Known]:
    """Give the next workers by id after one who are not anonymous, or to whom something came back; their rows are held."""
    query = select(Worker.id, Worker.mobile_hash, Worker.bank_card_hash, col(Worker.birth_on))
    query = query.where(Worker.id > after, sa.or_(col(Worker.resident_id_hash).not_like(f"{GONE}-%"), _came_back()))
    rows = session.exec(query.order_by(Worker.id).limit(limit).with_for_update()).all()
    ids = [row[0] for row in rows]
    ends, money, documents = _endings(session, ids), _money(session, ids), _with_documents(session, ids)
    return [
        Known(
            key,
            mobile is not None or card is not None or key in documents,
            Traces(ends.get(key), *money.get(key, (None, False))),
        )
        for key, mobile, card, _ in rows
    ]  # fmt: skip


def _came_back() -> Any:
    """Whether an anonymous worker is told of again: a source may say in other words what it said long ago."""
    mine = sa.exists().where(col(Participant.worker_id) == Worker.id)
    numbered = col(Application.participant_id) == Participant.id, col(Application.student_number).is_not(None)
    certified = col(Certificate.participant_id) == Participant.id, col(Certificate.number).not_like(f"{GONE}-%")
    return sa.or_(
        col(Worker.mobile).is_not(None), col(Worker.bank_card).is_not(None), mine.where(*numbered), mine.where(*certified),
        *(sa.exists().where(col(one.worker_id) == Worker.id) for one in (Consent, Document, Employment)),
    )  # fmt: skip


def _endings(session: Session, ids: Sequence[str]) -> dict[str, date | None]:
    """When the last participation ended; None while one is open, or his study is still drawn from what a school reports.

    A worker without one ended with his last roster row.
    """
    studies = sa.and_(col(Cohort.stage) != "closed", col(Participant.student_number).is_not(None))
    over = sa.case((studies, None), else_=Participant.ended_on)
    query = select(Participant.worker_id, func.count(), func.count(over), func.max(over)).join(Cohort)
    query = query.where(col(Participant.worker_id).in_(ids)).group_by(Participant.worker_id)
    found: dict[str, date | None] = {
        key: ended if number == ends else None for key, number, ends, ended in session.execute(query).all()
    }
    without = [key for key in ids if key not in found]
    rows = select(Nomination.worker_id, func.max(Nomination.nominated_on))
    rows = rows.where(col(Nomination.worker_id).in_(without)).group_by(Nomination.worker_id)
    return {**found, **{str(key): day for key, day in session.exec(rows).all()}}


def _money(session: Session, ids: Sequence[str]) -> dict[str, tuple[date | None, bool]]:
    """The day of the last ledger line, and whether a payment is under way or came back and is still owed."""
    lines = select(Participant.worker_id, func.max(LedgerLine.booked_on)).join(Participant)
    lines = lines.where(col(Participant.worker_id).in_(ids)).group_by(Participant.worker_id)
    tried = sa.exists().where(col(Payment.award_id) == Award.id)
    owed = sa.and_(col(Award.status) == "granted", ~tried.where(col(Payment.status) == "paid"))
    orders = select(Participant.worker_id).join(Award, col(Award.participant_id) == Participant.id)
    orders = orders.where(col(Participant.worker_id).in_(ids), owed | tried.where(col(Payment.status) == "ordered"))
    under_way = set(session.exec(orders).all())
    booked = dict(session.exec(lines).all())
    return {key: (booked.get(key), key in under_way) for key in {*booked, *under_way}}


def _with_documents(session: Session, ids: Sequence[str]) -> set[str]:
    return set(session.exec(select(Document.worker_id).where(col(Document.worker_id).in_(ids))).all())


def reduce_workers(session: Session, ids: Collection[str]) -> None:
    """Take out how to reach and pay these workers, and the documents and roster rows they came with."""
    _change(session, Worker, col(Worker.id), ids, mobile=None, mobile_hash=None, bank_card=None, bank_card_hash=None)
    _change(session, Nomination, col(Nomination.worker_id), ids, payload=NOTHING)
    _delete(session, col(Document.worker_id), ids)


def anonymise_workers(session: Session, ids: Collection[str]) -> None:
    """Take these workers out of everything: nobody can be found by what is left."""
    reduce_workers(session, ids)
    for worker in session.exec(select(Worker).where(col(Worker.id).in_(ids))).all():
        worker.name, worker.resident_id, worker.resident_id_masked = NOBODY, "", ""
        worker.resident_id_hash = make_id(GONE, worker.id)
        worker.birth_on = worker.birth_on.replace(month=1, day=1)
    session.flush()
    _anonymise_rows_of(session, ids)
    _delete(session, col(Consent.worker_id), ids)
    _delete(session, col(Employment.worker_id), ids)
    _change(session, Outcome, col(Outcome.worker_id), ids, title=NOBODY, evidence="")
    people = session.exec(select(Participant.id).where(col(Participant.worker_id).in_(ids))).all()
    _anonymise_participants(session, list(people))


def _anonymise_rows_of(session: Session, ids: Collection[str]) -> None:
    """Take these workers out of their roster rows, and out of what was asked about a row alone."""
    rows = session.exec(select(Nomination.id).where(col(Nomination.worker_id).in_(ids))).all()
    _change(session, Nomination, col(Nomination.id), rows, name=NOBODY, resident_id_hash=None, reasons="", source="")
    _forget_words(session, DecisionRequest.nomination_id, rows)


def _forget_words(session: Session, column: Any, ids: Collection[str]) -> None:
    """Take out how a question was put, which may quote a claim, and why it was answered so."""
    answered = sa.case((col(DecisionRequest.answer) == "", ""), else_=NOBODY)
    _change(session, DecisionRequest, col(column), ids, question=NOBODY, reason=answered)


def _anonymise_participants(session: Session, ids: list[str]) -> None:
    numbers = select(Participant.student_number).where(col(Participant.id).in_(ids))
    freed = session.exec(numbers.where(col(Participant.student_number).is_not(None))).all()
    note(session, {"freed": [str(number) for number in freed]})  # another may wait for the number
    _change(session, Participant, col(Participant.id), ids, employee_number=None, student_number=None, hired_on=None,
            reason="")  # fmt: skip
    _change(session, Application, col(Application.participant_id), ids, student_number=None, reason="")
    _change(session, Objection, col(Objection.participant_id), ids, reason="")
    _change(session, Recognition, col(Recognition.participant_id), ids, evidence="", reason="")
    _forget_words(session, DecisionRequest.participant_id, ids)
    awards = session.exec(select(Award.id).where(col(Award.participant_id).in_(ids))).all()
    _change(session, Payment, col(Payment.award_id), awards, reason="")
    for one in session.exec(select(Certificate).where(col(Certificate.participant_id).in_(ids))).all():
        one.number = make_id(GONE, one.id)
    session.flush()


def lone_rows(session: Session, after: str, limit: int) -> list[tuple[str, date]]:
    """Give the next roster rows after one, by id, that made no worker and still say who they are about."""
    query = select(Nomination.id, col(Nomination.nominated_on)).where(
        Nomination.id > after, col(Nomination.worker_id).is_(None), Nomination.name != NOBODY
    )
    return list(session.exec(query.order_by(Nomination.id).limit(limit)).all())


def anonymise_rows(session: Session, ids: Collection[str]) -> None:
    """Take the person out of these roster rows, and the file's name, which may be his; the verdict and its rules stay."""
    _change(
        session, Nomination, col(Nomination.id), ids, name=NOBODY, resident_id_hash=None, payload=NOTHING, source=""
    )


def sent_effects(session: Session, after: str, limit: int, before: date) -> list[tuple[str, str, date | None]]:
    """Give the next effects after one, by id, of before a day, that still hold what was to be sent: id, kind, day.

    The day is that on which it was sent or refused; what waits to this day has that on which it was put there.
    """
    day = sa.func.coalesce(Outbox.sent_on, Outbox.created_on, type_=sa.Date)
    query = select(Outbox.id, Outbox.kind, day).where(
        Outbox.id > after, day < before,
        sa.or_(col(Outbox.payload) != NOTHING, col(Outbox.answer) != ""),
    )  # fmt: skip
    return list(session.exec(query.order_by(Outbox.id).limit(limit)).all())


def empty_effects(session: Session, ids: Collection[str]) -> None:
    """Take out what was sent and answered; that it was sent, to whom and under which key stays.

    What still waited is sent no more.
    """
    waits = col(Outbox.status) == "waiting"
    _change(session, Outbox, col(Outbox.id), ids, payload=NOTHING, answer="",
            problem=sa.case((waits, NEVER_SENT), else_=""),
            status=sa.case((waits, "failed"), else_=col(Outbox.status)))  # fmt: skip


def held_back(session: Session, after: str, limit: int) -> list[tuple[str, date, date | None]]:
    """Give the next rows of the quarantine after one, by id: id, first day, day of the cure."""
    query = select(Quarantine.id, col(Quarantine.first_on), col(Quarantine.cured_on)).where(Quarantine.id > after)
    return list(session.exec(query.order_by(Quarantine.id).limit(limit)).all())


def delete_held_back(session: Session, ids: Collection[str]) -> None:
    """Delete these rows of the quarantine."""
    _delete(session, col(Quarantine.id), ids)


def _change(session: Session, table: Any, column: Any, ids: Iterable[str], **values: Any) -> None:
    for part in _parts(ids):
        session.execute(
            sa.update(table).where(column.in_(part)).values(values).execution_options(synchronize_session=False)
        )


def _delete(session: Session, column: Any, ids: Iterable[str]) -> None:
    for part in _parts(ids):
        session.execute(sa.delete(column.class_).where(column.in_(part)).execution_options(synchronize_session=False))


def _parts(ids: Iterable[str]) -> Iterable[list[str]]:
    listed = sorted(ids)
    return (listed[start : start + CHUNK] for start in range(0, len(listed), CHUNK))
