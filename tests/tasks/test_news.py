"""Which cohorts a night looks at: what is noted concerns whom it concerned, none is lost, and every one has its round."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import event, text

from connectors.base import Connection
from models.repositories import news
from models.repositories.news import WATCHED, note_written
from models.rules.policy import Policy
from models.rules.workdays import Calendar
from models.tables import METADATA
from models.tables.lifecycle import Application
from models.tables.news import CohortNews, Look, News
from models.tables.people import Consent, Leave, Participant
from models.tables.teaching import Mark
from tasks import lifecycle
from tasks.gate import take
from tasks.lifecycle import advance, advance_cohorts
from tasks.news import ROUND, _digest, choose_cohorts, next_round
from tasks.office import Office, office, unit_of_work, use_office
from tasks.reading import source_of
from tests.fixtures.cohorts import CONSENTED, OPENED, REGISTERED, TERMS, Case, change, noon, open_cohort, rows
from tests.fixtures.databases import BACKENDS
from tests.tasks.conftest import At
from tests.tasks.told import SCHOOL, enrolment, learner, line_item, result

HERE = Connection(name="school", kind="told", organisation=SCHOOL, base_url="http://x")
PATIENCE = 20
DAY = OPENED + timedelta(days=1)
# What advancing reads and nothing is noted of, and why.
UNWATCHED = {
    "organisations": "names alone, as they stand on the day when something is sent",
    "outbox": "what was sent, which nobody changes",
    "looks": "the news's own", "cohort_news": "the news's own", "news": "the news's own",
}  # fmt: skip


def chosen(day: date) -> list[str]:
    """The cohorts a night of this day would look at."""
    codes: list[str] = asyncio.run(choose_cohorts(day))["codes"]
    return codes


def look(day: date, *codes: str) -> None:
    """Look at cohorts, or at all that are to be looked at."""
    asyncio.run(advance_cohorts(list(codes) or chosen(day), day))


def calm(day: date) -> None:
    """Look until nothing calls for a look."""
    for _ in range(3):
        look(day)
    assert chosen(day) == []


def report(stream: str, *said: Any, day: date = REGISTERED) -> None:
    """The school reports, in one batch, by the gate."""
    with unit_of_work() as session:
        taken = take(source_of(session, HERE, day), stream, list(said))
        assert not taken.broken


def noted(kind: str) -> set[str]:
    """The keys of a kind that are noted and not sorted yet."""
    return {key for row in rows(News, kind=kind) for key in json.loads(row.keys)}


@pytest.fixture
def studying(at: At) -> Case:
    """A cohort that is taught and has no news."""
    case = at("teaching")
    case.timetable()
    calm(REGISTERED)
    return case


@pytest.fixture(autouse=True)
def no_round(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The round finds whatever news misses: here nothing may rest on it."""
    if "round" not in request.node.name:
        monkeypatch.setattr("tasks.news.ROUND", 10**6)


def test_a_cohort_without_news_is_left_alone_and_one_with_news_is_not(both: Case) -> None:
    second = open_cohort(code="WX-2026B")
    calm(OPENED)
    both.consent(0)
    assert chosen(DAY) == [both.code]
    look(DAY)
    assert chosen(DAY) == []
    assert asyncio.run(choose_cohorts(DAY)) == {"codes": [], "under_way": 2, "by_round": 0}
    assert second not in chosen(DAY + timedelta(days=60))
    assert second in chosen(date(2026, 9, 1))  # its first term begins


def test_news_of_a_look_that_was_undone_is_not_lost(both: Case) -> None:
    """A night is killed after it chose, and another in the middle of its look: the next one looks."""
    calm(OPENED)
    both.consent(0)
    assert chosen(DAY) == [both.code]
    assert chosen(DAY) == [both.code]
    with pytest.raises(ZeroDivisionError), unit_of_work() as session:
        lifecycle.look_at(session, both.code, DAY)
        raise ZeroDivisionError
    assert chosen(DAY) == [both.code]
    look(DAY)
    assert both.stages()[0] == "review"
    assert chosen(DAY) == []


def test_news_goes_with_what_it_is_news_of(both: Case) -> None:
    """A transaction that ends in nothing notes nothing."""
    calm(OPENED)
    worker = both.people[0].worker_id
    with pytest.raises(ZeroDivisionError), unit_of_work() as session:
        session.add(Consent(id="x", worker_id=worker, kind="notice", text_version="1", given_at=noon(OPENED)))
        session.flush()
        raise ZeroDivisionError
    assert rows(News) == []
    assert chosen(DAY) == []


