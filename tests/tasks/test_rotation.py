"""Rotation of keys: afterwards every number is under the new key, nothing is lost on the way, old backups stay readable."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, make_url, select, text, type_coerce
from sqlmodel import Session

from connectors.database import open_engine, table_hashes
from connectors.settings import SettingsError, create_keys, read_keys
from models.tables.people import Worker
from models.vault import KeyMissing, Keyring, keyring, use_keyring
from tasks import rotation
from tasks.office import Office, unit_of_work
from tasks.rotation import encrypted_columns, rotate_batch, rotate_keys
from tests.fixtures.databases import TEST_KEYS
from tests.models.tables.rows import CARD, DAY, ID_NUMBER, MOBILE, every_row

Stored = dict[tuple[str, str], list[str]]


@pytest.fixture
def keyed(office: Office) -> Office:
    """An office with a file of keys of its own, and a row of every table written with its first key."""
    create_keys(office.settings.keys_file)
    use_keyring(read_keys(office.settings.keys_file))
    with unit_of_work() as session:
        for row in every_row():
            session.add(row)
            session.flush()
    return office


@pytest.fixture(autouse=True)
def _test_keys_come_back() -> Any:
    yield
    use_keyring(TEST_KEYS)


def stored(office: Office) -> Stored:
    """Every number as it stands in the database."""
    found: Stored = {}
    with office.engine.connect() as connection:
        for table, columns in encrypted_columns():
            for column in columns:
                query = select(type_coerce(column, String)).where(column.is_not(None)).order_by(*table.primary_key)
                found[table.name, column.name] = list(connection.execute(query).scalars())
    return found


def clear(office: Office) -> Stored:
    """Every number as it reads."""
    return {key: [keyring().decrypt(value) for value in values] for key, values in stored(office).items()}


def key_ids(office: Office) -> set[str]:
    return {value.partition(":")[0] for values in stored(office).values() for value in values}


def more_workers(office: Office, count: int) -> None:
    with unit_of_work() as session:
        session.add_all(
            Worker(id=f"W-{n + 10}", name="职工", sex="male", birth_on=DAY, resident_id=f"{n:018}",
                   resident_id_hash=f"h{n + 10}", resident_id_masked="x", mobile=None if n % 2 else f"1380000{n:04}")
            for n in range(count)
        )  # fmt: skip


def test_a_rotation_encrypts_every_number_anew_and_changes_none(keyed: Office) -> None:
    before, was = clear(keyed), stored(keyed)
    result = rotate_keys(actor="tester", as_of=DAY)
    assert result == {"key": "k2", "fields": sum(len(values) for values in was.values())}
    assert key_ids(keyed) == {"k2"}
    assert clear(keyed) == before
    assert {number for values in before.values() for number in values} >= {ID_NUMBER, CARD, MOBILE}
    assert not {value for values in was.values() for value in values} & {v for vs in stored(keyed).values() for v in vs}


def test_every_encrypted_column_of_every_table_has_something_to_rotate(keyed: Office) -> None:
    """A new encrypted column is found by itself; this test must then give it a row."""
    assert all(stored(keyed).values())
    assert set(stored(keyed)) >= {("workers", "resident_id"), ("workers", "mobile"), ("outbox", "payload")}


def test_a_rotation_touches_nothing_but_ciphertext_and_leaves_one_audit_line(keyed: Office) -> None:
    before = table_hashes(keyed.engine)
    rotate_keys(actor="tester", as_of=DAY)
    after = table_hashes(keyed.engine)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {table.name for table, _ in encrypted_columns()} | {"audit_events"}
    with keyed.engine.connect() as connection:
        query = text("SELECT action, subject, actor FROM audit_events WHERE action = 'keys-rotated'")
        assert [tuple(row) for row in connection.execute(query)] == [("keys-rotated", "k2", "tester")]


def test_matching_hashes_survive_so_that_workers_are_known_again(keyed: Office) -> None:
    before = keyring().match_hash("resident-id", ID_NUMBER)
    rotate_keys(actor="tester", as_of=DAY)
    assert keyring().match_hash("resident-id", ID_NUMBER) == before
    assert read_keys(keyed.settings.keys_file).matching == keyring().matching


def test_more_rows_than_a_batch_are_all_rewritten(keyed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those where one column is empty."""
    monkeypatch.setattr(rotation, "BATCH", 7)
    more_workers(keyed, 30)
    before = clear(keyed)
    rotate_keys(actor="tester", as_of=DAY)
    assert key_ids(keyed) == {"k2"}
    assert clear(keyed) == before


