"""Recognised claims and certificates, on both databases."""

from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import Session

from models.repositories.credentials import certificate_count, granted_claims, recognised_credits
from models.tables.credentials import Certificate, Outcome, Recognition
from tests.models.repositories.people import FIRST, SECOND, add, participant, second_cohort, worker
from tests.models.tables.rows import DAY


def test_a_refused_claim_grants_no_credits(session: Session) -> None:
    refused = Outcome(id="OC-2", worker_id="W-1", kind="training", title="培训", evidence="无", module_code="102",
                      credits_claimed=Decimal(2), awarded_on=DAY)  # fmt: skip
    decision = Recognition(id="R-2", participant_id="P-1", outcome_id="OC-2", status="refused", credits=Decimal(0),
                           rule="module-unknown", policy_version="2019-1", reviewer="t", evidence="无", decided_on=DAY)  # fmt: skip
    add(session, refused, decision)
    assert [(one.id, outcome.id) for one, outcome in granted_claims(session, "P-1")] == [("R-1", "OC-1")]
    assert recognised_credits(session, DAY) == Decimal(4)
    assert recognised_credits(session, DAY - timedelta(days=1)) == 0
    assert granted_claims(session, "P-2") == []


def test_certificates_are_counted_by_cohort(session: Session) -> None:
    second_cohort(session)
    add(
        session, worker(1), participant(1, SECOND),
        Certificate(id="C-9", participant_id="P-B0001", kind="diploma", number="123455202706000123",
                    issued_on=date(2027, 6, 1)),
        Certificate(id="C-8", participant_id="P-1", kind="diploma", number="123455202706000124", issued_on=DAY),
    )  # fmt: skip
    assert certificate_count(session, FIRST) == 2
    assert certificate_count(session, SECOND) == 1
