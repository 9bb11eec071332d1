"""The columns that the rules look at: a record's own words as plain numbers and texts, and flags made of what is known.

Belongs here: making columns, each only when a rule asks for it. Does not: a rule (rules.py).
An empty text counts as not said; a day is a count of days and an instant a count of seconds or days, as the rule needs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any

from models.repositories.reported import known
from models.tables.organisations import Organisation
from tasks.mirror import OURS
from tasks.shapes import SHAPES, Row, employee_number
from tasks.sifting import places_beyond
from tasks.source import Source, worker_key

DAY_SECONDS, EPOCH = 24 * 60 * 60, date(1970, 1, 1).toordinal()
SOURCE_ID = attrgetter("source_id")
CONSENT_KINDS = frozenset({"sensitive", "school", "notice"})


@dataclass(frozen=True)
class Judged:
    """The records of one type that are news, with the rows they would become and the keys of those; in parallel."""

    source: Source
    kind: type[Any]
    records: Sequence[Any]
    rows: Sequence[Row]
    keys: Sequence[Any]


def column(batch: Judged, name: str) -> list[Any] | None:
    """Give a column by its name; None where nothing in it can break a rule, as it mostly is with those made here."""
    make = MADE.get(name)
    if make is None:
        return plain(list(map(attrgetter(name), batch.records)))
    made = make(batch)
    return None if made is None or all(value is True for value in made) else made


def plain(values: list[Any]) -> list[Any]:
    """Give the values of a column as a frame compares them; all that are said are of one type."""
    first = next((value for value in values if value is not None), None)
    convert = PLAIN.get(type(first))
    return values if convert is None else list(map(_Converted(convert).__getitem__, values))


class _Converted(dict[Any, Any]):
    """Values as a frame compares them: each that comes often is converted once."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        """Nothing yet but what is not said."""
        super().__init__({None: None})
        self._convert = convert

    def __missing__(self, value: Any) -> Any:
        """Convert a value for the first time."""
        found = self[value] = self._convert(value)
        return found


PLAIN: dict[type[Any], Callable[[Any], Any]] = {
    str: lambda text: text or None,
    # What is no number would count as not said.
    Decimal: lambda number: math.inf if number.is_nan() else float(number),
    date: date.toordinal,
    datetime: lambda at: at.timestamp() / DAY_SECONDS + EPOCH,
}


def _keys(batch: Judged) -> list[int | None] | None:
    """Where a row's key is first found: another place than its own for a row that takes one that is taken.

    What nobody believes to be a version of a row takes no place from it.
    """
    if len(set(batch.keys)) == len(batch.keys) and all(map(SOURCE_ID, batch.records)):
        return None
    first: dict[Any, int] = {}
    ahead = places_beyond(batch.records, batch.source.latest)
    return [
        None if not record.source_id else place if place in ahead else first.setdefault(key, place)
        for place, (key, record) in enumerate(zip(batch.keys, batch.records, strict=True))
    ]


def _seconds_ahead(batch: Judged) -> list[float] | None:
    """How far beyond what is believed a timestamp lies; a row without one is believed."""
    latest = batch.source.latest
    if not places_beyond(batch.records, latest):
        return None
    return [
        0.0 if one.changed_at is None or one.changed_at <= latest else (one.changed_at - latest).total_seconds()
        for one in batch.records
    ]


def _references_known(batch: Judged) -> list[bool] | None:
    """Whether all rows that a row refers to stand; those of this very batch do not count yet."""
    shape, fine = SHAPES[batch.kind], None
    for name, table in shape.references:
        place = shape.columns.index(name)
        asked = set(map(itemgetter(place), batch.rows)) - {None}
        unknown = asked - known(batch.source.session, table, asked)
        if unknown:
            fine = fine or [True] * len(batch.rows)
            fine = [so_far and row[place] not in unknown for so_far, row in zip(fine, batch.rows, strict=True)]
    return fine


def _class_known(batch: Judged) -> list[bool]:
    return [not one.class_source_id or batch.source.class_of(one.class_source_id) is not None for one in batch.records]


def _enterprise_known(batch: Judged) -> list[bool]:
    """Cured by itself once a plan names the enterprise."""
    return [batch.source.find(Organisation, batch.source.organisation) is not None] * len(batch.records)


def _match_clear(batch: Judged) -> list[bool]:
    """Whether an employee number fits at most one worker; a resident ID fits one anyway."""
    return [bool(one.resident_id) or len(batch.source.employees(employee_number(one))) <= 1 for one in batch.records]


def _score_told(batch: Judged) -> list[bool]:
    return [one.score is not None or one.score_status != "fully graded" for one in batch.records]


def _learner_told(batch: Judged) -> list[bool]:
    """A withdrawn statement whose words are no longer to be had names nobody."""
    return [bool(one.student_number) or one.voided for one in batch.records]


def _worker_known(batch: Judged) -> list[bool]:
    knows = batch.source.knows_worker
    return [not one.resident_id or knows(worker_key(one.resident_id)) for one in batch.records]


def _ours_known(batch: Judged) -> list[bool]:
    """Whether the thing of ours that an answer quotes exists."""
    table, attribute = OURS[batch.kind]
    return [batch.source.find(table, getattr(one, attribute)) is not None for one in batch.records]


def _stands(batch: Judged) -> list[bool]:
    """Whether an answer is not taken back: our own row stays until a person has looked."""
    return [not one.removed for one in batch.records]


MADE: dict[str, Callable[[Judged], list[Any] | None]] = {
    "key": _keys,
    "seconds_ahead": _seconds_ahead,
    "references_known": _references_known,
    "class_known": _class_known,
    "enterprise_known": _enterprise_known,
    "match_clear": _match_clear,
    "score_told": _score_told,
    "learner_told": _learner_told,
    "worker_known": _worker_known,
    "ours_known": _ours_known,
    "stands": _stands,
    "kinds_known": lambda batch: [bool(one.kinds) and set(one.kinds) <= CONSENT_KINDS for one in batch.records],
}
