"""Queries about reported rows whatever their table: which version stands, what is known, what hangs on a row.

Belongs here: many keys at a time, by the table they are in. Does not: what a row means (teaching.py, people.py).
A key is a row's whole primary key as a tuple; ids of reported rows begin with their connection and a colon.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Column, Select, String, any_, bindparam, delete, func, select, tuple_
from sqlalchemy import Table as SaTable
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, SQLModel

from models.tables import METADATA
from models.tables.base import Table
from models.tables.operations import SourceVersion
from models.tables.teaching import Attendance, Learner, LineItem, Mark, OnlineStudy
from models.tables.teaching import Session as TaughtSession

Key = tuple[str, ...]
Version = tuple[int | None, datetime | None]
AT_ONCE = 10_000
SEPARATOR = "\x1f"
# References without a foreign key (docs/decisions/0009).
ASKED_AT_THE_GATE: tuple[tuple[type[Table], str, type[Table]], ...] = (
    (Mark, "line_item_id", LineItem), (Mark, "learner_id", Learner), (Attendance, "session_id", TaughtSession),
)  # fmt: skip


def table_of(table: type[SQLModel]) -> SaTable:
    """Give the table of a mapped class."""
    found: SaTable = table.__table__  # type: ignore[attr-defined]
    return found


def one_of_many(session: Session, column: Column[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Give the condition that a column holds one of very many texts, bound as one value."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(_array(values))
    each = func.json_each(bindparam(None, json.dumps(list(values)), type_=String)).table_valued("value")
    return column.in_(select(each.c.value))


def _array(values: Collection[str]) -> ColumnElement[Any]:
    """Very many texts as an array: the driver takes long to make one, and the database no time to cut one text up."""
    text = SEPARATOR.join(values)
    if values and text.count(SEPARATOR) == len(values) - 1:
        return func.string_to_array(bindparam(None, text, type_=String), SEPARATOR, type_=ARRAY(String))
    return bindparam(None, list(values), type_=ARRAY(String))


def versions(
    session: Session, table: type[Table], keys: Sequence[Key], digests: Sequence[int]
) -> dict[Key, Version]:  # fmt: skip
    """Give which version of these rows stands; a row that does not stand is left out.

    When a row was changed is only looked up where its digest is another than the one given, or several are given.
    """
    found = table_of(table)
    primary = list(found.primary_key)
    asked = one_of_many(session, primary[0], {key[0] for key in keys})
    given, standing = dict(zip(keys, digests, strict=True)), dict[Key, Version]()
    others = {key[0] for key in _repeated(keys)} if len(given) < len(keys) else set()
    for *key, digest in _raw(session, select(*primary, found.c.digest).where(asked)):
        known_as = tuple(key)
        standing[known_as] = (digest, None)
        if given.get(known_as) != digest:
            others.add(known_as[0])
    if others:
        changed = select(*primary, found.c.digest, found.c.changed_at).where(one_of_many(session, primary[0], others))
        for line in session.connection().execute(changed):
            standing[tuple(line[:-2])] = (line[-2], line[-1])
    return standing


def _repeated(keys: Sequence[Key]) -> list[Key]:
    return [key for key, times in Counter(keys).items() if times > 1]


def _raw(session: Session, query: Select[Any]) -> list[tuple[Any, ...]]:
    """Give the rows of a query as the driver gives them: texts and whole numbers need nothing more."""
    cursor: Any = session.connection().execute(query).cursor
    return list(cursor.fetchall())


def known(session: Session, table: type[Table], ids: Collection[str]) -> set[str]:
    """Give which of these ids stand in a table."""
    if not ids:
        return set()
    (primary,) = table_of(table).primary_key
    return set(session.connection().execute(select(primary).where(one_of_many(session, primary, ids))).scalars())


def keys_of(session: Session, table: type[Table], connection: str, classes: Collection[str] | None) -> Iterator[Key]:
    """Give the keys of all rows that a connection reported, a few thousand at a time.

    `classes` names the classes by our ids whose sessions and registers are meant; None means all there is.
    """
    found = table_of(table)
    primary = list(found.primary_key)
    query = select(*primary).where(primary[0] > f"{connection}:", primary[0] < f"{connection};")
    if classes is not None:
        query = query.where(_taught_in(session, table, classes))
    for line in session.connection().execute(query, execution_options={"yield_per": AT_ONCE}):
        yield tuple(line)


def _taught_in(session: Session, table: type[Table], classes: Collection[str]) -> ColumnElement[bool]:
    sessions = table_of(TaughtSession)
    within = one_of_many(session, sessions.c.class_id, classes)
    if table is Attendance:
        return table_of(table).c.session_id.in_(select(sessions.c.id).where(within))
    return within


def withdrawn_study(session: Session, ids: Collection[str]) -> set[str]:
    """Give which of these statements of online study stand as withdrawn."""
    found = table_of(OnlineStudy)
    query = select(found.c.id).where(one_of_many(session, found.c.id, ids), found.c.voided)
    return set(session.connection().execute(query).scalars())


def referred_to(session: Session, table: type[SQLModel], ids: Collection[str]) -> set[str]:
    """Give which of these rows another row hangs on, so that they cannot go before it."""
    parent = table_of(table)
    found: set[str] = set()
    for column in _referring(parent):
        query = select(column).distinct().where(one_of_many(session, column, ids))
        found |= set(session.connection().execute(query).scalars())
    return found


def _referring(parent: SaTable) -> list[Column[Any]]:
    """The columns that hold ids of a table: those with a foreign key, and those that are asked at the gate alone."""
    keys = [key for child in METADATA.tables.values() for key in child.foreign_keys]
    return [key.parent for key in keys if key.column.table is parent] + [
        table_of(child).c[name] for child, name, referred in ASKED_AT_THE_GATE if table_of(referred) is parent
    ]


def remove(session: Session, table: type[Table], keys: Sequence[Key]) -> None:
    """Delete rows by their keys."""
    found = table_of(table)
    primary = list(found.primary_key)
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        one = len(primary) == 1
        which = one_of_many(session, primary[0], [key[0] for key in some]) if one else tuple_(*primary).in_(some)
        session.connection().execute(delete(found).where(which))


def orphans(session: Session) -> dict[str, int]:
    """Give how many rows refer to none, by the column that does: 0 each, or somebody has changed the database by hand."""
    found = {}
    for child, name, referred in ASKED_AT_THE_GATE:
        column = table_of(child).c[name]
        query = select(func.count()).where(column.not_in(select(table_of(referred).c.id)))
        found[f"{column.table.name}.{name}"] = int(session.connection().execute(query).scalar_one())
    return found


def standing_count(session: Session, table: type[Table], connection: str) -> int:
    """Give how many rows of a table a connection has reported."""
    first = next(iter(table_of(table).primary_key))
    query = select(func.count()).where(first > f"{connection}:", first < f"{connection};")
    return int(session.connection().execute(query).scalar_one())


def source_versions(session: Session, connection: str, stream: str, ids: Collection[str]) -> dict[str, Version]:
    """Give which versions stand of rows that became none of their own, by the source's id."""
    found = table_of(SourceVersion)
    query = select(found.c.source_id, found.c.digest, found.c.changed_at).where(
        found.c.connection == connection, found.c.stream == stream, one_of_many(session, found.c.source_id, ids)
    )
    return {line[0]: (line[1], line[2]) for line in session.connection().execute(query)}


def source_ids(session: Session, connection: str, stream: str) -> list[str]:
    """Give the ids of all rows of a stream that became none of their own."""
    found = table_of(SourceVersion)
    query = select(found.c.source_id).where(found.c.connection == connection, found.c.stream == stream)
    return list(session.connection().execute(query).scalars())
