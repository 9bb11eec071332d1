"""Rows held back: into quarantine with every rule they broke, out of it when the source has cured them.

Belongs here: writing and curing quarantined rows within the caller's transaction, and making records of them again.
Does not: which rule a row broke (gates), or what a coordinator does with the quarantine (quarantine.py).
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from connectors.bodies import written
from models.identity import make_id
from models.records import Unreadable
from models.repositories.common import within
from models.repositories.operations import held_back_ids
from models.tables.operations import Quarantine
from models.vault import opaque
from tasks.mirror import MIRRORS
from tasks.points import reached
from tasks.shapes import SHAPES
from tasks.source import Source

RECORD_TYPES: dict[str, Any] = {kind.__name__: kind for kind in (*SHAPES, *MIRRORS, Unreadable)}
# Only the source can cure these: taken again as they are, one of several versions would be guessed, or nothing read.
NEVER_TAKEN_AGAIN = frozenset({"key-repeated", "row-unreadable"})
# What a line that fails or a clock that is wrong does to a row whose timestamp the cursor has passed.
SPOILT = NEVER_TAKEN_AGAIN | {"key-missing", "timestamp-in-future"}


def hold_back(source: Source, stream: str, broken: Sequence[tuple[Any, str]]) -> list[str]:
    """Put records into quarantine with the rules they broke; give those rules of each that was not there before."""
    named = {_key(source, stream, record): (record, rules) for record, rules in broken}
    standing = {row.id: row for row in within(source.session, Quarantine, Quarantine.id, named)}
    anew: list[str] = []
    for key, (record, rules) in named.items():
        row = standing.get(key)
        if row is None:
            row = Quarantine(id=key, connection=source.connection, stream=stream, source_id=opaque(record.source_id),
                             rules="", payload="", first_on=source.today)  # fmt: skip
            source.session.add(row)
        if row.cured_on is not None or not row.rules:
            anew.append(rules)
            row.first_on = source.today
        row.rules, row.payload, row.cured_on = rules, payload_of(record), None
    if named:
        source.session.flush()
        reached("quarantined")
    return anew


def cure(source: Source, stream: str, batch: Iterable[Any], broken: Sequence[tuple[Any, str]]) -> None:
    """Let go of what was held back and is right by now."""
    held = held_back_ids(source.session, source.connection, stream)
    if not held:
        return
    still = {opaque(record.source_id) for record, _ in broken}
    right = {held[one] for one in {opaque(record.source_id) for record in batch} - still if one in held}
    for row in within(source.session, Quarantine, Quarantine.id, right):
        row.cured_on = source.today


def let_go(source: Source, stream: str, broken: Iterable[str], classes: Collection[str] | None) -> None:
    """Let go of all that is held back of a stream but what broke a rule in a whole reading: its source has it no more.

    `classes` names the classes that were asked for; None means that all there is was.
    """
    held = held_back_ids(source.session, source.connection, stream)
    gone = held.keys() - {opaque(one) for one in broken}
    for row in within(source.session, Quarantine, Quarantine.id, sorted(held[one] for one in gone)):
        if classes is None or getattr(record_of(row), "class_source_id", None) in classes:
            row.cured_on = source.today


def is_spoilt(rules: str) -> bool:
    """Whether only the source can say what a row really is: it is to be read again, and soon."""
    return not SPOILT.isdisjoint(rules.split(","))


def payload_of(record: Any) -> str:
    """Give a record as text, from which `record_of` makes it again."""
    return written({"type": type(record).__name__, "record": asdict(record)})


def record_of(row: Quarantine) -> Any:
    """Give the record that is held back in a row; None for one that another version of Yuanmeng held back as it knew it."""
    try:
        body = json.loads(row.payload)
        return TypeAdapter(RECORD_TYPES[body["type"]]).validate_python(body["record"])
    except (KeyError, TypeError, ValueError):
        return None


def can_be_taken_again(row: Quarantine) -> bool:
    """Whether a row may pass as it is, once what it refers to is there."""
    return NEVER_TAKEN_AGAIN.isdisjoint(row.rules.split(","))


def _key(source: Source, stream: str, record: Any) -> str:
    return make_id("Q", source.connection, stream, opaque(record.source_id))
