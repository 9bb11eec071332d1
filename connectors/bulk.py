"""The database's own bulk path: many rows of one table at once, of which only those that changed are written.

Belongs here: COPY and `ON CONFLICT`. Does not: which rows (tasks), or the transaction, which is the caller's.
A row is a tuple of its table's columns in the order given, then when its source changed it; its digest is that of
the row as one line, and the line is what COPY is given: nothing is put into words twice. Lines are made column by
column, which is three times as fast as row by row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from struct import unpack
from types import NoneType
from typing import Any

import orjson
from sqlalchemy import Table as SaTable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from models.tables.base import Table
from models.vault import keyring

Row = tuple[Any, ...]
Binder = Callable[[Any], Any]
Insert = sqlite.Insert | postgresql.Insert
VERSION = ("changed_at", "digest")
BY_COPY = 500  # rows from which a staging table pays
CHUNK = 5_000  # rows of one statement where there is no COPY
LITE = sqlite.dialect(paramstyle="qmark")
NULL = "\x02"  # stands for NULL in COPY's text, so that no backslash is needed


def _instant(at: datetime) -> str:
    """One instant is one text, whatever the offset it was told with."""
    if at.tzinfo is UTC:
        return at.isoformat()
    try:
        return at.astimezone(UTC).isoformat()
    except OverflowError:  # at an end of the calendar: no gate lets it pass, but it must come as far as a gate
        return at.isoformat()


_WORDS: dict[type[Any], Callable[[Any], str]] = {datetime: _instant, date: date.isoformat, NoneType: lambda _: NULL}


def _word(value: Any) -> str:
    return _WORDS.get(type(value), str)(value)


def _words(column: Sequence[Any]) -> Sequence[str]:
    """Put a column into words; of days and instants a source has few, and each is put into words once."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return column
    if kinds == {Decimal}:
        return list(map(str, column))
    if kinds == {datetime} and set(map(attrgetter("tzinfo"), column)) == {UTC}:
        return orjson.dumps(column).decode()[2:-2].split('","')  # as isoformat does, at a fifth of its price
    if kinds <= {date, NoneType} or kinds <= {datetime, NoneType}:
        return list(map({value: _word(value) for value in set(column)}.__getitem__, column))
    return list(map(_word, column))


def lines_of(rows: Sequence[Row]) -> list[str]:
    """Give rows as lines as COPY reads them, the same whenever their values are, and never that of another row."""
    if not rows:
        return []
    columns = [_words(column) for column in zip(*rows, strict=True)]
    lines = list(map("\t".join, zip(*columns, strict=True)))
    if _are_plain("".join(lines), rows):
        return lines
    return ["\t".join([word if value is None else _escaped(word) for word, value in zip(words, row, strict=True)])
            for words, row in zip(zip(*columns, strict=True), rows, strict=True)]  # fmt: skip


def _are_plain(text: str, rows: Sequence[Row]) -> bool:
    """Whether no text of any row holds a character with a meaning to COPY, as few do."""
    if "\\" in text or "\n" in text or "\r" in text or text.count("\t") != len(rows) * (len(rows[0]) - 1):
        return False
    return NULL not in text or text.count(NULL) == sum(row.count(None) for row in rows)


def _escaped(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), (NULL, "\\x02")):
        text = text.replace(plain, escaped)
    return text


def digests_of(lines: Sequence[str], key: bytes = b"") -> list[int]:
    """Give a digest of each line: a whole number of 64 bits with a sign, as a database keeps it."""
    digests = [blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest() for line in lines]
    return list(unpack(f">{len(digests)}q", b"".join(digests)))


@dataclass(frozen=True)
class Versions:
    """Rows as their source gave them, in parallel: values with `changed_at` last, the same as lines, their digests."""

    rows: list[Row]
    lines: list[str]
    digests: list[int]

    def at(self, places: Sequence[int]) -> "Versions":
        """Give those at some places, each named once."""
        if len(places) == len(self.rows):
            return self
        return Versions(list(map(self.rows.__getitem__, places)), list(map(self.lines.__getitem__, places)),
                        list(map(self.digests.__getitem__, places)))  # fmt: skip


def versions_of(rows: list[Row], said: list[Row] | None = None) -> Versions:
    """Give rows as versions. Where a row does not hold all that its source said, `said` does, and is what is digested.

    That may be a personal number, of which there are few enough to try them all: it is digested with a key.
    """
    lines = lines_of(rows)
    return Versions(rows, lines, digests_of(lines) if said is None else digests_of(lines_of(said), keyring().digesting))


