"""Sources, payments and the sums of the ledger, on both databases."""

from datetime import timedelta
from decimal import Decimal

from sqlmodel import Session

from models.repositories.funding import (
    awards,
    funding_sources,
    ledger_lines,
    ledger_of,
    payments,
    source_names,
    sums_by_kind,
    sums_by_source,
)
from models.tables.funding import Award, FundingSource, LedgerLine, Payment
from tests.models.repositories.people import FIRST, SECOND, add, participant, second_cohort, worker
from tests.models.tables.rows import DAY


def test_sums_are_those_of_the_lines_by_source_and_by_cohort(session: Session) -> None:
    second_cohort(session)
    add(
        session, worker(1), participant(1, SECOND),
        FundingSource(id="F-2", cohort_code=SECOND, source="school", name="学校", trigger="registration",
                      amount=Decimal("1500.10")),
        Award(id="AW-2", participant_id="P-B0001", source_id="F-2", period="registration", amount=Decimal("1500.10"),
              granted_on=DAY),
        LedgerLine(id="LL-9", award_id="AW-2", participant_id="P-B0001", source="school", period="registration",
                   kind="award", amount=Decimal("1500.10"), booked_on=DAY),
    )  # fmt: skip
    thousand = Decimal("1000.00")
    by_kind = {"award": thousand, "payment": thousand, "return": thousand}
    assert sums_by_kind(session, FIRST, DAY) == by_kind
    assert sums_by_kind(session, SECOND, DAY) == {"award": Decimal("1500.10")}
    assert sums_by_source(session, DAY) == {
        ("school", "award"): Decimal("1500.10"), **{("union", kind): amount for kind, amount in by_kind.items()},
    }  # fmt: skip
    assert sums_by_source(session, DAY - timedelta(days=1)) == {}
    assert source_names(session) == ["school", "union"]
    assert [one.id for one in funding_sources(session, SECOND)] == ["F-2"]


def test_a_cohort_without_lines_has_no_sums(session: Session) -> None:
    second_cohort(session)
    assert sums_by_kind(session, SECOND, DAY) == {}


def test_payments_of_an_award_are_in_the_order_they_were_tried(session: Session) -> None:
    first = session.get_one(Payment, "PM-1")
    first.status, first.settled_on, first.returned_on = "returned", DAY, DAY
    session.flush()
    add(session, Payment(id="PM-0", award_id="AW-1", attempt=2, amount=Decimal("1000.00"), ordered_on=DAY))
    assert [one.id for one in payments(session, awards(session, ["P-1"]))["AW-1"]] == ["PM-1", "PM-0"]


def test_a_participants_ledger_is_his_own(session: Session) -> None:
    assert {one.kind for one in ledger_of(session, "P-1")} == {"award", "payment", "return"}
    assert set(ledger_lines(session, ["P-1"])) == {"LL-1", "LL-2", "LL-3"}
    assert ledger_of(session, "P-2") == []
