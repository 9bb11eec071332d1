"""The ledger: never overdrawn, and its totals always the sum of its lines."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.rules.ledger import Line, Source, head_warning, instalments_due, judge_award, totals
from models.rules.policy import DEFAULT_POLICIES

amounts = st.decimals("0.01", 5000, places=2)


@given(
    quota=st.none() | st.integers(0, 6),
    budget=st.none() | st.decimals(0, 8000, places=2),
    wishes=st.lists(st.tuples(st.integers(0, 9), amounts), max_size=40),
)
def test_no_sequence_of_awards_overdraws_a_source(
    quota: int | None, budget: Decimal | None, wishes: list[tuple[int, Decimal]]
) -> None:
    source = Source("union", "yearly", Decimal(1000), quota_heads=quota, budget=budget)
    heads: set[int] = set()
    total = Decimal(0)
    for head, amount in wishes:
        decision = judge_award(source, heads=len(heads), total=total, amount=amount, known_head=head in heads)
        if decision.outcome == "pass":
            heads.add(head)
            total += amount
        assert quota is None or len(heads) <= quota
        assert budget is None or total <= budget


kinds = st.sampled_from(["award", "payment", "return", "reversal"])
lines = st.lists(st.tuples(kinds, st.sampled_from(["union", "school"]), amounts), max_size=50)


@given(lines)
def test_totals_are_the_sum_of_the_lines(drawn: list[tuple[str, str, Decimal]]) -> None:
    ledger = [Line(str(i), kind, source, "p", "1", amount) for i, (kind, source, amount) in enumerate(drawn)]
    sums = totals(ledger)
    fields = {"award": "awarded", "payment": "paid", "return": "returned", "reversal": "reversed"}
    for kind, field in fields.items():
        expected = sum((line.amount for line in ledger if line.kind == kind), start=Decimal(0))
        assert sum((getattr(row, field) for row in sums.values()), start=Decimal(0)) == expected
    signs = {"award": 1, "payment": -1, "return": 1, "reversal": -1}
    outstanding = sum((signs[line.kind] * line.amount for line in ledger), start=Decimal(0))
    assert sum((row.outstanding for row in sums.values()), start=Decimal(0)) == outstanding


@given(st.dates(date(2020, 1, 1), date(2026, 12, 31)), st.integers(1, 8), st.integers(0, 3000))
def test_yearly_instalments_fall_due_one_after_the_other(registered: date, periods: int, later: int) -> None:
    source = Source("union", "yearly", Decimal(1000), periods=periods)
    today = date.fromordinal(registered.toordinal() + later)
    due = instalments_due(source, registered_on=registered, graduated_on=None, today=today)
    assert [one.period for one in due] == [f"year-{n + 1}" for n in range(len(due))]
    assert 1 <= len(due) <= periods
    assert all(one.due_on <= today for one in due)


def test_nothing_falls_due_after_a_participation_stopped() -> None:
    source = Source("union", "yearly", Decimal(1000), periods=3)
    due = instalments_due(
        source, registered_on=date(2023, 9, 6), graduated_on=None, today=date(2026, 9, 6), stopped_on=date(2024, 4, 15)
    )
    assert [one.period for one in due] == ["year-1"]


def test_other_triggers_fall_due_once() -> None:
    on_registration = Source("school", "registration", Decimal(1500))
    on_graduation = Source("government", "graduation", Decimal(1000))
    today = date(2026, 7, 1)
    known = {"registered_on": date(2023, 9, 6), "graduated_on": None, "today": today}
    assert [one.period for one in instalments_due(on_registration, **known)] == ["registration"]
    assert instalments_due(on_graduation, **known) == []
    known["graduated_on"] = date(2026, 6, 25)
    assert [one.period for one in instalments_due(on_graduation, **known)] == ["graduation"]


def test_an_unusual_cost_a_head_is_warned_of() -> None:
    policy = DEFAULT_POLICIES[0]
    assert head_warning(Decimal(299), policy)
    assert head_warning(Decimal(15001), policy)
    assert not head_warning(Decimal(5500), policy)
