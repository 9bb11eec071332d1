"""The database's own bulk path: many rows of one table at once, of which only those that changed are written.

Belongs here: COPY and `ON CONFLICT`. Does not: which rows (tasks), or the transaction, which is the caller's.
A row is a tuple of its table's columns in the order given, then when its source changed it; its digest is that of
the row as one line, and the line is what COPY is given: nothing is put into words twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Table as SaTable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from models.tables.base import Table

Row = tuple[Any, ...]
VERSION = ("changed_at", "digest")
BY_COPY = 500  # rows from which a staging table pays
CHUNK = 5_000  # rows of one statement where there is no COPY
NULL = "\x02"  # stands for NULL in COPY's text, so that no backslash is needed


@lru_cache(4096)
def _instant(at: datetime) -> str:
    """One instant is one text, whatever the offset it was told with."""
    if at.tzinfo is UTC:
        return at.isoformat()
    try:
        return at.astimezone(UTC).isoformat()
    except OverflowError:  # at an end of the calendar: no gate lets it pass, but it must come as far as a gate
        return at.isoformat()


_WORDS: dict[type[Any], Callable[[Any], str]] = {datetime: _instant, date: lru_cache(4096)(date.isoformat)}


def _word(value: Any) -> str:
    return _WORDS.get(type(value), str)(value)


def text_of(row: Row) -> str:
    """Give a row as one line as COPY reads it, the same whenever its values are, and never that of another row."""
    line = "\t".join([v if v.__class__ is str else NULL if v is None else _word(v) for v in row])
    if _is_plain(line, row):
        return line
    return "\t".join([NULL if v is None else _escaped(_word(v)) for v in row])


def _is_plain(line: str, row: Row) -> bool:
    """Whether no text of a row holds a character with a meaning to COPY, as few do."""
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != len(row) - 1:
        return False
    return NULL not in line or line.count(NULL) == row.count(None)


def _escaped(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), (NULL, "\\x02")):
        text = text.replace(plain, escaped)
    return text


def digest_of(line: str) -> int:
    """Give a digest of a line: a whole number of 64 bits with a sign, as a database keeps it."""
    return int.from_bytes(blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


@dataclass(frozen=True)
class Versions:
    """Rows as their source gave them, in parallel: values with `changed_at` last, the same as lines, their digests."""

    rows: list[Row]
    lines: list[str]
    digests: list[int]

    def at(self, places: Sequence[int]) -> "Versions":
        """Give those at some places."""
        if len(places) == len(self.rows):
            return self
        return Versions([self.rows[one] for one in places], [self.lines[one] for one in places],
                        [self.digests[one] for one in places])  # fmt: skip


def versions_of(rows: list[Row], said: list[Row] | None = None) -> Versions:
    """Give rows as versions. Where a row does not hold all that its source said, `said` does, and is what is digested."""
    lines = list(map(text_of, rows))
    return Versions(rows, lines, list(map(digest_of, lines if said is None else map(text_of, said))))


def upsert(connection: Connection, table: type[Table], columns: Sequence[str], versions: Versions) -> None:
    """Write new rows and changed ones within the caller's transaction; one whose digest stands is left as it is."""
    target: SaTable = table.__table__  # type: ignore[attr-defined]
    names = (*columns, *VERSION)
    if connection.dialect.name == "postgresql" and len(versions.rows) >= BY_COPY:
        _by_copy(connection, target, names, versions)
    else:
        _by_statement(connection, target, names, versions)


def _by_statement(connection: Connection, target: SaTable, names: Sequence[str], versions: Versions) -> None:
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(target)
    keys = [column.name for column in target.primary_key]
    changed = {name: insert.excluded[name] for name in names if name not in keys}
    differs = target.c.digest.is_distinct_from(insert.excluded.digest)
    statement = insert.on_conflict_do_update(index_elements=keys, set_=changed, where=differs)
    values = [dict(zip(names, (*row, digest), strict=True))
              for row, digest in zip(versions.rows, versions.digests, strict=True)]  # fmt: skip
    for start in range(0, len(values), CHUNK):
        connection.execute(statement, values[start : start + CHUNK])


def _by_copy(connection: Connection, target: SaTable, names: Sequence[str], versions: Versions) -> None:
    """Copy into a staging table of this session, and move from there."""
    quoted = connection.dialect.identifier_preparer.quote
    staging, columns = quoted(f"staging_{target.name}"), ", ".join(quoted(name) for name in names)
    keys = [column.name for column in target.primary_key]
    changes = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in names if name not in keys)
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} (LIKE {quoted(target.name)}) ON COMMIT DELETE ROWS"
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY {staging} ({columns}) FROM STDIN WITH (NULL E'\\x02')") as copy:
            copy.write("".join(map("{}\t{}\n".format, versions.lines, versions.digests)))
        cursor.execute(
            f"INSERT INTO {quoted(target.name)} ({columns}) SELECT {columns} FROM {staging} "  # noqa: S608
            f"ON CONFLICT ({', '.join(map(quoted, keys))}) DO UPDATE SET {changes} "
            f"WHERE {quoted(target.name)}.digest IS DISTINCT FROM EXCLUDED.digest"
        )
        cursor.execute(f"TRUNCATE {staging}")
