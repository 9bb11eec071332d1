"""The audit trail and the ledger only ever grow: the database refuses to change, delete or empty them."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

GUARDED = ("audit_events", "ledger_lines")
SENTENCE = "only ever grows: its lines are never changed or deleted"
CHANGE = {"audit_events": "reason = 'another'", "ledger_lines": "amount = amount + 1"}


def lines(engine: Engine, table: str) -> list[str]:
    with engine.connect() as connection:
        return sorted(str(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {table}")))  # noqa: S608


def refuse(engine: Engine, table: str, statement: str) -> None:
    before = lines(engine, table)
    with pytest.raises(DBAPIError) as refusal, engine.begin() as connection:
        connection.execute(text(statement))
    assert f"{table} {SENTENCE}" in str(refusal.value)
    assert lines(engine, table) == before != []


@pytest.mark.parametrize("table", GUARDED)
def test_a_line_is_never_changed(filled: Engine, table: str) -> None:
    refuse(filled, table, f"UPDATE {table} SET {CHANGE[table]}")  # noqa: S608


@pytest.mark.parametrize("table", GUARDED)
def test_a_line_is_never_deleted(filled: Engine, table: str) -> None:
    refuse(filled, table, f"DELETE FROM {table}")  # noqa: S608


@pytest.mark.parametrize("table", GUARDED)
def test_a_line_is_never_replaced(filled: Engine, table: str) -> None:
    """SQLite would delete the old line behind a REPLACE; PostgreSQL would update it on a conflict."""
    if filled.dialect.name == "sqlite":
        refuse(filled, table, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608
    else:
        refuse(filled, table, f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET id = 'x'"  # noqa: S608
               if table == "ledger_lines" else
               f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET reason = 'x'")  # fmt: skip  # noqa: S608


@pytest.mark.parametrize("table", GUARDED)
def test_a_table_is_never_emptied(filled: Engine, table: str) -> None:
    """SQLite knows no TRUNCATE: its DELETE of everything takes a short cut where no trigger forbids it."""
    empty = "DELETE FROM {} WHERE true" if filled.dialect.name == "sqlite" else "TRUNCATE {} CASCADE"
    refuse(filled, table, empty.format(table))


def test_the_rows_beneath_the_ledger_cannot_take_its_lines_with_them(filled: Engine) -> None:
    """No foreign key cascades: an award with lines stays."""
    with pytest.raises(DBAPIError), filled.begin() as connection:
        connection.execute(text("DELETE FROM awards"))
    assert len(lines(filled, "ledger_lines")) == 3
