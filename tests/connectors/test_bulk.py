"""The bulk path: what is written is read back as it was, by statement and by COPY, and only what changed is written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlmodel import Session

from connectors import bulk
from connectors.bulk import append, digests_of, lines_of, upsert, versions_of
from connectors.database import open_engine
from models import vault
from models.tables.base import Table
from models.tables.operations import SourceVersion
from models.tables.organisations import Organisation
from models.tables.people import Employment
from models.tables.teaching import Mark, Term
from tests.fixtures.cohorts import ENTERPRISE
from tests.fixtures.databases import BACKENDS, TEST_KEYS

SHANGHAI = timezone(timedelta(hours=8))
AT = datetime(2026, 5, 30, 8, tzinfo=UTC)
WORST = ("", "\\N", "\\.", "\x02", "\\x02", "\t", "a\tb", "\n", "\r\n", "\\", "\\\\n", "'", '"', "👩‍🎓", "NULL", "null", " ",
         "\x02\x02", "\x1f", "é" * 5_000, "{}", "%s", ":a", "\u2028", "\x7f", "\x01")  # fmt: skip
texts = st.one_of(
    st.sampled_from(WORST),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12),
    st.text("\\N\t\n\r\x02.x02ab", max_size=8),
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=offsets)
days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
scores = st.decimals(-1000, 1000, places=3)
slow = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

TERM = ("id", "connection", "source_id", "title", "starts_on", "ends_on")
MARK = ("id", "line_item_id", "learner_id", "score", "score_status", "scored_on")
EMPLOYMENT = ("id", "connection", "enterprise_code", "employee_number", "worker_id", "active", "left_on")


@pytest.fixture(scope="module", params=BACKENDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A fresh database of each kind, once for this file."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("bulk") / "yuanmeng.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        url = f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_fresh")()
    engine = open_engine(url)
    with Session(engine) as session, session.begin():
        session.add(Organisation(code=ENTERPRISE, name="E"))
    yield engine
    engine.dispose()


@pytest.fixture(params=["by statement", "by copy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The way in which rows are written; SQLite has but one."""
    monkeypatch.setattr(bulk, "BY_COPY", 10**9 if request.param == "by statement" else 1)
    return str(request.param)


def write(
    engine: Engine, table: type[Table], columns: tuple[str, ...], rows: list[tuple[Any, ...]], how: Any = upsert
) -> None:
    """Write rows and commit them."""
    with engine.begin() as connection:
        how(connection, table, columns, versions_of(rows))


