"""What people read: cohorts, the inbox, stalls and one worker's story, as plain values ready for JSON.

Belongs here: reading and arranging. Does not: changing anything, except the audit row of a reveal.
"""

from datetime import date
from typing import Any

from sqlmodel import Session

from models.clock import business_date, now
from models.repositories.audit import record, trail_of
from models.repositories.common import grouped
from models.repositories.funding import ledger_of
from models.repositories.lifecycle import (
    WaitGroup,
    cohort_steps,
    open_wait_groups,
    open_waits,
    open_waits_of,
    steps_of,
    unanswered,
)
from models.repositories.organisations import cohorts, organisation_names
from models.repositories.people import participations_of, statuses
from models.repositories.teaching import modules_taken
from models.rules.cohorts import ORDER
from models.rules.lifecycle import WAIT_KINDS
from models.rules.stalls import StallDecision, judge_wait
from models.tables.lifecycle import DecisionRequest, Step, Wait
from models.tables.organisations import Cohort
from models.tables.people import Participant, Worker
from tasks.errors import BadInput
from tasks.office import office, unit_of_work

View = dict[str, Any]


def cohort_list(as_of: date | None = None) -> list[View]:
    """Every cohort with its stage, its people and how many of its waits are stalled."""
    today = business_date(as_of)
    with unit_of_work() as session:
        people, waits = statuses(session), grouped(open_wait_groups(session), lambda group: group.cohort_code)
        return [_line(one, people.get(one.code, {}), waits.get(one.code, []), today) for one in cohorts(session)]


def _line(cohort: Cohort, people: dict[str, int], waits: list[WaitGroup], today: date) -> View:
    return {
        "code": cohort.code, "name": cohort.name, "stage": cohort.stage, "entered": cohort.stage_entered_on.isoformat(),
        "participants": people, "waits": sum(group.number for group in waits),
        "stalled": sum(group.number for group in waits if _judged(group, today).stalled),
    }  # fmt: skip


def cohort_view(code: str, as_of: date | None = None) -> View:
    """Where a cohort stands, who holds it up, its timeline. Raises BadInput for a code not known."""
    today = business_date(as_of)
    with unit_of_work() as session:
        cohort = session.get(Cohort, code)
        if cohort is None:
            raise BadInput(f"there is no cohort {code}: see `yuanmeng cohort list`")
        return {
            "code": code, "name": cohort.name, "stage": cohort.stage, "entered": cohort.stage_entered_on.isoformat(),
            "waits": _grouped(_open_waits(session, code, today)), "participants": statuses(session, code).get(code, {}),
            "timeline": timeline(session, code),
        }  # fmt: skip


def timeline(session: Session, code: str) -> list[View]:
    """The stages of a cohort in order, each with the days it was entered and left."""
    return _stays(cohort_steps(session, code))


def _stays(steps: list[Step]) -> list[View]:
    """In the order of the stages: several may have been passed on one day."""
    return [_stay(one) for one in sorted(steps, key=lambda step: ORDER[step.stage])]


def _stay(one: Step) -> View:
    return {"stage": one.stage, "entered": one.entered_on.isoformat(), "left": one.left_on and one.left_on.isoformat()}


def _open_waits(session: Session, code: str | None, today: date) -> list[View]:
    waits = open_waits(session, code)
    names = organisation_names(session, [wait.holder_code for wait in waits if wait.holder_code])
    return [_wait(wait, names.get(wait.holder_code or "", ""), today) for wait in waits]


def _judged(wait: Wait | WaitGroup, today: date) -> StallDecision:
    return judge_wait(wait.kind, wait.since, today, office().calendar, wait.due_on, office().policy(today))


def _wait(wait: Wait, holder: str, today: date) -> View:
    judged = _judged(wait, today)
    kind = WAIT_KINDS[wait.kind]
    return {
        "cohort": wait.cohort_code, "participant": wait.participant_id, "kind": wait.kind, "on": wait.holder,
        "holder": holder, "for": kind.what, "chinese": kind.chinese, "subject": wait.subject,
        "since": wait.since.isoformat(), "due": wait.due_on and wait.due_on.isoformat(),
        "provisional": wait.provisional, "stalled": judged.stalled, "level": judged.level,
    }  # fmt: skip


