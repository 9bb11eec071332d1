"""The chat workspace: the part of Slack's Web API that alerts need, and a page that shows the channels.

Belongs here: methods, their errors, and the page. Does not: what is said.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.days import moment
from sandbox.wire import slack_page
from sandbox.wire.http import Json, bearer, form, json_body
from sandbox.wire.names import CHANNELS, SECRET, TEAM
from sandbox.wire.state import state_of

BOT, USER = "B0YUANMENG1", "U0YUANMENG1"
MOST_BLOCKS, LONGEST_TEXT, LONGEST_SECTION = 50, 40_000, 3_000
Values = dict[str, Any]
Message = dict[str, Any]


class SlackError(Exception):
    """An error by its Slack name; answered with status 200 and ok: false."""


@dataclass(slots=True)
class Workspace:
    """Channels and their messages, threads included, in the order they were posted."""

    channels: dict[str, list[Message]] = field(default_factory=lambda: {id: [] for id in CHANNELS})
    clock: int = 0
    morning: int = 0

    def tick(self) -> str:
        """Return the next timestamp: the business date's morning, and a number that never repeats."""
        self.clock += 1
        return f"{self.morning + self.clock // 1_000_000}.{self.clock % 1_000_000:06d}"

    def find(self, channel: str, ts: str) -> Message | None:
        """Return a message by channel and timestamp."""
        return next((m for m in self.channels[channel] if m["ts"] == ts), None)


def _channel(workspace: Workspace, values: Values) -> str:
    """Return the id of the channel a call names by id or #name."""
    wanted = str(values.get("channel") or "").removeprefix("#")
    for id, name in CHANNELS.items():
        if wanted in (id, name):
            return id
    raise SlackError("channel_not_found")


def _structured(values: Values, name: str) -> Any:
    """Return a value that may come as JSON inside a form."""
    value = values.get(name)
    if isinstance(value, str) and value:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as bad:
            raise SlackError(f"invalid_{name}") from bad
    return value


def _content(values: Values) -> Message:
    """Return text, blocks and metadata of a message to be, held to Slack's limits."""
    blocks = _structured(values, "blocks")
    text = str(values.get("text") or "")
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > LONGEST_TEXT:
        raise SlackError("msg_too_long")
    if blocks and not _good(blocks):
        raise SlackError("invalid_blocks")
    content: Message = {"text": text}
    if blocks:
        content["blocks"] = [{"block_id": f"b{n}", **block} for n, block in enumerate(blocks)]
    metadata = _structured(values, "metadata")
    if metadata:
        if not isinstance(metadata, dict) or "event_type" not in metadata:
            raise SlackError("invalid_metadata_format")
        content["metadata"] = {"event_type": metadata["event_type"], "event_payload": metadata.get("event_payload", {})}
    return content


def _good(blocks: Any) -> bool:
    """Say whether these are blocks, no more than Slack takes and none with too long a text."""
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        return False
    return all(isinstance(block, dict) and _fits(block) for block in blocks)


def _fits(block: dict[str, Any]) -> bool:
    """Say whether a block has a type, lists where lists belong, and a text within the limit of a section."""
    text, inside = block.get("text"), [*_listed(block, "fields"), *_listed(block, "elements")]
    if not block.get("type") or not all(isinstance(item, dict) for item in inside):
        return False
    return not isinstance(text, dict) or len(str(text.get("text", ""))) <= LONGEST_SECTION


def _listed(block: dict[str, Any], name: str) -> list[Any]:
    """Return a list inside a block; what is no list counts as one wrong item."""
    value = block.get(name, [])
    return value if isinstance(value, list) else [value]


def auth_test(_: Workspace, __: Values) -> Values:
    """auth.test."""
    return {"url": "https://yuanmeng-sandbox.example/", "team": "圆梦沙盒", "team_id": TEAM, "user": "yuanmeng",
            "user_id": USER, "bot_id": BOT}  # fmt: skip


def list_channels(_: Workspace, __: Values) -> Values:
    """conversations.list."""
    channels = [{"id": id, "name": name, "is_channel": True, "is_member": True} for id, name in CHANNELS.items()]
    return {"channels": channels, "response_metadata": {"next_cursor": ""}}


def post(workspace: Workspace, values: Values) -> Values:
    """chat.postMessage, in a thread when `thread_ts` is given."""
    channel, content = _channel(workspace, values), _content(values)
    message = {"type": "message", "user": USER, "bot_id": BOT, "team": TEAM, "ts": workspace.tick(), **content}
    message["date"] = values["_date"]
    if parent := values.get("thread_ts"):
        top = workspace.find(channel, str(parent))
        if top is None:
            raise SlackError("thread_not_found")
        message["thread_ts"] = top.get("thread_ts", top["ts"])
    workspace.channels[channel].append(message)
    return {"channel": channel, "ts": message["ts"], "message": _shown(message)}


