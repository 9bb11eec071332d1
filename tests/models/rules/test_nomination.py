"""What holds a nominee, what lifts it, and which consents are missing."""

from hypothesis import given
from hypothesis import strategies as st

from models.rules.lifecycle import WAIT_KINDS
from models.rules.nomination import BY_A_PERSON, CONSENT_KINDS, CURED_BY, hold_wait, judge_hold, missing_consents

RULES = [*CURED_BY, "nominated-twice", BY_A_PERSON, "employer-mismatch"]
rules = st.sets(st.sampled_from(RULES), min_size=1)
documents = st.sets(st.sampled_from([*CURED_BY.values(), "photograph"]))


@given(rules, documents, st.data())
def test_a_hold_is_lifted_when_each_rule_has_its_document_and_never_by_documents_where_a_person_decides(
    held: set[str], arrived: set[str], data: st.DataObject
) -> None:
    by = data.draw(st.sampled_from(sorted(held)))
    decision = judge_hold(by, held, arrived)
    cured = all(CURED_BY.get(rule) in arrived for rule in held)
    assert decision.outcome == ("pass" if cured and by != BY_A_PERSON else "wait")
    if decision.outcome == "wait":
        assert decision.rule in held
        assert CURED_BY.get(decision.rule) not in arrived
        assert WAIT_KINDS[hold_wait(decision.rule)].stage == "nomination"


def test_what_holds_him_now_is_named_before_the_others() -> None:
    missing = ["mobile-invalid", "education-missing"]
    assert judge_hold("mobile-invalid", missing, ()).rule == "mobile-invalid"
    assert judge_hold("mobile-invalid", missing, {"mobile"}).rule == "education-missing"
    assert judge_hold(BY_A_PERSON, (), {"mobile"}).rule == BY_A_PERSON


def test_a_hold_without_a_wait_of_its_own_is_an_entry_of_the_roster() -> None:
    assert hold_wait("mobile-invalid") == "roster-field"
    assert hold_wait("household-evidence-missing") == "household-evidence"


@given(st.sets(st.sampled_from([*sorted(CONSENT_KINDS), "newsletter"])))
def test_each_of_the_three_consents_is_missing_until_it_stands(standing: set[str]) -> None:
    missing = missing_consents(standing)
    assert set(missing) | (standing & CONSENT_KINDS) == CONSENT_KINDS
    assert not set(missing) & standing
