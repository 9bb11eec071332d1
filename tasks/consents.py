"""Consents 个人信息同意 that a coordinator enters: forms on paper, where no system of the enterprise sends them.

Belongs here: recording and withdrawing them. Does not: what lacks without them (nomination.py, admission.py).
"""

from datetime import date, datetime, time
from typing import Any

from sqlmodel import Session

from connectors.database import alone
from models.clock import SHANGHAI, business_date
from models.identity import make_id
from models.repositories.audit import record
from models.repositories.common import add_missing
from models.rules.nomination import CONSENT_KINDS
from models.tables.people import Consent, Participant
from tasks.errors import BadInput
from tasks.office import unit_of_work
from tasks.step import step


@step(name="record-consents")
async def record_consents(
    participant_ids: list[str], text_version: str, actor: str, *,
    given_on: date | None = None, withdrawn_on: date | None = None, as_of: date | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Record that participants consented to all three uses (PIPL), or withdrew that; give their cohorts' codes.

    The same again changes nothing. Raises BadInput for an id that is none and for a day that is not over.
    """
    today = business_date(as_of)
    for day in (given_on, withdrawn_on):
        if day is not None and day > today:
            raise BadInput(f"{day} is not over yet: give the day on the form")
    with unit_of_work() as session:
        alone(session, "consents")
        people = [_participant(session, one) for one in participant_ids]
        for participant in people:
            _record(session, participant, text_version, given_on or today, withdrawn_on)
            record(session, action="consent-withdrawn" if withdrawn_on else "consent-recorded", subject=participant.id,
                   actor=actor, on=today, detail=text_version,
                   key=make_id("AC", participant.id, text_version, given_on or today, withdrawn_on))  # fmt: skip
        return {"recorded": participant_ids, "cohorts": sorted({one.cohort_code for one in people})}


def _participant(session: Session, participant_id: str) -> Participant:
    found = session.get(Participant, participant_id)
    if found is None:
        raise BadInput(f"there is no participant {participant_id}: `yuanmeng cohort show CODE --people` gives ids")
    return found


def _record(
    session: Session, participant: Participant, text_version: str, given_on: date, withdrawn_on: date | None
) -> None:
    for kind in sorted(CONSENT_KINDS):
        key = f"paper:{make_id('CN', participant.worker_id, kind, text_version)}"
        consent = add_missing(session, Consent(
            id=key, worker_id=participant.worker_id, kind=kind, text_version=text_version, given_at=_noon(given_on)
        ))  # fmt: skip
        if withdrawn_on is not None:
            consent.withdrawn_at = _noon(withdrawn_on)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), SHANGHAI)
