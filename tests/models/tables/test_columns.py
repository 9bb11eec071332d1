"""Columns give back what they were given, the same from both databases; numbers at rest are ciphertext."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, String, delete, insert, select, type_coerce
from sqlalchemy import Table as SaTable
from sqlalchemy.exc import StatementError

from models.tables import METADATA
from models.tables.base import Exact, Instant
from models.tables.people import Worker
from models.vault import Encrypted, Keyring, keyring, use_keyring
from tests.fixtures.databases import TEST_KEYS
from tests.models.tables.rows import CARD, DAY, ID_NUMBER, MOBILE

TABLES = METADATA.tables
SAME_DATABASE = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
CIPHERTEXT = re.compile(r"t1:[A-Za-z0-9+/]+={0,2}")


def through(engine: Engine, table: SaTable, column: str, values: dict[str, object]) -> object:
    """What a column gives back after a row was written; the row does not stay."""
    with engine.connect() as connection:
        connection.execute(insert(table).values(values))
        found = connection.execute(select(table.c[column]).where(table.c.id == "probe")).scalar_one()
        connection.rollback()
    return found


def award(amount: Decimal) -> dict[str, object]:
    return {"id": "probe", "participant_id": "P-1", "source_id": "F-1", "period": "probe", "amount": amount,
            "granted_on": DAY, "status": "granted"}  # fmt: skip


@SAME_DATABASE
@given(amount=st.decimals("0.01", "999999999999.99", places=2))
def test_yuan_come_back_to_the_fen(filled: Engine, amount: Decimal) -> None:
    """Up to a thousand billion, also where the database has no decimals of its own."""
    found = through(filled, TABLES["awards"], "amount", award(amount))
    assert isinstance(found, Decimal)
    assert (str(found), found) == (str(amount), amount)


@SAME_DATABASE
@given(minutes=st.decimals(0, 9_999_999, places=5))
def test_a_measure_keeps_three_places_on_every_database(filled: Engine, minutes: Decimal) -> None:
    values = {"id": "probe", "student_number": "1", "activity": "a", "verb": "v", "minutes": minutes,
              "at": datetime(2026, 9, 1, tzinfo=UTC), "voided": False}  # fmt: skip
    found = through(filled, TABLES["online_study"], "minutes", values)
    assert found == minutes.quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1), timezones=offsets)


@SAME_DATABASE
@given(at=moments)
def test_an_instant_comes_back_as_the_same_instant_in_utc(filled: Engine, at: datetime) -> None:
    values = {"id": "probe", "class_id": "ou:k1", "starts_at": at, "minutes": 1, "closed": True}
    found = through(filled, TABLES["sessions"], "starts_at", values)
    assert isinstance(found, datetime)
    assert found == at
    assert found.tzinfo is UTC or found.utcoffset() == timedelta(0)


def test_an_instant_without_an_offset_is_an_error(filled: Engine) -> None:
    values = {"id": "probe", "class_id": "ou:k1", "starts_at": datetime(2026, 9, 1), "minutes": 1, "closed": True}
    with pytest.raises(StatementError, match="an instant needs an offset"):
        through(filled, TABLES["sessions"], "starts_at", values)


def test_nothing_stays_nothing(filled: Engine) -> None:
    with filled.connect() as connection:
        for name, column in (("waits", "due_on"), ("skill_assessments", "score"), ("alerts", "told_at")):
            assert connection.execute(select(TABLES[name].c[column])).scalar_one() is None
    assert Exact(5, 2).process_bind_param(None, filled.dialect) is None
    assert Instant().process_bind_param(None, filled.dialect) is None
    assert Encrypted().process_bind_param(None, filled.dialect) is None
    assert Encrypted().process_result_value(None, filled.dialect) is None


def encrypted() -> list[tuple[str, str]]:
    return [(name, column.name) for name, table in TABLES.items() for column in table.columns
            if isinstance(column.type, Encrypted)]  # fmt: skip


def test_every_number_and_every_payload_is_an_encrypted_column() -> None:
    """A column added for a number must be one of these, a payload holds numbers too."""
    named = {"resident_id", "mobile", "bank_card", "payload"}
    assert {pair for pair in encrypted() if pair[1] in named} == {
        (name, column.name) for name, table in TABLES.items() for column in table.columns if column.name in named
    }
    assert ("documents", "value") in encrypted()


@pytest.mark.parametrize(("name", "column"), encrypted())
def test_a_number_at_rest_is_ciphertext_that_names_its_key(filled: Engine, name: str, column: str) -> None:
    table = TABLES[name]
    with filled.connect() as connection:
        stored = connection.execute(select(type_coerce(table.c[column], String))).scalars().all()
        clear = connection.execute(select(table.c[column])).scalars().all()
    assert stored
    assert all(CIPHERTEXT.fullmatch(value) for value in stored)
    assert [keyring().decrypt(value) for value in stored] == clear
    assert all(any(number in value for number in (ID_NUMBER, CARD, MOBILE)) for value in clear)


def test_no_number_stands_in_clear_anywhere_in_the_database(filled: Engine) -> None:
    """All columns of all tables, as they are stored."""
    with filled.connect() as connection:
        for table in TABLES.values():
            columns = [type_coerce(c, String) if isinstance(c.type, Encrypted) else c for c in table.columns]
            rows = str(connection.execute(select(*columns)).all())
            assert not any(number in rows for number in (ID_NUMBER, CARD, MOBILE)), table.name


def test_equal_numbers_are_equal_ciphertext_so_an_unchanged_row_is_unchanged(filled: Engine) -> None:
    with filled.connect() as connection:
        card = select(type_coerce(TABLES["workers"].c.bank_card, String))
        value = select(type_coerce(TABLES["documents"].c.value, String))
        assert connection.execute(card).scalar_one() == connection.execute(value).scalar_one()


def test_another_key_reads_nothing(filled: Engine) -> None:
    use_keyring(Keyring(current="t1", keys={"t1": b"2" * 64}, matching=b"m" * 64))
    try:
        with filled.connect() as connection, pytest.raises(Exception, match="restore the right keys") as refusal:
            connection.execute(select(TABLES["workers"].c.resident_id)).all()
        assert ID_NUMBER not in str(refusal.value)
    finally:
        use_keyring(TEST_KEYS)


def test_a_row_shows_no_number_when_it_is_printed() -> None:
    worker = Worker(id="W", name="高建国", sex="female", birth_on=DAY, resident_id=ID_NUMBER, resident_id_hash="h",
                    resident_id_masked="320205********000X", mobile=MOBILE, bank_card=CARD)  # fmt: skip
    assert not any(number in f"{worker!r} {worker}" for number in (ID_NUMBER, CARD, MOBILE))


def test_an_update_in_bulk_encrypts_as_well(filled: Engine) -> None:
    documents = TABLES["documents"]
    with filled.connect() as connection:
        connection.execute(documents.update().values(value=MOBILE))
        stored = connection.execute(select(type_coerce(documents.c.value, String))).scalar_one()
        assert connection.execute(select(documents.c.id).where(documents.c.value == MOBILE)).scalar_one() == "D-1"
        connection.execute(delete(documents).where(documents.c.id == "none"))
        connection.rollback()
    assert CIPHERTEXT.fullmatch(stored)
