"""Slack's Web API: messages, threads and their updates, by slack_sdk.

Belongs here: posting, finding again by key, updating, and Slack's errors. Does not: what is said, or when.
Slack knows no idempotency key: the key stands in a message's metadata and is looked for before a resend.
`options`: channel, seconds_between (1 by default: Slack takes a message a second a channel).
"""

import asyncio
import logging
import re
import time
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Self
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import stamina
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from connectors.auth import Header, login_of
from connectors.base import Check, Connection
from connectors.chat import Chat
from connectors.errors import OutsideError, Permanent, Refused, Transient
from connectors.http import ATTEMPTS, BODY_CAP, LONGEST_WAIT, PORTS, seconds_of

EVENT = "yuanmeng_alert"
LIMITED = frozenset({"ratelimited", "rate_limited"})
LATER = frozenset({"internal_error", "fatal_error", "service_unavailable",
                   "request_timeout", "team_added_to_org"})  # fmt: skip
UNSENDABLE = frozenset({"no_text", "msg_too_long", "invalid_blocks", "invalid_metadata_format", "message_not_found",
                        "thread_not_found", "cant_update_message", "edit_window_closed"})  # fmt: skip
# What the SDK lets out besides its own errors: of the network, and for answers of another shape than Slack's.
SDK_ERRORS = (SlackClientError, HTTPException, OSError, ValueError, LookupError, AttributeError, RecursionError)
CODE = re.compile(r"[a-z_]{1,60}")
CODE_LIST = re.compile(r"[a-z_:.,]{1,200}")
SEARCHED = 20  # pages of a hundred messages looked through for a key
TIMEOUT = 15  # seconds
SILENT = logging.Logger("slack", logging.CRITICAL + 1)  # the SDK logs answers that it cannot read


class _Stay(HTTPRedirectHandler):
    """Follow no redirect: the token would go with it."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Leave the redirect as the answer."""


class _Client(WebClient):
    """The SDK's client, held to our limits: no redirect, no proxy from the environment, no endless body."""

    _opener = build_opener(ProxyHandler({}), _Stay())

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        with self._opener.open(req, timeout=self.timeout) as response:
            raw: bytes = response.read(BODY_CAP + 1)
            if len(raw) > BODY_CAP:
                raise ValueError("a larger answer than any of Slack's")
            return {"status": response.status, "headers": response.headers, "body": raw.decode()}


