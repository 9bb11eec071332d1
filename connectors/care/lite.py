"""A copy of a SQLite database by its own backup: consistent while others write, and put back in one transaction.

Belongs here: SQLite's way. Does not: PostgreSQL's (postgres.py), the archive (archive.py).
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError

from connectors.care.contents import Contents, contents_of, differences, is_empty
from connectors.care.errors import ArchiveBroken, CareError
from connectors.database import BUSY_MILLISECONDS, open_engine

COPIES, HELD = ".ym-copy-", "held"
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
Reading = tuple[Any, IO[bytes]]


@contextmanager
def dumped(url: str, folder: Path) -> Iterator[Reading]:
    """Copy the database at `url` within `folder`; give a connection to the copy, and the copy as a stream."""
    source = _file_of(url)
    if not source.exists():
        raise CareError(f"there is no database {source}: nothing to back up")
    with _place(folder) as place:
        copy = place / "copy.db"
        _copy(source, copy)
        with _opened(copy) as engine, engine.connect() as connection, copy.open("rb") as stream:
            yield connection, stream


def restore(url: str, dump: IO[bytes], wanted: Mapping[str, Contents], *, replace: bool) -> None:
    """Put a dump into the database at `url` as one transaction, once its copy has proved to hold what it should.

    Raises CareError where rows stand and `replace` was not said, and where a damaged file is in the way.
    """
    target = _file_of(url)
    with _place(target.parent) as place:
        copy = place / "copy.db"
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(dump, file)
        _must_hold(copy, wanted)
        with _damage_named(target):
            _refuse_to_overwrite(target, replace=replace)
            _copy(copy, target)
            _must_hold(target, wanted)


@contextmanager
def _damage_named(target: Path) -> Iterator[None]:
    """Say of a file that SQLite makes nothing of which one it is, and what to do. Raises CareError."""
    try:
        yield
    except (sqlite3.DatabaseError, DBAPIError) as error:
        cause = getattr(error, "orig", error)
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF not in DAMAGED:  # the lower byte is the kind of error
            raise
        raise CareError(f"{target} is damaged: move it and its -wal and -shm away, then restore again") from error


@contextmanager
def _place(folder: Path) -> Iterator[Path]:
    """Give a folder of one's own within `folder`; whole copies that a killed process left there go first.

    Names stand in them in clear. A folder that somebody holds is at work.
    """
    _remove_leftovers(folder)
    with TemporaryDirectory(dir=folder, prefix=COPIES) as made, (Path(made) / "taking").open("wb") as file:
        flock(file, LOCK_EX)  # before it has the name by which leftovers are known
        yield Path(file.name).rename(Path(made) / HELD).parent


def _remove_leftovers(folder: Path) -> None:
    for one in folder.glob(f"{COPIES}*/{HELD}"):
        with suppress(OSError), one.open("r+b") as file:
            flock(file, LOCK_EX | LOCK_NB)
            shutil.rmtree(one.parent)


def _file_of(url: str) -> Path:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise CareError("the database is in memory alone: nothing can be backed up or restored")
    return Path(path)


def _copy(source: Path, target: Path) -> None:
    """Copy in one step: others read on, writers wait for this alone; a crash leaves the target as it was."""
    if not target.exists():
        target.touch(mode=0o600)
    patience = BUSY_MILLISECONDS / 1000
    old, new = sqlite3.connect(source, timeout=patience), sqlite3.connect(target, timeout=patience)
    with closing(old), closing(new):
        old.backup(new, pages=-1)


@contextmanager
def _opened(path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


def _must_hold(path: Path, wanted: Mapping[str, Contents]) -> None:
    differ = differences(wanted, _asked(path, contents_of))
    if differ:
        raise ArchiveBroken(f"the backup does not hold what its manifest says ({', '.join(differ)}): take another one")


def _refuse_to_overwrite(target: Path, *, replace: bool) -> None:
    if target.exists() and not replace and not _asked(target, is_empty):
        raise CareError(f"{target} holds rows: restore into an empty home, or say --replace to lose them")


def _asked(path: Path, ask: Callable[[Any], Any]) -> Any:
    with _opened(path) as engine, engine.connect() as connection:
        return ask(connection)
