"""Buttons of the chat: a press is sent where the app asked for it, signed as Slack signs.

Belongs here: /_sandbox/callback and /_sandbox/press. Does not: messages (slack.py), or what a press does.
"""

import hmac
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.wire.http import Json, Refusal, json_body
from sandbox.wire.names import CHANNELS, SECRET, TEAM
from sandbox.wire.slack import Message, Workspace

PATIENCE = 3  # seconds, as Slack waits for an answer


@dataclass(slots=True)
class Callback:
    """Where presses go and the secret they are signed with; the last one, for a retry."""

    url: str = ""
    secret: str = field(default=SECRET, repr=False)
    last: bytes = b""


def _callback(request: Request) -> Callback:
    """Return the callback of the sandbox a request came to."""
    callback: Callback = request.app.state.callback
    return callback


def _bad(message: str) -> Refusal:
    """Return a refusal of a control request."""
    return Refusal(Json({"error": {"code": "invalid", "message": message}}, 400))


async def configure(request: Request) -> Response:
    """PUT /_sandbox/callback {"url", "secret"}: from now on presses go there; the secret is the sandbox's unless given."""
    body = await json_body(request)
    url = body.get("url") if isinstance(body, dict) else None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise _bad('send {"url": "http://127.0.0.1:8090/slack/chat"}')
    callback = _callback(request)
    callback.url, callback.secret = url, str(body.get("secret") or SECRET)
    return Json({"url": url})


async def press(request: Request) -> Response:
    """POST /_sandbox/press {"ts", "action", "user"}: press a button of a message, and give how it was answered.

    `value` picks one of several such buttons, `team` presses from another workspace; `{"retry": 1}` alone sends the
    last press once more, as Slack does when an answer was lost.
    """
    callback, body = _callback(request), await json_body(request)
    if not isinstance(body, dict):
        raise _bad('send {"ts": "…", "action": "acknowledge", "user": "U0ZHANG0001"}')
    if not callback.url:
        raise _bad("nobody asked for presses: PUT /_sandbox/callback first")
    if "retry" not in body:
        callback.last = _form(request.app.state.slack, body)
    elif not callback.last:
        raise _bad("nothing was pressed yet")
    return Json(await _send(callback, body.get("retry")))


def _form(workspace: Workspace, body: dict[str, Any]) -> bytes:
    """Return the form Slack sends for a button of a message."""
    found = ((channel, workspace.find(channel, str(body.get("ts")))) for channel in CHANNELS)
    channel, message = next(((channel, message) for channel, message in found if message), ("", None))
    if message is None:
        raise _bad("there is no such message")
    button = _button(message, str(body.get("action")), body.get("value"))
    return urlencode({"payload": orjson.dumps(_payload(channel, message, button, body)).decode()}).encode()


def _button(message: Message, action: str, value: Any) -> dict[str, Any]:
    """Return the button of a message that has this action."""
    for block in message.get("blocks", ()):
        for element in (*block.get("elements", ()), block.get("accessory") or {}):
            if element.get("action_id") == action and value in (None, element.get("value")):
                return {"block_id": block.get("block_id", ""), **element}
    raise _bad(f"the message has no button {action}")


def _payload(channel: str, message: Message, button: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return what Slack tells of a pressed button."""
    user, team, at = str(body.get("user")), str(body.get("team") or TEAM), time.time_ns() // 1000
    pressed: dict[str, Any] = {
        name: button[name] for name in ("action_id", "block_id", "text", "value", "url") if name in button
    }
    pressed |= {"type": "button", "action_ts": f"{at // 1_000_000}.{at % 1_000_000:06d}"}
    return {
        "type": "block_actions",
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": team},
        "api_app_id": "A0YUANMENG1",
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel, "is_ephemeral": False},
        "trigger_id": f"{at}.{TEAM}",
        "team": {"id": TEAM, "domain": "yuanmeng-sandbox"},
        "channel": {"id": channel, "name": CHANNELS[channel]},
        "message": {name: message[name] for name in ("type", "user", "ts", "text", "blocks") if name in message},
        "actions": [pressed],
    }


async def _send(callback: Callback, retry: Any) -> dict[str, Any]:
    """Sign and send; return the status of the answer and the seconds it took, status 0 where none came."""
    stamp, began = str(int(time.time())), time.perf_counter()
    signed = b"v0:" + stamp.encode() + b":" + callback.last
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": "v0=" + hmac.new(callback.secret.encode(), signed, sha256).hexdigest(),
    }
    if retry is not None:
        headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            answer = await client.post(callback.url, content=callback.last, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return {"status": 0, "seconds": round(time.perf_counter() - began, 3)}
    return {"status": answer.status_code, "seconds": round(time.perf_counter() - began, 3)}


ROUTES = [
    Route("/_sandbox/callback", configure, methods=["PUT"]),
    Route("/_sandbox/press", press, methods=["POST"]),
]