class SlackConnector(Chat):
    """One channel of one workspace."""

    _client: WebClient
    _last = 0.0

    def __init__(self, connection: Connection, client: WebClient | None = None) -> None:
        """Take a connection, and a client of the SDK where the caller has one."""
        super().__init__(connection)
        self._given = client

    async def __aenter__(self) -> Self:
        """Make a client that repeats nothing by itself: what may be sent again is decided here."""
        name, base = self.connection.name, self.connection.base_url.rstrip("/") + "/"
        login = login_of(self.connection)
        if not isinstance(login, Header) or not login.value.startswith("Bearer "):
            raise Permanent(name, "log in", 'a chat needs auth = { type = "bearer", token_env = … }: correct it')
        if base.partition(":")[0] not in PORTS:
            raise Permanent(name, "open", "its address is none: correct base_url")
        token = login.value.removeprefix("Bearer ")
        self._client = self._given or _Client(token, base_url=base, timeout=TIMEOUT, retry_handlers=[], logger=SILENT)
        return self

    @property
    def channel(self) -> str:
        """The channel that is told."""
        return str(self.connection.options.get("channel", ""))

    async def check(self) -> list[Check]:
        """Log in, and read the channel that is to be told."""
        try:
            await self._call("check", "auth.test")
            await self._call("check", "conversations.history", channel=self.channel, limit=1)
        except OutsideError as error:
            return [Check("chat", False, str(error))]
        return [Check("chat", True)]

    async def post(
        self, key: str, text: str, blocks: list[dict[str, Any]] | None = None, thread_ts: str | None = None
    ) -> dict[str, str]:
        """Post a message that carries its key; give its `ts` and `channel`."""
        await self._pace()
        body = _content(key, text, blocks) | ({"thread_ts": thread_ts} if thread_ts else {})
        answer = await self._call("post", "chat.postMessage", channel=self.channel, **body)
        return self._place("post", answer)

    async def update(
        self, ts: str, text: str, blocks: list[dict[str, Any]] | None = None, *, key: str
    ) -> dict[str, str]:
        """Put other words into a message; it keeps its key."""
        await self._pace()
        body = _content(key, text, blocks) | {"ts": ts}
        answer = await self._call("update", "chat.update", channel=self.channel, **body)
        return self._place("update", answer)

    def _place(self, operation: str, answer: dict[str, Any]) -> dict[str, str]:
        """Give where a message stands; one whose place was not told is looked for by its key later."""
        if not answer.get("ts") or not answer.get("channel"):
            raise Transient(self.connection.name, operation, "the chat did not say where the message stands: try later")
        return {"ts": str(answer["ts"]), "channel": str(answer["channel"])}

    async def find(self, key: str, thread_ts: str | None = None) -> dict[str, str] | None:
        """Give the message that carries a key, in the channel or in a thread; None when none does."""
        where = {"ts": thread_ts} if thread_ts else {}
        method = "conversations.replies" if thread_ts else "conversations.history"
        cursor = ""
        for _ in range(SEARCHED):
            answer = await self._call("find", method, channel=self.channel, limit=100, include_all_metadata=True,
                                      **where, **({"cursor": cursor} if cursor else {}))  # fmt: skip
            for message in self._messages(answer):
                if _key_of(message) == key:
                    return {"ts": str(message["ts"]), "channel": self.channel}
            cursor = _part(answer, "response_metadata").get("next_cursor") or ""
            if not cursor:
                return None
        return None

    def _messages(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the messages; what is no list of them must not pass for "not posted yet"."""
        messages = answer.get("messages")
        if not isinstance(messages, list):
            raise Transient(self.connection.name, "find", "the chat gave no messages: try later")
        return [one for one in messages if isinstance(one, dict)]

    async def _pace(self) -> None:
        """Wait until a second has passed since the last message."""
        pause = float(self.connection.options.get("seconds_between", 1.0))
        await asyncio.sleep(max(0.0, self._last + pause - time.monotonic()))
        self._last = time.monotonic()

    async def _call(self, operation: str, method: str, **body: Any) -> dict[str, Any]:
        """Call a method; again only after a rate limit, by which nothing was done yet."""
        async for attempt in stamina.retry_context(
            on=_pause, attempts=ATTEMPTS, timeout=LONGEST_WAIT, wait_initial=1.0, wait_max=60.0
        ):
            with attempt:
                return await self._once(operation, method, body)
        raise AssertionError("unreachable")  # pragma: no cover

    async def _once(self, operation: str, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call a method in a thread of its own: the SDK's asynchronous client needs one more library."""
        try:
            answer = await asyncio.to_thread(self._client.api_call, method, json=body)
        except SlackApiError as error:
            raise self._error(operation, error.response) from None
        except SDK_ERRORS as error:
            raise Transient(self.connection.name, operation, "the chat cannot be reached: try later") from error
        found: Any = answer.data
        if not isinstance(found, dict):
            raise Transient(self.connection.name, operation, "the chat answered with no JSON: check base_url")
        return found

    def _error(self, operation: str, answer: Any) -> OutsideError:
        """Give the error Slack names with status 200, or the one its status stands for."""
        code, status = answer.get("error"), int(answer.status_code)
        name = code if isinstance(code, str) and CODE.fullmatch(code) else "unknown_error"
        if status == 429 or name in LIMITED:
            return self._limited(operation, name, str(answer.headers.get("Retry-After", "")))
        if status == 200 and name == "unknown_error":
            return Transient(self.connection.name, operation, "it answered with no word of Slack's: check base_url, "
                             "or try later")  # fmt: skip
        if status >= 500 or name in LATER:
            return Transient(self.connection.name, operation, f"the chat is busy ({name}): try later")
        if name in UNSENDABLE:
            return Refused(self.connection.name, operation, f"the chat will not have this message ({name})")
        if name == "missing_scope" and CODE_LIST.fullmatch(needed := str(answer.get("needed"))):
            return Permanent(self.connection.name, operation, f"its token lacks a right: add the scope {needed} to the "
                             "app in Slack and install it again")  # fmt: skip
        return Permanent(self.connection.name, operation, f"the chat refuses ({name}): check its token and channel")

    def _limited(self, operation: str, name: str, asked: str) -> Transient:
        wait = seconds_of(asked)
        late = wait is not None and wait > LONGEST_WAIT
        return Transient(self.connection.name, operation, f"the chat takes no more for now ({name}): try later",
                         status=429, retry_after=None if late else wait, again=not late)  # fmt: skip


def _pause(error: Exception) -> bool | float:
    """Whether to call again, and after how many seconds where Slack said so."""
    if not isinstance(error, Transient) or error.status != 429 or not error.again:
        return False
    return True if error.retry_after is None else error.retry_after


def _content(key: str, text: str, blocks: list[dict[str, Any]] | None) -> dict[str, Any]:
    metadata = {"event_type": EVENT, "event_payload": {"alert_id": key}}
    return {"text": text, "metadata": metadata} | ({"blocks": blocks} if blocks else {})


def _key_of(message: dict[str, Any]) -> str:
    return str(_part(_part(message, "metadata"), "event_payload").get("alert_id", ""))


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}