def upsert(connection: Connection, table: type[Table], columns: Sequence[str], versions: Versions) -> None:
    """Write new rows and changed ones within the caller's transaction; one whose digest stands is left as it is."""
    target: SaTable = table.__table__  # type: ignore[attr-defined]
    names = (*columns, *VERSION)
    if connection.dialect.name == "postgresql" and len(versions.rows) >= BY_COPY:
        _by_copy(connection, target, names, versions)
    else:
        _by_statement(connection, target, names, versions)


def append(connection: Connection, table: type[Table], columns: Sequence[str], versions: Versions) -> None:
    """Write rows of which none stands, as the caller knows who has to himself what they belong to.

    Without a conflict to look for, the database takes them in half the time.
    """
    if connection.dialect.name == "postgresql" and len(versions.rows) >= BY_COPY:
        target: SaTable = table.__table__  # type: ignore[attr-defined]
        _copy(connection, target.name, (*columns, *VERSION), versions)
    else:
        upsert(connection, table, columns, versions)


def _by_statement(connection: Connection, target: SaTable, names: tuple[str, ...], versions: Versions) -> None:
    if connection.dialect.name == "sqlite":
        _by_rows(connection, target, names, versions)
        return
    values = [dict(zip(names, (*row, digest), strict=True))
              for row, digest in zip(versions.rows, versions.digests, strict=True)]  # fmt: skip
    statement = _differing(target, names, postgresql.insert(target))
    for start in range(0, len(values), CHUNK):
        connection.execute(statement, values[start : start + CHUNK])


def _differing(target: SaTable, names: tuple[str, ...], insert: Insert) -> Insert:
    """The insert that takes a row that stands only where its digest differs."""
    keys = [column.name for column in target.primary_key]
    changed = {name: insert.excluded[name] for name in names if name not in keys}
    differs = target.c.digest.is_distinct_from(insert.excluded.digest)
    return insert.on_conflict_do_update(index_elements=keys, set_=changed, where=differs)


def _by_rows(connection: Connection, target: SaTable, names: tuple[str, ...], versions: Versions) -> None:
    """Hand rows to SQLite's driver itself: SQLAlchemy looks at each value of each row, here a column is looked at."""
    if not versions.rows:
        return
    statement, order, binders = _for_driver(target, names)
    columns = [*zip(*versions.rows, strict=True), versions.digests]
    bound = [_bound(columns[place], binder) for place, binder in zip(order, binders, strict=True)]
    values = list(zip(*bound, strict=True))
    for start in range(0, len(values), CHUNK):
        connection.exec_driver_sql(statement, values[start : start + CHUNK])


@cache
def _for_driver(target: SaTable, names: tuple[str, ...]) -> tuple[str, list[int], list[Any]]:
    """The statement in SQLite's own words, which column each of its places takes, and how that is put for the driver."""
    compiled = _differing(target, names, sqlite.insert(target)).compile(dialect=LITE, column_keys=names)
    order = list(compiled.positiontup or ())
    binders = [target.c[name].type.dialect_impl(LITE).bind_processor(LITE) for name in order]
    return str(compiled), list(map(names.index, order)), binders


def _bound(column: Sequence[Any], binder: Binder | None) -> Sequence[Any]:
    """Put a column as the driver takes it, each of its values once."""
    if binder is None:
        return column
    return list(map({value: binder(value) for value in set(column)}.__getitem__, column))


def _by_copy(connection: Connection, target: SaTable, names: Sequence[str], versions: Versions) -> None:
    """Copy into a staging table of this session, and move from there."""
    quoted = connection.dialect.identifier_preparer.quote
    staging, columns = quoted(f"staging_{target.name}"), ", ".join(quoted(name) for name in names)
    keys = [column.name for column in target.primary_key]
    changes = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in names if name not in keys)
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} (LIKE {quoted(target.name)}) ON COMMIT DELETE ROWS"
    )
    _copy(connection, f"staging_{target.name}", names, versions)
    connection.exec_driver_sql(
        f"INSERT INTO {quoted(target.name)} ({columns}) SELECT {columns} FROM {staging} "  # noqa: S608
        f"ON CONFLICT ({', '.join(map(quoted, keys))}) DO UPDATE SET {changes} "
        f"WHERE {quoted(target.name)}.digest IS DISTINCT FROM EXCLUDED.digest"
    )
    connection.exec_driver_sql(f"TRUNCATE {staging}")


def _copy(connection: Connection, name: str, columns: Sequence[str], versions: Versions) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    into = f"{quoted(name)} ({', '.join(map(quoted, columns))})"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN WITH (NULL E'\\x02')") as copy:
        copy.write("".join(map("{}\t{}\n".format, versions.lines, versions.digests)))
