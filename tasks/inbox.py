"""What people decide: answers to the inbox's questions, with who, why, when and under which rules.

Belongs here: taking an answer and what it changes at once. Does not: what a stage makes of it later.
"""

from datetime import date
from typing import Any

from sqlmodel import Session

from connectors.database import alone
from models.clock import business_date
from models.repositories.audit import record
from models.repositories.lifecycle import approved_reviews, asked_in
from models.repositories.people import is_open_elsewhere, nominations_of
from models.rules.policy import policy_on
from models.rules.privacy import holds_personal_number
from models.rules.review import judge_review
from models.tables.lifecycle import DecisionRequest
from models.tables.organisations import Cohort
from models.tables.people import Nomination, Participant
from tasks.board import close_step
from tasks.errors import BadInput
from tasks.nomination import Desk
from tasks.office import office, unit_of_work
from tasks.recognition import decide_claim
from tasks.step import step

ANY, OVERRIDE = "any", "override"


@step(name="decide")
async def answer_requests(
    ids: list[str], answer: str, reason: str, actor: str, as_of: date | None = None, kind: str = ANY
) -> dict[str, Any]:
    """Answer questions of the inbox, each in its own right; say which could not be answered so, and why.

    `kind` lets only questions of that kind be answered. The same answer again changes nothing.
    Raises BadInput for a wrong answer or a missing reason.
    """
    if answer not in ("approve", "refuse"):
        raise BadInput("answer with approve or refuse")
    if not reason.strip():
        raise BadInput("give a reason (--reason): every decision keeps who decided and why")
    if holds_personal_number(reason):
        raise BadInput("the reason holds a personal number: name the person by the id shown on the screens instead")
    outcome: dict[str, Any] = {"decided": [], "refused": []}
    with unit_of_work() as session:
        alone(session, "decisions")  # two people may answer one question at once: the second sees what the first said
        for request_id in ids:
            problem = _of_another_kind(session, request_id, kind) or _answer_one(
                session, request_id, answer, reason.strip(), actor, business_date(as_of)
            )
            if problem:
                outcome["refused"].append({"id": request_id, "reason": problem})
            else:
                outcome["decided"].append(request_id)
    return outcome


def cohorts_of(ids: list[str]) -> list[str]:
    """Give the codes of the cohorts that questions of the inbox belong to; what is not known belongs to none."""
    with unit_of_work() as session:
        return asked_in(session, ids)


def _of_another_kind(session: Session, request_id: str, kind: str) -> str:
    if kind == ANY:
        return ""
    request = session.get(DecisionRequest, request_id)
    found = request.kind if request is not None else OVERRIDE
    return "" if found == kind else f"it is a question of another kind ({found}): choose that kind, or {ANY}"


def _answer_one(session: Session, request_id: str, answer: str, reason: str, actor: str, today: date) -> str:
    request = session.get(DecisionRequest, request_id)
    if request is None:
        return _override(session, request_id, answer, reason, actor, today)
    session.get_one(Cohort, request.cohort_code, with_for_update=True)
    if request.answer:
        return "" if request.answer == answer else f"it was decided already ({request.answer}, {request.decided_on})"
    participant = session.get(Participant, request.participant_id) if request.participant_id else None
    if participant is not None and participant.status not in ("active", "held"):
        return f"the worker's part in the cohort has ended ({participant.status}): nothing is left to decide"
    problem = _act(session, request, answer, reason, actor, today)
    if problem:
        return problem
    request.answer, request.reason, request.decided_by, request.decided_on = answer, reason, actor, today
    request.policy_version = request.policy_version or policy_on(office().policies, today).version
    record(session, action=f"decided-{request.kind}", subject=request.participant_id or request.nomination_id or "",
           actor=actor, on=today, reason=reason, detail=answer, key=f"decided:{request.id}")  # fmt: skip
    session.flush()
    return ""


def _act(session: Session, request: DecisionRequest, answer: str, reason: str, actor: str, today: date) -> str:
    """Do at once what an answer of this kind means; give the sentence that forbids it, if any."""
    match request.kind:
        case "review":
            return _within_quota(session, request, answer, reason)
        case "nominated-twice":
            return _settle_duplicate(session, request, answer, reason)
        case "nominated-elsewhere":
            return _settle_elsewhere(session, request, answer, reason, today)
        case "recognition":
            return decide_claim(session, request, answer, reason, actor, today)
    return f"nothing is known of a question of kind {request.kind}"


def _within_quota(session: Session, request: DecisionRequest, answer: str, reason: str) -> str:
    cohort = session.get_one(Cohort, request.cohort_code)
    decision = judge_review(approved_reviews(session, cohort.code), cohort.quota, answer, reason)
    return decision.reason if decision.outcome == "wait" else ""


def _settle_duplicate(session: Session, request: DecisionRequest, answer: str, reason: str) -> str:
    """A second row for the same worker: approved it counts as the first one said again, refused it is dropped."""
    nomination = session.get_one(Nomination, request.nomination_id)
    nomination.status = "accepted" if answer == "approve" else "refused"
    nomination.reasons = reason
    return ""


def _settle_elsewhere(session: Session, request: DecisionRequest, answer: str, reason: str, today: date) -> str:
    nomination = session.get_one(Nomination, request.nomination_id)
    participant = session.get(Participant, request.participant_id) if request.participant_id else None
    if participant is None:  # another enterprise nominated him for this very cohort
        if answer == "approve":
            return "another enterprise has nominated the worker for this cohort: refuse one of the two"
        nomination.status, nomination.reasons = "refused", reason
        return ""
    if answer == "refuse":
        _close(session, participant, "refused", "nominated-elsewhere", reason, today)
        return ""
    if is_open_elsewhere(session, participant):
        return "the worker's other nomination is still open: withdraw or refuse that one first"
    others = [rule for rule in nomination.rules.split(",") if rule not in ("", "nominated-elsewhere")]
    if others:  # what is missing besides holds him still
        participant.rule = others[0]
        return ""
    participant.status, participant.rule, participant.reason = "active", "", ""
    nomination.status = "accepted"
    return ""


def _override(session: Session, nomination_id: str, answer: str, reason: str, actor: str, today: date) -> str:
    """A row refused by a rule, lifted by a coordinator with a reason (DOMAIN: every refusal may be overridden)."""
    nomination = session.get(Nomination, nomination_id)
    if nomination is None:
        return "there is no such question: see `yuanmeng inbox`"
    if answer != "approve":
        return "" if nomination.status == "refused" else "only a question of the inbox can be refused"
    if nomination.status == "accepted":
        return ""
    if nomination.status != "refused":
        return "the row is held, not refused: answer its question in the inbox, or send what is missing"
    cohort = session.get_one(Cohort, nomination.cohort_code, with_for_update=True)
    problem = Desk(session, cohort, today, policy_on(office().policies, today)).override(nomination, reason)
    if not problem:
        record(session, action="override", subject=nomination.participant_id or nomination.id, actor=actor, on=today,
               reason=reason, detail=nomination.rules, key=f"override:{nomination.id}")  # fmt: skip
    return problem


def _close(session: Session, participant: Participant, status: str, rule: str, reason: str, today: date) -> None:
    participant.status, participant.rule, participant.reason, participant.ended_on = (
        status,
        rule,
        reason,
        today,
    )
    close_step(session, participant, today)
    for nomination in nominations_of(session, participant.id):
        nomination.status, nomination.reasons = status, reason
