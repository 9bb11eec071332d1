"""Which records of a batch are news: compared with the versions that stand, and with each other.

Belongs here: unchanged, superseded, repeated, removed. Does not: whether news is right (gates) or is written (gate.py).
A source may give one row twice, in two versions, or an older version after a newer one: the newest counts.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.repositories.reported import Version


@dataclass
class Sifted:
    """Places in a batch: of news to be judged, and of rows to be removed; all others say nothing new."""

    news: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)


def sift(
    records: Sequence[Any], keys: Sequence[Hashable], digests: Sequence[int], standing: Mapping[Any, Version],
    latest: datetime,
) -> Sifted:  # fmt: skip
    """Sift a batch. What claims to be from beyond `latest` is news whatever it says: the gate has a rule for it."""
    candidates = [
        place for place, key in enumerate(keys) if _says_more(standing.get(key), digests[place], records[place])
    ]
    future = {place for place in candidates if _is_beyond(records[place].changed_at, latest)}
    believed = [place for place in candidates if place not in future] if future else candidates
    found = Sifted(sorted(future))
    for place in _newest_of_each(believed, records, keys, digests):
        (found.removed if is_removed(records[place]) else found.news).append(place)
    found.news.sort()
    return found


def _says_more(version: Version | None, digest: int, record: Any) -> bool:
    """Whether a record says anything else than what stands, and is not older than that."""
    return version is None or (version[0] != digest and not _is_older(record.changed_at, version[1]))


def _is_beyond(stamp: datetime | None, latest: datetime) -> bool:
    return stamp is not None and stamp > latest


def _newest_of_each(
    places: Sequence[int], records: Sequence[Any], keys: Sequence[Hashable], digests: Sequence[int]
) -> Iterable[int]:
    """Of the places of each key, that of its newest version; nearly always no key has more than one."""
    if len({keys[place] for place in places}) == len(places):
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
