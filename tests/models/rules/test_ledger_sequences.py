"""The ledger over any sequence of decisions: no source overdrawn, nobody paid twice, totals the sum of the lines."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.rules.funding import follow_award
from models.rules.ledger import ZERO, Line, Source, judge_award, totals

AMOUNT = st.decimals("0.01", 3000, places=2)
PEOPLE = [f"P{number}" for number in range(5)]
SIGN = {"award": 1, "reversal": -1, "payment": 1, "return": -1}


class Award:
    """An award on its way, as the engine keeps it beside its lines."""

    def __init__(self, person: str, period: str, amount: Decimal) -> None:
        self.person, self.period, self.amount = person, period, amount
        self.status, self.payment, self.attempts = "granted", None, 0
        self.returned_on: date | None = None


class Books(RuleBasedStateMachine):
    """Grants, orders, results, returns, new cards and withdrawals in any order, decided by the rules alone."""

    def __init__(self) -> None:
        super().__init__()
        self.awards: dict[tuple[str, str, str], Award] = {}
        self.lines: list[Line] = []
        self.withdrawn: set[str] = set()
        self.cards: dict[str, date] = {}
        self.today = date(2026, 9, 1)

    @initialize(quota=st.none() | st.integers(0, 3), budget=st.none() | st.decimals(0, 6000, places=2), amount=AMOUNT)
    def open(self, quota: int | None, budget: Decimal | None, amount: Decimal) -> None:
        self.sources = {
            "union": Source("union", "yearly", amount, 3, quota, budget),
            "school": Source("school", "registration", amount, 1, None, budget),
        }

    @rule(source=st.sampled_from(["union", "school"]), person=st.sampled_from(PEOPLE), year=st.integers(1, 3))
    def grant(self, source: str, person: str, year: int) -> None:
        key, book = (source, person, f"year-{year}"), self.sources[source]
        standing = [one for (of, *_), one in self.awards.items() if of == source and one.status == "granted"]
        heads = {one.person for one in standing}
        decision = judge_award(
            book, heads=len(heads), total=sum((one.amount for one in standing), start=ZERO), amount=book.amount,
            known_head=person in heads,
        )  # fmt: skip
        if key not in self.awards and person not in self.withdrawn and decision.outcome == "pass":
            self.awards[key] = Award(person, f"year-{year}", book.amount)
            self.book(key, "award")

    @rule()
    def follow(self) -> None:
        """What the engine does each night with every award."""
        for key, award in self.awards.items():
            step = follow_award(
                award.status, award.payment, withdrawn=award.person in self.withdrawn, returned_on=award.returned_on,
                card_changed_on=self.cards.get(award.person),
            )  # fmt: skip
            if step == "order":
                award.payment, award.attempts = "ordered", award.attempts + 1
            elif step == "reverse":
                award.status = "reversed"
                self.book(key, "reversal")

    @rule(data=st.data(), comes_back=st.booleans())
    def result(self, data: st.DataObject, comes_back: bool) -> None:
        ordered = [key for key, award in self.awards.items() if award.payment == "ordered"]
        if not ordered:
            return
        key = data.draw(st.sampled_from(ordered))
        self.awards[key].payment = "paid"
        self.book(key, "payment")
        if comes_back:
            self.awards[key].payment, self.awards[key].returned_on = "returned", self.today
            self.book(key, "return")

    @rule(person=st.sampled_from(PEOPLE))
    def change_card(self, person: str) -> None:
        self.cards[person] = self.today

    @rule(person=st.sampled_from(PEOPLE))
    def withdraw(self, person: str) -> None:
        self.withdrawn.add(person)

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self.today += timedelta(days=days)

    def book(self, key: tuple[str, str, str], kind: str) -> None:
        source, person, period = key
        self.lines.append(Line(str(len(self.lines)), kind, source, person, period, self.awards[key].amount))

    @invariant()
    def no_source_is_overdrawn(self) -> None:
        for name, source in getattr(self, "sources", {}).items():
            given = [one for one in self.lines if one.source == name and one.kind in ("award", "reversal")]
            net = {one.participant: ZERO for one in given}
            for one in given:
                net[one.participant] += SIGN[one.kind] * one.amount
            assert source.budget is None or sum(net.values(), start=ZERO) <= source.budget
            assert source.quota_heads is None or sum(amount > 0 for amount in net.values()) <= source.quota_heads

    @invariant()
    def nobody_is_paid_twice_or_what_was_taken_back(self) -> None:
        for key, award in self.awards.items():
            own = [one for one in self.lines if (one.source, one.participant, one.period) == key]
            awarded = sum((SIGN[one.kind] * one.amount for one in own if one.kind in ("award", "reversal")), start=ZERO)
            paid = sum((SIGN[one.kind] * one.amount for one in own if one.kind in ("payment", "return")), start=ZERO)
            assert awarded in (ZERO, award.amount)
            assert paid in (ZERO, awarded)

    @invariant()
    def totals_are_the_sum_of_the_lines(self) -> None:
        sums = totals(self.lines)
        assert set(sums) == {line.source for line in self.lines}
        for source, total in sums.items():
            own = [line for line in self.lines if line.source == source]
            by_kind = {kind: sum((one.amount for one in own if one.kind == kind), start=ZERO) for kind in SIGN}
            assert (total.awarded, total.paid, total.returned, total.reversed) == (
                by_kind["award"], by_kind["payment"], by_kind["return"], by_kind["reversal"],
            )  # fmt: skip
            assert total.outstanding == sum(
                (one.amount * (1 if one.kind in ("award", "return") else -1) for one in own), start=ZERO
            )
            assert total.outstanding >= 0


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=120, stateful_step_count=40)
