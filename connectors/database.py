"""The database's engine: SQLite where one machine is enough, PostgreSQL beyond.

Belongs here: opening an engine, bringing the schema up to date, locks, comparing contents.
Does not: queries about the programme (models/repositories) or when to commit (tasks).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, String, create_engine, event, inspect, select, text, type_coerce
from sqlalchemy import Table as SaTable
from sqlalchemy.engine import URL, Connection, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from models.tables import METADATA
from models.vault import Encrypted

BUSY_MILLISECONDS = 30_000
READING = "yuanmeng_reading"  # an execution option: see for_reading
MIGRATION_LOCK = 20160301  # any number, the same in every process: one migrates, the others wait
TAKING_MILLISECONDS = 700  # PostgreSQL looks for deadlocks after a second
PATIENCE = 600  # seconds in which a migration finds an instant between the transactions of others
ASIDE = "yuanmeng_aside"  # the schema that holds what stood before a restore, until that is through
# A machine that lost its power says no farewell. Each side asks the other, so that its locks are free within a minute,
# not after two hours, and nobody here waits for a server that is gone. On a Unix socket none of it counts.
ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "connect_timeout": 10}
OPTIONS = ("-c timezone=UTC", "-c tcp_keepalives_idle=30", "-c tcp_keepalives_interval=10", "-c tcp_keepalives_count=3")
UNCOMPARED = {
    "*": frozenset({"recorded_at"}),
    "audit_events": frozenset({"id"}),
    "sync_cursors": frozenset({"whole_on"}),  # when everything was asked for, not what was found
}
# Not compared at all: what is to be looked at and when it last was, not what was found (models/tables/news.py).
LEFT_OUT = frozenset({"news", "cohort_news", "looks"})


def open_engine(url: str) -> Engine:
    """Open the database at `url`; errors never show bound values, which may be personal."""
    address = make_url(url)
    if address.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise ArgumentError(f"{address.get_backend_name()} is neither SQLite nor PostgreSQL")
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of a lost connection the error itself tells
    engine = create_engine(address, hide_parameters=True, pool_pre_ping=True, connect_args=_how_to_connect(address))
    event.listen(engine, "handle_error", _hide_detail)
    return engine


def _how_to_connect(address: URL) -> dict[str, Any]:
    """What PostgreSQL is told at each connection; what the address itself says counts."""
    said = address.normalized_query
    alive = {name: value for name, value in ALIVE.items() if name not in said}
    return {**alive, "options": " ".join((*OPTIONS, *said.get("options", ())))}


def _hide_detail(context: ExceptionContext) -> None:
    """Leave out the detail of a PostgreSQL error: it quotes the row that failed, names in clear."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\nDETAIL:")[0], *error.args[1:])


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let SQLAlchemy alone begin transactions, and let readers and one writer work side by side."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MILLISECONDS}", "journal_mode=WAL", "foreign_keys=ON", "recursive_triggers=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: what is read in a transaction cannot change before it writes."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")


def for_reading(engine: Engine) -> Engine:
    """Give the engine for transactions that only look: they neither wait for one that writes nor hold it up."""
    return engine.execution_options(**{READING: True})


def is_migrated(connection: Connection) -> bool:
    """Say whether the schema is the one that this version was written for, and no restore of it broke off.

    The next restore drops what stands there now: whoever worked on it meanwhile would have worked for nothing.
    """
    from alembic.migration import MigrationContext

    if _is_half_restored(connection):
        return False
    return set(MigrationContext.configure(connection).get_current_heads()) == _newest()