@pytest.mark.parametrize("database_url", BACKENDS[1:], indirect=True)  # SQLite has one writer at a time
def test_what_is_noted_while_a_cohort_is_looked_at_calls_for_another_look(both: Case) -> None:
    """The look has read its evidence already; the consent that comes then is seen by the next."""
    calm(OPENED)
    both.consent(0)
    assert chosen(DAY) == [both.code]
    with unit_of_work() as session:
        lifecycle.look_at(session, both.code, DAY)
        other = Thread(target=both.consent, args=(1,))
        other.start()
        other.join(PATIENCE)
        assert not other.is_alive()
        noting = Thread(target=chosen, args=(DAY,))  # another night sorts that news meanwhile, and waits for nobody
        noting.start()
        noting.join(PATIENCE)
        assert not noting.is_alive()
    assert both.stages()[:2] == ["review", "nomination"]
    assert chosen(DAY) == [both.code]
    look(DAY)
    assert both.stages()[:2] == ["review", "review"]


def test_two_looks_at_once_leave_what_one_leaves(both: Case) -> None:
    calm(OPENED)
    both.consent(0, 1)
    codes, begun, errors = chosen(DAY), Event(), list[BaseException]()

    def one() -> None:
        begun.wait(PATIENCE)
        try:
            advance(codes[0], DAY)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []
    assert both.stages()[:3] == ["review", "review", "nomination"]
    assert chosen(DAY) == []
    assert rows(CohortNews) == []


