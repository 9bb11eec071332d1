"""Which records of a batch are news: compared with the versions that stand, and with each other.

Belongs here: unchanged, superseded, repeated, removed. Does not: whether news is right (gates) or is written (gate.py).
A source may give one row twice, in two versions, or an older version after a newer one: the newest counts.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress, count
from operator import attrgetter
from typing import Any

from models.repositories.reported import Version

CHANGED_AT, REMOVED = attrgetter("changed_at"), attrgetter("removed")


@dataclass
class Sifted:
    """Places in a batch: of news to be judged, and of rows to be removed; all others say nothing new."""

    news: list[int]
    removed: list[int]


def sift(
    records: Sequence[Any], keys: Sequence[Hashable], digests: Sequence[int], standing: Mapping[Any, Version],
    latest: datetime,
) -> Sifted:  # fmt: skip
    """Sift a batch: what says something else than what stands, and is not older, is news.

    What claims to be from beyond `latest` is news whatever it says: the gate has a rule for it.
    """
    candidates: Sequence[int] = range(len(keys))
    if standing:
        candidates = [
            place for place, key, digest in zip(candidates, keys, digests, strict=True)
            if (version := standing.get(key)) is None
            or (version[0] != digest and not _is_older(records[place].changed_at, version[1]))
        ]  # fmt: skip
    future = places_beyond(records, latest)
    if future:
        future.intersection_update(candidates)
        candidates = [place for place in candidates if place not in future]
    newest, removed = _newest_of_each(candidates, records, keys, digests), places_removed(records)
    news = [place for place in newest if place not in removed] if removed else newest
    return Sifted(sorted([*future, *news]), [place for place in newest if place in removed] if removed else [])


def _newest_of_each(
    places: Sequence[int], records: Sequence[Any], keys: Sequence[Hashable], digests: Sequence[int]
) -> Sequence[int]:
    """Of the places of each key, that of its newest version; nearly always no key has more than one."""
    if len(set(map(keys.__getitem__, places))) == len(places):
        return places
    chosen: dict[Hashable, list[int]] = {}
    for place in places:
        chosen.setdefault(keys[place], []).append(place)
    return [
        one for several in chosen.values()
        for one in (several if len(several) == 1 else _newest(several, records, digests))
    ]  # fmt: skip


def is_removed(record: Any) -> bool:
    """Whether a record says that its row is no more."""
    return bool(getattr(record, "removed", False))


def places_removed(records: Sequence[Any]) -> set[int]:
    """Give the places of the records, all of one type, that say that their row is no more."""
    if not records or not hasattr(records[0], "removed"):
        return set()
    return set(compress(count(), map(REMOVED, records)))


def places_beyond(records: Sequence[Any], latest: datetime) -> set[int]:
    """Give the places of the records that claim to be from beyond `latest`."""
    if newest_stamp(records, latest) == max(filter(None, map(CHANGED_AT, records)), default=None):
        return set()
    return {place for place, one in enumerate(records) if one.changed_at is not None and one.changed_at > latest}


def newest_stamp(records: Iterable[Any], latest: datetime) -> datetime | None:
    """Give the greatest timestamp of records that is not beyond `latest`; None where there is none."""
    stamps = list(filter(None, map(CHANGED_AT, records)))
    greatest = max(stamps, default=None)
    if greatest is None or greatest <= latest:
        return greatest
    return max((stamp for stamp in stamps if stamp <= latest), default=None)


def _is_older(stamp: datetime | None, than: datetime | None) -> bool:
    return stamp is not None and than is not None and stamp < than


def _newest(places: Sequence[int], records: Sequence[Any], digests: Sequence[int]) -> Iterable[int]:
    """Of several versions of one row give the newest: of one instant, the one given last.

    Where the source tells no instants, nobody can say which is the newest: all that differ are given.
    """
    stamps = [(records[place].changed_at, place) for place in places if records[place].changed_at is not None]
    if stamps:
        return (max(stamps)[1],)
    return {digests[place]: place for place in places}.values()
