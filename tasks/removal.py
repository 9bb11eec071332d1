"""What a source that was read as a whole no longer has: its rows go too, unless that is more than can be believed.

Belongs here: comparing keys after a whole reading, within the caller's transaction. Does not: rows that a source itself
says are deleted (gate.py), or when a stream is read whole (reading.py).
"""

from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlmodel import Session

from models.records import Unreadable
from models.repositories import reported
from models.repositories.common import within
from models.repositories.news import remove
from models.rules.reading import Doubts, is_suddenly_empty, too_much_removed
from models.tables.base import Table
from tasks.errors import Held
from tasks.mirror import BECOMES
from tasks.shapes import SHAPES, stand_in_order
from tasks.source import Source
from tasks.streams import CARRIES

AT_ONCE = 10_000
ANYTHING = ""  # what a row belongs to that may be any of its stream


@dataclass
class Answered:
    """The keys that a source answered with, by record type; of each only a hash of this process is kept.

    `broken` counts the rows among them that broke a rule, which may not stand. `left` are the rows that were not
    answered and stay so far, because others hang on them. `unread` are the keys of the rows that came and could not be
    read: they are not gone. Where it is not known which row that was, `unsure` has what it belongs to.
    """

    broken: int = 0
    unread: set[tuple[str, ...]] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    left: list[tuple[type[Table], list[Any]]] = field(default_factory=list)
    _hashes: "dict[type[Any], array[int]]" = field(default_factory=dict)

    def add(self, answered: dict[type[Any], list[Any]], broken: int) -> None:
        """Remember the keys of a batch."""
        self.broken += broken
        for kind, keys in answered.items():
            self._hashes.setdefault(kind, array("q")).extend(map(hash, keys))

    def add_unread(self, source: Source, unread: Iterable[Unreadable]) -> None:
        """Remember rows that could not be read; few are, or the stream is held."""
        for one in unread:
            self.unread |= _keys_with(source, one.source_id)
            if one.within is not None:
                self.unsure.add(one.within)
                self.unread |= _keys_with(source, one.within)

    def may_have(self, key: tuple[str, ...]) -> bool:
        """Whether a row, or what it is a part of, may be one of those that could not be read."""
        return ANYTHING in self.unsure or key in self.unread or key[:1] in self.unread

    def sorted(self, kind: type[Any]) -> Any:
        """Give the hashes of a type, each once, in order."""
        import numpy

        hashes = numpy.frombuffer(self._hashes.get(kind, array("q")), dtype=numpy.int64)
        hashes.sort()  # in its place: what numpy.unique builds takes five times as much memory as the hashes
        first = numpy.ones(len(hashes), dtype=bool)
        numpy.not_equal(hashes[1:], hashes[:-1], out=first[1:])
        return hashes[first]

    def __len__(self) -> int:
        """How many keys were answered."""
        return sum(map(len, self._hashes.values()))


def _keys_with(source: Source, source_id: str) -> set[tuple[str, ...]]:
    """The keys of rows that have an id; the id of a line of a register is its session's and a student number."""
    session, _, number = source_id.rpartition(":")
    return {(source.key(source_id),), (source.key(session), number)}


def take_away_missing(
    source: Source, stream: str, answered: Answered, doubts: Doubts | None, classes: Collection[str] | None
) -> int:
    """Remove what a whole reading did not have; give how many rows. Raises Held, unless `doubts` is None.

    Children go before their parents; a row that others hang on stays.
    """
    standing, going = 0, list[tuple[type[Any], list[Any]]]()
    for kind in reversed(stand_in_order(CARRIES.get(stream, ()))):
        number, missing = _missing(source, kind, stream, answered, classes)
        going.append((kind, missing))
        standing += number
    gone = sum(len(missing) for _, missing in going)
    if doubts is not None and is_suddenly_empty(standing, len(answered) + len(answered.unread)):
        raise Held("it had rows and answers with none")
    if doubts is not None and too_much_removed(standing, gone, doubts):
        raise Held(f"{gone} of its {standing} rows would be removed")
    return sum(_remove(source, kind, keys, answered) for kind, keys in going if keys)


