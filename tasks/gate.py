"""The gate: each record of a batch is written, found unchanged, removed, or held back with the rules it broke.

Belongs here: taking a batch within the caller's transaction, and counting. Does not: reading pages and cursors
(reading.py), which records are news (sifting.py), the rules (gates), or what a record becomes (shapes.py, mirror.py).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import inspect
from sqlmodel import SQLModel

from connectors.bulk import Versions, append, upsert, versions_of
from models.records import Unreadable
from models.repositories import reported
from models.repositories.news import note_written, remove
from models.tables.base import Table
from models.tables.operations import SourceVersion
from models.vault import opaque
from tasks.gates.columns import Judged
from tasks.gates.suites import judge
from tasks.holding import cure, hold_back
from tasks.mirror import MIRRORS, look_up
from tasks.points import reached
from tasks.shapes import SHAPES, Maker, Shape, ours_of, stand_in_order
from tasks.sifting import Sifted, is_removed, places_removed, sift
from tasks.source import Broken, Names, Source, key_of

HUNG_ON = "still-referred-to"  # the rule that a row breaks when its source deletes it before those that refer to it


@dataclass
class Counts:
    """What became of the records read; read = written + unchanged + removed + quarantined, always."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    quarantined: int = 0

    def add(self, other: "Counts") -> None:
        """Add what became of other records."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass
class Taken:
    """What became of a batch: counts, the rules that rows broke by the source's id, and those that rows broke anew.

    `answered` are the keys of the rows that the source has, by record type, whatever became of them; `unread` are those
    that it has as well and that could not be read.
    """

    counts: Counts = field(default_factory=Counts)
    broken: dict[str, str] = field(default_factory=dict)
    newly_broken: list[str] = field(default_factory=list)
    answered: dict[type[Any], list[Any]] = field(default_factory=dict)
    unread: Sequence[Unreadable] = ()


@dataclass
class _Outcome:
    """What became of the records of one type: which broke what, and how many were written or removed."""

    broken: list[tuple[Any, str]] = field(default_factory=list)
    written: int = 0
    removed: int = 0


def rows_ahead(connection: str, batch: Sequence[Any]) -> Versions | None:
    """Make the rows of a batch before its turn to be written comes, where that takes no look at the database."""
    kinds = set(map(type, batch))
    shape = SHAPES.get(next(iter(kinds))) if len(kinds) == 1 else None
    if shape is None or shape.prepare is not None:
        return None
    return _versions(shape.maker(Names(connection)), ours_of(batch))


def _versions(make: Maker, records: Sequence[Any]) -> Versions:
    return versions_of([(*make(one), one.changed_at) for one in records])


def take(source: Source, stream: str, batch: Sequence[Any], ahead: Versions | None = None) -> Taken:
    """Write a batch of records and tell what became of each; what breaks a rule goes into quarantine.

    `ahead` is what `rows_ahead` made of the batch. Raises GateBroken when a rule could not be asked.
    """
    taken, kinds = Taken(), _by_kind(batch)
    taken.unread = kinds.pop(Unreadable, ())
    broken: list[tuple[Any, str]] = [(record, record.rule) for record in taken.unread]
    for kind in stand_in_order(kinds):
        outcome = _take_kind(source, stream, kind, kinds[kind], taken, ahead)
        broken += outcome.broken
        taken.counts.written += outcome.written
        taken.counts.removed += outcome.removed
    cure(source, stream, batch, broken)
    taken.newly_broken = hold_back(source, stream, broken)
    taken.broken = {record.source_id: rules for record, rules in broken}
    counts = taken.counts
    counts.read, counts.quarantined = len(batch), len(broken)
    counts.unchanged = counts.read - counts.written - counts.removed - counts.quarantined
    reached("written")
    return taken


def _by_kind(batch: Sequence[Any]) -> dict[type[Any], Sequence[Any]]:
    """The records of a batch by their type; nearly always they have one."""
    kinds = set(map(type, batch))
    if len(kinds) == 1:
        return {kinds.pop(): batch}
    return {kind: [record for record in batch if type(record) is kind] for kind in kinds}


def _take_kind(
    source: Source, stream: str, kind: type[Any], records: Sequence[Any], taken: Taken, ahead: Versions | None
) -> _Outcome:
    if kind in SHAPES:
        return _take_reported(source, kind, ours_of(records), taken, ahead)
    return _take_told(source, stream, kind, records, taken)


def _take_reported(
    source: Source, kind: type[Any], records: Sequence[Any], taken: Taken, ahead: Versions | None
) -> _Outcome:
    """Take records that become a row of their own, by the bulk path."""
    shape = SHAPES[kind]
    if shape.prepare is not None:
        records = shape.prepare(source, records)
    versions = ahead or _versions(shape.maker(source), records)
    keys = shape.keys_of(versions.rows)
    removed = places_removed(records)
    for place in removed:
        versions.digests[place] ^= 1  # that a row is no more is another version than the row itself
    taken.answered[kind] = [key for place, key in enumerate(keys) if place not in removed] if removed else keys
    standing = reported.versions(source.session, shape.table, keys, versions.digests)
    sifted = sift(records, keys, versions.digests, standing, source.latest)
    outcome, good = _judged(source, kind, records, versions, keys, sifted)
    stood = [keys[one] for one in good if keys[one] in standing]
    note_written(source.session, shape.table, shape.columns, versions.at(good).rows, stood)
    write = upsert if stood else append  # nobody else writes rows of this connection meanwhile
    write(source.session.connection(), shape.table, shape.columns, versions.at(good))
    outcome.written = len(good)
    _take_away(source, shape, [(records[one], keys[one]) for one in sifted.removed if keys[one] in standing], outcome)
    return outcome


def _judged(
    source: Source, kind: type[Any], records: Sequence[Any], versions: Versions, keys: Sequence[Any],
    sifted: Sifted,
) -> tuple[_Outcome, list[int]]:  # fmt: skip
    """Let the gate judge the news; give what broke, and the places of what is good."""
    news = sifted.news
    if not news:
        return _Outcome(), []
    rows = versions.at(news).rows if kind in SHAPES else []
    asked = Judged(source, kind, _at(records, news), rows, _at(keys, news))
    broken = judge(asked)
    reached("gated")
    if not broken:
        return _Outcome(), news
    outcome = _Outcome([(records[news[place]], ",".join(rules)) for place, rules in sorted(broken.items())])
    return outcome, [one for place, one in enumerate(news) if place not in broken]


def _at(items: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    """Give the items at some places, each named once and in order."""
    return items if len(places) == len(items) else list(map(items.__getitem__, places))


def _take_away(source: Source, shape: Shape, going: Sequence[tuple[Any, Any]], outcome: _Outcome) -> None:
    """Remove rows that the source deleted; one that others hang on stays until those are gone."""
    if not going:
        return
    held = reported.referred_to(source.session, shape.table, {key[0] for _, key in going}) if shape.keys == 1 else set()
    outcome.broken += [(record, HUNG_ON) for record, key in going if key[0] in held]
    free = [key for _, key in going if key[0] not in held]
    remove(source.session, shape.table, free)
    outcome.removed = len(free)


def _take_told(source: Source, stream: str, kind: type[Any], records: Sequence[Any], taken: Taken) -> _Outcome:
    """Take records that change rows of ours, one after another; which version was taken is remembered beside."""
    keys = [opaque(record.source_id) for record in records]
    rows = [(source.connection, stream, key, one.changed_at) for key, one in zip(keys, records, strict=True)]
    versions = versions_of(rows, [tuple(getattr(one, each.name) for each in fields(one)) for one in records])
    taken.answered[kind] = [key for key, one in zip(keys, records, strict=True) if not is_removed(one)]
    standing = reported.source_versions(source.session, source.connection, stream, keys)
    sifted = sift(records, keys, versions.digests, standing, source.latest)
    # What is taken back is judged as well: an answer to us may not be.
    sifted.news = sorted([*sifted.news, *sifted.removed])
    look_up(source, [records[place] for place in sifted.news])
    outcome, good = _judged(source, kind, records, versions, keys, sifted)
    stood = [place for place in good if _mirror(source, records[place], outcome)]
    source.session.flush()
    columns = ("connection", "stream", "source_id")
    upsert(source.session.connection(), SourceVersion, columns, versions.at(stood))
    return outcome


def _mirror(source: Source, record: Any, outcome: _Outcome) -> bool:
    """Do with one record what its rows ask for; False when it breaks a rule that only its rows could tell."""
    # Nothing is flushed on the way, or a row that a record changed would no longer look changed.
    with source.session.no_autoflush:
        try:
            rows = MIRRORS[type(record)](source, record)
        except Broken as broken:
            outcome.broken.append((record, broken.rule))
            return False
        if is_removed(record) and _are_referred_to(source, rows):
            outcome.broken.append((record, HUNG_ON))
            return False
        if is_removed(record):
            outcome.removed += _any(_remove, source, rows)
        else:
            outcome.written += _any(_write, source, rows)
    return True


def _are_referred_to(source: Source, rows: Iterable[SQLModel]) -> bool:
    asked = ((type(row), key_of(row)[0]) for row in rows if isinstance(row, Table))
    return any(reported.referred_to(source.session, table, {key}) for table, key in asked)


def _any(do: Callable[[Source, SQLModel], bool], source: Source, rows: Iterable[SQLModel]) -> int:
    """Do something with every row; 1 when that changed any of them."""
    return int(bool([row for row in rows if do(source, row)]))


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
