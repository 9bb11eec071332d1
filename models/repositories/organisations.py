"""Queries about who runs a cohort and what is taught: cohorts, programmes' modules, organisations' names.

Belongs here: what a plan sets up. Does not: people (people.py), money (funding.py).
"""

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, exists, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from models.repositories.common import CHUNK, within
from models.tables.funding import Award, LedgerLine, Payment
from models.tables.lifecycle import Wait
from models.tables.organisations import Cohort, CohortEnterprise, Module, Organisation, Programme, Project
from models.tables.people import Participant


def cohorts(session: Session) -> list[Cohort]:
    """Give every cohort, by code."""
    return list(session.exec(select(Cohort).order_by(Cohort.code)).all())


def cohorts_moved_on(session: Session, day: date, most: int) -> list[str]:
    """Give the codes of the cohorts that came to where they stand on a day: `most` at most, in order."""
    query = select(Cohort.code).where(Cohort.stage_entered_on == day).order_by(Cohort.code)
    return list(session.exec(query.limit(most)).all())


def cohorts_under_way(session: Session) -> list[str]:
    """Give the codes of the cohorts that may still move, in order: those not closed, and closed ones with open business."""
    return list(session.exec(under_way()).all())


def under_way() -> SelectOfScalar[str]:
    """Give the query for the codes of the cohorts that may still move, in order.

    A payment may come back after the last certificate, and is then followed until it is paid again.
    """
    returned = select(Award.participant_id).join(Payment).where(
        Payment.status == "returned", ~exists().where(col(LedgerLine.payment_id) == Payment.id, col(LedgerLine.kind) == "return")
    )  # fmt: skip
    unbooked = select(Participant.cohort_code).where(col(Participant.id).in_(returned))
    waiting = select(Wait.cohort_code).where(col(Wait.resolved_on).is_(None))
    query = select(Cohort.code).where(
        or_(Cohort.stage != "closed", col(Cohort.code).in_(unbooked), col(Cohort.code).in_(waiting))
    )
    return query.order_by(Cohort.code)


def cohorts_opened_by(session: Session, day: date) -> list[Cohort]:
    """Give the cohorts whose nomination had opened by a day, by code."""
    query = select(Cohort).where(Cohort.nomination_opens_on <= day)
    return list(session.exec(query.order_by(Cohort.code)).all())


def levels_of(session: Session, cohort_codes: Iterable[str]) -> frozenset[str]:
    """Give the levels (junior-college, bachelor) that these cohorts study for."""
    programmes = {one.programme_id for one in within(session, Cohort, Cohort.code, cohort_codes)}
    return frozenset(one.level for one in within(session, Programme, Programme.id, sorted(programmes)))


def modules_of(session: Session, programme_id: str) -> list[Module]:
    """Give the modules of a programme, by term and code."""
    query = select(Module).where(Module.programme_id == programme_id)
    return list(session.exec(query.order_by(col(Module.term), col(Module.code))).all())


def enterprise_codes(session: Session, cohort_code: str) -> list[str]:
    """Give the codes of the enterprises that nominate for a cohort, in order."""
    query = select(CohortEnterprise.enterprise_code).where(CohortEnterprise.cohort_code == cohort_code)
    return list(session.exec(query.order_by(CohortEnterprise.enterprise_code)).all())


def projects_of(session: Session, cohort_codes: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give code and name of the project of each of these cohorts, by the cohort's code."""
    wanted = sorted(set(cohort_codes))
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(wanted), CHUNK):
        query = select(Cohort.code, Project.code, Project.name).join(Project)
        rows = session.exec(query.where(col(Cohort.code).in_(wanted[start : start + CHUNK]))).all()
        found.update((cohort, (code, name)) for cohort, code, name in rows)
    return found


def organisation_names(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Give the names of these organisations, by code; one that is not known is left out."""
    return {one.code: one.name for one in within(session, Organisation, Organisation.code, codes)}
