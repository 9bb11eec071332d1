"""What is next for an award, and from when nothing more falls due."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.funding import follow_award, stopped_on

DAY = date(2026, 11, 2)
days = st.none() | st.dates(DAY - timedelta(days=5), DAY + timedelta(days=5))
payments = st.sampled_from([None, "ordered", "paid", "returned"])


@pytest.mark.parametrize(("status", "stops"), [
    ("active", False), ("held", False), ("completed", False), ("withdrawn", True), ("incomplete", True), ("refused", True),
])  # fmt: skip
def test_instalments_stop_when_a_participation_ended_without_its_end(status: str, stops: bool) -> None:
    assert stopped_on(status, DAY) == (DAY if stops else None)


@given(payments, st.booleans(), days, days)
def test_money_that_arrived_or_is_under_way_is_never_reversed_or_ordered_again(
    payment: str | None, withdrawn: bool, returned_on: date | None, card_changed_on: date | None
) -> None:
    values = {"withdrawn": withdrawn, "returned_on": returned_on, "card_changed_on": card_changed_on}
    assert follow_award("reversed", payment, **values) == "nothing"
    step = follow_award("granted", payment, **values)
    if payment == "paid":
        assert step == "nothing"
    if payment == "ordered":
        assert step == "await-result"
    if payment in (None, "returned") and withdrawn:
        assert step == "reverse"


def test_a_first_payment_is_ordered_at_once_and_a_returned_one_once_the_card_is_new() -> None:
    assert follow_award("granted", None, withdrawn=False) == "order"
    returned = {"withdrawn": False, "returned_on": DAY}
    assert follow_award("granted", "returned", **returned) == "await-card"
    before = DAY - timedelta(days=1)
    assert follow_award("granted", "returned", **returned, card_changed_on=before) == "await-card"
    assert follow_award("granted", "returned", **returned, card_changed_on=DAY) == "order"
