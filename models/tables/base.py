"""What every table shares: column types, small builders of columns and checks, the naming of constraints.

Belongs here: what no table owns. Does not: any table.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, MetaData, Numeric, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


BY_BYTES: Any = String().with_variant(String(collation="C"), "postgresql")


class Table(SQLModel):
    """The base of all tables; its metadata names constraints the same on every database."""

    metadata = MetaData(naming_convention=NAMING)


class Exact(TypeDecorator[Decimal]):
    """A decimal with fixed places; SQLite keeps it as a number that is rounded back to them."""

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite has no decimals of its own."""
        if dialect.name == "sqlite":
            return Numeric(self.precision, self.scale, asdecimal=False)
        return self.impl_instance

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:
        """Fix the places on the way in."""
        return None if value is None else self._fixed(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Fix the places on the way out."""
        return None if value is None else self._fixed(value)

    def _fixed(self, value: Any) -> Decimal:
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-self.scale))


class Instant(TypeDecorator[datetime]):
    """An instant, kept in UTC and given back with its offset on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring to UTC on the way in; an instant without an offset is an error."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs an offset")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give back in UTC."""
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Reported(Table):
    """What every row that a source reports carries besides: which version of it stands.

    `digest` is a digest of the row as the source's last version made it, None where that is not known; `changed_at` is
    when the source says it changed that version. A version with the digest that stands costs no write, and an older
    one never takes a newer one's place.
    """

    digest: int | None = Field(default=None, sa_type=BigInteger)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)


def reported_id(**options: Any) -> Any:
    """A primary key `<connection>:<source id>`; compared by bytes, so that a connection's rows stand side by side."""
    return Field(primary_key=True, sa_type=BY_BYTES, **options)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A check that a column holds one of the given words."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")


def money(**options: Any) -> Any:
    """A column of decimal yuan with two places."""
    return Field(sa_type=Exact(14, 2), **options)


def points(**options: Any) -> Any:
    """A column of course marks or credits with one place."""
    return Field(sa_type=Exact(6, 1), **options)


def measure(**options: Any) -> Any:
    """A column of scores, hours or minutes as a source measured them, with three places."""
    return Field(sa_type=Exact(10, 3), **options)


def share(**options: Any) -> Any:
    """A column of a share from 0 to 1 with four places."""
    return Field(sa_type=Exact(5, 4), **options)


def instant(**options: Any) -> Any:
    """A column of an instant."""
    return Field(sa_type=Instant, **options)
