"""Recognition 学习成果认定: which claims may exempt from a module, within the caps.

Source of the caps: Open University rule, 2019: at most 35 % of compulsory credits are recognised; practice and
thesis modules are never exempted; self-study-exam credits count up to 40 %, credits of the same school up to 100 %.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.rules.policy import Policy

NEVER_EXEMPTED = frozenset({"practice", "thesis"})
SAME_SCHOOL = "same-school"
SELF_STUDY = "self-study-exam"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed outcome: for which module, of which kind, for how many credits."""

    id: str
    module_code: str
    kind: str
    credits: Decimal


@dataclass(frozen=True, slots=True)
class ModuleCredit:
    """A module of the programme: its credits and its kind."""

    code: str
    credits: Decimal
    kind: str


@dataclass(frozen=True, slots=True)
class ClaimDecision:
    """What may come of a claim: granted with credits, or refused by a rule."""

    outcome: str
    credits: Decimal = Decimal(0)
    rule: str = ""
    reason: str = ""


def judge_claim(
    claim: Claim, granted: Sequence[tuple[Claim, Decimal]], modules: Sequence[ModuleCredit], policy: Policy
) -> ClaimDecision:
    """Judge a claim beside those granted before: a module is exempted whole or not at all."""
    module = next((one for one in modules if one.code == claim.module_code), None)
    if module is None:
        return _refused("module-unknown", "the programme has no such module 培养方案中没有该课程")
    if module.kind in NEVER_EXEMPTED:
        return _refused(
            "module-never-exempted", "practice and thesis modules are never exempted 实践与毕业环节不得免修"
        )
    if any(earlier.module_code == module.code for earlier, _ in granted):
        return _refused("already-recognised", "the module is recognised already 该课程已认定")
    if claim.credits < module.credits:
        return _refused("credits-too-few", "the outcome is worth fewer credits than the module 成果学分低于课程学分")
    if _over_cap(claim, module, granted, modules, policy):
        return _refused("recognition-cap", "the cap on recognised credits would be passed 超过可认定学分上限")
    return ClaimDecision("granted", module.credits)


def settle_claim(judged: ClaimDecision, answer: str, reason: str) -> ClaimDecision:
    """Join a reviewer's answer with what the rules say: an approval holds only where they grant.

    A refusal keeps the name of the rule where one forbids the claim, whoever said no.
    """
    if answer == "approve" and judged.outcome == "granted":
        return ClaimDecision("granted", judged.credits, reason=reason)
    why = reason if answer == "refuse" else judged.reason
    return ClaimDecision("refused", rule=judged.rule or "reviewer-refused", reason=why)


def _refused(rule: str, reason: str) -> ClaimDecision:
    return ClaimDecision("refused", rule=rule, reason=reason)


def _over_cap(
    claim: Claim,
    module: ModuleCredit,
    granted: Sequence[tuple[Claim, Decimal]],
    modules: Sequence[ModuleCredit],
    policy: Policy,
) -> bool:
    """Two caps: on compulsory credits from anywhere else, on self-study-exam credits of the whole programme."""
    kinds = {one.code: one.kind for one in modules}
    compulsory = _sum(one.credits for one in modules if one.kind == "compulsory")
    everything = _sum(one.credits for one in modules)
    foreign = _sum(
        credits
        for earlier, credits in granted
        if kinds.get(earlier.module_code) == "compulsory" and earlier.kind != SAME_SCHOOL
    )
    self_study = _sum(credits for earlier, credits in granted if earlier.kind == SELF_STUDY)
    if claim.kind == SELF_STUDY and self_study + module.credits > everything * policy.self_study_recognition_cap:
        return True
    counts = module.kind == "compulsory" and claim.kind != SAME_SCHOOL
    return counts and foreign + module.credits > compulsory * policy.compulsory_recognition_cap


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, start=Decimal(0))
