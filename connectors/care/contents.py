"""What a database holds, table by table: how many rows, and a digest of them all.

Belongs here: counting and digesting in one pass, in little memory, whatever the size. Does not: comparing SQLite with
PostgreSQL (connectors/database.py has a digest for that): these are the values as this kind of database gives them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from models.tables import METADATA
from models.vault import Encrypted

VERSIONS = "alembic_version"  # Alembic's own table: which schema the others are
OURS = frozenset({*METADATA.tables, VERSIONS})
WIDTH = 16
ENDS = 1 << (8 * WIDTH)


@dataclass(frozen=True)
class Contents:
    """The rows of one table: their number, and the sum of their digests, whatever their order."""

    rows: int
    digest: str


def tables_of(connection: Connection) -> list[str]:
    """Give the names of our tables that are there, of whatever version."""
    return sorted(OURS.intersection(inspect(connection).get_table_names()))


def contents_of(connection: Connection) -> dict[str, Contents]:
    """Give what every table holds, as this transaction sees it; every column counts, personal numbers as ciphertext."""
    return {name: _summed(_lines(connection, name)) for name in tables_of(connection)}


def is_empty(connection: Connection) -> bool:
    """Whether no table of ours holds a row; the version of the schema is no row of ours."""
    names = [name for name in tables_of(connection) if name != VERSIONS]
    return not any(connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1").first() for name in names)  # noqa: S608


def revision_of(connection: Connection) -> str:
    """Give the version of the schema, empty where there is none."""
    if VERSIONS not in tables_of(connection):
        return ""
    found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSIONS}").scalars().first()  # noqa: S608
    return str(found or "")


def key_ids_of(connection: Connection) -> list[str]:
    """Give the ids of the keys that some number at rest was encrypted with."""
    found: set[str] = set()
    there = set(tables_of(connection))
    before_colon = "substr({0}, 1, instr({0}, ':') - 1)" if _is_lite(connection) else "split_part({0}, ':', 1)"
    for table in METADATA.sorted_tables:
        if table.name not in there:
            continue
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                query = (
                    f"SELECT DISTINCT {before_colon.format(column.name)} FROM {table.name} WHERE {column.name} <> ''"  # noqa: S608
                )
                found.update(connection.exec_driver_sql(query).scalars())
    return sorted(found)


def differences(wanted: Mapping[str, Contents], found: Mapping[str, Contents]) -> list[str]:
    """Give the names of the tables that do not hold what they should."""
    return sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))


def _is_lite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _summed(lines: Iterable[bytes]) -> Contents:
    """Sum the digests up: a sum needs no order, so nothing is kept or sorted."""
    rows, total = 0, 0
    for line in lines:
        rows += 1
        total += int.from_bytes(blake2b(line, digest_size=WIDTH).digest(), "big")
    return Contents(rows, f"{total % ENDS:0{2 * WIDTH}x}")


def _lines(connection: Connection, table: str) -> Iterator[bytes]:
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(one) for one in sorted(each["name"] for each in inspect(connection).get_columns(table)))
    query = f"SELECT {columns} FROM {quote(table)}"  # noqa: S608
    driver: Any = connection.connection.driver_connection
    if _is_lite(connection):
        return (repr(row).encode("utf-8", "surrogatepass") for row in driver.execute(query))
    return _copied(driver, query)


def _copied(driver: Any, query: str) -> Iterator[bytes]:
    """Read by COPY: a line a row, as PostgreSQL words it, and never more than one in memory."""
    with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        yield from map(bytes, copy)
