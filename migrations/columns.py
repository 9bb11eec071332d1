"""The few words migrations are written in: columns of one type in a row, keys and indexes by the naming convention.

Belongs here: builders every migration uses. Does not: any table. Released migrations rest on these: add, don't change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

Columns = list[sa.Column[Any]]


def _columns(names: tuple[str, ...], kind: sa.types.TypeEngine[Any], null: bool) -> Columns:
    return [sa.Column(name, kind, nullable=null) for name in names]


def texts(*names: str, null: bool = False, length: int | None = None) -> Columns:
    """Give columns of text; ciphertext is text too."""
    return _columns(names, sa.String(length), null)


def dates(*names: str, null: bool = False) -> Columns:
    """Give columns of calendar dates."""
    return _columns(names, sa.Date(), null)


def instants(*names: str, null: bool = False) -> Columns:
    """Give columns of instants, kept in UTC."""
    return _columns(names, sa.DateTime(timezone=True), null)


def integers(*names: str, null: bool = False) -> Columns:
    """Give columns of whole numbers."""
    return _columns(names, sa.Integer(), null)


def flags(*names: str, null: bool = False) -> Columns:
    """Give columns of yes or no."""
    return _columns(names, sa.Boolean(), null)


def decimals(*names: str, precision: int | None = None, scale: int | None = None, null: bool = False) -> Columns:
    """Give columns of exact decimals."""
    return _columns(names, sa.Numeric(precision, scale), null)


def primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """Give a table's primary key."""
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """Give a foreign key that is checked at commit, so that a transaction may write rows in any order."""
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [target], name=name, deferrable=True, initially="DEFERRED")


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    """Give a unique key over columns."""
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    """Give a condition every row must meet."""
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def indexes(table: str, *columns: str) -> None:
    """Create an index on each of the columns."""
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def filtered_index(name: str, table: str, *columns: str, where: str, unique: bool = False) -> None:
    """Create an index over the rows that meet a condition."""
    condition = sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)
