"""Queries about people: workers, who takes part where and how, nominations, what hangs on a person.

Belongs here: what is known of a person. Does not: stages and waits (lifecycle.py), study (teaching.py).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from sqlmodel import Session, SQLModel, col, func, select

from models.repositories.common import CHUNK, grouped, within
from models.tables.people import Employment, Leave, Nomination, Participant, Worker

Row = TypeVar("Row", bound=SQLModel)
OPEN = ("active", "held")


def participants_of(session: Session, cohort_code: str) -> list[Participant]:
    """Give all participants of a cohort by id, ended ones too."""
    query = select(Participant).where(Participant.cohort_code == cohort_code)
    return list(session.exec(query.order_by(Participant.id)).all())


def participations_of(session: Session, worker_id: str) -> list[Participant]:
    """Give a worker's participations in all cohorts, in the order of nomination."""
    query = select(Participant).where(Participant.worker_id == worker_id)
    return list(session.exec(query.order_by(col(Participant.nominated_on), col(Participant.id))).all())


def is_open_elsewhere(session: Session, participant: Participant) -> bool:
    """Say whether the worker has another participation that is active or held."""
    query = select(Participant.id).where(
        Participant.worker_id == participant.worker_id,
        Participant.id != participant.id,
        col(Participant.status).in_(OPEN),
    )
    return session.exec(query).first() is not None


def number_taken(session: Session, student_number: str, participant_id: str) -> bool:
    """Say whether a student number is another participant's: a school that gives it twice has made a mistake."""
    query = select(Participant.id).where(Participant.student_number == student_number, Participant.id != participant_id)
    return session.exec(query).first() is not None


def workers(session: Session, ids: Iterable[str]) -> dict[str, Worker]:
    """Give these workers, by id."""
    return {one.id: one for one in within(session, Worker, Worker.id, ids)}


def by_participant(session: Session, table: type[Row], participant_ids: Iterable[str]) -> dict[str, list[Row]]:
    """Give the rows of a table that hang on these participants, by participant, each list by primary key."""
    rows = within(session, table, table.participant_id, participant_ids)  # type: ignore[attr-defined]
    return grouped(rows, lambda row: str(row.participant_id))  # type: ignore[attr-defined]


def by_worker(session: Session, table: type[Row], worker_ids: Iterable[str]) -> dict[str, list[Row]]:
    """Give the rows of a table that hang on these workers, by worker, each list by primary key."""
    rows = within(session, table, table.worker_id, worker_ids)  # type: ignore[attr-defined]
    return grouped(rows, lambda row: str(row.worker_id))  # type: ignore[attr-defined]


def nominations_of(session: Session, participant_id: str) -> list[Nomination]:
    """Give the roster rows that made a participant, by id."""
    query = select(Nomination).where(Nomination.participant_id == participant_id)
    return list(session.exec(query.order_by(Nomination.id)).all())


def worker_ids_by_employee_number(
    session: Session, enterprise_code: str, numbers: Iterable[str]
) -> dict[str, set[str]]:
    """Give the workers an enterprise nominated under each of these employee numbers; several under one are doubtful."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in within(session, Participant, Participant.employee_number, numbers):
        if one.enterprise_code == enterprise_code and one.employee_number:
            found[one.employee_number].add(one.worker_id)
    return found


def unclaimed_employments(session: Session, enterprise_code: str, employee_number: str) -> list[Employment]:
    """Give an HR system's rows of an employee number that belong to no worker yet, by id."""
    query = select(Employment).where(
        Employment.enterprise_code == enterprise_code,
        Employment.employee_number == employee_number,
        col(Employment.worker_id).is_(None),
    )
    return list(session.exec(query.order_by(Employment.id)).all())


def active_counts(session: Session, cohort_codes: Iterable[str]) -> dict[str, int]:
    """Give how many participants of each of these cohorts are active; one without any is left out."""
    wanted = sorted(cohort_codes)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        query = select(Participant.cohort_code, func.count()).where(Participant.status == "active")
        query = query.where(col(Participant.cohort_code).in_(wanted[start : start + CHUNK]))
        found.update(session.exec(query.group_by(Participant.cohort_code)).all())
    return found


def statuses(session: Session, cohort_code: str | None = None) -> dict[str, dict[str, int]]:
    """Give how many stand where by cohort (one, or all): participants by status, and roster rows without one by theirs.

    The statuses of a cohort are in the order of the alphabet.
    """
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    people = select(Participant.cohort_code, Participant.status, func.count())
    rows = select(Nomination.cohort_code, Nomination.status, func.count()).where(
        col(Nomination.participant_id).is_(None)
    )
    if cohort_code is not None:
        people = people.where(Participant.cohort_code == cohort_code)
        rows = rows.where(Nomination.cohort_code == cohort_code)
    for query in (
        people.group_by(Participant.cohort_code, Participant.status),
        rows.group_by(Nomination.cohort_code, Nomination.status),
    ):
        for code, status, number in session.exec(query).all():
            totals[code][status] += number
    return {code: dict(sorted(tally.items())) for code, tally in totals.items()}


def endings(session: Session) -> dict[tuple[str, str, str], int]:
    """Give how many by cohort, status and rule: participants, and roster rows without one."""
    people = select(Participant.cohort_code, Participant.status, Participant.rule)
    rows = select(Nomination.cohort_code, Nomination.status, Nomination.rules)
    rows = rows.where(col(Nomination.participant_id).is_(None))
    return dict(sorted(Counter([*session.exec(people).all(), *session.exec(rows).all()]).items()))


def worker_count(session: Session, cohort_codes: Iterable[str], household: str | None = None) -> int:
    """Give how many different workers take or took part in these cohorts, refused ones apart; of one household if given."""
    query = select(func.count(func.distinct(Participant.worker_id))).where(
        Participant.status != "refused", col(Participant.cohort_code).in_(list(cohort_codes))
    )
    if household is not None:
        query = query.join(Worker).where(Worker.household == household)
    return session.exec(query).one()


def approved_leave_hours(session: Session, last: date = date.max) -> Decimal:
    """Give the hours of all approved study leave that began by the last day."""
    query = select(func.coalesce(func.sum(Leave.hours), 0))
    return session.exec(query.where(Leave.status == "approved", Leave.starts_on <= last)).one()


def rows_without_participant(session: Session, cohort_code: str) -> list[Nomination]:
    """Give the roster rows of a cohort that made no participant: refused ones, second ones; in the roster's order."""
    query = select(Nomination).where(Nomination.cohort_code == cohort_code, col(Nomination.participant_id).is_(None))
    return list(session.exec(query.order_by(Nomination.source, col(Nomination.row), Nomination.id)).all())
