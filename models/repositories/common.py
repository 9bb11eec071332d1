"""Plumbing shared by the repositories: rows by a list of keys, grouped or indexed.

Belongs here: generic reads. Does not: anything that knows a stage or a rule.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlmodel import Session, SQLModel, select

Row = TypeVar("Row", bound=SQLModel)
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
CHUNK = 500  # within SQLite's limit of bound values


def within(session: Session, table: type[Row], column: Any, values: Iterable[Any]) -> list[Row]:
    """Give the rows whose `column` is one of `values`, in the order of their primary key."""
    wanted = list(dict.fromkeys(values))
    order = inspect(table, raiseerr=True).primary_key
    found: list[Row] = []
    for start in range(0, len(wanted), CHUNK):
        query = select(table).where(column.in_(wanted[start : start + CHUNK])).order_by(*order)
        found.extend(session.exec(query).all())
    return found


def grouped(rows: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Group rows by a key; a missing key gives an empty list."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def add_missing(session: Session, row: Row) -> Row:
    """Add a row unless its id is there already; give the one that stands."""
    identity = inspect(type(row), raiseerr=True).primary_key
    there = session.get(type(row), tuple(getattr(row, column.name) for column in identity))
    if there is not None:
        return there
    session.add(row)
    return row
