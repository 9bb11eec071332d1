"""Why a worker has not moved: the rule and its version, what is missing, who holds it, since when, until when."""

from datetime import date, timedelta
from typing import Any

import pytest

from console.rule_words import ELIGIBILITY, IDENTIFIERS, RULES
from console.why_words import apart, sentences
from models.rules.lifecycle import STAGES, WAIT_KINDS
from models.rules.privacy import holds_personal_number
from models.rules.stalls import due_on
from models.tables.lifecycle import Wait
from models.tables.organisations import Cohort
from models.tables.people import Nomination, Participant
from tasks.errors import BadInput
from tasks.office import Office, office
from tasks.why import why
from tests.fixtures.cohorts import (
    APPROVED,
    CONSENTED,
    DATA,
    OPENED,
    REGISTERED,
    TAUGHT,
    Case,
    answer,
    change,
    one,
    open_cohort,
    rows,
    take_roster,
    write,
)
from tests.tasks.conftest import At

VERSION = "2019-1"
LONG_AFTER = date(2028, 6, 1)
# How those end whom a rule does not refuse.
ENDINGS = {"withdrawn": ("left-employer", "dropped-out", "expelled", "deceased"),
           "incomplete": ("credits-short", "status-lapsed", "skill-failed")}  # fmt: skip


def said(fact: dict[str, Any]) -> str:
    """The sentence in both languages, as one text."""
    told = sentences(fact)
    for text, end in ((told["chinese"], "。"), (told["english"], ".")):
        assert text.endswith(end)
        assert text.count("。") + text.count(". ") <= 1, text
        assert "\n" not in text
        assert "None" not in text
    return f"{told['chinese']}\n{told['english']}"


def waiting(case: Case, kind: str, **values: Any) -> Wait:
    """An open wait of a kind, of the first of a cohort who stands where such a wait arises."""
    stage, person = WAIT_KINDS[kind].stage, case.people[0]
    if stage != "funding":
        change(Participant, person.id, stage=stage)
    wait = Wait(
        id=f"WT-{kind}", cohort_code=case.code, participant_id=person.id, stage=stage, kind=kind, since=OPENED,
        holder=WAIT_KINDS[kind].holder, holder_code=one(Cohort, code=case.code).school_code,
        due_on=due_on(kind, OPENED, office().calendar, office().policy(OPENED)),
    )  # fmt: skip
    write(wait.model_copy(update=values))
    return wait


@pytest.mark.parametrize("kind", WAIT_KINDS)
def test_every_kind_of_wait_is_told_with_its_rule_its_version_its_holder_and_its_days(case: Case, kind: str) -> None:
    wait = waiting(case, kind)
    fact = why(case.people[0].id, as_of=LONG_AFTER)
    assert (fact["state"], fact["rule"], fact["policy_version"]) == ("waits", kind, VERSION)
    told, words = said(fact), WAIT_KINDS[kind]
    for text in (words.chinese, words.what, kind, VERSION, "示例", str(OPENED), case.people[0].id):
        assert text in told
    if words.limits:
        assert str(wait.due_on) in told
        assert "个工作日" in told
        assert fact["waits"][0]["late"] == office().calendar.working_days_between(wait.due_on or OPENED, LONG_AFTER)
    else:
        assert "不设期限" in told
        assert fact["waits"][0]["stalled"] is False


@pytest.mark.parametrize("kind", [kind for kind in WAIT_KINDS if WAIT_KINDS[kind].limits])
def test_a_wait_is_late_on_the_day_after_it_was_due_and_not_before(case: Case, kind: str) -> None:
    due = waiting(case, kind).due_on
    assert due is not None
    on_time, late = (why(case.people[0].id, as_of=due + timedelta(days=n)) for n in (0, 1))
    assert (on_time["waits"][0]["stalled"], late["waits"][0]["stalled"]) == (False, True)
    assert "late" not in said(on_time)
    assert "已超期" in said(late)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_that_ends_a_participant_is_told_with_its_version_and_its_day(case: Case, rule: str) -> None:
    status = next((status for status, rules in ENDINGS.items() if rule in rules), "refused")
    change(Participant, case.people[0].id, status=status, rule=rule, reason="核对后 as checked", ended_on=APPROVED)
    fact = why(case.people[0].id, as_of=LONG_AFTER)
    assert (fact["state"], fact["rule"], fact["policy_version"], fact["ended"]) == (
        "ended",
        rule,
        VERSION,
        str(APPROVED),
    )
    chinese, english = sentences(fact)["chinese"], sentences(fact)["english"]
    for text in (apart(RULES[rule])[0], rule, VERSION, str(APPROVED), "核对后"):
        assert text in chinese
    for text in (apart(RULES[rule])[1], rule, VERSION, str(APPROVED), "as checked"):
        assert text in english
    assert said(fact)


