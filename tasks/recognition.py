"""Recognition 学习成果认定与转换: claimed outcomes are put to the school and decided within the caps.

Belongs here: asking, deciding, keeping the decision with its rule version, evidence and reviewer.
Does not: the caps (rules/recognition.py) or what an exemption does to a module (teaching.py).
"""

from datetime import date

from sqlmodel import Session

from models.identity import make_id
from models.repositories.credentials import granted_claims
from models.repositories.organisations import modules_of
from models.rules.policy import Policy, policy_on
from models.rules.recognition import Claim, ClaimDecision, ModuleCredit, judge_claim, settle_claim
from models.tables.credentials import Outcome, Recognition
from models.tables.lifecycle import DecisionRequest
from models.tables.organisations import Cohort, Module
from models.tables.people import Participant
from tasks.board import Board
from tasks.office import office


def ask(board: Board, participant: Participant) -> None:
    """Put each undecided claim of a registered participant to the school."""
    if participant.registered_on is None or participant.status != "active":
        return
    decided = {row.outcome_id for row in board.recognitions.get(participant.id, [])}
    for outcome in board.outcomes.get(participant.worker_id, []):
        if outcome.id in decided:
            continue
        request = board.ask(
            "recognition", participant, f"Recognise {outcome.title} for module {outcome.module_code}? 是否认定并转换学分？",
            holder="school", subject=outcome.id,
        )  # fmt: skip
        board.wait("recognition-decision", participant, request.asked_on, subject=outcome.module_code)


def settle(board: Board, participant: Participant) -> bool:
    """Go on once every claim is decided; `ask` has declared the waits."""
    decided = {row.outcome_id for row in board.recognitions.get(participant.id, [])}
    return all(outcome.id in decided for outcome in board.outcomes.get(participant.worker_id, []))


def decide_claim(
    session: Session, request: DecisionRequest, answer: str, reason: str, reviewer: str, today: date
) -> str:
    """Write the decision on a claim: an approval holds only within the caps, else the rule refuses."""
    participant = session.get_one(Participant, request.participant_id)
    outcome = session.get_one(Outcome, request.subject)
    policy = policy_on(office().policies, today)
    modules = modules_of(session, session.get_one(Cohort, participant.cohort_code).programme_id)
    module = next((one for one in modules if one.code == outcome.module_code), None)
    decision = settle_claim(_judge(session, participant, outcome, modules, policy), answer, reason)
    session.add(Recognition(
        id=make_id("R", participant.id, outcome.id), participant_id=participant.id, outcome_id=outcome.id,
        module_id=module.id if module else None, status=decision.outcome, credits=decision.credits,
        rule=decision.rule, reason=decision.reason, policy_version=policy.version, reviewer=reviewer,
        evidence=outcome.evidence, decided_on=today,
    ))  # fmt: skip
    return ""


def _judge(
    session: Session, participant: Participant, outcome: Outcome, modules: list[Module], policy: Policy
) -> ClaimDecision:
    granted = [(_claim(done), recognition.credits) for recognition, done in granted_claims(session, participant.id)]
    plain = [ModuleCredit(one.code, one.credits, one.kind) for one in modules]
    return judge_claim(_claim(outcome), granted, plain, policy)


def _claim(outcome: Outcome) -> Claim:
    return Claim(outcome.id, outcome.module_code, outcome.kind, outcome.credits_claimed)
