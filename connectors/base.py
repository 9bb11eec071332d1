"""What every connector is: a connection's settings, streams of records, and a check.

Belongs here: the interface and what all connectors share. Does not: HTTP (http.py), any protocol.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.bodies import shallow, written
from connectors.errors import OutsideError, Permanent
from models.records import Page, Record, Unreadable

Body = Mapping[str, Any]
Parser = Callable[[Body], Record | None]
# What reading a row that is none of what was asked for raises, whatever is wrong with it.
LOGIN = "login"  # the part of a check that says whether we are let in
ROW_ERRORS = (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, IndexError)


class Connection(BaseModel):
    """One connection of an installation: whose data it brings, where it answers, how to log in.

    `organisation` is a unified social credit code; `auth` names secrets, it never holds one. A chat by apprise has no
    `base_url`: its address is a secret as a whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, pattern=r"^[\w.-]+$")
    kind: str
    organisation: str
    base_url: str = Field(default="", pattern=r"^([a-z][a-z0-9+.-]*:|$)")
    auth: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_its_address(self) -> Self:
        if bool(self.base_url) == (self.kind == "apprise"):
            raise ValueError('its address goes into auth, as url_env or url_file, and it has no base_url'
                             if self.base_url else "it needs a base_url")  # fmt: skip
        return self


@dataclass(frozen=True, slots=True)
class Check:
    """Whether one part of a connection works; `message` says in one sentence what to fix."""

    part: str
    ok: bool
    message: str = ""


@dataclass(slots=True)
class Cost:
    """What a connector has asked of its system so far.

    `received` counts the bytes of bodies as they came over the wire, `retries` those of the `requests` sent again.
    """

    requests: int = 0
    received: int = 0
    retries: int = 0


class Connector(ABC):
    """A system we read from or send to; used as an async context manager.

    One that `reads_documents` gives each file once: it is told in the scope, as `read_before`, which documents have
    been taken, and `since` means nothing to it. What it answers is only what is new, never the whole of a stream:
    nothing may be taken for gone because it was not answered, and no answer at all is a usual night.
    """

    streams: tuple[str, ...] = ()
    reads_documents: bool = False

    def __init__(self, connection: Connection) -> None:
        """Keep the settings; nothing is opened before the connector is entered."""
        self.connection = connection
        self.cost = Cost()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open what the connector needs."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it again."""
        await self._resources.aclose()

    @abstractmethod
    def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give the pages of a stream, those that changed at or after `since` where the source can tell.

        Raises Transient or Permanent: what could not be read is never an empty page.
        """

    async def report_back(self, document: str, broken: Mapping[str, str]) -> None:  # noqa: B027
        """Tell the source, once a document is taken, what broke rules in it: their names by source id, maybe none.

        Most systems cannot be told.
        """

    async def check(self) -> list[Check]:
        """Read one page of each stream, and say what is wrong where that fails.

        Where nobody is let in, that is the part "login", and no further stream is tried.
        """
        checks: list[Check] = []
        for stream in self.streams:
            checks.append(await self._check(stream))
            if checks[-1].part == LOGIN:
                break
        return checks

    async def _check(self, stream: str) -> Check:
        try:
            pages = self.read(stream)
            await anext(pages, None)
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()
        except OutsideError as error:
            if error.status == 401 or error.operation == "log in":
                return Check(LOGIN, False, str(error))
            return Check(stream, False, self._advice(stream, error))
        return Check(stream, True)

    def _advice(self, stream: str, error: OutsideError) -> str:
        """Say what to fix where a stream cannot be read; a protocol that knows which right is missing names it."""
        return str(error)

    def _offered(self, known: Iterable[str], usual: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Give the streams that `options.streams` names, in the order the programme needs them.

        Raises Permanent for a stream nobody knows: it would silently never be read.
        """
        known, offered = tuple(known), self.connection.options.get("streams", usual)
        if not isinstance(offered, list | tuple) or not set(offered) <= set(known):
            raise Permanent(self.connection.name, "read its settings",
                            f"options.streams must be a list of {', '.join(known)}: correct it")  # fmt: skip
        return tuple(stream for stream in known if stream in offered)

    def _meanings(self, option: str, known: Mapping[str, str], allowed: Iterable[str]) -> dict[str, str]:
        """Give what the source's own words mean: the usual ones, and those an option adds.

        Raises Permanent for a meaning that is none: its rows would count as something else.
        """
        added = self.connection.options.get(option, {})
        if not isinstance(added, Mapping) or not set(added.values()) <= set(allowed):
            raise Permanent(self.connection.name, "read its settings",
                            f"options.{option} must map words to {', '.join(allowed)}: correct it")  # fmt: skip
        return {**known, **added}


def records_of(stream: str, bodies: Iterable[Any], parse: Parser, id_field: str) -> list[Record]:
    """Turn rows of the wire into records; a row that is none of what was asked for stays, as Unreadable."""
    records = []
    for body in bodies:
        try:
            record = parse(body)
        except ROW_ERRORS:
            record = unreadable(stream, body, id_field)
        if record is not None:
            records.append(record)
    return records


def unreadable(stream: str, body: Any, id_field: str, rule: str = "row-unreadable") -> Unreadable:
    """Keep a row that cannot be read, by its own id where it has one; else it may be any row of its stream."""
    text = written(shallow(body), sort=True)
    named = body.get(id_field) if isinstance(body, Mapping) else None
    name = str(named).replace("\x00", "").strip()[:200] if isinstance(named, str | int) else ""
    return Unreadable(source_id=name or f"row-{hash_of(text)}", stream=stream, rule=rule, payload=text,
                      within=None if name else "")  # fmt: skip


def hash_of(text: str) -> str:
    """Give a short name for a row that has none of its own."""
    from hashlib import blake2b

    return blake2b(text.encode(), digest_size=8).hexdigest()


def page_of(records: list[Record], total: int | None = None) -> Page[Record]:
    """Make a page of records, with the greatest source timestamp among them."""
    stamps = [record.changed_at for record in records if record.changed_at is not None]
    return Page(records, max(stamps, default=None), total)