def update(workspace: Workspace, values: Values) -> Values:
    """chat.update: new text or blocks, metadata kept unless given; the message is marked as edited."""
    channel, content = _channel(workspace, values), _content(values)
    message = workspace.find(channel, str(values.get("ts") or ""))
    if message is None:
        raise SlackError("message_not_found")
    message.pop("blocks", None)
    message |= content
    message["edited"] = {"user": USER, "ts": workspace.tick()}
    message["edited_date"] = values["_date"]
    return {"channel": channel, "ts": message["ts"], "text": message["text"], "message": _shown(message)}


def _shown(message: Message, metadata: bool = True) -> Message:
    """Return a message as the API shows it: without our notes, and with its metadata only when asked."""
    hidden = {"date", "edited_date"} | (set() if metadata else {"metadata"})
    return {name: value for name, value in message.items() if name not in hidden}


def _with_thread(workspace: Workspace, channel: str, message: Message, metadata: bool) -> Message:
    """Return a message with what a parent says of its thread."""
    shown = _shown(message, metadata)
    replies = [m for m in workspace.channels[channel] if m.get("thread_ts") == message["ts"]]
    if replies:
        shown |= {"thread_ts": message["ts"], "reply_count": len(replies), "latest_reply": replies[-1]["ts"]}
    return shown


def _truthy(value: Any) -> bool:
    """Read a flag of a form or of JSON."""
    return str(value).lower() in ("1", "true")


def _paged(values: Values, messages: list[Message], most: int) -> Values:
    """Return one page of messages within `oldest` and `latest`."""
    oldest, latest = float(values.get("oldest") or 0), float(values.get("latest") or "inf")
    inclusive = _truthy(values.get("inclusive"))
    inside = [
        m for m in messages if oldest < float(m["ts"]) < latest or (inclusive and float(m["ts"]) in (oldest, latest))
    ]
    start, size = int(values.get("cursor") or 0), min(int(values.get("limit") or 100), most)
    more = start + size < len(inside)
    return {
        "messages": inside[start : start + size],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + size) if more else ""},
    }


def history(workspace: Workspace, values: Values) -> Values:
    """conversations.history: newest first, without what was said in threads."""
    channel = _channel(workspace, values)
    metadata = _truthy(values.get("include_all_metadata"))
    top = [m for m in reversed(workspace.channels[channel]) if "thread_ts" not in m]
    return _paged(values, [_with_thread(workspace, channel, m, metadata) for m in top], 999)


def replies(workspace: Workspace, values: Values) -> Values:
    """conversations.replies: a thread, its parent first."""
    channel, ts = _channel(workspace, values), str(values.get("ts") or "")
    metadata = _truthy(values.get("include_all_metadata"))
    parent = workspace.find(channel, ts)
    if parent is None:
        raise SlackError("thread_not_found")
    thread = [m for m in workspace.channels[channel] if ts in (m["ts"], m.get("thread_ts"))]
    return _paged(values, [_with_thread(workspace, channel, m, metadata) for m in thread], 1000)


METHODS: dict[str, Callable[[Workspace, Values], Values]] = {
    "auth.test": auth_test,
    "conversations.list": list_channels,
    "chat.postMessage": post,
    "chat.update": update,
    "conversations.history": history,
    "conversations.replies": replies,
}


async def call(request: Request) -> Response:
    """POST or GET /slack/api/{method}: status 200 always, `ok` says how it went."""
    workspace: Workspace = request.app.state.slack
    method = METHODS.get(request.path_params["method"])
    values: Values = dict(await form(request))
    if "json" in request.headers.get("content-type", ""):
        body = await json_body(request)
        values |= body if isinstance(body, dict) else {}
    token = bearer(request) or values.get("token")
    if not token or token != SECRET:
        return Json({"ok": False, "error": "invalid_auth" if token else "not_authed"})
    if method is None:
        return Json({"ok": False, "error": "unknown_method", "req_method": request.path_params["method"]})
    today = state_of(request).today
    workspace.morning = max(workspace.morning, int(moment(today, "slack").timestamp()))
    values["_date"] = today.isoformat()
    try:
        return Json({"ok": True, **method(workspace, values)})
    except SlackError as error:
        return Json({"ok": False, "error": str(error)})
    except (TypeError, ValueError):
        return Json({"ok": False, "error": "invalid_arguments"})


async def page(request: Request) -> Response:
    """GET /slack/: the channels as people see them; `?channel=` shows another one."""
    workspace: Workspace = request.app.state.slack
    wanted = request.query_params.get("channel", next(iter(CHANNELS)))
    channel = wanted if wanted in CHANNELS else next(iter(CHANNELS))
    return HTMLResponse(slack_page.render(workspace.channels, channel, state_of(request).today))


async def transcript(request: Request) -> Response:
    """GET /_sandbox/messages: every message with the business date it was said on."""
    workspace: Workspace = request.app.state.slack
    found = [{"channel": id, **message} for id, messages in workspace.channels.items() for message in messages]
    return Json({"messages": sorted(found, key=lambda message: float(message["ts"]))})


ROUTES = [
    Route("/slack/api/{method}", call, methods=["GET", "POST"]),
    Route("/slack/", page, methods=["GET"]),
    Route("/_sandbox/messages", transcript, methods=["GET"]),
]