def stand(engine: Engine, table: type[Table], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The rows that stand, by key."""
    found = table.__table__  # type: ignore[attr-defined]
    asked = select(*(found.c[name] for name in (*columns, "changed_at"))).order_by(*found.primary_key)
    with engine.connect() as connection:
        return [tuple(line) for line in connection.execute(asked)]


def round_trip(engine: Engine, table: type[Table], columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Write rows into an empty table, in either way, and compare."""
    for how in (append, upsert):
        with engine.begin() as connection:
            connection.execute(table.__table__.delete())  # type: ignore[attr-defined]
        write(engine, table, columns, rows, how)
        assert stand(engine, table, columns) == sorted(rows, key=lambda row: row[0])
    assert written(engine, table, columns, rows) == 0


def written(engine: Engine, table: type[Table], columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> int:
    """Write rows and give how many of them the database touched."""
    name = table.__table__.name  # type: ignore[attr-defined]
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            before = connection.execute(text("SELECT total_changes()")).scalar_one()
            upsert(connection, table, columns, versions_of(rows))
            return int(connection.execute(text("SELECT total_changes()")).scalar_one() - before)
        before = set(connection.execute(text(f"SELECT xmin, ctid FROM {name}")))  # noqa: S608
        upsert(connection, table, columns, versions_of(rows))
        return len(set(connection.execute(text(f"SELECT xmin, ctid FROM {name}"))) - before)  # noqa: S608


def term(key: str = "a", title: str = "one", **changes: Any) -> tuple[Any, ...]:
    """A term as a row."""
    said = {"id": key, "connection": "c", "source_id": key, "title": title, "starts_on": date(2026, 9, 1),
            "ends_on": date(2027, 1, 16), "changed_at": AT, **changes}  # fmt: skip
    return tuple(said.values())


@slow
@given(titles=st.lists(texts, min_size=1, max_size=6), at=st.none() | instants, day=days)
@example(titles=list(WORST), at=None, day=date(2026, 1, 1))
def test_the_worst_texts_come_back_as_they_were(
    engine: Engine, way: str, titles: list[str], at: datetime | None, day: date
) -> None:
    rows = [term(f"k{place:03}", title, ends_on=day, changed_at=at) for place, title in enumerate(titles)]
    round_trip(engine, Term, TERM, rows)


@slow
@given(
    data=st.lists(st.tuples(st.none() | scores, texts, st.none() | days, st.none() | instants), min_size=1, max_size=6)
)
@example(data=[(None, "\x02", None, None), (Decimal("0.000"), "", date(2026, 1, 1), AT)])
def test_numbers_days_and_what_is_not_said_come_back_as_they_were(
    engine: Engine, way: str, data: list[tuple[Any, ...]]
) -> None:
    rows = [(f"k{place:03}", "l", "u", score, status, day, at) for place, (score, status, day, at) in enumerate(data)]
    round_trip(engine, Mark, MARK, rows)


@slow
@given(data=st.lists(st.tuples(texts, st.booleans(), st.none() | days), min_size=1, max_size=6))
def test_flags_come_back_as_they_were(engine: Engine, way: str, data: list[tuple[Any, ...]]) -> None:
    rows = [
        (f"k{place:03}", "c", ENTERPRISE, number, None, active, left, None)
        for place, (number, active, left) in enumerate(data)
    ]
    round_trip(engine, Employment, EMPLOYMENT, rows)


def test_a_key_may_hold_the_worst_texts(engine: Engine, way: str) -> None:
    rows = [("c", "s", key, AT) for key in sorted(WORST)]
    write(engine, SourceVersion, ("connection", "stream", "source_id"), rows)
    assert written(engine, SourceVersion, ("connection", "stream", "source_id"), rows) == 0
    found = stand(engine, SourceVersion, ("connection", "stream", "source_id"))
    assert sorted(found, key=lambda row: row[2]) == rows


@pytest.mark.parametrize("rows", [1, 3])
def test_one_row_of_many_that_changed_is_the_only_one_written(engine: Engine, way: str, rows: int) -> None:
    before = [term(f"k{place}", f"{way} {rows}") for place in range(10)]
    write(engine, Term, TERM, before)
    after = [term(f"k{place}", f"{way} {rows}" + "!" * (place < rows)) for place in range(10)]
    assert written(engine, Term, TERM, after) == rows
    assert [row[3] for row in stand(engine, Term, TERM) if row[3] == f"{way} {rows}!"] == [f"{way} {rows}!"] * rows


def test_a_row_whose_version_is_not_known_is_written(engine: Engine, way: str) -> None:
    write(engine, Term, TERM, [term()])
    with engine.begin() as connection:
        connection.execute(Term.__table__.update().values(digest=None))  # type: ignore[attr-defined]
    assert written(engine, Term, TERM, [term()]) == 1
    assert written(engine, Term, TERM, [term()]) == 0


def test_rows_beyond_one_statement_are_all_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 3)
    monkeypatch.setattr(bulk, "BY_COPY", 10**9)
    round_trip(engine, Term, TERM, [term(f"k{place}") for place in range(8)])


def test_a_second_copy_of_one_transaction_finds_nothing_of_the_first(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The staging table is emptied each time: what was staged first is not written a second time over a later change."""
    monkeypatch.setattr(bulk, "BY_COPY", 1)
    with engine.begin() as connection:
        upsert(connection, Term, TERM, versions_of([term("twice", "first")]))
        connection.execute(Term.__table__.update().values(title="by hand", digest=None))  # type: ignore[attr-defined]
        upsert(connection, Term, TERM, versions_of([term("other")]))
    assert {row[0]: row[3] for row in stand(engine, Term, TERM)}["twice"] == "by hand"


def test_what_is_staged_is_gone_when_the_transaction_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BY_COPY", 1)
    write(engine, Term, TERM, [term("kept")])
    with pytest.raises(RuntimeError), engine.begin() as connection:
        upsert(connection, Term, TERM, versions_of([term("lost")]))
        raise RuntimeError
    assert "lost" not in {row[0] for row in stand(engine, Term, TERM)}


# --- lines and digests --------------------------------------------------------------------------------------------

values = st.one_of(st.none(), texts)


def text_of(row: tuple[Any, ...]) -> str:
    """The line of a row that comes alone."""
    (line,) = lines_of([row])
    return line


def digest_of(line: str) -> int:
    """The digest of one line."""
    (digest,) = digests_of([line])
    return digest


same_shape = st.integers(1, 4).flatmap(lambda width: st.tuples(*(st.tuples(*[values] * width),) * 2))


@settings(max_examples=500)
@given(pair=same_shape)
@example(pair=(("a\tb", "c"), ("a", "b\tc")))
@example(pair=((None,), ("\x02",)))
@example(pair=(("\t",), ("\\t",)))
@example(pair=((None, "\x02"), ("\x02", None)))
@example(pair=(("\\x02",), ("\x02",)))
def test_a_line_is_never_that_of_another_row(pair: tuple[tuple[Any, ...], tuple[Any, ...]]) -> None:
    one, other = pair
    assert (text_of(one) == text_of(other)) == (one == other)
    assert text_of(one).count("\n") == 0
    assert text_of(one).count("\t") == len(one) - 1


@given(at=instants, offset=offsets)
def test_an_instant_has_one_line_whatever_its_offset(at: datetime, offset: timezone) -> None:
    assert text_of((at,)) == text_of((at.astimezone(offset),))
    assert digest_of(text_of((at,))) == digest_of(text_of((at.astimezone(offset),)))


@given(one=instants, other=instants)
def test_two_instants_have_two_lines(one: datetime, other: datetime) -> None:
    assert (text_of((one,)) == text_of((other,))) == (one == other)


@pytest.mark.parametrize(
    "at",
    [
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-8))),
        datetime(1, 1, 1, tzinfo=SHANGHAI),
    ],
    ids=["the end", "the beginning"],
)
def test_an_instant_at_an_end_of_the_calendar_still_has_a_line(at: datetime) -> None:
    assert text_of((at,)) == at.isoformat()


columns = st.sampled_from([
    st.none(), texts, instants, st.dates(), st.booleans(), st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.one_of(st.none(), st.decimals(allow_nan=False, allow_infinity=False, places=3)),
    st.one_of(st.none(), st.dates()), st.one_of(st.none(), instants), st.one_of(st.none(), texts),
])  # fmt: skip


@settings(max_examples=300)
@given(data=st.data(), kinds=st.lists(columns, min_size=1, max_size=4))
def test_a_line_is_the_same_whatever_rows_come_with_it(
    data: st.DataObject, kinds: list[st.SearchStrategy[Any]]
) -> None:
    rows = data.draw(st.lists(st.tuples(*kinds), max_size=6))
    assert lines_of(rows) == [text_of(row) for row in rows]
    assert lines_of(rows[::-1]) == lines_of(rows)[::-1]


@given(line=st.text())
def test_a_digest_fits_into_sixty_four_bits(line: str) -> None:
    assert -(2**63) <= digest_of(line) < 2**63


def test_versions_at_some_places_are_those_rows_with_their_digests() -> None:
    all_three = versions_of([("a", AT), ("b", AT), ("c", AT)])
    some = all_three.at([0, 2])
    assert (some.rows, some.lines) == ([("a", AT), ("c", AT)], [all_three.lines[0], all_three.lines[2]])
    assert some.digests == [all_three.digests[0], all_three.digests[2]]
    assert all_three.at([0, 1, 2]) is all_three


def test_what_a_source_said_is_digested_where_its_row_does_not_hold_it_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vault, "_ring", TEST_KEYS)
    rows: list[tuple[Any, ...]] = [("k", AT), ("k", AT)]
    one, other = versions_of(rows, [("k", "said"), ("k", "said otherwise")]).digests
    assert one != other
    assert versions_of(rows, [("k", "said")] * 2).lines == versions_of(rows).lines


def test_what_a_source_said_cannot_be_found_by_trying_without_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number has few possible values: whoever has the database alone must not find the one that has the digest."""
    said: list[tuple[Any, ...]] = [("W-1", "32020519881102000X")]
    monkeypatch.setattr(vault, "_ring", TEST_KEYS)
    (kept,) = versions_of([("W-1", AT)], said).digests
    assert kept == versions_of([("W-1", AT)], said).digests[0]
    assert kept != digest_of(text_of(said[0]))
    monkeypatch.setattr(vault, "_ring", replace(TEST_KEYS, matching=bytes(32)))
    assert kept != versions_of([("W-1", AT)], said).digests[0]
