"""What every chat service is: messages go out, each with a key; some can be edited, and found again.

Belongs here: the interface and what a service says it can. Does not: any protocol (slack.py, apprise.py), nor what is said.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, ClassVar

from connectors.base import Connector
from connectors.errors import Permanent
from models.records import Page


class Chat(Connector):
    """One channel, group or mailbox that is told.

    `edits`: a message can be changed and answered in its thread; else what changed has to be said anew.
    `finds`: a message is found again by its key; else one whose sending ended unknown may be sent twice.
    """

    edits: ClassVar[bool] = True
    finds: ClassVar[bool] = True
    streams = ()

    def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Raise Permanent: nothing is read from a chat."""
        raise Permanent(self.connection.name, f"read {stream}", "a chat has no streams: ask another connection")

    @abstractmethod
    async def post(
        self, key: str, text: str, blocks: list[dict[str, Any]] | None = None, thread_ts: str | None = None
    ) -> dict[str, str]:
        """Post a message; give its `ts` and `channel`. Raises Transient, Permanent or Refused."""

    @abstractmethod
    async def update(
        self, ts: str, text: str, blocks: list[dict[str, Any]] | None = None, *, key: str
    ) -> dict[str, str]:
        """Put other words into a message, or say them anew where it cannot be edited."""

    @abstractmethod
    async def find(self, key: str, thread_ts: str | None = None) -> dict[str, str] | None:
        """Give the message that carries a key; None when none does, and always where nothing can be found."""