@pytest.mark.parametrize("rule", [*ELIGIBILITY, *IDENTIFIERS])
def test_every_rule_that_holds_a_nominee_names_it_and_what_is_awaited(case: Case, rule: str) -> None:
    change(Participant, case.people[0].id, status="held", rule=rule, reason=RULES[rule])
    fact = why(case.people[0].id, as_of=OPENED)
    assert (fact["state"], fact["rule"], fact["policy_version"]) == ("waits", rule, VERSION)
    assert (apart(RULES[rule])[1] in said(fact), rule in said(fact)) == (True, True)
    assert fact["waits"][0]["kind"] in WAIT_KINDS


@pytest.mark.parametrize("text", RULES.values())
def test_a_phrase_is_parted_into_chinese_and_english(text: str) -> None:
    chinese, english = apart(text)
    assert f"{chinese} {english}" == text
    assert english[0].isascii()
    assert not chinese.isascii()
    assert not [letter for letter in english if "一" <= letter <= "鿿"]


@pytest.mark.parametrize("text", ["moved away", "本人放弃", ""])
def test_words_in_one_language_serve_for_both(text: str) -> None:
    assert apart(text) == (text, text)


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
def test_one_whom_nothing_holds_up_is_told_what_comes_next(case: Case, stage: str) -> None:
    person = case.people[0].id
    change(Participant, person, stage=stage)
    fact = why(person, as_of=OPENED)
    assert fact["state"] == "moves"
    assert "is not held up" in said(fact)
    assert fact["ends_with"] in said(fact)


def test_the_whole_way_is_told_as_it_goes(case: Case) -> None:
    person = case.people[0].id
    case.advance(OPENED)
    assert why(person, as_of=OPENED)["rule"] == "consent"
    case.consent()
    case.advance(CONSENTED)
    fact = why(person, as_of=date(2026, 6, 1))
    assert (fact["rule"], fact["stage"]) == ("review-decision", "review")
    assert "held by 示例市总工会 (union) since 2026-05-20, due by 2026-05-27, 3 working days late" in said(fact)
    answer([case.question("review").id], "refuse", APPROVED, reason="名额不足")
    case.advance(APPROVED)
    fact = why(person, as_of=APPROVED)
    assert (fact["state"], fact["rule"], fact["policy_version"]) == ("ended", "review-refused", VERSION)
    assert "名额不足" in said(fact)


def test_what_keeps_him_from_the_next_stage_comes_before_what_runs_beside(at: At) -> None:
    case = at("exams")
    person = case.people[0]
    write(Wait(id="WT-card", cohort_code=case.code, participant_id=person.id, stage="exams", kind="bank-card",
               holder="worker", since=OPENED))  # fmt: skip
    fact = why(person.id, as_of=TAUGHT)
    assert [wait["kind"] for wait in fact["waits"]][-1] == "bank-card"
    assert fact["rule"] == "exam-result"
    assert "more awaited" in said(fact)


def test_a_wait_of_his_whole_cohort_concerns_him_in_its_own_stage_alone(at: At) -> None:
    case = at("teaching")
    for other in case.waits():
        change(Wait, other.id, resolved_on=REGISTERED)
    write(Wait(id="WT-class", cohort_code=case.code, stage="teaching", kind="class-confirmation", subject="C-M01",
               holder="centre", holder_code=case.cohort.centre_code, since=REGISTERED, due_on=REGISTERED))  # fmt: skip
    person = case.people[0].id
    fact = why(person, as_of=REGISTERED)
    assert (fact["rule"], fact["waits"][0]["whole_cohort"]) == ("class-confirmation", True)
    assert "[C-M01]" in said(fact)
    change(Participant, person, stage="exams")
    assert why(person, as_of=REGISTERED)["state"] == "moves"


def test_a_due_day_in_a_year_without_a_calendar_is_about_then(case: Case) -> None:
    waiting(case, "review-decision", provisional=True, due_on=date(2031, 5, 6))
    told = said(why(case.people[0].id, as_of=date(2031, 5, 1)))
    assert "约 2031-05-06" in told
    assert "about 2031-05-06" in told


