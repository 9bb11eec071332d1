"""Funding: granted within limits, ordered once, paid, returned and paid again, booked in lines that add up."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from models.repositories.organisations import cohorts_under_way
from models.tables.funding import Award, FundingSource, LedgerLine, Payment
from models.tables.operations import Outbox
from models.tables.people import Worker
from tasks.office import unit_of_work
from tests.fixtures.cohorts import (
    CARD,
    DATA,
    OTHER_CARD,
    REGISTERED,
    STUDY_OVER,
    Case,
    change,
    hashes,
    one,
    open_cohort,
    rows,
    take_roster,
)
from tests.tasks.conftest import At

UNION = {"source": "union", "name": "u", "amount": "1000.00", "trigger": "yearly", "periods": 3}


def funded(*sources: dict[str, Any]) -> Case:
    """A cohort at teaching whose money comes from these sources."""
    case = Case(open_cohort(funding=list(sources)))
    take_roster(DATA / "plain.xlsx", case.code)
    return case.bring_to("teaching")


def net_paid(lines: list[LedgerLine]) -> Decimal:
    """What really reached people: payments less returns."""
    signs = {"payment": 1, "return": -1}
    return sum((line.amount * signs.get(line.kind, 0) for line in lines), start=Decimal(0))


def granted(period: str | None = None) -> int:
    """How many awards stand, for one period if said."""
    return len([award for award in rows(Award, status="granted") if period in (None, award.period)])


def test_awards_fall_due_on_registration_and_its_anniversaries(at: At) -> None:
    case = at("teaching")
    assert {(award.period, award.amount) for award in rows(Award)} == {
        ("year-1", Decimal("1000.00")), ("registration", Decimal("1500.00")),
    }  # fmt: skip
    case.advance(date(2027, 9, 9))
    assert granted("year-2") == 0
    case.advance(date(2027, 9, 10))
    assert granted("year-2") == 6
    case.advance(date(2030, 9, 10))
    assert granted("year-3") == 6
    assert {award.period for award in rows(Award)} == {"year-1", "year-2", "year-3", "registration"}


def test_nothing_falls_due_before_the_day_of_registration(at: At) -> None:
    case = at("registration")
    case.register(day=date(2026, 9, 30))
    case.advance(REGISTERED)
    assert rows(Award) == []
    case.advance(date(2026, 9, 30))
    assert granted("year-1") == 6


def test_an_award_without_a_card_waits_on_the_worker_and_is_ordered_when_it_comes(at: At) -> None:
    case = at("teaching")
    wait = case.waits("bank-card")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("worker", REGISTERED, date(2026, 9, 15))
    assert rows(Payment) == []
    case.document(0, "bank-card", CARD, date(2026, 9, 14))
    case.advance(date(2026, 9, 14))
    assert len(rows(Payment)) == 2
    wait = case.waits("payment-result")[0]
    assert (wait.holder, wait.holder_code, wait.due_on) == (
        "union_finance",
        case.cohort.finance_code,
        date(2026, 9, 27 + 1),
    )


def test_an_order_carries_its_key_name_card_and_purpose_and_is_sent_once(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    case.advance(REGISTERED + timedelta(days=1))
    sent = rows(Outbox, kind="partner.payments")
    assert len(sent) == 2
    order = next(json.loads(each.payload) for each in sent if "year-1" in each.payload)
    assert order["payment_id"] in {each.id for each in sent}
    assert (order["name"], order["bank_card"], order["amount"], order["source"]) == ("陈向阳", CARD, "1000.00", "union")


def test_a_paid_award_is_booked_on_the_day_it_was_paid_and_over(both: Case) -> None:
    both.bring_to("teaching").cards()
    both.advance(REGISTERED)
    day = date(2026, 9, 20)
    assert both.settle_payments("paid", day) == 12
    both.advance(date(2026, 9, 25))
    assert both.lines(0, "union", "year-1") == ["award", "payment"]
    assert {line.booked_on for line in rows(LedgerLine, kind="payment")} == {day}
    assert both.waits() == []
    assert net_paid(rows(LedgerLine)) == Decimal("15000.00")
    before = hashes()
    both.advance(date(2026, 9, 25))
    assert hashes() == before


def test_a_returned_payment_is_paid_again_only_after_a_new_card(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    back = date(2026, 9, 20)
    case.settle_payments("returned", back, 0, reason="card closed")
    for day in (back, back + timedelta(days=30)):
        case.advance(day)
        assert case.lines(0, "union", "year-1") == ["award", "payment", "return"]
        assert rows(Payment, status="ordered") == []
    wait = case.waits("payment-returned")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("worker", back, date(2026, 9, 23))
    case.document(0, "bank-card", OTHER_CARD, back + timedelta(days=31))
    case.advance(back + timedelta(days=31))
    assert case.waits("payment-returned") == []
    again = rows(Payment, status="ordered")
    assert {(payment.attempt, payment.ordered_on) for payment in again} == {(2, back + timedelta(days=31))}
    assert {json.loads(one(Outbox, id=payment.id).payload)["bank_card"] for payment in again} == {OTHER_CARD}
    case.settle_payments("paid", back + timedelta(days=40), 0)
    case.advance(back + timedelta(days=40))
    assert case.lines(0, "union", "year-1") == ["award", "payment", "return", "payment"]
    mine = rows(LedgerLine, participant_id=case.people[0].id)
    assert net_paid(mine) == Decimal("2500.00")


def test_a_payment_returned_twice_waits_for_a_third_card(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    days = [date(2026, 9, 20) + timedelta(days=10 * number) for number in range(4)]
    case.settle_payments("returned", days[0], 0)
    case.document(0, "bank-card", OTHER_CARD, days[1])
    case.advance(days[1])
    case.settle_payments("returned", days[2], 0)
    case.advance(days[3])
    assert case.lines(0, "union", "year-1") == ["award", "payment", "return", "payment", "return"]
    assert rows(Payment, status="ordered") == []
    assert {wait.since for wait in case.waits("payment-returned")} == {days[2]}


def test_a_payment_returned_on_the_day_of_the_new_card_is_not_ordered_to_that_card_again(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    first, second = date(2026, 9, 20), date(2026, 9, 25)
    case.settle_payments("returned", first, 0)
    case.document(0, "bank-card", OTHER_CARD, second)
    case.advance(second)
    case.settle_payments("returned", second, 0)
    case.advance(second)
    assert rows(Payment, status="ordered") == []
    assert {payment.attempt for payment in rows(Payment)} == {1, 2}


def test_a_payment_paid_and_taken_back_later_is_booked_as_both(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    case.settle_payments("paid", date(2026, 9, 20), 0)
    case.advance(date(2026, 9, 20))
    for payment in rows(Payment):
        change(Payment, payment.id, status="returned", returned_on=date(2026, 9, 28))
    case.advance(date(2026, 9, 28))
    assert case.lines(0, "union", "year-1") == ["award", "payment", "return"]
    assert net_paid(rows(LedgerLine)) == Decimal(0)


# --- limits -------------------------------------------------------------------------------------------------------


def test_a_quota_of_heads_serves_the_first_registered_and_the_others_wait(sqlite_office: object) -> None:
    case = Case(open_cohort(funding=[{**UNION, "quota": 2}]))
    take_roster(DATA / "plain.xlsx", case.code)
    case.bring_to("registration")
    for place in range(6):
        case.register(place, day=REGISTERED - timedelta(days=place))
    case.advance(REGISTERED)
    heads = {award.participant_id for award in rows(Award)}
    assert heads == {case.people[4].id, case.people[5].id}
    waits = case.waits("award-quota")
    assert len(waits) == 4
    assert {(wait.holder, wait.subject) for wait in waits} == {("union_finance", "union:year-1")}
    case.advance(date(2027, 9, 10))
    assert granted("year-2") == 2  # a known head keeps his place
    assert len({award.participant_id for award in rows(Award)}) == 2


def test_when_a_head_leaves_unpaid_the_next_one_is_granted_on_that_very_day(both: Case) -> None:
    source = one(FundingSource, source="union")
    change(FundingSource, source.id, quota=1)
    both.bring_to("teaching")
    holder = one(Award, source_id=source.id).participant_id
    number = [person.id for person in both.people].index(holder)
    both.left(number, date(2026, 9, 20))
    both.advance(date(2026, 9, 20))
    before = hashes()
    both.advance(date(2026, 9, 20))
    assert hashes() == before, "an award freed and an award given must not take two runs"
    assert sorted(award.status for award in rows(Award, source_id=source.id)) == ["granted", "reversed"]
    assert len(both.waits("award-quota")) == 4


def test_a_head_that_was_paid_keeps_the_place_even_after_it_left(sqlite_office: object) -> None:
    case = funded({**UNION, "quota": 1})
    case.cards()
    case.advance(REGISTERED)
    assert case.settle_payments("paid", REGISTERED) == 1
    holder = one(Award).participant_id
    case.left([person.id for person in case.people].index(holder), date(2026, 9, 20))
    case.advance(date(2026, 9, 20))
    assert one(Award).status == "granted"
    assert len(case.waits("award-quota")) == 5


def test_a_budget_is_never_overdrawn_whoever_competes(sqlite_office: object) -> None:
    case = funded({**UNION, "budget": "4500.00"})
    assert granted() == 4
    for day in (REGISTERED, date(2027, 9, 10), date(2028, 9, 10)):
        case.advance(day)
        assert sum(award.amount for award in rows(Award, status="granted")) <= Decimal("4500.00")
    assert granted() == 4


def test_room_that_appears_grants_what_waited(sqlite_office: object) -> None:
    case = funded({**UNION, "budget": "4500.00"})
    change(FundingSource, one(FundingSource).id, budget=Decimal("6000.00"))
    case.advance(date(2026, 9, 20))
    assert granted("year-1") == 6
    assert case.waits("award-quota") == []


@pytest.mark.parametrize("limit", [{"quota": 0}, {"budget": "0"}, {"budget": "999.99"}])
def test_a_source_without_room_grants_nothing_and_orders_nothing(sqlite_office: object, limit: dict[str, Any]) -> None:
    case = funded({**UNION, **limit})
    case.cards()
    case.advance(REGISTERED)
    assert rows(LedgerLine) == rows(Payment) == []
    assert len(case.waits("award-quota")) == 6


def test_one_source_without_room_holds_no_other(sqlite_office: object) -> None:
    case = funded({**UNION, "quota": 0}, {**UNION, "source": "school", "trigger": "registration", "periods": 1})
    assert granted("registration") == 6
    assert len(case.waits("award-quota")) == 6


def test_a_cohort_without_money_lives_all_the_same(sqlite_office: object) -> None:
    assert funded().stages() == ["teaching"] * 6


def test_an_award_on_graduation_is_granted_by_the_diploma_and_paid_after_completion(at: At) -> None:
    case = at("certification")
    case.cards()
    case.advance(STUDY_OVER)
    case.settle_payments("paid", STUDY_OVER)
    case.certify("diploma")
    case.certify("skill")
    case.advance(STUDY_OVER)
    assert case.stages() == ["completed"] * 6
    assert case.cohort.stage == "certification"  # the payments are under way
    assert granted("graduation") == 6
    case.settle_payments("paid", STUDY_OVER + timedelta(days=5))
    case.advance(STUDY_OVER + timedelta(days=5))
    assert case.lines(0, "government", "graduation") == ["award", "payment"]
    assert case.cohort.stage == "closed"


def test_one_who_ended_without_a_diploma_keeps_what_fell_due_and_gets_no_more(at: At) -> None:
    case = at("exams")
    case.pass_all()
    case.assess("failed", 0, day=date(2027, 8, 1))
    case.advance(date(2029, 2, 1))
    assert case.stages()[0] == "incomplete"
    assert case.lines(0, "union", "year-1") == ["award"]
    case.advance(date(2029, 9, 10))
    assert case.lines(0, "government", "graduation") == []


def test_a_new_card_before_any_return_orders_nothing_twice(at: At) -> None:
    case = at("teaching")
    case.cards(0)
    case.advance(REGISTERED)
    case.document(0, "bank-card", OTHER_CARD, date(2026, 9, 12))
    case.advance(date(2026, 9, 12))
    assert {payment.attempt for payment in rows(Payment)} == {1}
    assert one(Worker, id=case.people[0].worker_id).bank_card == OTHER_CARD


def test_every_total_equals_the_sum_of_its_lines(at: At) -> None:
    case = at("teaching")
    case.cards(0, 1, 2)
    case.advance(REGISTERED)
    case.settle_payments("returned", date(2026, 9, 20), 0)
    case.settle_payments("paid", date(2026, 9, 20), 1)
    case.left(2, date(2026, 9, 21))
    case.left(3, date(2026, 9, 21))
    case.advance(date(2026, 9, 21))
    lines = rows(LedgerLine)
    sums = {
        kind: sum(line.amount for line in lines if line.kind == kind)
        for kind in ("award", "payment", "return", "reversal")
    }
    assert sums == {
        "award": Decimal(15000),
        "payment": Decimal(5000),
        "return": Decimal(2500),
        "reversal": Decimal(2500),
    }
    undone = [line.reverses for line in lines if line.reverses]
    assert len(undone) == len(set(undone)) == 4
    assert sum(award.amount for award in rows(Award, status="granted")) == sums["award"] - sums["reversal"]


def test_a_payment_that_comes_back_after_the_cohort_closed_is_booked_and_paid_again(at: At) -> None:
    case = at("certification")
    case.cards()
    case.advance(STUDY_OVER)
    case.certify("diploma")
    case.certify("skill")
    case.advance(STUDY_OVER)
    day = STUDY_OVER + timedelta(days=5)
    case.settle_payments("paid", day)
    case.advance(day)
    assert (case.cohort.stage, under_way()) == ("closed", [])
    back = day + timedelta(days=9)
    (last,) = (one for one in rows(Payment) if one.award_id == rows(Award, period="graduation")[0].id)
    change(Payment, last.id, status="returned", returned_on=back, reason="card closed")
    assert under_way() == [case.code]
    case.advance(back)
    assert case.cohort.stage == "closed"
    assert [wait.resolved_on for wait in case.waits("payment-returned")] == [None]
    assert under_way() == [case.code]
    worker = next(p.worker_id for p in case.people if p.id == one(Award, id=last.award_id).participant_id)
    change(Worker, worker, bank_card=OTHER_CARD, bank_card_changed_on=back + timedelta(days=2))
    case.advance(back + timedelta(days=2))
    case.settle_payments("paid", back + timedelta(days=4))
    case.advance(back + timedelta(days=4))
    lines = sorted(line.kind for line in rows(LedgerLine, award_id=last.award_id))
    assert lines == ["award", "payment", "payment", "return"]
    assert under_way() == []


def under_way() -> list[str]:
    """The cohorts that a night advances."""
    with unit_of_work() as session:
        return cohorts_under_way(session)
