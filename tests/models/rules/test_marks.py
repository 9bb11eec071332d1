"""Marks: half up, parts, make-ups, exemption."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.marks import ModuleEvidence, course_mark, round_half_up, settle_module
from models.rules.policy import DEFAULT_POLICIES

POLICY = DEFAULT_POLICIES[0]
scores = st.decimals(0, 100, places=1)
shares = st.decimals("0.2", 1, places=2)


@pytest.mark.parametrize(
    ("value", "rounded"), [("59.95", "60.0"), ("59.949", "59.9"), ("0.05", "0.1"), ("0.25", "0.3")]
)
def test_marks_round_half_up(value: str, rounded: str) -> None:
    assert round_half_up(Decimal(value)) == Decimal(rounded)


@given(st.integers(0, 100_000))
def test_a_half_always_goes_up(tenths_of_tenths: int) -> None:
    value = Decimal(tenths_of_tenths) / 100 + Decimal("0.05") - Decimal(tenths_of_tenths % 10) / 100
    assert round_half_up(value) - value == Decimal("0.05")


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(20, 100))
def test_a_course_mark_is_what_whole_numbers_make_of_it(formative: int, final: int, share: int) -> None:
    """Scores in tenths, the share in hundredths; five thousandths and more go up."""
    tenths = (formative * share + final * (100 - share) + 50) // 100
    mark = course_mark(Decimal(formative) / 10, Decimal(final) / 10, Decimal(share) / 100)
    assert mark.mark == Decimal(tenths) / 10
    assert mark.passed == (tenths >= 600)


@given(scores, scores, shares)
def test_a_mark_lies_between_its_parts(formative: Decimal, final: Decimal, share: Decimal) -> None:
    mark = course_mark(formative, final, share).mark
    assert min(formative, final) - Decimal("0.05") <= mark <= max(formative, final) + Decimal("0.05")


@given(scores, scores, shares)
def test_a_mark_passes_at_sixty_and_each_part_where_asked(formative: Decimal, final: Decimal, share: Decimal) -> None:
    plain, strict = course_mark(formative, final, share), course_mark(formative, final, share, each_part=True)
    assert plain.passed == (plain.mark >= 60)
    assert strict.passed == (plain.passed and min(formative, final) >= 60)


def settled(**evidence: object) -> tuple[str, Decimal | None]:
    outcome = settle_module(ModuleEvidence(**evidence), POLICY)  # type: ignore[arg-type]
    return outcome.state, outcome.mark


def test_a_module_goes_from_enrolled_to_its_end() -> None:
    seventy, forty_five, sixty_six = Decimal(70), Decimal(45), Decimal(66)
    assert settled() == ("enrolled", None)
    assert settled(exam_held=True) == ("awaiting-result", None)
    assert settled(formative=seventy, finals=(sixty_six,)) == ("passed", Decimal("67.6"))
    assert settled(formative=seventy, finals=(forty_five,)) == ("awaiting-make-up", Decimal("55.0"))
    assert settled(formative=seventy, finals=(forty_five,), make_ups=(sixty_six,)) == ("passed", Decimal("67.6"))
    assert settled(formative=seventy, finals=(forty_five,), make_ups=(forty_five,)) == ("failed", Decimal("55.0"))


def test_exempt_has_no_mark_and_a_bar_beats_any_score() -> None:
    assert settled(exempt=True, may_sit=False) == ("exempt", None)
    assert settled(formative=Decimal(90), finals=(Decimal(90),), may_sit=False) == ("barred", None)


def test_a_module_of_coursework_alone_needs_no_final() -> None:
    assert settled(formative=Decimal(61), formative_share=Decimal(1)) == ("passed", Decimal("61.0"))
    failed = {"formative": Decimal(50), "formative_share": Decimal(1)}
    assert settled(**failed) == ("awaiting-make-up", Decimal("50.0"))
    assert settled(**failed, make_ups=(Decimal(60),)) == ("passed", Decimal("60.0"))
