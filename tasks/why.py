"""Why a worker has not moved: the rule and its version, what is missing, who holds it, since when and until when.

Belongs here: finding the facts, whatever he waits for or ended by. Does not: the sentence (console/why_words.py), or
what any rule decides (models/rules).
"""

from datetime import date
from typing import Any

from sqlmodel import Session

from models.clock import business_date
from models.repositories.organisations import organisation_names
from models.repositories.why import participant_asked_for, refusal_of, version_of_roster, waits_before
from models.rules.lifecycle import STAGES, WAIT_KINDS, next_stage
from models.rules.nomination import hold_wait
from models.rules.privacy import mask_numbers
from models.rules.stalls import due_on, judge_wait
from models.tables.lifecycle import Wait
from models.tables.people import Nomination, Participant, Worker
from tasks.errors import BadInput
from tasks.office import office, unit_of_work

View = dict[str, Any]

ENDS_WITH = {stage.name: stage.ends_with for stage in STAGES}
BY_A_PERSON = ("review-refused", "nominated-twice", "nominated-elsewhere")


def why(key: str, as_of: date | None = None) -> View:
    """Give the facts about one worker's standstill, by the id of a participant, a worker or a roster row.

    `state` is `waits` (with `waits`, what holds him up first), `moves` or `ended`; `rule` with `policy_version` is the
    rule that holds or ended him. Raises BadInput for an id not known.
    """
    today = business_date(as_of)
    with unit_of_work() as session:
        participant = participant_asked_for(session, key)
        if participant is not None:
            return _of_participant(session, participant, today)
        row = session.get(Nomination, key)
        if row is not None:
            return _of_row(row, today)
    raise BadInput(f"there is no participant {key}: `yuanmeng cohort show CODE --people` and `yuanmeng inbox` give ids")


def _of_participant(session: Session, participant: Participant, today: date) -> View:
    facts: View = {
        "participant": participant.id, "name": session.get_one(Worker, participant.worker_id).name,
        "cohort": participant.cohort_code, "status": participant.status, "stage": participant.stage,
        "since": participant.stage_entered_on.isoformat(), "ended": None, "waits": [],
        "rule": participant.rule, "reason": mask_numbers(participant.reason),
        "ends_with": ENDS_WITH[participant.stage], "next": next_stage(participant.stage),
    }  # fmt: skip
    if participant.ended_on is not None:
        version = _version_of_ending(session, participant, participant.ended_on)
        return {**facts, "state": "ended", "policy_version": version, "ended": participant.ended_on.isoformat()}
    waits = _ranked(participant, waits_before(session, participant))
    if not waits and participant.status == "held":
        waits = [_hold(participant.rule, participant)]
    if not waits:
        return {**facts, "state": "moves", "policy_version": office().policy(today).version}
    names = organisation_names(session, [wait.holder_code for wait in waits if wait.holder_code])
    return {
        **facts, "state": "waits", "waits": [_wait(wait, names, today) for wait in waits],
        "rule": participant.rule or waits[0].kind,
        "policy_version": _version_of_hold(session, participant) or office().policy(today).version,
    }  # fmt: skip


def _of_row(row: Nomination, today: date) -> View:
    """A roster row that made nobody a participant: it was refused, or waits for somebody to settle it."""
    held, on = row.status == "held", row.nominated_on.isoformat()
    waits = [_hold(row.rules.partition(",")[0], row)] if held else []
    return {
        "participant": row.id, "name": row.name, "cohort": row.cohort_code, "status": row.status, "stage": "nomination",
        "since": on, "state": "waits" if held else "ended", "ended": None if held else on,
        "rule": row.rules, "reason": mask_numbers(row.reasons), "policy_version": row.policy_version,
        "waits": [_wait(wait, {}, today) for wait in waits], "ends_with": ENDS_WITH["nomination"], "next": None,
    }  # fmt: skip


def _ranked(participant: Participant, waits: list[Wait]) -> list[Wait]:
    """What keeps him from the next stage comes first: the hold itself, his own, his cohort's; then what runs beside.

    A wait of the whole cohort concerns him only in its own stage.
    """
    hold = hold_wait(participant.rule) if participant.status == "held" else None

    def rank(wait: Wait) -> int:
        if wait.kind == hold:
            return 0
        if WAIT_KINDS[wait.kind].stage != participant.stage:
            return 3
        return 1 if wait.participant_id else 2

    concern = [one for one in waits if one.participant_id or WAIT_KINDS[one.kind].stage == participant.stage]
    return sorted(concern, key=rank)  # stable: the oldest first


def _hold(rule: str, held: Participant | Nomination) -> Wait:
    """What a nominee is held for, before a night has declared it as a wait, or where none ever will."""
    kind, since = WAIT_KINDS[hold_wait(rule)], held.nominated_on
    return Wait(
        id="", cohort_code=held.cohort_code, stage=kind.stage, kind=kind.name, holder=kind.holder, since=since,
        participant_id=held.id, due_on=due_on(kind.name, since, office().calendar, office().policy(since)),
        holder_code=held.enterprise_code if kind.holder == "enterprise_hr" else None,
    )  # fmt: skip


def _wait(wait: Wait, names: dict[str, str], today: date) -> View:
    calendar, kind = office().calendar, WAIT_KINDS[wait.kind]
    judged = judge_wait(wait.kind, wait.since, today, calendar, wait.due_on, office().policy(today))
    late = calendar.working_days_between(wait.due_on, today) if judged.stalled and wait.due_on else 0
    return {
        "kind": wait.kind, "chinese": kind.chinese, "for": kind.what, "subject": wait.subject, "on": wait.holder,
        "holder": names.get(wait.holder_code or "", ""), "since": wait.since.isoformat(),
        "due": wait.due_on and wait.due_on.isoformat(), "provisional": wait.provisional,
        "stalled": judged.stalled, "late": late, "whole_cohort": wait.participant_id is None,
    }  # fmt: skip


def _version_of_hold(session: Session, participant: Participant) -> str | None:
    """A hold was put on by the policy under which the roster row was judged."""
    return version_of_roster(session, participant.id) if participant.status == "held" else None


def _version_of_ending(session: Session, participant: Participant, on: date) -> str:
    """The version a person or the roster's judge wrote down; else the one in force on the day he ended."""
    refusal = refusal_of(session, participant.id) if participant.rule in BY_A_PERSON else None
    if refusal is not None and refusal.policy_version:
        return refusal.policy_version
    by_roster = participant.status == "refused" and participant.stage == "nomination"
    judged = version_of_roster(session, participant.id) if by_roster else None
    return judged or office().policy(on).version