def test_one_with_both_certificates_is_told_without_a_rule(case: Case) -> None:
    change(Participant, case.people[0].id, status="completed", stage="certification", ended_on=TAUGHT,
           reason="both certificates are back 双证齐全")  # fmt: skip
    fact = why(case.people[0].id, as_of=TAUGHT)
    assert "as completed (policy 2019-1)" in said(fact)


def test_a_row_of_a_roster_that_was_refused_is_told_by_its_rules(bare: Case) -> None:
    take_roster(DATA / "as-sent.xlsx", bare.code)
    refused = [row for row in rows(Nomination, cohort_code=bare.code) if row.status == "refused"]
    assert refused
    for row in refused:
        fact = why(row.id, as_of=OPENED)
        assert (fact["state"], fact["rule"], fact["policy_version"]) == ("ended", row.rules, VERSION)
        assert not holds_personal_number(said(fact))
    many = next(row for row in refused if "," in row.rules)
    assert "; " in said(why(many.id, as_of=OPENED))


def test_a_doubled_row_waits_for_the_coordinator(bare: Case) -> None:
    take_roster(DATA / "as-sent.xlsx", bare.code)
    row = next(row for row in rows(Nomination, status="held") if row.participant_id is None)
    fact = why(row.id, as_of=date(2026, 6, 8))
    assert (fact["state"], fact["rule"], fact["waits"][0]["on"]) == ("waits", "nominated-twice", "coordinator")
    assert "held by the coordinator since 2026-05-18, due by 2026-06-01, 5 working days late" in said(fact)


def test_one_held_by_his_roster_row_is_told_before_any_night_has_passed(bare: Case) -> None:
    take_roster(DATA / "as-sent.xlsx", bare.code)
    before = {person.id: why(person.id, as_of=OPENED) for person in bare.people if person.status == "held"}
    bare.advance(OPENED)
    assert before
    for person, fact in before.items():
        after = why(person, as_of=OPENED)
        assert (fact["rule"], fact["waits"][0]["kind"]) == (after["rule"], after["waits"][0]["kind"])
        assert fact["waits"][0]["due"] == after["waits"][0]["due"]


def test_a_worker_is_found_by_any_of_his_ids(both: Case) -> None:
    both.advance(OPENED)
    person = both.people[0]
    row = one(Nomination, participant_id=person.id)
    assert why(person.worker_id, as_of=OPENED) == why(row.id, as_of=OPENED) == why(person.id, as_of=OPENED)


def test_the_version_of_a_refusal_is_the_one_it_was_made_under(case: Case) -> None:
    person = case.people[0]
    change(Nomination, one(Nomination, participant_id=person.id).id, policy_version="JS-2020")
    change(Participant, person.id, status="refused", rule="under-age", reason="", ended_on=APPROVED)
    assert why(person.id, as_of=LONG_AFTER)["policy_version"] == "JS-2020"
    change(Participant, person.id, status="withdrawn", rule="dropped-out")
    assert why(person.id, as_of=LONG_AFTER)["policy_version"] == VERSION


def test_an_id_that_is_not_there_is_one_sentence(sqlite_office: Office) -> None:
    with pytest.raises(BadInput, match="there is no participant NOBODY"):
        why("NOBODY")


def test_a_number_in_a_reason_is_masked(case: Case) -> None:
    change(Participant, case.people[0].id, status="refused", rule="place-refused", ended_on=APPROVED,
           reason="no place for 320214199003120011")  # fmt: skip
    assert not holds_personal_number(said(why(case.people[0].id, as_of=LONG_AFTER)))


def test_two_cohorts_of_one_worker_are_told_by_the_later(case: Case) -> None:
    worker = case.people[0].worker_id
    change(Participant, case.people[0].id, status="withdrawn", rule="dropped-out", ended_on=APPROVED)
    other = open_cohort(code="WX-2026B")
    write(Participant(id="P-later", cohort_code=other, worker_id=worker, nominated_on=APPROVED, stage_entered_on=APPROVED,
                      enterprise_code=case.people[0].enterprise_code))  # fmt: skip
    assert why(worker, as_of=LONG_AFTER)["participant"] == "P-later"


def test_a_reason_of_several_lines_leaves_it_one_sentence(case: Case) -> None:
    change(Participant, case.people[0].id, status="withdrawn", rule="dropped-out", ended_on=APPROVED,
           reason="moved\naway.")  # fmt: skip
    assert said(why(case.people[0].id, as_of=LONG_AFTER)).endswith(": moved away.")