def _grouped(waits: list[View]) -> list[View]:
    """Waits of one cohort, kind, holder and beginning as one line with the number of people behind it."""
    groups: dict[tuple[Any, ...], View] = {}
    for wait in waits:
        key = (wait["cohort"], wait["kind"], wait["on"], wait["holder"], wait["subject"], wait["since"], wait["due"])
        line = groups.setdefault(key, {**{k: v for k, v in wait.items() if k not in ("participant",)}, "people": 0})
        line["people"] += wait["participant"] is not None
        line["stalled"] = line["stalled"] or wait["stalled"]
    return list(groups.values())


def stalls(as_of: date | None = None) -> list[View]:
    """Who holds what up, since when: stalled waits of all cohorts, the oldest first."""
    with unit_of_work() as session:
        return [line for line in _grouped(_open_waits(session, None, business_date(as_of))) if line["stalled"]]


def inbox(as_of: date | None = None) -> list[View]:
    """What waits for a person's decision."""
    with unit_of_work() as session:
        return [_request(request, name) for request, name in unanswered(session)]


def _request(request: DecisionRequest, name: str) -> View:
    return {
        "id": request.id, "kind": request.kind, "cohort": request.cohort_code, "name": name,
        "participant": request.participant_id, "subject": request.subject, "question": request.question,
        "holder": request.holder, "since": request.asked_on.isoformat(),
    }  # fmt: skip


def worker_view(
    worker_id: str, reveal: bool = False, reason: str = "", actor: str = "", as_of: date | None = None
) -> View:
    """One worker's whole story; a reveal of his numbers needs a reason and leaves an audit row.

    Raises BadInput for an id not known or a reveal without a reason.
    """
    if reveal and not reason.strip():
        raise BadInput("give a reason for the reveal (--reason): it is written into the audit trail")
    with unit_of_work() as session:
        worker = session.get(Worker, worker_id) or _worker_of(session, worker_id)
        if worker is None:
            raise BadInput(f"there is no worker {worker_id}: `yuanmeng inbox` and `yuanmeng cohort show` give ids")
        view = _worker(session, worker)
        if reveal:
            view["revealed"] = {
                "resident_id": worker.resident_id,
                "mobile": worker.mobile,
                "bank_card": worker.bank_card,
            }
            record(session, action="revealed", subject=worker.id, actor=actor, on=business_date(as_of),
                   reason=reason.strip(), key=f"revealed:{worker.id}:{now().isoformat()}")  # fmt: skip
        return view


def _worker_of(session: Session, participant_id: str) -> Worker | None:
    participant = session.get(Participant, participant_id)
    return session.get(Worker, participant.worker_id) if participant else None


def _worker(session: Session, worker: Worker) -> View:
    participations = participations_of(session, worker.id)
    audit = trail_of(session, [worker.id, *(one.id for one in participations)])
    return {
        "id": worker.id, "name": worker.name, "sex": worker.sex, "resident_id": worker.resident_id_masked,
        "household": worker.household, "education": worker.education,
        "participations": [_participation(session, one) for one in participations],
        "audit": [
            {"on": one.on.isoformat(), "action": one.action, "actor": one.actor, "reason": one.reason, "detail": one.detail}
            for one in audit
        ],
    }  # fmt: skip


def _participation(session: Session, one: Participant) -> View:
    steps, lines = steps_of(session, one.id), ledger_of(session, one.id)
    waits = open_waits_of(session, one.id)
    return {
        "id": one.id, "cohort": one.cohort_code, "stage": one.stage, "status": one.status, "rule": one.rule,
        "reason": one.reason, "student_number": one.student_number, "ended": one.ended_on and one.ended_on.isoformat(),
        "steps": _stays(steps),
        "modules": _modules(session, one),
        "money": [{"on": x.booked_on.isoformat(), "kind": x.kind, "source": x.source, "period": x.period, "amount": str(x.amount)} for x in lines],
        "waits": [{"kind": w.kind, "for": WAIT_KINDS[w.kind].what, "on": w.holder, "since": w.since.isoformat()} for w in waits],
    }  # fmt: skip


def _modules(session: Session, one: Participant) -> list[View]:
    return [
        {"module": module.code, "name": module.name, "state": taken.state, "credits": str(taken.credits), "rule": taken.rule,
         "mark": None if taken.mark is None else str(taken.mark), "held": taken.held, "present": taken.present + taken.late,
         "excused": taken.excused, "absent": taken.absent}
        for taken, module in modules_taken(session, one.id)
    ]  # fmt: skip