def take_away_left(session: Session, answered: Answered) -> int:
    """Remove the rows that stayed because others hung on them, where those have gone since; give how many."""
    waiting, answered.left = answered.left, []
    return sum(_remove_free(session, table, rows, answered) for table, rows in waiting)


def stood_before(source: Source, stream: str, removed: int) -> int:
    """Give how many rows of a stream stood before so many of them were removed; of consents and such, how many ever."""
    kinds = CARRIES.get(stream, ())
    if any(kind in SHAPES for kind in kinds):
        tables = [SHAPES[kind].table for kind in kinds]
        return removed + sum(reported.standing_count(source.session, one, source.connection) for one in tables)
    if any(kind in BECOMES for kind in kinds):
        return removed + sum(len(list(_standing(source, kind, stream, None))) for kind in kinds)
    return len(reported.source_ids(source.session, source.connection, stream))


def _missing(
    source: Source, kind: type[Any], stream: str, answered: Answered, classes: Collection[str] | None
) -> tuple[int, list[Any]]:
    """How many rows of a type stand that would go if the source no longer had them, and which of them it has not."""
    there = answered.sorted(kind)
    shape = SHAPES.get(kind)
    if shape is not None and shape.whole and classes is None and not answered.broken:
        number = reported.standing_count(source.session, shape.table, source.connection)
        if number == len(there):  # all that was answered stands, and nothing else does
            return number, []
    number, missing = 0, list[Any]()
    for keys in _batched(_standing(source, kind, stream, classes)):
        number += len(keys)
        missing += _not_among(there, keys)
    return number, [key for key in missing if not answered.may_have(_row_key(source, kind, key))]


def _not_among(there: Any, keys: list[Any]) -> list[Any]:
    import numpy

    asked = numpy.fromiter(map(hash, keys), dtype=numpy.int64, count=len(keys))
    return [keys[place] for place in numpy.flatnonzero(~numpy.isin(asked, there, assume_unique=True))]


def _row_key(source: Source, kind: type[Any], key: Any) -> tuple[str, ...]:
    """The primary key behind a key of a type that stands."""
    return key if kind in SHAPES else (source.key(key),)


def _batched(keys: Iterable[Any]) -> Iterator[list[Any]]:
    each = iter(keys)
    while some := list(islice(each, AT_ONCE)):
        yield some


def _standing(source: Source, kind: type[Any], stream: str, classes: Collection[str] | None) -> Iterable[Any]:
    """The keys of a type that stand and would go if the source no longer had them."""
    shape = SHAPES.get(kind)
    if shape is not None:
        return reported.keys_of(source.session, shape.table, source.connection, classes) if shape.whole else ()
    if kind not in BECOMES:
        return ()  # what was answered or told once stays said
    ids = reported.source_ids(source.session, source.connection, stream)
    table: Any = BECOMES[kind]
    there = {row.id for row in within(source.session, table, table.id, map(source.key, ids))}
    return [one for one in ids if source.key(one) in there]


def _remove(source: Source, kind: type[Any], keys: list[Any], answered: Answered) -> int:
    shape = SHAPES.get(kind)
    table: type[Table] = shape.table if shape is not None else BECOMES[kind]  # type: ignore[assignment]
    rows = [_row_key(source, kind, key) for key in keys]
    if shape is None or shape.keys == 1:
        return _remove_free(source.session, table, rows, answered)
    remove(source.session, table, rows)
    return len(rows)


def _remove_free(session: Session, table: type[Table], rows: list[Any], answered: Answered) -> int:
    hung_on = reported.referred_to(session, table, {key[0] for key in rows})
    free = [key for key in rows if key[0] not in hung_on]
    if hung_on:
        answered.left.append((table, [key for key in rows if key[0] in hung_on]))
    remove(session, table, free)
    return len(free)
