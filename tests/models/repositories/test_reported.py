"""Queries about reported rows, many keys at a time, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from models.repositories import reported
from models.repositories.documents import read_before, remember
from models.tables.operations import DocumentRead
from models.tables.people import Employment
from models.tables.teaching import Attendance, ClassSection, Course, Learner, LineItem, Mark, OnlineStudy, Term
from models.tables.teaching import Session as TaughtSession
from tests.models.tables.rows import DAY, MOMENT

AT = datetime(2026, 5, 30, 8, tzinfo=UTC)


@pytest.fixture
def work(session: Session) -> Session:
    """The rows of every table, and some of other connections beside them."""
    for name in ("ou-2", "ou_2", "oux", "o", "OU"):
        session.add(Term(id=f"{name}:t1", connection=name, source_id="t1", title="x", starts_on=DAY, ends_on=DAY))
    session.add(
        Term(
            id="ou:t2", connection="ou", source_id="t2", title="x", starts_on=DAY, ends_on=DAY, digest=-7, changed_at=AT
        )
    )
    session.add(TaughtSession(id="ou:s2", class_id="ou:k1", starts_at=MOMENT, minutes=90, closed=True))
    session.add(ClassSection(id="ou:k2", connection="ou", source_id="k2", code="x", title="x", course_id="ou:c1"))
    session.flush()
    session.add(TaughtSession(id="ou:s3", class_id="ou:k2", starts_at=MOMENT, minutes=90, closed=True))
    session.add(Attendance(session_id="ou:s2", student_number="1", meaning="late"))
    session.add(Attendance(session_id="ou:s3", student_number="1", meaning="late"))
    session.flush()
    return session


def test_the_versions_of_rows_that_stand_are_given_and_no_others(work: Session) -> None:
    found = reported.versions(work, Term, [("ou:t1",), ("ou:t2",), ("ou:t3",)], [1, 1, 1])
    assert found == {("ou:t1",): (None, None), ("ou:t2",): (-7, AT)}
    lines = reported.versions(work, Attendance, [("ou:s1", "2026320100001"), ("ou:s1", "nobody")], [1, 1])
    assert list(lines) == [("ou:s1", "2026320100001")]
    # When it was changed is only asked of one that says something else.
    assert reported.versions(work, Term, [("ou:t2",)], [-7]) == {("ou:t2",): (-7, None)}


@pytest.mark.parametrize("digests", [[-7, 1], [1, -7], [-7, -7], [1, 1]])
def test_when_a_row_was_changed_is_known_wherever_it_comes_twice(work: Session, digests: list[int]) -> None:
    """Of several versions one may say something else, and be older."""
    assert reported.versions(work, Term, [("ou:t2",), ("ou:t2",)], digests) == {("ou:t2",): (-7, AT)}


def test_a_hundred_thousand_keys_are_asked_for_at_once(work: Session) -> None:
    ids = {f"ou:t{n}" for n in range(100_000)} | {'ou:"quoted', "ou:\\", "ou:'", "ou:{a,b}", "ou:中"}
    assert reported.known(work, Term, ids) == {"ou:t1", "ou:t2"}
    assert reported.known(work, Term, set()) == set()
    assert reported.known(work, Term, {"ou:t1"}) == {"ou:t1"}
    assert reported.known(work, Term, {"ou:t1", "ou:t2", "ou:\x1ft", ""}) == {"ou:t1", "ou:t2"}
    assert reported.known(work, Term, {"ou:t1\x1fou:t2"}) == set()


def test_the_keys_of_a_connection_are_its_own_alone(work: Session) -> None:
    assert sorted(reported.keys_of(work, Term, "ou", None)) == [("ou:t1",), ("ou:t2",)]
    assert list(reported.keys_of(work, Term, "o", None)) == [("o:t1",)]
    assert reported.standing_count(work, Term, "ou") == 2
    assert (reported.standing_count(work, Term, "oux"), reported.standing_count(work, Term, "nobody")) == (1, 0)


def test_the_keys_of_some_classes_are_their_sessions_and_registers(work: Session) -> None:
    assert sorted(reported.keys_of(work, TaughtSession, "ou", {"ou:k1"})) == [("ou:s1",), ("ou:s2",)]
    assert sorted(reported.keys_of(work, Attendance, "ou", {"ou:k2"})) == [("ou:s3", "1")]
    assert list(reported.keys_of(work, Attendance, "ou", set())) == []
    assert len(list(reported.keys_of(work, Attendance, "ou", None))) == 3


def test_rows_that_others_hang_on_are_known_whether_by_key_or_by_the_gate(work: Session) -> None:
    assert reported.referred_to(work, LineItem, {"ou:i1", "ou:i2"}) == {"ou:i1"}  # by a mark, without a foreign key
    assert reported.referred_to(work, Learner, {"ou:l1"}) == {"ou:l1"}
    assert reported.referred_to(work, TaughtSession, {"ou:s1", "ou:s2", "ou:s4"}) == {"ou:s1", "ou:s2"}
    assert reported.referred_to(work, Course, {"ou:c1"}) == {"ou:c1"}
    assert reported.referred_to(work, Term, {"ou:t1", "ou:t2"}) == {"ou:t1"}
    assert (
        reported.referred_to(work, Employment, {"E-1"}) == reported.referred_to(work, OnlineStudy, {"lrs:1"}) == set()
    )


def test_rows_are_removed_by_their_whole_key(work: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported, "AT_ONCE", 1)
    reported.remove(work, Attendance, [("ou:s2", "1"), ("ou:s3", "2"), ("ou:s1", "1")])
    assert sorted(reported.keys_of(work, Attendance, "ou", None)) == [("ou:s1", "2026320100001"), ("ou:s3", "1")]
    reported.remove(work, Term, [("ou:t2",), ("ou-2:t1",), ("ou:t9",)])
    assert sorted(reported.keys_of(work, Term, "ou", None)) == [("ou:t1",)]
    reported.remove(work, Term, [])


def test_rows_that_refer_to_none_are_counted(work: Session) -> None:
    assert set(reported.orphans(work).values()) == {0}
    work.add(Mark(id="ou:m9", line_item_id="ou:gone", learner_id="ou:l1", score_status="exempt"))
    work.add(Mark(id="ou:m8", line_item_id="ou:i1", learner_id="ou:gone", score_status="exempt"))
    work.add(Attendance(session_id="ou:gone", student_number="1", meaning="late"))
    work.flush()
    assert reported.orphans(work) == {"marks.line_item_id": 1, "marks.learner_id": 1, "attendance.session_id": 1}


def test_what_was_told_is_known_by_connection_stream_and_id(work: Session) -> None:
    assert reported.source_versions(work, "ou", "leave", ["l1", "l2"]) == {"l1": (-1, MOMENT)}
    assert reported.source_versions(work, "ou", "consents", ["l1"]) == {}
    assert reported.source_versions(work, "o", "leave", ["l1"]) == {}
    assert (reported.source_ids(work, "ou", "leave"), reported.source_ids(work, "ou", "x")) == (["l1"], [])


def test_a_file_is_remembered_by_its_content_for_its_folder_once(work: Session) -> None:
    assert read_before(work, "folder") == {"d1"}
    remember(work, "folder", "d2", "b.xlsx", DAY)
    remember(work, "folder", "d1", "another-name.xlsx", DAY)
    work.flush()
    assert read_before(work, "folder") == {"d1", "d2"}
    assert read_before(work, "other") == frozenset()
    kept = work.get(DocumentRead, ("folder", "d1"))
    assert kept is not None
    assert kept.name == "marks.xlsx"
