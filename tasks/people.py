"""Who is in a cohort: its people by id, for the commands that need one.

Belongs here: the list. Does not: one worker's story (views.py).
"""

from typing import Any

from sqlmodel import Session

from models.repositories.organisations import organisation_names
from models.repositories.people import participants_of, rows_without_participant, workers
from models.tables.people import Nomination, Participant, Worker
from tasks.office import unit_of_work

View = dict[str, Any]


def cohort_people(code: str) -> list[View]:
    """Give everyone nominated for a cohort: participants by enterprise and name, then roster rows that made none.

    Numbers are masked. A participant's id is for `worker show`, a refused row's for `decide ID approve`.
    """
    with unit_of_work() as session:
        participants = participants_of(session, code)
        rows = rows_without_participant(session, code)
        people = workers(session, [one.worker_id for one in participants])
        names = _enterprises(session, participants, rows)
        listed = [_participant(one, people[one.worker_id], names[one.enterprise_code]) for one in participants]
        listed.sort(key=lambda one: (one["enterprise"], one["name"], one["id"]))
        return listed + [_row(one, names[one.enterprise_code]) for one in rows]


def _enterprises(session: Session, participants: list[Participant], rows: list[Nomination]) -> dict[str, str]:
    codes = [one.enterprise_code for one in participants] + [one.enterprise_code for one in rows]
    return organisation_names(session, codes)


def _participant(one: Participant, worker: Worker, enterprise: str) -> View:
    return {
        "id": one.id, "name": worker.name, "resident_id": worker.resident_id_masked, "enterprise": enterprise,
        "status": one.status, "stage": one.stage, "rule": one.rule, "reason": one.reason,
    }  # fmt: skip


def _row(one: Nomination, enterprise: str) -> View:
    """A row keeps no number in clear, and need not hold a valid one."""
    return {
        "id": one.id, "name": one.name, "resident_id": "", "enterprise": enterprise,
        "status": one.status, "stage": "nomination", "rule": one.rules.split(",")[0], "reason": one.reasons,
    }  # fmt: skip
