"""What people read: cohorts, the inbox, stalls and one worker's story, as plain values ready for JSON.

Belongs here: reading and arranging. Does not: changing anything, except the audit row of a reveal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
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
from models.repositories.people import active_counts, participations_of, statuses
from models.repositories.teaching import modules_taken
from models.rules.cohorts import ORDER
from models.rules.lifecycle import ALL_KINDS, WAIT_KINDS
from models.rules.stalls import StallDecision, judge_wait
from models.tables.lifecycle import DecisionRequest, Step, Wait
from models.tables.organisations import Cohort
from models.tables.people import Participant, Worker
from tasks.errors import BadInput
from tasks.office import office, unit_of_work
from tasks.watch import DETECTORS
from tasks.watch.waits import find as find_waits

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
    """Who holds what up, since when and how late: stalled waits of all cohorts, what else is watched; oldest first."""
    return [line for line, _ in _stalls(business_date(as_of))]


def stalls_by(by: str, as_of: date | None = None) -> View:
    """The same in groups, by `holder` or `cohort`: how many steps and workers each holds up, the oldest group first.

    By `age` there is one list without groups. A worker behind several steps of a group counts once.
    """
    found = _stalls(business_date(as_of))
    groups: dict[str, list[tuple[View, set[str]]]] = {}
    for line, who in found if by in GROUPED_BY else ():
        groups.setdefault(GROUPED_BY[by](line), []).append((line, who))
    lines = [line for line, _ in found]
    return {"by": by, "groups": [_group(name, members) for name, members in groups.items()], "stalls": lines}


GROUPED_BY: dict[str, Callable[[View], str]] = {
    "holder": lambda line: line["holder"] or line["on"], "cohort": lambda line: line["cohort"] or "",
}  # fmt: skip


def _stalls(today: date) -> list[tuple[View, set[str]]]:
    """Each stall as a line, and the workers named behind it; the oldest first."""
    with unit_of_work() as session:
        found = [*_stalled_waits(session, today), *_watched(session, today)]
    return sorted(found, key=lambda one: (one[0]["since"], one[0]["cohort"], one[0]["kind"], one[0]["subject"]))


def _stalled_waits(session: Session, today: date) -> list[tuple[View, set[str]]]:
    waits = [wait for wait in _open_waits(session, None, today) if wait["stalled"]]
    behind = active_counts(session, {wait["cohort"] for wait in waits if wait["participant"] is None})
    lines: dict[tuple[Any, ...], tuple[View, set[str]]] = {}
    for wait in waits:
        person, key = wait.pop("participant"), tuple(wait[name] for name in EPISODE)
        line, who = lines.setdefault(key, ({**wait, "people": 0, "late": _late(wait["due"], today)}, set()))
        line["level"] = max(line["level"], wait["level"])
        who |= {person} - {None}
        line["people"] = len(who) if person else max(line["people"], behind.get(wait["cohort"], 0))
    return list(lines.values())


EPISODE = ("cohort", "kind", "on", "holder", "subject", "since", "due")


def _watched(session: Session, today: date) -> Iterator[tuple[View, set[str]]]:
    """What is stalled besides the waits: a silent source, money nearly used, a window about to close."""
    found = [stall for find in DETECTORS if find is not find_waits for stall in find(session, today)]
    names = organisation_names(session, [stall.holder_code for stall in found if stall.holder_code])
    for stall in found:
        kind, due = ALL_KINDS[stall.kind], stall.due_on.isoformat() if stall.due_on else None
        yield {
            "cohort": stall.cohort_code, "kind": stall.kind, "on": stall.holder,
            "holder": names.get(stall.holder_code or "", ""), "for": kind.what, "chinese": kind.chinese,
            "subject": stall.subject, "since": stall.since.isoformat(), "due": due, "stalled": True,
            "provisional": stall.due_on is not None and office().calendar.is_provisional(stall.due_on),
            "level": stall.level, "people": stall.people, "late": _late(due, today),
        }, set()  # fmt: skip


def _late(due: str | None, today: date) -> int:
    """How many working days have passed since something was due."""
    return office().calendar.working_days_between(date.fromisoformat(due), today) if due else 0


def _group(name: str, members: list[tuple[View, set[str]]]) -> View:
    lines = [line for line, _ in members]
    return {
        "name": name, "on": sorted({line["on"] for line in lines}), "steps": len(lines), "workers": _workers(members),
        "since": lines[0]["since"], "late": max(line["late"] for line in lines), "stalls": lines,
    }  # fmt: skip


def _workers(members: list[tuple[View, set[str]]]) -> int:
    """How many workers stand behind steps: those they name, or all of a cohort where one is its own."""
    named: dict[str, set[str]] = defaultdict(set)
    whole: dict[str, int] = defaultdict(int)
    for line, who in members:
        named[line["cohort"]] |= who
        whole[line["cohort"]] = max(whole[line["cohort"]], line["people"])
    return sum(max(len(named[cohort]), whole[cohort]) for cohort in whole)


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
