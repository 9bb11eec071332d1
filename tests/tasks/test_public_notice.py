"""Public notice: masked names, working days, late names, objections."""

import json
from datetime import date

from models.tables.lifecycle import Notice, NoticeEntry
from models.tables.operations import Outbox
from tests.fixtures.cohorts import APPROVED, CONSENTED, NOTICE_ENDED, hashes, one, rows
from tests.tasks.conftest import At

ENDS = date(2026, 5, 28)
AFTER = date(2026, 6, 10)


def test_the_notice_shows_name_employer_and_last_four_only(at: At) -> None:
    case = at("public_notice")
    sent = one(Outbox, kind="partner.notices")
    assert sent.organisation_code == case.cohort.union_code
    payload = json.loads(sent.payload)
    assert payload["people"][0].keys() == {"name", "employer", "last_four"}
    assert len(payload["people"]) == 6
    assert (payload["published_on"], payload["ends_on"]) == (APPROVED.isoformat(), ENDS.isoformat())
    assert {"陈向阳", "丁香"} < {person["name"] for person in payload["people"]}


def test_a_notice_hangs_five_working_days_and_waits_on_the_union_without_ever_stalling(at: At) -> None:
    case = at("public_notice")
    wait = case.waits("notice-running")[0]
    assert (wait.holder, wait.since, wait.due_on) == ("union", APPROVED, ENDS)
    case.advance(ENDS)
    assert case.stages() == ["public_notice"] * 6
    case.advance(date(2026, 5, 29))
    assert case.stages() == ["admission"] * 6
    assert case.waits("notice-running") == []


def test_the_days_of_a_notice_cross_national_day_and_its_make_up_weekend(at: At) -> None:
    case = at("review")
    published = date(2026, 9, 30)  # off until 7 October, and Saturday 10 October is worked for it
    case.approve(day=published)
    case.advance(published)
    assert one(Notice).ends_on == date(2026, 10, 13)
    case.advance(date(2026, 10, 13))
    assert case.stages() == ["public_notice"] * 6
    case.advance(date(2026, 10, 14))
    assert case.stages() == ["admission"] * 6


def test_late_names_get_the_next_notice_with_days_of_their_own(at: At) -> None:
    case = at("review")
    case.approve(0, 1)
    case.advance(APPROVED)
    case.approve(2, day=date(2026, 5, 25))
    case.advance(date(2026, 5, 25))
    notices = sorted(rows(Notice), key=lambda notice: notice.published_on)
    assert [(notice.published_on, notice.ends_on) for notice in notices] == [
        (APPROVED, ENDS), (date(2026, 5, 25), date(2026, 6, 1)),
    ]  # fmt: skip
    assert [len(rows(NoticeEntry, notice_id=notice.id)) for notice in notices] == [2, 1]
    payloads = [json.loads(sent.payload)["people"] for sent in rows(Outbox, kind="partner.notices")]
    assert sorted(len(people) for people in payloads) == [1, 2]
    case.advance(date(2026, 5, 29))
    assert case.stages()[:3] == ["admission", "admission", "public_notice"]


def test_a_late_name_of_the_same_day_hangs_on_a_notice_of_its_own(at: At) -> None:
    case = at("review")
    case.approve(0)
    case.advance(APPROVED)
    case.approve(1)
    case.advance(APPROVED)
    assert sorted(len(rows(NoticeEntry, notice_id=notice.id)) for notice in rows(Notice)) == [1, 1]
    before = hashes()
    case.advance(APPROVED)
    assert hashes() == before


def test_an_open_objection_holds_its_name_past_the_end_of_the_notice_and_nobody_else(at: At) -> None:
    case = at("public_notice")
    case.object(0, "open", date(2026, 5, 25))
    case.advance(NOTICE_ENDED)
    assert case.stages() == ["public_notice", *["admission"] * 5]
    wait = case.waits(number=0)[0]
    assert (wait.kind, wait.holder, wait.since, wait.due_on) == (
        "objection",
        "union",
        date(2026, 5, 25),
        date(2026, 6, 8),
    )


def test_an_objection_dismissed_lets_the_name_go_on(at: At) -> None:
    case = at("public_notice")
    case.object(0, "open", date(2026, 5, 25))
    case.advance(NOTICE_ENDED)
    case.object(0, "dismissed", date(2026, 5, 25), AFTER)
    case.advance(AFTER)
    assert case.stages()[0] == "admission"
    assert case.waits("objection") == []


def test_an_objection_upheld_after_the_notice_ended_refuses_with_the_unions_words_and_day(at: At) -> None:
    case = at("public_notice")
    case.object(0, "open", date(2026, 5, 25))
    case.advance(NOTICE_ENDED)
    case.object(0, "upheld", date(2026, 5, 25), date(2026, 6, 9))
    case.advance(AFTER)
    person = case.people[0]
    assert (person.status, person.rule, person.reason, person.ended_on) == (
        "refused", "objection-upheld", "not employed there", date(2026, 6, 9),
    )  # fmt: skip


def test_one_objection_dismissed_beside_another_upheld_still_refuses(at: At) -> None:
    case = at("public_notice")
    case.object(0, "dismissed", date(2026, 5, 22), date(2026, 5, 23), name="a")
    case.object(0, "upheld", date(2026, 5, 25), date(2026, 5, 26), name="b")
    case.advance(date(2026, 5, 26))  # while the notice hangs
    assert case.stages() == ["refused", *["public_notice"] * 5]


def test_an_objection_that_is_read_only_after_the_name_went_on_is_not_lost(at: At) -> None:
    case = at("admission")
    case.object(0, "upheld", date(2026, 5, 25), date(2026, 6, 2))
    case.object(1, "open", date(2026, 5, 25))
    case.admit()
    case.advance(AFTER)
    assert case.people[0].rule == "objection-upheld"
    assert [wait.kind for wait in case.waits(number=1)] == ["objection"]
    case.object(1, "dismissed", date(2026, 5, 25), AFTER)
    case.advance(AFTER)
    assert case.stages() == ["refused", *["registration"] * 5]


def test_a_withdrawn_nominee_is_not_hung(at: At) -> None:
    case = at("review")
    case.approve()
    case.left(0, CONSENTED)
    case.advance(APPROVED)
    assert len(rows(NoticeEntry)) == 5
