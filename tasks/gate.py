"""The gate: one page of records is written, found unchanged, removed, or held back with the rule it broke.

Belongs here: taking a page within the caller's transaction, and counting. Does not: reading pages and cursors
(sync.py) or what a record becomes (mirror.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import inspect
from sqlmodel import SQLModel

from models.identity import make_id
from models.records import Unreadable
from models.repositories.common import add_missing
from models.tables.operations import Quarantine
from models.vault import opaque
from tasks.mirror import MIRRORS, OURS, look_up
from tasks.source import Broken, Source, key_of

RECORD_TYPES: dict[str, Any] = {kind.__name__: kind for kind in (*MIRRORS, Unreadable)}


@dataclass
class Counts:
    """What became of the records read; read = written + unchanged + removed + quarantined, always."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    quarantined: int = 0

    def add(self, outcome: str) -> None:
        """Count one record."""
        self.read += 1
        setattr(self, outcome, getattr(self, outcome) + 1)


def take_page(source: Source, stream: str, page: Sequence[Any], counts: Counts) -> None:
    """Write a page of records and count what became of each; what breaks a rule goes into quarantine."""
    look_up(source, [record for record in page if not isinstance(record, Unreadable)])
    # Nothing is flushed on the way, or a row that a record changed would no longer look changed.
    with source.session.no_autoflush:
        for record in page:
            counts.add(_take(source, stream, record))


def take_again(source: Source, row: Quarantine) -> bool:
    """Take a row that is held back through the gate again; give whether it is cured."""
    body = orjson.loads(row.payload)
    record = TypeAdapter(RECORD_TYPES[body["type"]]).validate_python(body["record"])
    counts = Counts()
    take_page(source, row.stream, [record], counts)
    return not counts.quarantined


def _take(source: Source, stream: str, record: Any) -> str:
    """Do with one record what its rows ask for; give the name of the outcome."""
    try:
        rows = _rows(source, record)
    except Broken as broken:
        _hold_back(source, stream, record, broken.rule)
        return "quarantined"
    _cure(source, stream, record)
    if getattr(record, "removed", False):
        return "removed" if [row for row in rows if _remove(source, row)] else "unchanged"
    return "written" if [row for row in rows if _write(source, row)] else "unchanged"


def _rows(source: Source, record: Any) -> list[SQLModel]:
    """Give the rows a record becomes. Raises Broken.

    An answer to something of ours that is taken back is for a person to look at: our own rows stay.
    """
    if isinstance(record, Unreadable):
        raise Broken(record.rule)
    if record.changed_at is not None and record.changed_at > source.latest:
        raise Broken("timestamp-in-future")
    if type(record) in OURS and record.removed:
        raise Broken("answer-taken-back")
    return MIRRORS[type(record)](source, record)


def _write(source: Source, row: SQLModel) -> bool:
    """Write a row; False when it stands already and says the same."""
    state = inspect(row, raiseerr=True)
    if state.persistent or state.pending:
        return bool(state.pending or source.session.is_modified(row))
    standing = source.find(type(row), *key_of(row))
    if standing is None:
        source.session.add(row)
        source.keep(row)
        return True
    return _carry_over(row, standing, state.mapper.column_attrs.keys())


def _carry_over(row: SQLModel, standing: SQLModel, columns: Iterable[str]) -> bool:
    changed = [name for name in columns if getattr(standing, name) != getattr(row, name)]
    for name in changed:
        setattr(standing, name, getattr(row, name))
    return bool(changed)


def _remove(source: Source, row: SQLModel) -> bool:
    standing = source.find(type(row), *key_of(row))
    if standing is None:
        return False
    source.session.delete(standing)
    source.forget(standing)
    return True


def _key(source: Source, stream: str, record: Any) -> str:
    return make_id("Q", source.connection, stream, opaque(record.source_id))


def _hold_back(source: Source, stream: str, record: Any, rule: str) -> None:
    row = add_missing(source.session, Quarantine(
        id=_key(source, stream, record), connection=source.connection, stream=stream,
        source_id=opaque(record.source_id), rules=rule, payload="", first_on=source.today,
    ))  # fmt: skip
    body = orjson.dumps({"type": type(record).__name__, "record": asdict(record)}, default=str)
    row.rules, row.payload, row.cured_on = rule, body.decode(), None
    source.held_back[row.id] = row


def _cure(source: Source, stream: str, record: Any) -> None:
    row = source.held_back.get(_key(source, stream, record))
    if row is not None and row.cured_on is None:
        row.cured_on = source.today
