"""Backup and restore: the same hashes after everything was dropped, whole archives or none, and nothing overwritten."""

import contextlib
import io
import itertools
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import make_url, text
from sqlmodel import Session

from connectors.care import lite as lite_copies
from connectors.care.archive import DUMP, MANIFEST, Manifest, packing, unpacking
from connectors.care.contents import Contents
from connectors.care.errors import ArchiveBroken, CareError
from connectors.database import alembic_config, migrate, table_hashes
from connectors.settings import Settings, create_keys, read_keys
from models.repositories.audit import record
from models.tables import METADATA
from models.tables.people import Worker
from models.vault import use_keyring
from tasks.backup import back_up, proved, restore
from tests.fixtures.care import contents, fill
from tests.fixtures.databases import TEST_KEYS, opened
from tests.models.tables.rows import CARD, DAY, ID_NUMBER, MOBILE

pytestmark = pytest.mark.usefixtures("postgres_tools")


@pytest.fixture(autouse=True)
def _test_keys_come_back() -> Iterator[None]:
    yield
    use_keyring(TEST_KEYS)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of a filled installation, once on SQLite and once on PostgreSQL."""
    fill(database_url)
    return Settings(home=tmp_path, database_url=database_url, keys_file=tmp_path / "keys.toml", actor="tester")


@pytest.fixture
def lite(sqlite_url: str, tmp_path: Path) -> Settings:
    """The same on SQLite: for what no database changes."""
    fill(sqlite_url)
    return Settings(home=tmp_path, database_url=sqlite_url, keys_file=tmp_path / "keys.toml", actor="tester")


def drop_everything(url: str) -> None:
    """Lose the database: its file, or all its tables."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        for one in Path(str(address.database)).parent.glob(f"{Path(str(address.database)).name}*"):
            one.unlink()
        return
    with opened(url) as engine, engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def hashes(url: str) -> dict[str, str]:
    with opened(url) as engine:
        return table_hashes(engine)


def test_backup_drop_everything_restore_gives_the_same_hashes(settings: Settings, tmp_path: Path) -> None:
    before, held = hashes(settings.database_url), contents(settings.database_url)
    made = back_up(settings, tmp_path / "kept.zip")
    drop_everything(settings.database_url)
    done = restore(settings, tmp_path / "kept.zip")
    assert hashes(settings.database_url) == before
    assert contents(settings.database_url) == held
    assert done["rows"] == made["rows"] > len(METADATA.tables)
    assert set(held) == {*METADATA.tables, "alembic_version"}
    for statement in ("DELETE FROM audit_events", "UPDATE ledger_lines SET amount = 1"):
        with (
            pytest.raises(Exception, match="only ever grows"),
            opened(settings.database_url) as engine,
            engine.begin() as connection,
        ):
            connection.execute(text(statement))


def test_the_archive_is_its_owners_alone_and_says_what_is_in_it(lite: Settings, tmp_path: Path) -> None:
    create_keys(lite.keys_file)
    made = back_up(lite)
    path = Path(made["file"])
    assert path.parent == tmp_path / "backups"
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [DUMP, MANIFEST]
        manifest = json.loads(archive.read(MANIFEST))
    assert manifest["revision"] == made["revision"]
    assert manifest["key_ids"] == ["t1"]
    assert manifest["tables"]["ledger_lines"]["rows"] == 3
    assert not [one for one in tmp_path.rglob("*") if one.name.startswith(".ym-")]


def test_no_key_and_no_number_is_in_an_archive_even_unpacked(lite: Settings, tmp_path: Path) -> None:
    create_keys(lite.keys_file)
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange" / "roster.csv").write_text(ID_NUMBER, encoding="utf-8")
    path = Path(back_up(lite)["file"])
    secrets = [
        one.split('"')[1] for one in lite.keys_file.read_text(encoding="utf-8").splitlines() if one.endswith('="')
    ]
    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    for word in (ID_NUMBER, CARD, MOBILE, *secrets):
        assert word.encode() not in everything


