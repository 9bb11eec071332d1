"""Marks 成绩: how a course mark is made, make-ups, exemption, and what a module came to.

Belongs here: marks of one module. Does not: credits of a programme (graduation.py).
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from models.rules.policy import Policy

ONE = Decimal(1)


def round_half_up(value: Decimal, places: int = 1) -> Decimal:
    """Round half up, as schools do: 59.95 is 60.0."""
    return value.quantize(ONE.scaleb(-places), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Mark:
    """A course mark out of 100, whether it passes, and the rule that fails it."""

    mark: Decimal
    passed: bool
    rule: str = ""


@dataclass(frozen=True, slots=True)
class ModuleEvidence:
    """What is known of one participant's module: scores out of 100 as released, share r, exemption, bar."""

    formative: Decimal | None = None
    finals: tuple[Decimal, ...] = ()
    make_ups: tuple[Decimal, ...] = ()
    formative_share: Decimal = Decimal("0.40")
    each_part: bool = False
    exempt: bool = False
    may_sit: bool = True
    exam_held: bool = False


@dataclass(frozen=True, slots=True)
class ModuleOutcome:
    """What a module came to: enrolled, awaiting-result, awaiting-make-up, passed, failed, exempt or barred."""

    state: str
    mark: Decimal | None = None
    rule: str = ""


def course_mark(
    formative: Decimal, final: Decimal, share: Decimal, each_part: bool = False, pass_mark: Decimal = Decimal(60)
) -> Mark:
    """Make a course mark: formative × r + final × (1 − r), rounded half up to one decimal; pass at 60.

    Where `each_part` holds, each part must reach the pass mark too.
    """
    mark = round_half_up(formative * share + final * (1 - share))
    if mark < pass_mark:
        return Mark(mark, False, "mark-below-pass")
    if each_part and min(formative, final) < pass_mark:
        return Mark(mark, False, "part-below-pass")
    return Mark(mark, True)


def settle_module(evidence: ModuleEvidence, policy: Policy) -> ModuleOutcome:
    """Say what a module came to. A first fail leads to a make-up, a failed make-up fails for good.

    A module marked by its formative part alone (r = 100 %) needs no final; an exempt one has credits and no mark.
    """
    if evidence.exempt:
        return ModuleOutcome("exempt", rule="免考")
    if not evidence.may_sit:
        return ModuleOutcome("barred", rule="attendance-below-threshold")
    no_final = evidence.formative_share == ONE
    if evidence.formative is None or not (evidence.finals or no_final):
        return ModuleOutcome("awaiting-result" if evidence.exam_held else "enrolled")
    first = _mark(evidence, evidence.finals[0] if evidence.finals else evidence.formative, policy)
    if first.passed or not evidence.make_ups:
        return ModuleOutcome("passed" if first.passed else "awaiting-make-up", first.mark, first.rule)
    last = _mark(evidence, evidence.make_ups[-1], policy)
    return ModuleOutcome("passed" if last.passed else "failed", last.mark, last.rule)


def _mark(evidence: ModuleEvidence, final: Decimal, policy: Policy) -> Mark:
    formative = evidence.formative if evidence.formative is not None else final
    if evidence.formative_share == ONE and evidence.make_ups and final in evidence.make_ups:
        formative = final
    return course_mark(formative, final, evidence.formative_share, evidence.each_part, policy.pass_mark)
