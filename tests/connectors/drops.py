"""A night of a drop folder as the core has it: every stream is read, what was taken is remembered and told back."""

from dataclasses import dataclass, field
from typing import Any

from connectors.base import Connector
from connectors.errors import OutsideError
from models.records import Unreadable


@dataclass
class Night:
    """What one night found: all records, the documents taken, and the streams that failed with their sentences."""

    rows: list[Any] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    streams: dict[str, list[Any]] = field(default_factory=dict)


async def night(connector: Connector, read_before: set[str]) -> Night:
    """Read every stream; `read_before` grows by what was taken."""
    found = Night()
    for stream in connector.streams:
        try:
            await _read(connector, stream, read_before, found)
        except OutsideError as error:
            found.failed[stream] = str(error)
    return found


async def _read(connector: Connector, stream: str, read_before: set[str], found: Night) -> None:
    async for page in connector.read(stream, None, read_before=frozenset(read_before)):
        found.rows.extend(page.rows)
        found.streams.setdefault(stream, []).extend(page.rows)
        if page.document is not None:
            assert page.document not in read_before
            read_before.add(page.document)
            found.documents.append(page.document)
            broken = {row.source_id: row.rule for row in page.rows if isinstance(row, Unreadable)}
            await connector.report_back(page.document, broken)
