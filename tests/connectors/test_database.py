"""The database's engine: the same on SQLite and PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session

from connectors.database import LEFT_OUT, alembic_config, alone, migrate, one_at_a_time, open_engine, table_hashes
from models.tables import METADATA
from models.tables.lifecycle import Notice
from models.tables.organisations import Organisation
from models.tables.teaching import Term
from models.vault import Keyring
from tests.fixtures.machines import POSTGRES, need_servers
from tests.models.tables.rows import CARD, DAY, ENTERPRISE, MOMENT, SCHOOL, every_row

PATIENCE = 30.0


@pytest.fixture
def engine(database_url: str, keyring_in_use: Keyring) -> Iterator[Engine]:
    """A fresh migrated database of each kind."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def fill(engine: Engine, rows: list[Any]) -> None:
    with Session(engine) as session, session.begin():
        for row in rows:
            session.add(row)
            session.flush()


def term(number: int, **change: Any) -> dict[str, Any]:
    return {"id": f"ou:t{number}", "connection": "ou", "source_id": f"t{number}", "title": "秋", "starts_on": DAY,
            "ends_on": date(2027, 1, 15), **change}  # fmt: skip


# --- opening --------------------------------------------------------------------------------------------------


def test_foreign_keys_are_enforced_on_every_connection(engine: Engine) -> None:
    for _ in range(2):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text("INSERT INTO projects (code, name, federation_code) VALUES ('P', 'p', 'nobody')"))
        engine.dispose()


def test_a_transaction_may_write_rows_in_any_order(engine: Engine) -> None:
    """Foreign keys are looked at when it is committed."""
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO projects (code, name, federation_code) VALUES ('P', 'p', '{SCHOOL}')"))  # noqa: S608
        connection.execute(text(f"INSERT INTO organisations (code, name) VALUES ('{SCHOOL}', 's')"))  # noqa: S608
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM projects")).scalar_one() == 1


