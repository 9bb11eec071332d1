"""Tables of the machine itself: cursors, versions, quarantine, the outbox, the audit trail.

Belongs here: what keeps reading and sending exact. Does not: facts of the programme.
`recorded_at` is the wall clock and never part of a comparison of two databases.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field

from models.clock import now
from models.tables.base import BY_BYTES, Table, instant, one_of
from models.vault import Encrypted


class SyncCursor(Table, table=True):
    """How far a stream of a connection has been read, and what the last reading made of it.

    `whole_on` is the day it was last read from its beginning to its end. A stream that is held waits for its source to
    mend or for a person to release it, which lets the next reading pass whatever its gate says; `held_since` is the day
    the stall watch first found it held.
    """

    __tablename__ = "sync_cursors"
    __table_args__ = (one_of("status", ("ok", "held", "released")),)

    connection: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    cursor: datetime | None = instant(default=None)
    read_on: date
    whole_on: date | None = None
    status: str = "ok"
    reason: str = ""
    held_since: date | None = None


class SourceNights(Table, table=True):
    """When a connection was last read as a whole, and in how many nights since then its reading has failed."""

    __tablename__ = "source_nights"
    __table_args__ = (CheckConstraint("(failed_nights > 0) = (failing_since IS NOT NULL)", name="failing_since_when"),)

    connection: str = Field(primary_key=True)
    tried_on: date
    read_on: date | None = None
    failed_nights: int = 0
    failing_since: date | None = None


class NightAccount(Table, table=True):
    """What a run that read a share of a night's connections tells of one; gone once the night has put them together.

    `night` is the id of the night's run; `account` is JSON, empty while it is awaited.
    """

    __tablename__ = "night_accounts"

    night: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    kept_on: date
    account: str


class SourceVersion(Table, table=True):
    """Which version of a row stands whose content became no row of its own: an answer to us, a document, a consent.

    `digest` and `changed_at` mean what they mean for a reported row.
    """

    __tablename__ = "source_versions"

    connection: str = Field(primary_key=True, sa_type=BY_BYTES)
    stream: str = Field(primary_key=True, sa_type=BY_BYTES)
    source_id: str = Field(primary_key=True, sa_type=BY_BYTES)
    digest: int = Field(sa_type=BigInteger)
    changed_at: datetime | None = instant(default=None)


class DocumentRead(Table, table=True):
    """A file of a drop folder that was read: known by a digest of its content, whatever it is called."""

    __tablename__ = "documents_read"

    connection: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    name: str
    read_on: date


class Quarantine(Table, table=True):
    """A row that broke a rule: its rules in clear, its content encrypted, known by a surrogate id."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("connection", "stream", "source_id"),)

    id: str = Field(primary_key=True)
    connection: str
    stream: str
    source_id: str
    rules: str
    payload: str = Field(sa_type=Encrypted, repr=False)
    first_on: date
    cured_on: date | None = None


class Outbox(Table, table=True):
    """An effect on the outside, committed with its cause; its id is the key the other side recognises.

    `recorded_at` is when it was put here; a row from before it was written down has none.
    """

    __tablename__ = "outbox"
    __table_args__ = (one_of("status", ("waiting", "sent", "failed")),)

    id: str = Field(primary_key=True)
    kind: str
    organisation_code: str | None = Field(default=None, foreign_key="organisations.code")
    subject: str = ""
    payload: str = Field(sa_type=Encrypted, repr=False)
    status: str = Field(default="waiting", index=True)
    attempts: int = 0
    created_on: date
    sent_on: date | None = None
    answer: str = ""
    problem: str = ""
    recorded_at: datetime | None = instant(default_factory=now)


class ChatHealth(Table, table=True):
    """How a chat service takes messages: how many deliveries in a row it took nothing of, and since when."""

    __tablename__ = "chat_health"

    connection: str = Field(primary_key=True)
    failures: int = 0
    failing_on: date | None = None
    failing_since: datetime | None = instant(default=None)
    reason: str = ""


class AuditEvent(Table, table=True):
    """Who did what, to whom, why and when; the database refuses to change or delete one."""

    __tablename__ = "audit_events"
    __table_args__ = (UniqueConstraint("key"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str
    action: str
    subject: str = Field(index=True)
    actor: str
    reason: str = ""
    detail: str = ""
    on: date
    recorded_at: datetime = instant(default_factory=now)
