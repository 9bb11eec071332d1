"""Rotation of keys: every number at rest is encrypted anew with the current key.

Belongs here: finding the encrypted columns and rewriting them, batch by batch, so that an interrupted rotation
is finished by the next. Does not: encrypting (models/vault.py) or the file of keys (connectors/settings.py).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Column, String, bindparam, or_, select, type_coerce, update
from sqlalchemy import Table as SaTable
from sqlmodel import Session

from connectors.settings import add_key
from models.clock import business_date
from models.identity import make_id
from models.repositories.audit import record
from models.tables import METADATA
from models.vault import Encrypted, Keyring, keyring, use_keyring
from tasks.office import office, unit_of_work

BATCH = 500


def rotate_keys(*, new_key: bool = True, actor: str, as_of: date | None = None) -> dict[str, Any]:
    """Make a new key the current one and encrypt every number with it; gives the key and how many fields changed.

    Others may be at work: they find the new key in the file when they meet it, and what they write with the old one
    meanwhile the next rotation takes. Older keys stay in the file: backups need them.
    """
    if new_key:
        use_keyring(add_key(office().settings.keys_file))
    ring = keyring()
    fields = sum(_rotate_table(table, columns, ring) for table, columns in encrypted_columns())
    today = business_date(as_of)
    with unit_of_work() as session:
        record(session, action="keys-rotated", subject=ring.current, actor=actor, on=today,
               detail=f"{fields} fields", key=make_id("KR", ring.current, today, fields))  # fmt: skip
    return {"key": ring.current, "fields": fields}


def encrypted_columns() -> Iterator[tuple[SaTable, list[Column[Any]]]]:
    """Give each table that holds numbers at rest, with those columns."""
    for table in METADATA.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Encrypted)]
        if columns:
            yield table, columns


def _rotate_table(table: SaTable, columns: list[Column[Any]], ring: Keyring) -> int:
    """Rewrite one table, a batch to a transaction; give how many fields changed.

    A batch passes over rows that others hold; then those are waited for one by one, so that nobody waits in a ring.
    """
    total, alone = 0, False
    while True:
        with unit_of_work() as session:
            changed = rotate_batch(session, table, columns, ring, alone)
        if not changed and alone and not _has_stale(table, columns, ring):
            return total
        alone, total = not changed, total + changed


def _has_stale(table: SaTable, columns: list[Column[Any]], ring: Keyring) -> bool:
    with unit_of_work() as session:
        query = select(*table.primary_key).where(_stale(columns, ring)).limit(1)
        return session.connection().execute(query).first() is not None


def _stale(columns: list[Column[Any]], ring: Keyring) -> Any:
    """Whether a row has a number that another key encrypted."""
    prefix = f"{ring.current}:"
    return or_(*(~type_coerce(column, String).startswith(prefix, autoescape=True) for column in columns))


def rotate_batch(
    session: Session, table: SaTable, columns: list[Column[Any]], ring: Keyring, alone: bool = False
) -> int:
    """Rewrite up to five hundred rows that another key encrypted (`alone`: one); give how many fields changed.

    The rows are held meanwhile: what somebody else writes at the same time is not overwritten.
    """
    keys = list(table.primary_key)
    stored = [type_coerce(column, String).label(column.name) for column in columns]
    prefix = f"{ring.current}:"
    query = select(*keys, *stored).where(_stale(columns, ring)).limit(1 if alone else BATCH)
    rows = session.connection().execute(query.with_for_update(skip_locked=not alone)).mappings().all()
    if not rows:
        return 0
    where = [key == bindparam(f"key_{key.name}") for key in keys]
    anew = {column.name: type_coerce(bindparam(f"new_{column.name}"), String) for column in columns}
    values = [
        {
            **{f"key_{key.name}": row[key.name] for key in keys},
            **{f"new_{column.name}": _anew(row[column.name], ring) for column in columns},
        }
        for row in rows
    ]
    session.connection().execute(update(table).where(*where).values(anew), values)
    return sum(
        row[column.name] is not None and not row[column.name].startswith(prefix) for row in rows for column in columns
    )


def _anew(stored: str | None, ring: Keyring) -> str | None:
    return None if stored is None else ring.encrypt(ring.decrypt(stored))
