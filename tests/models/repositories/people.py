"""Rows of more people and cohorts beside the one of every table.

Belongs here: building rows. Does not: what a query should make of them.
"""

from datetime import date
from typing import Any

from sqlmodel import Session, SQLModel

from models.tables.lifecycle import DecisionRequest, Wait
from models.tables.organisations import Cohort
from models.tables.people import Nomination, Participant, Worker
from tests.models.tables.rows import DAY, ENTERPRISE, ID_NUMBER

FIRST, SECOND = "WX-2026A", "WX-2026B"


def add(session: Session, *rows: SQLModel) -> None:
    """Write rows in this order."""
    for row in rows:
        session.add(row)
        session.flush()


def second_cohort(session: Session) -> Cohort:
    """A cohort that differs from the first in its code alone."""
    first = session.get_one(Cohort, FIRST)
    second = Cohort(**{**first.model_dump(), "code": SECOND})
    add(session, second)
    return second


def worker(number: int, **values: Any) -> Worker:
    """A worker of this number."""
    return Worker(**{
        "id": f"W-{number:04}", "name": f"工{number}", "sex": "male", "birth_on": date(1990, 1, 1),
        "resident_id": ID_NUMBER, "resident_id_hash": f"h-{number}", "resident_id_masked": "320205********000X",
        **values,
    })  # fmt: skip


def participant(number: int, cohort: str = FIRST, **values: Any) -> Participant:
    """The worker of this number in a cohort; one who is over has a day on which it ended."""
    over = values.get("status", "active") not in ("active", "held")
    return Participant(**{
        "id": f"P-{cohort[-1]}{number:04}", "cohort_code": cohort, "worker_id": f"W-{number:04}",
        "enterprise_code": ENTERPRISE, "nominated_on": DAY, "stage_entered_on": DAY,
        "ended_on": DAY if over else None, **values,
    })  # fmt: skip


def nomination(number: int, cohort: str = FIRST, **values: Any) -> Nomination:
    """A roster's row that made no participant."""
    return Nomination(**{
        "id": f"NM-{cohort[-1]}{number:04}", "cohort_code": cohort, "enterprise_code": ENTERPRISE, "source": "roster.xlsx",
        "row": number, "name": f"行{number}", "status": "refused", "policy_version": "2019-1", "nominated_on": DAY,
        "payload": "{}", **values,
    })  # fmt: skip


def request(name: str, **values: Any) -> DecisionRequest:
    """A question of the inbox; one with an answer says who gave it, when and why."""
    answered = {"reason": "seen", "decided_by": "tester", "decided_on": DAY} if values.get("answer") else {}
    return DecisionRequest(**{
        "id": name, "kind": "review", "cohort_code": FIRST, "question": "?", "holder": "union", "asked_on": DAY,
        **answered, **values,
    })  # fmt: skip


def wait(name: str, cohort: str = FIRST, **values: Any) -> Wait:
    """A wait on the reviewer's decision."""
    return Wait(**{
        "id": name, "cohort_code": cohort, "stage": "review", "kind": "review-decision", "holder": "union",
        "since": DAY, "subject": name, **values,
    })  # fmt: skip