def test_a_failed_statement_never_shows_its_values(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as refusal, engine.begin() as connection:
        connection.execute(text("INSERT INTO nowhere (card) VALUES (:card)"), {"card": CARD})
    assert CARD not in f"{refusal.value} {refusal.value!r}"


@pytest.mark.postgres
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_usual_name_of_postgresql_opens_it_with_instants_in_utc(postgres_server: str, scheme: str) -> None:
    opened = open_engine(f"{scheme}://{postgres_server.split('://', 1)[1]}")
    with opened.connect() as connection:
        assert opened.dialect.driver == "psycopg"
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
    opened.dispose()


@pytest.mark.postgres
def test_a_machine_that_lost_its_power_is_soon_known_to_be_gone(postgres_server: str) -> None:
    """Or its locks would stand for two hours; on a Unix socket, which has no such thing, it is no error."""
    need_servers()
    for url, idle in ((f"{POSTGRES}?options=-c%20tcp_keepalives_count%3D5", "30"), (postgres_server, "0")):
        opened = open_engine(url)
        with opened.connect() as connection:
            assert connection.execute(text("SHOW tcp_keepalives_idle")).scalar_one() == idle
            assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
            count = connection.execute(text("SHOW tcp_keepalives_count")).scalar_one()
            assert count == ("5" if idle == "30" else "0")
        opened.dispose()


@pytest.mark.parametrize(("asked", "given"), [("", "10"), ("?connect_timeout=7", "7")])
def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_said(
    monkeypatch: pytest.MonkeyPatch, asked: str, given: str
) -> None:
    told: dict[str, Any] = {}

    def connect(*_: Any, **words: Any) -> Any:
        told.update(words)
        raise psycopg.OperationalError("nobody answers")

    monkeypatch.setattr("psycopg.connect", connect)
    with pytest.raises(DBAPIError):
        open_engine(f"postgresql://h/y{asked}").connect()
    assert (str(told["connect_timeout"]), told["keepalives_idle"]) == (given, 30)


def test_what_one_transaction_reads_in_sqlite_no_other_changes_before_it_writes(sqlite_url: str) -> None:
    """The lock is taken at once; the second waits its turn and reads what the first wrote."""
    opened = open_engine(sqlite_url)
    seen, both = [], threading.Barrier(2)

    def raise_by_one() -> None:
        both.wait(PATIENCE)
        for _ in range(20):
            with opened.begin() as connection:
                number = connection.execute(text("SELECT count(*) FROM terms")).scalar_one()
                connection.execute(Term.__table__.insert().values(term(number)))  # type: ignore[attr-defined]
                seen.append(number)

    threads = [threading.Thread(target=raise_by_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    opened.dispose()
    assert sorted(seen) == list(range(40))


def test_readers_of_sqlite_do_not_wait_for_a_file_lock(sqlite_url: str) -> None:
    opened = open_engine(sqlite_url)
    with opened.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA recursive_triggers")).scalar_one() == 1
    opened.dispose()


# --- the schema -----------------------------------------------------------------------------------------------


def test_migrating_makes_every_table_and_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / '100% new.db'}"
    migrate(url)
    opened = open_engine(url)
    first = table_hashes(opened)
    assert set(first) == set(METADATA.tables) - LEFT_OUT
    fill(opened, [Organisation(code=SCHOOL, name="s")])
    second = table_hashes(opened)
    migrate(url)
    assert table_hashes(opened) == second != first
    opened.dispose()


def test_the_migrations_are_found_in_their_package_wherever_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = alembic_config().get_main_option("script_location")
    assert (Path(place) / "versions").is_dir()
    monkeypatch.setattr("connectors.database.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="migrations is not installed"):
        alembic_config()


# --- comparing ------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_equal_contents_hash_equal_on_both_databases(
    sqlite_url: str, postgres_fresh: Callable[[], str], keyring_in_use: Keyring
) -> None:
    """Decimals, instants of any offset, booleans, dates, nothing and ciphertext."""
    hashes = []
    for url, rows in ((sqlite_url, every_row()), (postgres_fresh(), reversed(every_row()))):
        opened = open_engine(url)
        with Session(opened) as session, session.begin():
            session.add_all(list(rows))
        hashes.append(table_hashes(opened))
        opened.dispose()
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0].values())) == len(METADATA.tables) - len(LEFT_OUT)


@pytest.mark.parametrize("change", [{"title": "春"}, {"ends_on": date(2027, 1, 16)}, {"id": "ou:t9"}])
def test_any_change_of_a_row_changes_its_tables_hash_alone(engine: Engine, change: dict[str, Any]) -> None:
    fill(engine, every_row())
    before = table_hashes(engine)
    values = ", ".join(f"{column} = '{value}'" for column, value in change.items())
    with engine.begin() as connection:
        connection.execute(text("UPDATE class_sections SET term_id = NULL"))
        between = table_hashes_within(connection)
        connection.execute(text(f"UPDATE terms SET {values}"))  # noqa: S608
    after = table_hashes(engine)
    assert {name for name in before if before[name] != after[name]} == {"terms", "class_sections"}
    assert between["terms"] == before["terms"] != after["terms"]


def table_hashes_within(connection: Any) -> dict[str, str]:
    """The hashes as they stand in an open transaction."""
    from connectors.database import _table_hash

    return {name: _table_hash(connection, table) for name, table in METADATA.tables.items()}


def test_the_wall_clock_and_the_order_of_rows_are_left_out(engine: Engine) -> None:
    from models.tables.operations import AuditEvent

    def event_of(key: str, minutes: int) -> AuditEvent:
        return AuditEvent(key=key, action="a", subject="s", actor="t", on=DAY,
                          recorded_at=MOMENT + timedelta(minutes=minutes))  # fmt: skip

    fill(engine, [event_of("k1", 1), event_of("k2", 2)])
    first = table_hashes(engine)["audit_events"]
    with engine.begin() as connection:
        migrated_down_guard(connection)
        connection.execute(text("DELETE FROM audit_events"))
    fill(engine, [event_of("k2", 30), event_of("k1", 40)])
    assert table_hashes(engine)["audit_events"] == first


