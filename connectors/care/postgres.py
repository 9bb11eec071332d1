"""A copy of a PostgreSQL database by pg_dump, and back by pg_restore, in one snapshot and one transaction.

Belongs here: PostgreSQL's way. Does not: SQLite's (lite.py), the archive (archive.py).
What stood before a restore is moved aside, into a schema of its own, until what was restored has proved whole: a crash
in between leaves it there, Yuanmeng refuses to work on (connectors/database.py), and the next restore puts it back first.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import Engine, inspect, make_url
from sqlalchemy.engine import Connection

from connectors.care.contents import OURS, Contents, contents_of, differences, is_empty, tables_of
from connectors.care.errors import ArchiveBroken, CareError
from connectors.database import ASIDE, one_at_a_time, open_engine

LOCK_SECONDS = 20
FUNCTIONS = ("refuse_change",)
Reading = tuple[Any, IO[bytes]]
# What pg_dump and pg_restore say, and what it means here; nothing else of theirs is shown: it may quote a row.
SAID = (
    ("server version mismatch", "it is older than the server: install the server's own version"),
    ("unsupported version", "it is older than the one that made the backup: install that version"),
    ("password authentication failed", "the server refuses the login: check the password file that PGPASSFILE names"),
    ("no password supplied", "no password is given: name a password file with PGPASSFILE"),
    ("could not connect", "the server cannot be reached: check database_url"),
    ("connection to server", "the server cannot be reached: check database_url"),
    (
        "permission denied",
        "the role lacks a right: back up and restore as the owner of the database (deploy/roles.sql)",
    ),
    ("must be owner", "the role lacks a right: back up and restore as the owner of the database (deploy/roles.sql)"),
    ("No space left", "the server's disk is full: free some space, then try again"),
    ("lock timeout", "the database is at work: stop the workers first"),
)


@contextmanager
def dumped(url: str) -> Iterator[Reading]:
    """Dump the database at `url`; give a connection that sees what is dumped, and the dump as a stream."""
    with _opened(url) as engine, engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        tool = _tool("pg_dump", connection)
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        words = [tool, "--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={ASIDE}",
                 f"--snapshot={snapshot}"]  # fmt: skip
        with _running(url, words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            if process.stdout is None:
                raise CareError("pg_dump gives no dump: try again")
            yield connection, process.stdout


def restore(url: str, dump: IO[bytes], wanted: Mapping[str, Contents], *, replace: bool) -> None:
    """Put a dump into the database at `url`; what stood there goes once the dump has proved to hold what it should.

    Raises CareError where rows stand and `replace` was not said, and for a dump that cannot be taken.
    """
    with _opened(url) as engine, one_at_a_time(engine, "restore"):
        with engine.begin() as connection:
            tool = _tool("pg_restore", connection)
            _put_back(connection)
            if not replace and not is_empty(connection):
                raise CareError("the database holds rows: restore into an empty one, or say --replace to lose them")
            _put_aside(connection)
        try:
            _pour(url, tool, dump)
            _must_hold(engine, wanted)
        except Exception:
            with engine.begin() as connection:
                _put_back(connection)
            raise
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {ASIDE} CASCADE")


def _pour(url: str, tool: str, dump: IO[bytes]) -> None:
    words = [tool, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    with _running(url, words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        if process.stdin is None:
            raise CareError("pg_restore takes no dump: try again")
        with suppress(BrokenPipeError):  # it has given up already, and says why
            shutil.copyfileobj(dump, process.stdin)
        with suppress(BrokenPipeError):
            process.stdin.close()


def _must_hold(engine: Engine, wanted: Mapping[str, Contents]) -> None:
    with engine.connect() as connection:
        differ = differences(wanted, contents_of(connection))
    if differ:
        raise ArchiveBroken(f"the backup does not hold what its manifest says ({', '.join(differ)}): take another one")


# --- what stood before ----------------------------------------------------------------------------------------


def _put_aside(connection: Connection) -> None:
    """Move our tables and functions out of the way; nothing is copied."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    connection.exec_driver_sql(f"CREATE SCHEMA {ASIDE}")
    for name in tables_of(connection):
        connection.exec_driver_sql(f"ALTER TABLE {name} SET SCHEMA {ASIDE}")
    for name in _functions(connection, "public"):
        connection.exec_driver_sql(f"ALTER FUNCTION public.{name}() SET SCHEMA {ASIDE}")


def _put_back(connection: Connection) -> None:
    """Undo a restore that did not come to its end: what it brought goes, what stood before it comes back."""
    if ASIDE not in inspect(connection).get_schema_names():
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    for name in tables_of(connection):
        connection.exec_driver_sql(f"DROP TABLE {name} CASCADE")
    for name in _functions(connection, "public"):
        connection.exec_driver_sql(f"DROP FUNCTION public.{name}()")
    for name in sorted(OURS.intersection(inspect(connection).get_table_names(schema=ASIDE))):
        connection.exec_driver_sql(f"ALTER TABLE {ASIDE}.{name} SET SCHEMA public")
    for name in _functions(connection, ASIDE):
        connection.exec_driver_sql(f"ALTER FUNCTION {ASIDE}.{name}() SET SCHEMA public")
    connection.exec_driver_sql(f"DROP SCHEMA {ASIDE}")


def _functions(connection: Connection, schema: str) -> list[str]:
    query = "SELECT proname FROM pg_proc WHERE pronamespace = %s::regnamespace AND proname = ANY(%s)"
    return list(connection.exec_driver_sql(query, (schema, list(FUNCTIONS))).scalars())


# --- PostgreSQL's own tools -----------------------------------------------------------------------------------


def _tool(name: str, connection: Connection) -> str:
    """Give the path of a tool that is at least as new as the server. Raises CareError."""
    path = shutil.which(name)
    if path is None:
        raise CareError(f"{name} is not installed: install PostgreSQL's client tools, of the server's version or newer")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = re.search(r"\) (\d+)", told)
    server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if version is None or int(version[1]) < server:
        raise CareError(
            f"{name} is older than the server (PostgreSQL {server}): install the client tools of that version"
        )
    return path


@contextmanager
def _running(url: str, words: list[str], *, stdin: int, stdout: int) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a tool to its end; a password goes to it by its environment, which others cannot read."""
    target, environment = _login(url)
    with TemporaryFile() as told:
        line = [*words, f"--dbname={target}"]
        with subprocess.Popen(line, stdin=stdin, stdout=stdout, stderr=told, env=environment) as process:  # noqa: S603
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            told.seek(0)
            raise CareError(_sentence(words[0], told.read(1 << 16).decode(errors="replace")))


def _login(url: str) -> tuple[str, dict[str, str]]:
    from psycopg.conninfo import make_conninfo

    address = make_url(url).set(drivername="postgresql+psycopg")
    _, given = address.get_dialect()().create_connect_args(address)
    password = given.pop("password", None)
    environment = {**os.environ, "PGOPTIONS": f"-c lock_timeout={LOCK_SECONDS}s", "LC_MESSAGES": "C", "LC_ALL": "C"}
    if password:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo(**given), environment


def _sentence(tool: str, told: str) -> str:
    name = os.path.basename(tool)  # noqa: PTH119  (a name, not a file)
    for words, meaning in SAID:
        if words in told:
            return f"{name} cannot do it: {meaning}"
    return f"{name} ended with an error: run it by hand to see which"


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
