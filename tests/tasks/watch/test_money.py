"""Money nearly used: by what a cohort's awards add up to, from the day it is so until it is not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.rules.ledger import used_percent
from models.rules.policy import DEFAULT_POLICIES
from models.rules.stalls import Stall
from models.tables.funding import FundingSource
from models.tables.organisations import Cohort
from tasks.office import Office, office, unit_of_work, use_office
from tasks.watch import money
from tasks.watch.notes import take_notes
from tests.fixtures.cohorts import REGISTERED, Case, change, one, open_cohort, template_plan
from tests.tasks.conftest import At

DAY, LATER = date(2026, 10, 8), date(2026, 10, 20)


def found(day: date) -> list[Stall]:
    """What the watch finds on a day."""
    with unit_of_work() as session:
        take_notes(session, day)
        return list(money.find(session, day))


def source(**limits: Any) -> str:
    """Open a cohort whose only source has these limits; give its id."""
    funding = {**template_plan()["funding"][0], "quota": None, "budget": None, **limits}
    open_cohort(funding=[{name: value for name, value in funding.items() if value is not None}])
    return one(FundingSource).id


@pytest.mark.parametrize(
    ("limits", "under", "near", "full"),
    [
        ({"quota": 40}, {"granted_heads": 35}, {"granted_heads": 36}, {"granted_heads": 40}),
        ({"budget": "120000.00"}, {"granted_total": Decimal("107999.99")}, {"granted_total": Decimal("108000.00")},
         {"granted_total": Decimal("120000.00")}),
        ({"quota": 40, "budget": "120000.00"}, {"granted_heads": 30}, {"granted_total": Decimal(110000)}, {"granted_heads": 40}),
    ],
    ids=["quota", "budget", "the scarcer of both"],
)  # fmt: skip
def test_money_is_nearly_used_at_nine_tenths_and_told_further_when_it_is_all_used(
    office: Office, limits: dict[str, Any], under: dict[str, Any], near: dict[str, Any], full: dict[str, Any]
) -> None:
    key = source(**limits)
    change(FundingSource, key, **under)
    assert found(DAY) == []
    change(FundingSource, key, **near)
    (stall,) = found(DAY)
    assert (stall.level, stall.since, stall.subject, stall.holder) == (1, DAY, "union:yearly", "union_finance")
    assert (stall.cohort_code, stall.holder_code) == ("WX-2026A", one(Cohort).finance_code)
    change(FundingSource, key, **full)
    assert found(LATER) == [replace(stall, level=2)]
    change(FundingSource, key, granted_heads=0, granted_total=Decimal(0))
    assert found(LATER) == []
    assert one(FundingSource).nearly_used_on is None


@pytest.mark.parametrize("limits", [{}, {"quota": 0}], ids=["no limit", "a quota of nobody"])
def test_what_has_no_limit_or_gives_nothing_is_never_nearly_used(sqlite_office: Office, limits: dict[str, Any]) -> None:
    change(FundingSource, source(**limits), granted_heads=10_000, granted_total=Decimal(10_000_000))
    assert found(DAY) == []


def test_the_money_of_a_closed_cohort_is_watched_no_more(sqlite_office: Office) -> None:
    change(FundingSource, source(quota=40), granted_heads=40)
    assert len(found(DAY)) == 1
    change(Cohort, "WX-2026A", stage="closed")
    assert found(LATER) == []


def test_a_policy_sets_another_share(sqlite_office: Office) -> None:
    change(FundingSource, source(quota=40), granted_heads=33)
    here = office()
    stricter = replace(DEFAULT_POLICIES[0], version="JS-1", effective_from=LATER, limits={"money-nearly-used": (80,)})
    use_office(Office(here.settings, here.engine, (*here.policies, stricter)))
    assert found(DAY) == []
    assert [stall.since for stall in found(LATER)] == [LATER]


def test_awards_add_up_on_their_source_and_one_taken_back_makes_room(at: At) -> None:
    case: Case = at("teaching")
    case.cards(1, 2, 3, 4, 5)
    case.advance(REGISTERED)
    union = one(FundingSource, source="union")
    assert (union.granted_heads, union.granted_total) == (6, Decimal("6000.00"))
    case.left(0, REGISTERED)
    case.advance(REGISTERED)
    union = one(FundingSource, source="union")
    assert (union.granted_heads, union.granted_total) == (5, Decimal("5000.00"))


def test_none_of_a_limit_counts_as_nothing_used() -> None:
    assert used_percent(9, Decimal(50), 10, Decimal(100)) == 90
    assert used_percent(9, Decimal(95), 10, Decimal(100)) == 95
    assert used_percent(9, Decimal(95), None, None) == 0
    assert used_percent(9, Decimal(95), 0, Decimal(0)) == 0