def _power_cut_after(batches: int) -> Callable[..., int]:
    done = iter(range(batches))

    def rotate(*given: Any) -> int:
        if next(done, None) is None:
            raise RuntimeError("a power cut")
        return rotate_batch(*given)

    return rotate


@pytest.mark.parametrize("batches", [0, 1, 3, 6])
def test_an_interrupted_rotation_is_finished_by_the_next(
    keyed: Office, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    """Between the two everything is readable, and the next makes no third key."""
    monkeypatch.setattr(rotation, "BATCH", 5)
    more_workers(keyed, 12)
    before = clear(keyed)
    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="a power cut"):
        patched.setattr(rotation, "rotate_batch", _power_cut_after(batches))
        rotate_keys(actor="tester", as_of=DAY)
    assert key_ids(keyed) == ({"k1"} if batches == 0 else {"k1", "k2"})
    use_keyring(read_keys(keyed.settings.keys_file))
    assert clear(keyed) == before
    assert rotate_keys(new_key=False, actor="tester", as_of=DAY)["key"] == "k2"
    assert key_ids(keyed) == {"k2"}
    assert clear(keyed) == before


def test_finishing_what_is_finished_changes_no_field(keyed: Office) -> None:
    rotate_keys(actor="tester", as_of=DAY)
    before = stored(keyed)
    assert rotate_keys(new_key=False, actor="tester", as_of=DAY) == {"key": "k2", "fields": 0}
    assert stored(keyed) == before


def test_two_rotations_make_two_keys_and_the_first_still_opens_a_backup(keyed: Office, tmp_path: Path) -> None:
    """The backup of a database is read by today's file of keys."""
    before, backup = clear(keyed), stored(keyed)
    rotate_keys(actor="tester", as_of=DAY)
    rotate_keys(actor="tester", as_of=DAY)
    ring = read_keys(keyed.settings.keys_file)
    assert (ring.current, sorted(ring.keys)) == ("k3", ["k1", "k2", "k3"])
    assert {key: [ring.decrypt(value) for value in values] for key, values in backup.items()} == before
    assert keyed.settings.keys_file.stat().st_mode & 0o077 == 0


def test_a_backup_file_of_the_database_opens_after_a_rotation(sqlite_office: Office, tmp_path: Path) -> None:
    create_keys(sqlite_office.settings.keys_file)
    use_keyring(read_keys(sqlite_office.settings.keys_file))
    with unit_of_work() as session:
        session.add_all(every_row()[:1])
        more = Worker(id="W", name="职工", sex="male", birth_on=DAY, resident_id=ID_NUMBER, resident_id_hash="h",
                      resident_id_masked="x")  # fmt: skip
        session.add(more)
    sqlite_office.engine.dispose()
    path = Path(str(make_url(sqlite_office.settings.database_url).database))
    shutil.copy(path, tmp_path / "backup.db")
    rotate_keys(actor="tester", as_of=DAY)
    backup = open_engine(f"sqlite:///{tmp_path / 'backup.db'}")
    with Session(backup) as session:
        assert session.get_one(Worker, "W").resident_id == ID_NUMBER
    backup.dispose()


def test_a_lost_key_stops_the_rotation_before_anything_is_lost(keyed: Office) -> None:
    before = stored(keyed)
    use_keyring(Keyring(current="k2", keys={"k2": b"9" * 64}, matching=b"m" * 64))
    with pytest.raises(KeyMissing, match="'k1' is not in the keyring") as refusal:
        rotate_keys(new_key=False, actor="tester", as_of=DAY)
    assert stored(keyed) == before
    assert json.dumps(str(refusal.value)).find(ID_NUMBER) == -1


def test_a_file_of_keys_that_cannot_be_read_rotates_nothing(keyed: Office) -> None:
    before = stored(keyed)
    keyed.settings.keys_file.unlink()
    with pytest.raises(SettingsError):
        rotate_keys(actor="tester", as_of=DAY)
    assert stored(keyed) == before
