"""Recognition: no sequence of decisions passes a cap."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules.policy import DEFAULT_POLICIES
from models.rules.recognition import Claim, ClaimDecision, ModuleCredit, judge_claim, settle_claim

POLICY = DEFAULT_POLICIES[0]
module_kinds = st.sampled_from(["compulsory", "elective", "practice", "thesis"])
claim_kinds = st.sampled_from(["certificate", "prior-study", "on-the-job", "self-study-exam", "same-school"])
programmes = st.lists(st.tuples(st.integers(1, 12), module_kinds), min_size=1, max_size=14)
caps = st.decimals(0, 1, places=2)
wishes = st.lists(st.tuples(st.integers(0, 13), claim_kinds, st.integers(1, 12)), max_size=30)


@given(programmes, wishes)
def test_no_sequence_of_claims_passes_a_cap(
    programme: list[tuple[int, str]], claims: list[tuple[int, str, int]]
) -> None:
    modules = [ModuleCredit(f"M{i}", Decimal(credits), kind) for i, (credits, kind) in enumerate(programme)]
    granted: list[tuple[Claim, Decimal]] = []
    for number, (place, kind, credits) in enumerate(claims):
        claim = Claim(str(number), f"M{place}", kind, Decimal(credits))
        decision = judge_claim(claim, granted, modules, POLICY)
        if decision.outcome == "granted":
            granted.append((claim, decision.credits))
        else:
            assert decision.rule
            assert decision.reason
    by_code = {module.code: module for module in modules}
    compulsory = sum(module.credits for module in modules if module.kind == "compulsory")
    foreign = sum(
        c for claim, c in granted if by_code[claim.module_code].kind == "compulsory" and claim.kind != "same-school"
    )
    assert foreign <= compulsory * Decimal("0.35")
    self_study = sum(c for claim, c in granted if claim.kind == "self-study-exam")
    assert self_study <= sum(module.credits for module in modules) * Decimal("0.40")
    assert all(by_code[claim.module_code].kind not in ("practice", "thesis") for claim, _ in granted)
    assert len({claim.module_code for claim, _ in granted}) == len(granted)


@settings(max_examples=300)
@given(programmes, st.lists(st.tuples(st.integers(0, 13), claim_kinds), max_size=30), caps, caps)
def test_a_cap_refuses_exactly_what_would_pass_it(
    programme: list[tuple[int, str]], claims: list[tuple[int, str]], compulsory_cap: Decimal, self_study_cap: Decimal
) -> None:
    """Whatever a province sets: no claim that leaves both shares within their caps is refused by one."""
    policy = replace(POLICY, compulsory_recognition_cap=compulsory_cap, self_study_recognition_cap=self_study_cap)
    modules = [ModuleCredit(f"M{i}", Decimal(credits), kind) for i, (credits, kind) in enumerate(programme)]
    of = {module.code: module for module in modules}
    granted: list[tuple[Claim, Decimal]] = []
    for number, (place, kind) in enumerate(claims):
        claim = Claim(str(number), f"M{place % len(modules)}", kind, Decimal(12))
        decision = judge_claim(claim, granted, modules, policy)
        if decision.rule not in ("", "recognition-cap"):
            continue
        wished = [*granted, (claim, of[claim.module_code].credits)]
        foreign = sum(c for one, c in wished if of[one.module_code].kind == "compulsory" and one.kind != "same-school")
        studied = sum(c for one, c in wished if one.kind == "self-study-exam")
        passes = foreign > compulsory_cap * sum(m.credits for m in modules if m.kind == "compulsory")
        passes = passes and of[claim.module_code].kind == "compulsory" and kind != "same-school"
        passes = passes or (kind == "self-study-exam" and studied > self_study_cap * sum(m.credits for m in modules))
        assert (decision.rule == "recognition-cap") == passes
        granted = granted if passes else wished


@given(programmes)
def test_credits_of_the_same_school_count_up_to_a_hundred_percent(programme: list[tuple[int, str]]) -> None:
    """Of what may be exempted at all: practice and thesis never are."""
    modules = [ModuleCredit(f"M{i}", Decimal(credits), kind) for i, (credits, kind) in enumerate(programme)]
    granted: list[tuple[Claim, Decimal]] = []
    for module in modules:
        claim = Claim(module.code, module.code, "same-school", module.credits)
        decision = judge_claim(claim, granted, modules, POLICY)
        assert decision.rule == ("module-never-exempted" if module.kind in ("practice", "thesis") else "")
        granted += [(claim, decision.credits)] if decision.outcome == "granted" else []


def test_self_study_credits_stop_at_forty_percent_of_the_programme() -> None:
    """Twenty credits of electives in fifty are forty percent; one more is not."""
    modules = [ModuleCredit(f"E{i}", Decimal(10), "elective") for i in range(4)]
    modules.append(ModuleCredit("X", Decimal(10), "elective"))
    granted = [(Claim(f"E{i}", f"E{i}", "self-study-exam", Decimal(10)), Decimal(10)) for i in range(2)]
    assert judge_claim(Claim("a", "E1", "self-study-exam", Decimal(10)), granted[:1], modules, POLICY).rule == ""
    assert (
        judge_claim(Claim("b", "E2", "self-study-exam", Decimal(10)), granted, modules, POLICY).rule
        == "recognition-cap"
    )
    assert judge_claim(Claim("c", "E2", "certificate", Decimal(10)), granted, modules, POLICY).rule == ""


MODULES = [ModuleCredit("A", Decimal(20), "compulsory"), ModuleCredit("B", Decimal(20), "compulsory"),
           ModuleCredit("C", Decimal(20), "compulsory"), ModuleCredit("P", Decimal(10), "practice")]  # fmt: skip


def rule(claim: Claim, granted: list[tuple[Claim, Decimal]]) -> str:
    return judge_claim(claim, granted, MODULES, POLICY).rule


def test_each_refusal_names_its_rule() -> None:
    first = Claim("1", "A", "certificate", Decimal(20))
    granted = [(first, Decimal(20))]
    assert rule(first, []) == ""
    assert rule(Claim("2", "B", "certificate", Decimal(20)), granted) == "recognition-cap"
    assert rule(Claim("3", "B", "same-school", Decimal(20)), granted) == ""
    assert (
        rule(Claim("3", "B", "certificate", Decimal(20)), [(Claim("1", "A", "same-school", Decimal(20)), Decimal(20))])
        == ""
    )
    assert rule(Claim("4", "A", "prior-study", Decimal(20)), granted) == "already-recognised"
    assert rule(Claim("5", "P", "on-the-job", Decimal(10)), []) == "module-never-exempted"
    assert rule(Claim("6", "A", "certificate", Decimal(5)), []) == "credits-too-few"
    assert rule(Claim("7", "X", "certificate", Decimal(5)), []) == "module-unknown"


@pytest.mark.parametrize("answer", ["approve", "refuse"])
def test_an_approval_holds_only_where_the_rules_grant(answer: str) -> None:
    granted, capped = (
        ClaimDecision("granted", Decimal(4)),
        ClaimDecision("refused", rule="recognition-cap", reason="cap"),
    )
    settled = settle_claim(granted, answer, "seen")
    expected = ("granted", Decimal(4), "") if answer == "approve" else ("refused", Decimal(0), "reviewer-refused")
    assert (settled.outcome, settled.credits, settled.rule) == expected
    assert settled.reason == "seen"
    refused = settle_claim(capped, answer, "seen")
    assert (refused.outcome, refused.credits, refused.rule) == ("refused", Decimal(0), "recognition-cap")
    assert refused.reason == ("cap" if answer == "approve" else "seen")