def test_two_nights_that_choose_at_once_choose_the_same(both: Case) -> None:
    calm(OPENED)
    both.consent(0)
    found: list[list[str]] = []
    threads = [Thread(target=lambda: found.append(chosen(DAY))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == [[both.code]] * 4


# --- what is news to whom -----------------------------------------------------------------------------------------


def _marks(case: Case, number: int = 0) -> str:
    """A mark of a participant stands, and is no news any more; gives his learner."""
    who = case.number(number)
    report("results", result("R1", line_item_source_id="M01:final", learner_source_id=who, changed_at=None))
    calm(REGISTERED)
    return who


def test_a_mark_that_was_anothers_concerns_both(studying: Case) -> None:
    first, second = _marks(studying), studying.number(1)
    report("results", result("R1", line_item_source_id="M01:final", learner_source_id=second, changed_at=None))
    assert noted("learner") == {f"school:{first}", f"school:{second}"}
    assert chosen(REGISTERED) == [studying.code]


def test_a_row_that_is_removed_concerns_whom_it_concerned(studying: Case) -> None:
    first = _marks(studying)
    gone = result("R1", line_item_source_id="M01:final", learner_source_id="nobody", removed=True, changed_at=None)
    report("results", gone)
    assert noted("learner") == {f"school:{first}"}
    assert chosen(REGISTERED) == [studying.code]


def test_a_learner_with_another_number_concerns_whom_he_was(studying: Case) -> None:
    who = studying.number(0)
    report("people", learner(who, student_number="2099", changed_at=None))
    assert noted("number") == {who, "2099"}
    assert chosen(REGISTERED) == [studying.code]


def test_a_place_in_another_class_concerns_its_learner(studying: Case) -> None:
    who = studying.number(0)
    report("enrolments", enrolment(f"M01:{who}", class_source_id="class-M02", learner_source_id=who, changed_at=None))
    assert chosen(REGISTERED) == [studying.code]


def test_an_exam_that_is_moved_concerns_the_old_class_and_the_new(studying: Case) -> None:
    report("line-items", line_item("M01:final", class_source_id="class-M02", changed_at=None))
    assert noted("class") == {"school:class-M01", "school:class-M02"}
    assert chosen(REGISTERED) == [studying.code]


def test_what_a_school_reports_of_others_is_news_to_no_cohort(studying: Case) -> None:
    report("people", learner("U9", changed_at=None))
    report("enrolments", enrolment("E9", class_source_id="class-M01", learner_source_id="U9", changed_at=None))
    report("results", result("R9", line_item_source_id="M01:final", learner_source_id="U9", changed_at=None))
    assert rows(News)
    assert chosen(REGISTERED) == []
    assert rows(News) == []


def test_a_row_that_says_the_same_again_is_no_news(studying: Case) -> None:
    who = _marks(studying)
    report("results", result("R1", line_item_source_id="M01:final", learner_source_id=who, changed_at=None))
    assert rows(News) == []


def test_rows_that_a_whole_reading_no_longer_has_concern_whom_they_concerned(studying: Case) -> None:
    who = _marks(studying)
    with unit_of_work() as session:
        news.remove(session, Mark, [("school:R1",)])
    assert noted("learner") == {f"school:{who}"}


def test_a_number_that_is_free_again_is_news_to_who_waits_for_it(at: At) -> None:
    """The school gave one number to two: the second waits until the first has another, and is then looked at."""
    case = at("registration")
    taken = case.number(0)
    case.register(0)
    look(REGISTERED)
    second = rows(Application, participant_id=case.people[1].id)[0]
    change(Application, second.id, student_number=taken, registered_on=REGISTERED)
    calm(REGISTERED)
    assert case.stages()[:2] == ["teaching", "registration"]
    change(Participant, case.people[0].id, student_number="2632020099999")
    assert noted("freed") == {taken}


@pytest.mark.parametrize("database_url", BACKENDS[1:], indirect=True)  # SQLite has one writer at a time
def test_what_is_told_of_a_number_while_a_look_gives_it_to_somebody_is_not_lost(both: Case) -> None:
    """Another night sorts it before that look is over, when nobody has the number yet."""
    both.bring_to("registration")
    both.register(0)
    assert chosen(REGISTERED) == [both.code]
    number = both.number(0)

    def another_night() -> None:
        report("people", learner("U1", student_number=number, changed_at=None))
        chosen(REGISTERED)

    with unit_of_work() as session:
        lifecycle.look_at(session, both.code, REGISTERED)
        other = Thread(target=another_night)
        other.start()
        other.join(PATIENCE)
        assert not other.is_alive()
    assert both.people[0].student_number == number
    assert chosen(REGISTERED) == [both.code]
    calm(REGISTERED)


def test_every_kind_of_key_leads_to_cohorts(studying: Case) -> None:
    """No kind is noted that cannot be sorted."""
    kinds = {kind for columns in WATCHED.values() for kind, _ in columns} - {"cohort"}
    with unit_of_work() as session:
        for kind in kinds:
            news.note(session, {kind: {"nobody"}})
        news.sort_by_cohort(session)
    assert kinds == set(news._paths())
    assert chosen(REGISTERED) == []


def test_everything_that_advancing_reads_is_watched(at: At) -> None:
    """A table that a stage begins to read is to be watched, or named here with the reason why it need not be."""
    read: set[str] = set()

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.update(re.findall(r"\b(?:FROM|JOIN) (\w+)", statement))

    engine = office().engine
    for stage in ("nomination", "public_notice", "registration", "teaching", "exams", "certification"):
        case = at(stage)
        event.listen(engine, "before_cursor_execute", hear)
        advance(case.code, TERMS[-1][1])
        event.remove(engine, "before_cursor_execute", hear)
    watched = {table.__table__.name for table in WATCHED}  # type: ignore[attr-defined]
    assert {name for name in read if name in METADATA.tables} - watched - set(UNWATCHED) == set()
    assert len(read & watched) > 25


# --- days and rules -----------------------------------------------------------------------------------------------


def test_a_cohort_is_looked_at_on_the_day_on_which_a_rule_decides_otherwise_and_not_before(at: At) -> None:
    case = at("public_notice")
    calm(date(2026, 5, 22))
    (kept,) = rows(Look)
    assert kept.changes_on == date(2026, 5, 29)  # the notice has hung five working days
    assert chosen(date(2026, 5, 28)) == []
    assert chosen(date(2026, 5, 29)) == [case.code]
    look(date(2026, 6, 1))
    assert set(case.stages()) == {"admission"}


def test_a_leave_that_is_none_of_the_rules_days_calls_for_no_look(studying: Case) -> None:
    (kept,) = rows(Look)
    studying.leave(0, date(2028, 5, 1), date(2028, 5, 9), "pending")
    look(REGISTERED)
    assert rows(Look)[0].changes_on == kept.changes_on
    assert rows(Leave)


def test_other_policies_or_another_calendar_look_at_every_cohort_once(case: Case) -> None:
    calm(OPENED)
    here = office()
    use_office(Office(here.settings, here.engine, (*here.policies, Policy("next", date(2030, 1, 1)))))
    assert chosen(DAY) == [case.code]
    look(DAY)
    assert chosen(DAY) == []


def test_the_rules_in_force_have_another_digest_when_any_of_them_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    policies, calendar = (Policy("1", date(2020, 1, 1)),), Calendar()
    found = [
        _digest(policies, calendar), _digest((replace(policies[0], min_age=17),), calendar),
        _digest(policies, Calendar(working=frozenset({DAY}))),
    ]  # fmt: skip
    monkeypatch.setattr("tasks.news.CODE", b"another version")
    _digest.cache_clear()
    found.append(_digest(policies, calendar))
    _digest.cache_clear()
    assert len(set(found)) == len(found)


def test_a_process_looks_under_the_code_it_began_with_whatever_is_installed_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A night that began before an upgrade looks by the old rules: the next one is to look at those cohorts again."""
    policies, calendar = (Policy("1", date(2020, 1, 1)),), Calendar()
    began_under = _digest(policies, calendar)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda _: b"another version")
    _digest.cache_clear()  # as in a process that has not asked yet
    assert _digest(policies, calendar) == began_under


def test_a_day_that_comes_before_the_last_look_is_looked_at_anew(case: Case) -> None:
    calm(DAY)
    assert chosen(OPENED) == [case.code]


# --- the round ----------------------------------------------------------------------------------------------------


def test_every_cohort_has_its_round_within_seven_nights_and_they_are_spread() -> None:
    codes = [f"WX-{number}" for number in range(700)]
    nights = [next_round(code, OPENED) for code in codes]
    assert {night - OPENED for night in nights} == {timedelta(days=n) for n in range(1, ROUND + 1)}
    assert min(nights.count(night) for night in set(nights)) > 60
    after = [next_round(code, night) for code, night in zip(codes, nights, strict=True)]
    assert {one - other for one, other in zip(after, nights, strict=True)} == {timedelta(days=ROUND)}


def test_the_round_finds_what_no_news_had_told_counts_it_and_says_so(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows changed by hand in the database are no news."""
    calm(OPENED)
    case.consent()
    with unit_of_work() as session:
        session.connection().execute(text("DELETE FROM news"))
    on = rows(Look)[0].round_on
    assert OPENED < on <= OPENED + timedelta(days=ROUND)
    assert chosen(on - timedelta(days=1)) == []
    assert asyncio.run(choose_cohorts(on)) == {"codes": [case.code], "under_way": 1, "by_round": 1}
    with caplog.at_level(logging.WARNING):
        stands = asyncio.run(advance_cohorts([case.code], on))
    assert stands[case.code]["missed"]
    assert f"the round over all cohorts moved {case.code}, which no news had told" in caplog.text
    assert rows(Look)[0].missed == 1
    with unit_of_work() as session:
        assert news.missed_count(session) == 1


def test_a_round_that_finds_nothing_says_nothing(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    calm(OPENED)
    on = rows(Look)[0].round_on
    with caplog.at_level(logging.WARNING):
        assert not asyncio.run(advance_cohorts([case.code], on))[case.code]["missed"]
    assert caplog.text == ""


def test_who_looks_at_a_cohort_before_the_night_sorted_its_news_is_not_said_to_have_found_it_by_the_round(
    case: Case,
) -> None:
    calm(OPENED)
    case.consent()
    assert not advance(case.code, CONSENTED)["missed"]
    assert case.stages() == ["review"] * 6


def test_news_of_a_cohort_that_is_closed_is_let_go(case: Case) -> None:
    calm(OPENED)
    with unit_of_work() as session:
        session.add(CohortNews(cohort_code="WX-GONE"))
        session.add(CohortNews(cohort_code=case.code))
    assert chosen(DAY) == [case.code]
    assert {one.cohort_code for one in rows(CohortNews)} == {case.code}


def test_a_rehearsal_that_would_move_somebody_looks_again_tomorrow_and_moves_nobody(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that needs two looks on one day to say all it has to say gets the second one the next night."""
    calm(OPENED)
    settle, times = lifecycle.funding.settle, iter((False, True))

    def twice(board: Any) -> None:
        settle(board)
        if next(times):
            board.participants[0].reason = "said at the second time only"

    monkeypatch.setattr(lifecycle.funding, "settle", twice)
    advance(case.code, DAY)
    assert case.people[0].reason == ""
    assert rows(Look)[0].changes_on == DAY + timedelta(days=1)


def test_noting_a_batch_costs_little(office: Office) -> None:
    """Twenty thousand new marks of three thousand learners: one statement, a few milliseconds."""
    lines = [(f"school:R{n}", f"school:L{n % 100}", f"school:U{n % 3000}", None, "x", None) for n in range(20_000)]
    columns = ("id", "line_item_id", "learner_id", "score", "score_status", "scored_on")
    took = []
    with counting(office) as statements:
        for _ in range(5):
            with unit_of_work() as session:
                session.connection()
                began = time.process_time()
                note_written(session, Mark, columns, lines, [])
                took.append(time.process_time() - began)
    assert len(statements) == 5
    assert min(took) < 0.05, took  # ten milliseconds on a quiet machine: see the bench


@contextmanager
def counting(here: Office) -> Iterator[list[str]]:
    """Hear of the statements that note."""
    statements: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO news"):
            statements.append(statement)

    event.listen(here.engine, "before_cursor_execute", hear)
    yield statements
    event.remove(here.engine, "before_cursor_execute", hear)
