"""Nomination: rosters, holds and how they are lifted, doubles in every order, consents."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from connectors.spreadsheet import UnreadableSheet
from models.tables.lifecycle import DecisionRequest, Step
from models.tables.operations import AuditEvent
from models.tables.people import Consent, Nomination, Participant, Worker
from tasks.errors import BadInput
from tasks.withdrawal import withdraw
from tests.fixtures.cohorts import (
    CONSENTED,
    DATA,
    ENTERPRISE,
    LATE,
    OPENED,
    OTHER_ENTERPRISE,
    PEOPLE,
    Case,
    answer,
    change,
    hashes,
    late_line,
    noon,
    one,
    open_cohort,
    roster,
    rows,
    take_roster,
    template_plan,
    write,
)
from tests.tasks.conftest import At

LATER = date(2026, 6, 10)
TWO = [*template_plan()["enterprises"], {"code": OTHER_ENTERPRISE, "name": "另一企业"}]


@pytest.fixture
def shared(sqlite_office: object) -> Case:
    """A cohort for which two enterprises nominate."""
    return Case(open_cohort(enterprises=TWO))


def hold(case: Case, tmp_path: Path, **cells: object) -> Participant:
    """One man whose line lacks something."""
    taken = take_roster(roster(tmp_path / "one.xlsx", [late_line(**cells)]), case.code)
    assert taken["rows"][0]["status"] == "held", taken
    case.advance(OPENED)
    return case.people[0]


def test_every_roster_gets_its_expected_answer_and_the_same_roster_again_changes_nothing(case: Case) -> None:
    before = hashes()
    again = take_roster(DATA / "plain.xlsx", case.code, LATER)
    assert (again["accepted"], again["held"], again["refused"]) == (6, 0, 0)
    assert hashes() == before


def test_a_roster_as_sent_may_be_taken_twice(bare: Case) -> None:
    first = take_roster(DATA / "as-sent.xlsx", bare.code)
    bare.advance(OPENED)
    before = hashes()
    again = take_roster(DATA / "as-sent.xlsx", bare.code)
    bare.advance(OPENED)
    assert again["rows"] == first["rows"]
    assert hashes() == before


def test_a_roster_for_a_cohort_that_is_not_there_is_refused(case: Case) -> None:
    with pytest.raises(BadInput, match="there is no cohort NONE"):
        take_roster(DATA / "plain.xlsx", "NONE")


def test_a_roster_for_a_closed_cohort_is_refused(case: Case) -> None:
    change(type(case.cohort), case.code, stage="closed")
    with pytest.raises(BadInput, match="is closed: nominate for an open one"):
        take_roster(DATA / "plain.xlsx", case.code)


def test_a_file_that_is_no_roster_changes_nothing(case: Case, tmp_path: Path) -> None:
    bad = tmp_path / "bad.xlsx"
    bad.write_bytes(b"none")
    before = hashes()
    with pytest.raises(UnreadableSheet):
        take_roster(bad, case.code)
    assert hashes() == before


def test_a_roster_must_say_which_of_two_enterprises_sent_it(shared: Case) -> None:
    with pytest.raises(BadInput, match="name it with --enterprise CODE"):
        take_roster(DATA / "plain.xlsx", shared.code)
    assert take_roster(DATA / "plain.xlsx", shared.code, enterprise=ENTERPRISE)["accepted"] == 6


def test_the_checked_copy_lies_where_files_with_numbers_may_lie(bare: Case) -> None:
    copy = Path(take_roster(DATA / "as-sent.csv", bare.code)["copy"])
    assert (copy.parent.name, copy.name) == ("exchange", "as-sent.checked.csv")
    assert copy.stat().st_mode & 0o077 == 0


def drop_out(case: Case) -> None:
    """The first participant gives up, and stays with his enterprise."""
    asyncio.run(withdraw(case.people[0].id, "dropped-out", "said so", "coordinator", as_of=CONSENTED))


# --- consents ---------------------------------------------------------------------------------------------------


def test_consents_are_awaited_of_hr_since_the_nomination_and_all_three_are_needed(case: Case) -> None:
    case.consent()
    person = case.people[0]
    with_two = f"hr:{person.worker_id}:notice"
    change(Consent, with_two, withdrawn_at=noon(OPENED))
    case.advance(CONSENTED)
    wait = case.waits("consent")[0]
    assert (wait.participant_id, wait.holder, wait.since, wait.due_on) == (
        person.id,
        "enterprise_hr",
        OPENED,
        date(2026, 5, 25),
    )
    assert case.stages() == ["nomination", *["review"] * 5]
    change(Consent, with_two, withdrawn_at=None)
    case.advance(LATER)
    assert case.waits("consent") == []


def test_a_consent_to_the_notice_withdrawn_keeps_the_name_off_the_notice(at: At) -> None:
    case = at("review")
    case.approve()
    person = case.people[0]
    change(Consent, f"hr:{person.worker_id}:notice", withdrawn_at=datetime(2026, 5, 21, 1, tzinfo=UTC))
    case.advance(LATER)
    assert case.stages() == ["public_notice"] * 6
    assert len(case.waits("notice-running")) == 5
    wait = case.waits("consent")[0]
    assert (wait.participant_id, wait.holder, wait.since) == (person.id, "enterprise_hr", date(2026, 5, 21))
    change(Consent, f"hr:{person.worker_id}:notice", withdrawn_at=None)
    case.advance(LATER)
    assert len(case.waits("notice-running")) == 6


def test_a_consent_to_the_school_withdrawn_keeps_the_application_back(at: At) -> None:
    case = at("public_notice")
    person = case.people[0]
    change(Consent, f"hr:{person.worker_id}:school", withdrawn_at=noon(date(2026, 5, 25)))
    case.advance(LATER)
    assert len(case.waits("admission-decision")) == 5
    assert [wait.participant_id for wait in case.waits("consent")] == [person.id]


# --- holds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "wait", "document", "value"),
    [
        ({"户口性质": ""}, "household-evidence", "household", "农村"),
        ({"文化程度": ""}, "roster-field", "education", "高中"),
        ({"手机号码": "1391"}, "roster-field", "mobile", "13911120000"),
    ],
)
def test_a_hold_waits_on_hr_and_is_lifted_by_its_document(
    bare: Case, tmp_path: Path, cells: dict[str, str], wait: str, document: str, value: str
) -> None:
    hold(bare, tmp_path, **cells)
    awaited = bare.waits()[0]
    assert (awaited.kind, awaited.holder, awaited.holder_code) == (wait, "enterprise_hr", ENTERPRISE)
    bare.document(0, "bank-card", "6220000000000001", LATER)  # another document lifts nothing
    bare.advance(LATER)
    assert bare.stages() == ["held"]
    bare.document(0, document, value, LATER)
    bare.advance(LATER)
    assert bare.stages() == ["nomination"]
    assert [each.kind for each in bare.waits()] == ["consent"]
    assert one(Nomination, cohort_code=bare.code).status == "accepted"


def test_two_things_missing_are_awaited_one_after_the_other(bare: Case, tmp_path: Path) -> None:
    hold(bare, tmp_path, 户口性质="", 文化程度="")
    bare.document(0, "household", "农村", LATER)
    bare.advance(LATER)
    assert [wait.kind for wait in bare.waits()] == ["roster-field"]
    bare.document(0, "education", "高中", LATER)
    bare.advance(LATER)
    assert bare.stages() == ["nomination"]


@pytest.mark.parametrize("cells", [{"户口性质": ""}, {"性别": "?"}, {"手机号码": "1391"}, {"文化程度": "?"}])
def test_the_roster_sent_again_with_what_was_missing_lifts_the_hold(
    bare: Case, tmp_path: Path, cells: dict[str, str]
) -> None:
    hold(bare, tmp_path, **cells)
    taken = take_roster(roster(tmp_path / "mended.xlsx", [late_line()]), bare.code, LATER)
    assert taken["accepted"] == 1
    bare.advance(LATER)
    assert bare.stages() == ["nomination"]
    worker = one(Worker)
    assert (worker.household, worker.education, worker.mobile) == ("rural", "高中", "13911120000")
    assert len(rows(Nomination)) == 1


def test_a_row_refused_by_age_is_judged_anew_when_the_roster_comes_again(bare: Case, tmp_path: Path) -> None:
    line = late_line()
    line[2] = "320214200902280010"[:17] + "X"
    young = next(f"32021420090228001{last}" for last in "0123456789X" if _valid(f"32021420090228001{last}"))
    line[2] = young
    assert take_roster(roster(tmp_path / "a.xlsx", [line]), bare.code)["refused"] == 1
    assert bare.people == []
    assert take_roster(tmp_path / "a.xlsx", bare.code, date(2027, 2, 28))["accepted"] == 1


def _valid(number: str) -> bool:
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return (
        "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11]
        == number[17]
    )


# --- overriding -----------------------------------------------------------------------------------------------------


def test_a_refused_row_is_overridden_with_a_reason_and_leaves_an_audit_line(bare: Case, tmp_path: Path) -> None:
    taken = take_roster(roster(tmp_path / "a.xlsx", [late_line(文化程度="初中")]), bare.code)
    key = taken["rows"][0]["id"]
    assert answer([key], "approve", LATER, "equivalent schooling shown")["decided"] == [key]
    bare.advance(LATER)
    assert bare.stages() == ["nomination"]
    event = one(AuditEvent, action="override")
    assert (event.subject, event.detail, event.reason) == (
        bare.people[0].id,
        "entry-level",
        "equivalent schooling shown",
    )
    before = hashes()
    assert answer([key], "approve", LATER)["decided"] == [key]
    assert hashes() == before
    assert take_roster(tmp_path / "a.xlsx", bare.code, LATER)["accepted"] == 1  # and stands when the roster comes again


def test_an_override_needs_a_row_that_can_be_read(bare: Case, tmp_path: Path) -> None:
    taken = take_roster(roster(tmp_path / "a.xlsx", [late_line(身份证号=LATE[0][:17] + "0")]), bare.code)
    refused = answer([taken["rows"][0]["id"]], "approve", LATER)["refused"]
    assert "let the enterprise correct it and send the roster again" in refused[0]["reason"]


def test_a_held_row_is_not_overridden(bare: Case, tmp_path: Path) -> None:
    hold(bare, tmp_path, 户口性质="")
    key = one(Nomination).id
    assert "is held, not refused" in answer([key], "approve", LATER)["refused"][0]["reason"]
    assert "only a question of the inbox" in answer([key], "refuse", LATER)["refused"][0]["reason"]


# --- the same worker twice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("say", "status"), [("approve", "accepted"), ("refuse", "refused")])
def test_a_worker_who_stands_twice_in_a_roster_is_one_participant_and_one_question(
    bare: Case, tmp_path: Path, say: str, status: str
) -> None:
    taken = take_roster(roster(tmp_path / "a.xlsx", [late_line(), late_line(1), late_line()]), bare.code)
    assert [(row["status"], row["rules"]) for row in taken["rows"]] == [
        ("accepted", []), ("accepted", []), ("held", ["nominated-twice"]),
    ]  # fmt: skip
    assert len(bare.people) == 2
    asked = one(DecisionRequest)
    answer([asked.id], say, LATER)
    assert one(Nomination, row=4).status == status
    assert {person.status for person in bare.people} == {"active"}


@pytest.mark.parametrize("first", [ENTERPRISE, OTHER_ENTERPRISE])
def test_a_worker_whom_two_enterprises_nominate_for_one_cohort_is_held_the_second_time(
    shared: Case, first: str
) -> None:
    second = OTHER_ENTERPRISE if first == ENTERPRISE else ENTERPRISE
    take_roster(DATA / "plain.xlsx", shared.code, enterprise=first)
    taken = take_roster(DATA / "plain.xlsx", shared.code, enterprise=second)
    assert {(row["status"], *row["rules"]) for row in taken["rows"]} == {("held", "nominated-elsewhere")}
    assert {person.enterprise_code for person in shared.people} == {first}
    asked = rows(DecisionRequest, kind="nominated-elsewhere")
    assert len(asked) == 6
    told = answer([asked[0].id], "approve", LATER)["refused"]
    assert "refuse one of the two" in told[0]["reason"]
    answer([asked[0].id], "refuse", LATER)
    assert one(Nomination, id=asked[0].nomination_id).status == "refused"
    assert len(shared.people) == 6


def test_a_worker_who_left_one_enterprise_and_is_nominated_by_another_is_not_silently_accepted(shared: Case) -> None:
    take_roster(DATA / "plain.xlsx", shared.code, enterprise=ENTERPRISE)
    shared.left(0, CONSENTED)
    shared.advance(CONSENTED)
    taken = take_roster(DATA / "plain.xlsx", shared.code, CONSENTED, enterprise=OTHER_ENTERPRISE)
    assert taken["rows"][0]["status"] == "held"
    assert taken["rows"][0]["rules"] == ["nominated-elsewhere"]


def test_a_worker_nominated_for_a_second_cohort_waits_until_the_first_has_ended(case: Case) -> None:
    other = Case(open_cohort(code="WX-2026B"))
    assert take_roster(DATA / "plain.xlsx", other.code)["held"] == 6
    other.consent()
    other.advance(CONSENTED)
    assert other.stages() == ["held"] * 6
    wait = other.waits()[0]
    assert (wait.kind, wait.holder, wait.since, wait.due_on) == (
        "nominated-elsewhere",
        "coordinator",
        OPENED,
        date(2026, 6, 1),
    )
    asked = other.question("nominated-elsewhere")
    assert "withdraw or refuse that one first" in answer([asked.id], "approve", LATER)["refused"][0]["reason"]
    drop_out(case)
    assert answer([asked.id], "approve", LATER)["decided"] == [asked.id]
    other.advance(LATER)
    assert other.stages() == ["review", *["held"] * 5]
    assert one(Nomination, participant_id=other.people[0].id).status == "accepted"


def test_a_second_nomination_refused_ends_it_and_may_be_overridden_later(case: Case) -> None:
    other = Case(open_cohort(code="WX-2026B"))
    take_roster(DATA / "plain.xlsx", other.code)
    asked = other.question("nominated-elsewhere")
    answer([asked.id], "refuse", LATER, "stays with the first")
    person = other.people[0]
    assert (person.status, person.rule, person.reason, person.ended_on) == (
        "refused", "nominated-elsewhere", "stays with the first", LATER,
    )  # fmt: skip
    assert one(Step, participant_id=person.id).left_on == LATER
    key = one(Nomination, participant_id=person.id).id
    assert "other nomination is still open" in answer([key], "approve", LATER)["refused"][0]["reason"]
    drop_out(case)
    answer([key], "approve", LATER, "the first has ended")
    assert other.people[0].status == "active"
    assert one(Step, participant_id=person.id).left_on is None


def test_a_second_nomination_that_also_lacks_a_document_needs_both(case: Case, tmp_path: Path) -> None:
    other = Case(open_cohort(code="WX-2026B"))
    line = list(PEOPLE[0])
    line[3] = ""
    taken = take_roster(roster(tmp_path / "b.xlsx", [line]), other.code)
    assert set(taken["rows"][0]["rules"]) == {"household-evidence-missing", "nominated-elsewhere"}
    drop_out(case)
    answer([other.question("nominated-elsewhere").id], "approve", LATER)
    other.advance(LATER)
    assert other.stages() == ["held"]
    assert [wait.kind for wait in other.waits()] == ["household-evidence"]
    other.document(0, "household", "农村", LATER)
    other.advance(LATER)
    assert other.stages() == ["nomination"]


def test_a_worker_funded_once_for_the_level_is_refused_by_that_rule(case: Case) -> None:
    for person in case.people:
        change(Participant, person.id, status="completed", ended_on=OPENED)
    other = Case(open_cohort(code="WX-2026B"))
    taken = take_roster(DATA / "plain.xlsx", other.code, OPENED + timedelta(days=1))
    assert {(row["status"], *row["rules"]) for row in taken["rows"]} == {("refused", "already-funded")}


def test_consents_of_another_worker_move_nobody(case: Case) -> None:
    person = case.people[0]
    write(*(Consent(id=f"x:{kind}", worker_id=person.worker_id, kind="sensitive", text_version="v1", given_at=noon(OPENED))
            for kind in "abc"))  # fmt: skip
    case.advance(CONSENTED)
    assert case.stages() == ["nomination"] * 6


def test_a_row_mended_into_what_a_rule_refuses_ends_the_nominee(bare: Case, tmp_path: Path) -> None:
    hold(bare, tmp_path, 文化程度="")
    taken = take_roster(roster(tmp_path / "mended.xlsx", [late_line(文化程度="初中")]), bare.code, LATER)
    assert (taken["rows"][0]["status"], taken["rows"][0]["rules"]) == ("refused", ["entry-level"])
    bare.advance(LATER)
    person = one(Participant)
    assert (person.status, person.rule, person.ended_on) == ("refused", "entry-level", LATER)
    assert rows(Step, participant_id=person.id)[0].left_on == LATER


def test_a_row_sent_again_after_its_nominee_went_on_or_left_changes_nothing(bare: Case, tmp_path: Path) -> None:
    hold(bare, tmp_path, 户口性质="")
    bare.left(0, LATER)
    bare.advance(LATER)
    before = one(Nomination).status
    assert take_roster(roster(tmp_path / "mended.xlsx", [late_line()]), bare.code, LATER)["rows"][0]["status"] == before
    bare.advance(LATER)
    assert one(Participant).status == "withdrawn"


def test_an_override_does_not_bring_back_one_whom_the_reviewer_refused(bare: Case, tmp_path: Path) -> None:
    taken = take_roster(roster(tmp_path / "a.xlsx", [late_line(), late_line()]), bare.code)
    answer([one(DecisionRequest).id], "refuse", LATER)
    bare.consent(0)
    bare.advance(LATER)
    answer([one(DecisionRequest, kind="review").id], "refuse", LATER, "not in the trade")
    bare.advance(LATER)
    assert "has ended (refused)" in answer([taken["rows"][1]["id"]], "approve", LATER)["refused"][0]["reason"]
    assert one(Participant).rule == "review-refused"
    assert one(Nomination, row=3).status == "refused"


def test_evidence_of_an_education_below_the_entry_level_refuses_where_it_was_missing(
    bare: Case, tmp_path: Path
) -> None:
    """What was missing has come, and says that he may not join: the rule is the same as for a roster's own cell."""
    hold(bare, tmp_path, 文化程度="")
    bare.document(0, "education", "初中", CONSENTED)
    change(Worker, bare.people[0].worker_id, education="初中")
    bare.consent()
    bare.advance(CONSENTED)
    person = bare.people[0]
    assert (person.status, person.rule, person.stage) == ("refused", "entry-level", "nomination")


def test_a_number_in_the_name_of_a_roster_stands_nowhere_in_clear(bare: Case, tmp_path: Path) -> None:
    """The rows and the audit trail keep what the file was called, the trail for ever."""
    take_roster(roster(tmp_path / f"{LATE[0]}.xlsx", [late_line()]), bare.code)
    imported = one(AuditEvent, action="roster-imported").reason
    assert one(Nomination).source == imported == "320***************.xlsx"