def migrated_down_guard(connection: Any) -> None:
    """Lift the guard of the audit trail as only its migration may."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP TRIGGER audit_events_only_grows ON audit_events"))
    else:
        connection.execute(text("DROP TRIGGER audit_events_no_delete"))


def test_an_instant_hashes_the_same_whatever_offset_it_came_with(engine: Engine) -> None:
    fill(engine, every_row())
    first = table_hashes(engine)
    with Session(engine) as session, session.begin():
        from models.tables.teaching import Session as Lesson

        session.get_one(Lesson, "ou:s1").starts_at = MOMENT.astimezone(timezone(timedelta(hours=8)))
    assert MOMENT.tzinfo is UTC
    assert table_hashes(engine) == first


def test_a_trailing_zero_is_no_difference_and_a_fen_is(engine: Engine) -> None:
    from models.tables.funding import Award

    fill(engine, every_row())
    first = table_hashes(engine)["awards"]
    for amount, same in (("1000", True), ("1000.00", True), ("1000.01", False)):
        with Session(engine) as session, session.begin():
            session.get_one(Award, "AW-1").amount = Decimal(amount)
        assert (table_hashes(engine)["awards"] == first) is same


def test_hashing_needs_no_key(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine, every_row())
    first = table_hashes(engine)
    monkeypatch.setattr("models.vault._ring", None)
    assert table_hashes(engine) == first


# --- alone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same", [True, False])
def test_what_one_transaction_has_for_itself_another_waits_for(engine: Engine, same: bool) -> None:
    """On SQLite there is one writer anyway; on PostgreSQL only the same name is waited for."""
    order: list[str] = []
    asks = threading.Event()

    def second() -> None:
        with Session(engine) as session, session.begin():
            asks.set()
            alone(session, "ou" if same else "hr")
            session.add(Organisation(code=ENTERPRISE, name="e"))
            session.flush()
            order.append("second")
        through.set()

    through, thread = threading.Event(), threading.Thread(target=second)
    with Session(engine) as session, session.begin():
        alone(session, "ou")
        thread.start()
        if not same and engine.dialect.name == "postgresql":
            assert through.wait(PATIENCE)
        elif engine.dialect.name == "postgresql":
            assert asks.wait(PATIENCE)
            assert waiting(engine)
        session.add(Organisation(code=SCHOOL, name="s"))
        session.flush()
        order.append("first")
    thread.join(PATIENCE)
    free = not same and engine.dialect.name == "postgresql"
    assert order == (["second", "first"] if free else ["first", "second"])


def waiting(engine: Engine) -> bool:
    """Whether another transaction of this database comes to wait for a lock of its own name."""
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    until = datetime.now(UTC) + timedelta(seconds=PATIENCE)
    while datetime.now(UTC) < until:
        with engine.connect() as connection:
            if connection.execute(query).scalar_one():
                return True
    return False


def test_alone_asks_sqlite_for_no_lock_it_does_not_know(sqlite_url: str) -> None:
    opened, said = open_engine(sqlite_url), []
    event.listen(opened, "before_cursor_execute", lambda c, cursor, statement, *rest: said.append(statement))
    with Session(opened) as session, session.begin():
        alone(session, "ou")
        session.add(Notice(id="N", cohort_code="X", published_on=DAY, ends_on=DAY))
        session.rollback()
    opened.dispose()
    assert [statement for statement in said if "advisory" in statement] == []


def test_what_is_done_one_at_a_time_outside_transactions_waits_and_is_let_go(engine: Engine) -> None:
    """The second comes in once the first is out; it holds up no transaction meanwhile."""
    order: list[str] = []

    def second() -> None:
        with one_at_a_time(engine, "delivery"):
            order.append("second")

    thread = threading.Thread(target=second)
    with one_at_a_time(engine, "delivery"), one_at_a_time(engine, "something-else"):
        thread.start()
        with Session(engine) as session, session.begin():
            session.connection().execute(text("SELECT 1"))
        thread.join(0.2)
        assert thread.is_alive()
        order.append("first")
    thread.join(PATIENCE)
    assert order == ["first", "second"]