def knows_revision(revision: str) -> bool:
    """Say whether this version can bring a schema of that revision up to date; empty: there is no schema yet."""
    from alembic.script import ScriptDirectory

    known = {one.revision for one in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    return revision in {"", *known}


@cache
def _newest() -> set[str]:
    """The versions that the migrations of this process end with."""
    from alembic.script import ScriptDirectory

    return set(ScriptDirectory.from_config(alembic_config()).get_heads())


class NotToBeUsed(ValueError):
    """The database is in no state to be worked on; the sentence says what to do."""


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema; one that is there already is left as it is.

    Where others are at work, PostgreSQL's tables are asked for again and again and never waited for longer than
    anybody would notice. Raises the last refusal after ten minutes, and NotToBeUsed after a broken restore.
    """
    import stamina

    _keep_from_others(url)
    logging.getLogger("stamina").addHandler(logging.NullHandler())  # that it comes again is for no screen
    engine = open_engine(url)
    busy = stamina.retry_context(on=_is_busy, attempts=None, timeout=PATIENCE, wait_initial=0.2, wait_max=2.0)
    try:
        for attempt in busy:
            with attempt, engine.begin() as connection:
                upgrade(connection)
    finally:
        engine.dispose()


def _keep_from_others(url: str) -> None:
    """Let a new SQLite file be its owner's alone from the beginning: names stand in it in clear."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        path = Path(str(address.database))
        if path.parent.is_dir() and not path.exists():
            path.touch(mode=0o600)


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date within the caller's transaction; a second process waits its turn."""
    from alembic import command

    config = alembic_config()
    if connection.dialect.name == "postgresql":
        _refuse_half_restored(connection)
        if _is_newest(connection, config):
            return  # nobody need wait, and a role that may change no table need not
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if not _is_newest(connection, config):
            _take_tables(connection)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_half_restored(connection: Connection) -> None:
    if _is_half_restored(connection):
        raise NotToBeUsed("a restore of this database was interrupted: run `yuanmeng restore FILE` again, with --replace "
                          "where the database held rows before")  # fmt: skip


def _is_half_restored(connection: Connection) -> bool:
    return ASIDE in inspect(connection).get_schema_names()


def _is_newest(connection: Connection, config: Any) -> bool:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    heads = MigrationContext.configure(connection).get_current_heads()
    return heads == tuple(ScriptDirectory.from_config(config).get_heads())


def _take_tables(connection: Connection) -> None:
    """Take every table at once, in less time than a deadlock needs to be seen: whoever is at work is never the victim.

    Who waits for a table makes all others wait behind; so give up soon, let them pass, and come again.
    """
    there = sorted({*METADATA.tables, "alembic_version"}.intersection(inspect(connection).get_table_names()))
    if there:
        connection.execute(text(f"SET LOCAL statement_timeout = {TAKING_MILLISECONDS}"))
        connection.execute(text(f"LOCK TABLE {', '.join(there)} IN ACCESS EXCLUSIVE MODE"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def _is_busy(error: Exception) -> bool:
    """Whether the tables were not to be had, or two of us met: PostgreSQL's codes for that."""
    return getattr(getattr(error, "orig", None), "sqlstate", "") in ("57014", "55P03", "40P01")


def alone(session: Session, name: str) -> None:
    """Let no other transaction into what `name` stands for until this one ends; SQLite has one writer anyway."""
    connection = session.connection()  # where SQLite is the database, this alone takes its one lock
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def can_be_read_again(session: Session) -> None:
    """Let this transaction's commit not wait for the disk: a server that loses its power may lose it, as a whole.

    For what a source is asked again, since the cursor that says how far it was read is lost with the rows.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL synchronous_commit = off"))


@contextmanager
def one_at_a_time(engine: Engine, name: str) -> Iterator[None]:
    """Hold what `name` stands for alone, outside any transaction; others wait, and a process that dies lets go."""
    if engine.dialect.name == "postgresql":
        # The lock is this connection's and goes with it; no transaction stands open meanwhile.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 1))"), {"name": name})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 1))"), {"name": name})
        return
    with Path(f"{engine.url.database}-{name}.lock").open("w") as file:
        flock(file, LOCK_EX)
        yield


def alembic_config() -> Any:
    """Give Alembic's configuration; it needs no file, the migrations lie in their package."""
    from alembic.config import Config

    spec = find_spec("migrations")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package of the migrations is not installed")
    config = Config()
    config.set_main_option("script_location", str(next(iter(spec.submodule_search_locations))).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def table_hashes(engine: Engine) -> dict[str, str]:
    """Give a digest of every table, whatever the order of its rows; wall-clock columns are left out.

    Numbers at rest are compared as their ciphertext, so no key is needed.
    """
    with engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
        return {
            name: _table_hash(connection, table)
            for name, table in sorted(METADATA.tables.items())
            if name in present - LEFT_OUT
        }


def _table_hash(connection: Connection, table: SaTable) -> str:
    left_out = UNCOMPARED["*"] | UNCOMPARED.get(table.name, frozenset())
    columns = [_as_stored(column) for column in table.columns if column.name not in left_out]
    lines = sorted(repr([_canonical(value) for value in row]) for row in connection.execute(select(*columns)))
    digest = blake2b(digest_size=16)
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _as_stored(column: Column[Any]) -> Any:
    return type_coerce(column, String) if isinstance(column.type, Encrypted) else column


def _canonical(value: Any) -> str:
    """The same value reads the same from both databases: 1.50 is 1.5."""
    from decimal import Decimal

    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