def test_a_backup_is_one_instant_of_a_database_that_is_written_meanwhile(settings: Settings, tmp_path: Path) -> None:
    """Every transaction writes two lines: the archive has both or neither, and agrees with its manifest."""
    over, began = threading.Event(), threading.Event()
    number = 0

    def work() -> None:
        nonlocal number
        with opened(settings.database_url) as engine:
            while not over.is_set():
                with Session(engine) as session, session.begin():
                    for half in "ab":
                        record(session, action="tick", subject="x", actor="t", on=DAY, key=f"{half}-{number}")
                number += 1
                began.set()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert began.wait(20)
        back_up(settings, tmp_path / "kept.zip")
    finally:
        over.set()
        worker.join()
    restore(settings, tmp_path / "kept.zip", replace=True)
    with opened(settings.database_url) as engine, engine.connect() as connection:
        keys = set(connection.execute(text("SELECT key FROM audit_events WHERE action = 'tick'")).scalars())
    assert {f"a-{key[2:]}" for key in keys} | {f"b-{key[2:]}" for key in keys} == keys
    assert 0 < len(keys) <= 2 * number


def test_a_database_with_rows_is_never_overwritten_unless_that_is_said(settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "kept.zip")
    at_backup = contents(settings.database_url)
    with opened(settings.database_url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE workers SET name = '另一人'"))
    changed = contents(settings.database_url)
    with pytest.raises(CareError, match=r"holds rows: restore into an empty .*--replace"):
        restore(settings, tmp_path / "kept.zip")
    assert contents(settings.database_url) == changed != at_backup
    restore(settings, tmp_path / "kept.zip", replace=True)
    assert contents(settings.database_url) == at_backup


def test_a_fresh_home_that_holds_tables_alone_takes_a_backup(settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "kept.zip")
    held = contents(settings.database_url)
    drop_everything(settings.database_url)
    migrate(settings.database_url)
    restore(settings, tmp_path / "kept.zip")
    assert contents(settings.database_url) == held


def test_a_backup_of_an_older_yuanmeng_is_brought_up_to_date(lite: Settings, tmp_path: Path) -> None:
    newest = contents(lite.database_url)["alembic_version"]
    with opened(lite.database_url) as engine, engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
    back_up(lite, tmp_path / "kept.zip")
    assert proved(tmp_path / "kept.zip").revision == "0008"
    drop_everything(lite.database_url)
    restore(lite, tmp_path / "kept.zip")
    held = contents(lite.database_url)
    assert held["alembic_version"] == newest
    assert held["workers"].rows == 1


def test_a_file_that_is_there_is_left_as_it_is(lite: Settings, tmp_path: Path) -> None:
    target = tmp_path / "kept.zip"
    target.write_text("something else", encoding="utf-8")
    with pytest.raises(CareError, match="is there already"):
        back_up(lite, target)
    assert target.read_text(encoding="utf-8") == "something else"


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _bend(path: Path) -> None:
    """Turn a byte of the dump."""
    body = bytearray(path.read_bytes())
    body[400] ^= 0xFF
    path.write_bytes(body)


def _repack(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        dump, manifest = archive.read(DUMP), json.loads(archive.read(MANIFEST))
    change(manifest)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(DUMP, dump)
        archive.writestr(MANIFEST, json.dumps(manifest))


def _lie(path: Path) -> None:
    _repack(path, lambda said: said["tables"]["workers"].update(digest="0" * 32))


def _forget(path: Path) -> None:
    _repack(path, lambda said: said.pop("tables"))


def _text(path: Path) -> None:
    path.write_text("no zip", encoding="utf-8")


@pytest.mark.parametrize("spoil", [_cut, _bend, _lie, _forget, _text])
def test_an_archive_that_is_not_whole_changes_nothing(
    lite: Settings, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """Cut off, bent, or not holding what its manifest says: not even --replace takes it."""
    refuse_spoilt(lite, tmp_path, spoil)


@pytest.mark.postgres
def test_what_does_not_hold_what_its_manifest_says_is_taken_back(on_postgres: Settings, tmp_path: Path) -> None:
    refuse_spoilt(on_postgres, tmp_path, _lie)


def refuse_spoilt(settings: Settings, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A spoilt archive changes nothing."""
    path = Path(back_up(settings, tmp_path / "kept.zip")["file"])
    spoil(path)
    before = contents(settings.database_url)
    with pytest.raises(ArchiveBroken, match="take another"):
        restore(settings, path, replace=True)
    assert contents(settings.database_url) == before
    migrate(settings.database_url)


def test_an_archive_of_a_newer_form_asks_for_a_newer_yuanmeng(lite: Settings, tmp_path: Path) -> None:
    path = Path(back_up(lite, tmp_path / "kept.zip")["file"])
    _repack(path, lambda said: said.update(format=99))
    with pytest.raises(CareError, match="newer Yuanmeng"):
        restore(lite, path, replace=True)


def test_an_archive_is_taken_as_it_was_or_refused_whatever_bits_of_it_are_turned(tmp_path: Path) -> None:
    """Those of its headers too: they may say that it is encrypted, or squeezed in a way that nobody knows."""
    path, spoilt, dump = tmp_path / "kept.zip", tmp_path / "spoilt.zip", b"SQLite format 3" * 9
    with packing(path) as pack:
        digest = pack.add(DUMP, io.BytesIO(dump), squeeze=True)
        pack.say(Manifest("1", "0001", "SQLite", "then", {"workers": Contents(1, "0")}, dump_sha256=digest))
    whole, taken = path.read_bytes(), 0
    for place, bits in itertools.product(range(len(whole)), (0x01, 0x08, 0x40, 0xFF)):
        spoilt.write_bytes(whole[:place] + bytes([whole[place] ^ bits]) + whole[place + 1 :])
        with contextlib.suppress(CareError), unpacking(spoilt) as (_, stream):
            assert stream.read() == dump
            taken += 1
    assert taken < len(whole)


def test_a_backup_of_a_newer_schema_is_refused_before_anything_goes(lite: Settings, tmp_path: Path) -> None:
    """Restored, this version could neither migrate it nor work on it, and what stood before would be lost."""
    with opened(lite.database_url) as engine, engine.begin() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    path = Path(back_up(lite, tmp_path / "kept.zip")["file"])
    with opened(lite.database_url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
    before = contents(lite.database_url)
    with pytest.raises(CareError, match="newer Yuanmeng"):
        restore(lite, path, replace=True)
    assert contents(lite.database_url) == before


def left_behind(folder: Path) -> Path:
    """What a process leaves that is killed while it copies."""
    dead = folder / ".ym-copy-dead"
    dead.mkdir()
    for name in ("copy.db", "held"):
        (dead / name).write_bytes(b"names")
    return dead


def test_what_a_killed_backup_or_restore_copied_is_removed_by_the_next(lite: Settings, tmp_path: Path) -> None:
    """A whole copy of the database, names in clear, stood beside it for ever; one that is at work is left alone."""
    dead = left_behind(tmp_path)
    with lite_copies.dumped(lite.database_url, tmp_path) as (_, stream):
        back_up(lite, tmp_path / "kept.zip")
        assert stream.read(6) == b"SQLite"
        assert len(list(tmp_path.glob(".ym-copy-*"))) == 1
    assert not dead.exists()
    left_behind(tmp_path)
    restore(lite, tmp_path / "kept.zip", replace=True)
    assert not list(tmp_path.glob(".ym-copy-*"))


def test_the_other_kind_of_database_takes_no_archive(sqlite_url: str, tmp_path: Path) -> None:
    fill(sqlite_url)
    lite = Settings(home=tmp_path, database_url=sqlite_url, keys_file=tmp_path / "keys.toml", actor="tester")
    back_up(lite, tmp_path / "kept.zip")
    other = lite.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(CareError, match="is of SQLite, and database_url names PostgreSQL"):
        restore(other, tmp_path / "kept.zip")


def test_a_restore_says_when_the_keys_are_not_those_of_the_backup(lite: Settings, tmp_path: Path) -> None:
    """Without keys, with another installation's, and with the right ones."""
    path = tmp_path / "kept.zip"
    create_keys(lite.keys_file)
    use_keyring(read_keys(lite.keys_file))
    with opened(lite.database_url) as engine, Session(engine) as session, session.begin():
        session.add(Worker(id="W-9", name="职工", sex="male", birth_on=DAY, resident_id=ID_NUMBER, resident_id_hash="h9",
                           resident_id_masked="x"))  # fmt: skip
    assert back_up(lite, path)["key_ids"] == ["k1", "t1"]
    assert "t1 missing" in restore(lite, path, replace=True)["keys"]
    lite.keys_file.rename(tmp_path / "elsewhere")
    assert "there are no keys here" in restore(lite, path, replace=True)["keys"]
    create_keys(lite.keys_file)
    assert "not those of the backup" in restore(lite, path, replace=True)["keys"]


def test_the_right_keys_are_known_as_such(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url, keys_file=tmp_path / "keys.toml", actor="tester")
    create_keys(settings.keys_file)
    back_up(settings, tmp_path / "kept.zip")
    assert restore(settings, tmp_path / "kept.zip", replace=True)["keys"] == ""


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"no database" * 99), lambda path: os.truncate(path, 5000)],
                         ids=["text", "cut"])  # fmt: skip
def test_a_damaged_file_in_the_way_of_a_restore_is_named(
    lite: Settings, tmp_path: Path, replace: bool, spoil: Callable[[Path], object]
) -> None:
    """SQLite can neither look into it nor write over it; what is left of it stays, whoever restores moves it away."""
    back_up(lite, tmp_path / "kept.zip")
    held = contents(lite.database_url)
    path = Path(str(make_url(lite.database_url).database))
    spoil(path)
    with pytest.raises(
        CareError, match=r"is damaged: move it and its -wal and -shm away, then restore again$"
    ) as refusal:
        restore(lite, tmp_path / "kept.zip", replace=replace)
    assert str(refusal.value).startswith(f"{path} is")
    drop_everything(lite.database_url)
    restore(lite, tmp_path / "kept.zip")
    assert contents(lite.database_url) == held


def test_nothing_to_back_up_is_said(tmp_path: Path) -> None:
    for url, words in (("sqlite://", "in memory"), (f"sqlite:///{tmp_path / 'none.db'}", "there is no database")):
        settings = Settings(home=tmp_path, database_url=url, keys_file=tmp_path / "keys.toml", actor="tester")
        with pytest.raises(CareError, match=words):
            back_up(settings, tmp_path / "kept.zip")
    assert not list(tmp_path.iterdir())


# --- PostgreSQL's tools ---------------------------------------------------------------------------------------


@pytest.fixture
def on_postgres(postgres_fresh: Callable[[], str], tmp_path: Path) -> Settings:
    """A filled installation on PostgreSQL."""
    url = postgres_fresh()
    fill(url)
    return Settings(home=tmp_path, database_url=url, keys_file=tmp_path / "keys.toml", actor="tester")


def tool(folder: Path, name: str, script: str) -> None:
    """Put a program in the place of a tool."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.postgres
def test_a_missing_tool_is_asked_for(on_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CareError, match="pg_dump is not installed: install PostgreSQL's client tools"):
        back_up(on_postgres, tmp_path / "kept.zip")


@pytest.mark.postgres
def test_a_tool_older_than_the_server_is_not_used(
    on_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path / "old", "pg_dump", 'echo "pg_dump (PostgreSQL) 9.6.2"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:{os.environ['PATH']}")
    with pytest.raises(CareError, match="older than the server"):
        back_up(on_postgres, tmp_path / "kept.zip")
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.postgres
@pytest.mark.parametrize(("said", "told"), [
    ("error: No space left on device", "disk is full"), ("COPY workers, line 1: 高建国", "ended with an error"),
    ("unsupported version (1.99) in file header", "older than the one that made the backup"),
])  # fmt: skip
def test_what_a_tool_says_is_told_without_a_row(
    on_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    """And a restore that fails leaves what stood before it."""
    back_up(on_postgres, tmp_path / "kept.zip")
    before = contents(on_postgres.database_url)
    tool(
        tmp_path / "bad",
        "pg_restore",
        f'[ "$1" = --version ] && echo "pg_restore (PostgreSQL) 99.1" && exit\necho "{said}" >&2\nexit 1',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bad'}:{os.environ['PATH']}")
    with pytest.raises(CareError, match=told) as refusal:
        restore(on_postgres, tmp_path / "kept.zip", replace=True)
    assert "高建国" not in str(refusal.value)
    assert contents(on_postgres.database_url) == before


@pytest.mark.postgres
def test_a_password_goes_to_the_tools_by_their_environment_alone(
    on_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody on the machine can read a command line."""
    tool(tmp_path / "seen", "pg_dump", f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit\n'
         f'echo "$@" > {tmp_path}/line; echo "$PGPASSWORD" > {tmp_path}/password; exit 1')  # fmt: skip
    monkeypatch.setenv("PATH", f"{tmp_path / 'seen'}:{os.environ['PATH']}")
    url = make_url(on_postgres.database_url).set(password="s3cret-word").render_as_string(hide_password=False)
    with pytest.raises(CareError):
        back_up(on_postgres.model_copy(update={"database_url": url}), tmp_path / "kept.zip")
    assert "s3cret-word" not in (tmp_path / "line").read_text(encoding="utf-8")
    assert (tmp_path / "password").read_text(encoding="utf-8") == "s3cret-word\n"
