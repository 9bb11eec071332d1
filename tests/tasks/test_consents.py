"""Consents on paper: recorded by a coordinator, once, with an audit line; and withdrawn."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from models.tables.operations import AuditEvent
from models.tables.people import Consent
from tasks.consents import record_consents
from tasks.errors import BadInput
from tests.fixtures.cohorts import CONSENTED, OPENED, Case, hashes, rows


def consent(*ids: str, **options: Any) -> dict[str, Any]:
    """Record the forms of these participants."""
    return asyncio.run(record_consents(list(ids), "2026-1", "tester", as_of=CONSENTED, **options))


def test_a_form_on_paper_lets_a_nominee_go_on_and_is_recorded_once(both: Case) -> None:
    ids = [person.id for person in both.people]
    assert consent(*ids[:2], given_on=OPENED) == {"recorded": ids[:2], "cohorts": [both.code]}
    both.advance(CONSENTED)
    assert both.stages() == ["review", "review", "nomination", "nomination", "nomination", "nomination"]
    before = hashes()
    consent(*ids[:2], given_on=OPENED)
    both.advance(CONSENTED)
    assert hashes() == before
    assert len(rows(Consent)) == 6
    assert {event.actor for event in rows(AuditEvent, action="consent-recorded")} == {"tester"}


def test_a_consent_that_is_withdrawn_counts_no_more(case: Case) -> None:
    ids = [person.id for person in case.people]
    consent(*ids, given_on=OPENED)
    consent(ids[0], given_on=OPENED, withdrawn_on=CONSENTED)
    case.advance(CONSENTED)
    assert case.stages()[0] == "nomination"
    assert set(case.stages()[1:]) == {"review"}
    assert len(rows(AuditEvent, action="consent-withdrawn")) == 1


@pytest.mark.parametrize("options", [{"given_on": CONSENTED + timedelta(days=1)}, {"withdrawn_on": date(2030, 1, 1)}])
def test_a_day_that_is_not_over_is_refused(case: Case, options: dict[str, Any]) -> None:
    before = hashes()
    with pytest.raises(BadInput, match="is not over yet: give the day on the form"):
        consent(case.people[0].id, **options)
    assert hashes() == before


def test_an_id_that_is_none_records_nothing_for_the_others_either(case: Case) -> None:
    before = hashes()
    with pytest.raises(BadInput, match="there is no participant P-X"):
        consent(case.people[0].id, "P-X")
    assert hashes() == before
