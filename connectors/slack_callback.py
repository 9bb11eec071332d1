"""A button pressed in Slack comes back: its signature, its age and its content, checked before anything is done.

Belongs here: signature v0, the window of time, the form and its JSON, who may press. Does not: serving (console/callbacks.py)
or what a press does (tasks/presses.py). Nothing is opened here, and no error quotes what was sent or the secret.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl

import orjson

from connectors.auth import secret_for
from connectors.base import Connection
from connectors.errors import Permanent
from models.identity import make_id

Action = Literal["acknowledge", "snooze", "retry"]
ACTIONS: tuple[Action, ...] = get_args(Action)
SIGNATURE, TIMESTAMP, RETRY = "x-slack-signature", "x-slack-request-timestamp", "x-slack-retry-num"
VERSION = "v0"
WINDOW = 300  # seconds either way, as Slack advises
BODY_CAP = 2 * 1024 * 1024  # bytes: Slack sends the whole message back, percent-encoded
SECONDS = re.compile(r"\A[0-9]{1,12}\Z")
MOMENT = re.compile(r"\A[0-9]{9,11}\.[0-9]{1,9}\Z")
PERSON = re.compile(r"\A[UW][A-Z0-9]{2,20}\Z")
TEAM = re.compile(r"\A[TE][A-Z0-9]{2,20}\Z")
ALERT = re.compile(r"\A[A-Za-z0-9-]{1,64}\Z")
FORM = "application/x-www-form-urlencoded"


class Unproven(Permanent):
    """A callback that is not shown to come from Slack, now, by one who may press: answered with 401."""

    def __init__(self, system: str, message: str) -> None:
        """Say which connection it was sent to, and what is wrong with it."""
        super().__init__(system, "take a press", message, status=401)


class Malformed(Permanent):
    """A callback that is not what Slack sends when one of our buttons is pressed: answered with 400."""

    def __init__(self, system: str, message: str) -> None:
        """Say which connection it was sent to, and what is wrong with it."""
        super().__init__(system, "take a press", message, status=400)


@dataclass(frozen=True, slots=True)
class Press:
    """A button of an alert, pressed: which alert, which button, by whom ("slack:U123"), when.

    `key` is the same however often Slack sends the same press.
    """

    alert_id: str
    action: Action
    actor: str
    pressed_at: datetime
    key: str


def signing_secret_of(connection: Connection) -> str:
    """Give the secret Slack signs with, from where the connection's auth says. Raises Permanent when it has none."""
    return secret_for(connection, "signing_secret")


def read_press(connection: Connection, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Press:
    """Verify a callback and give the press it tells of.

    `headers` are by their names in lower case. Raises Unproven or Malformed: then nothing may be done.
    """
    if len(body) > BODY_CAP:
        raise Malformed(connection.name, "it is larger than anything Slack sends")
    verify(connection.name, secret, headers, body, now)
    payload = _payload(connection.name, headers, body)
    actor = _actor(connection, payload)
    return _press(connection.name, payload, actor)


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """Give the signature Slack puts under a body at a time."""
    signed = b":".join((VERSION.encode(), timestamp.encode(), body))
    return f"{VERSION}={hmac.new(secret.encode(), signed, sha256).hexdigest()}"


def verify(system: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Pass only what was signed with the secret, at most five minutes from now. Raises Unproven."""
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not secret:
        raise Unproven(system, "there is no secret to verify it with")
    if not SECONDS.match(timestamp):
        raise Unproven(system, "it does not say when it was sent")
    if abs(now.timestamp() - int(timestamp)) > WINDOW:
        raise Unproven(system, "it was sent more than five minutes from now: replayed, or a clock is wrong")
    # As bytes: a signature with other letters than ASCII must not raise, and the comparison takes the same time always.
    if not hmac.compare_digest(given.encode(errors="surrogatepass"), signature_of(secret, timestamp, body).encode()):
        raise Unproven(system, "its signature is not Slack's: check the signing secret")


def _payload(system: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Give the one JSON object of the form."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Malformed(system, "it is no form")
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
                           max_num_fields=8)  # fmt: skip
        (text,) = [value for name, value in fields if name == "payload"]
        payload = orjson.loads(text)
    except ValueError:  # also of UnicodeError and of orjson
        raise Malformed(system, "it holds no payload in JSON") from None
    if not isinstance(payload, dict) or payload.get("type") != "block_actions":
        raise Malformed(system, "it tells of no button")
    return payload


def _actor(connection: Connection, payload: dict[str, Any]) -> str:
    """Give who pressed, where he may: one of those allowed, or anyone of the workspace where nobody is named."""
    person = _text(connection.name, _part(payload, "user").get("id"), PERSON, "who pressed")
    teams = [_part(payload, "user").get("team_id"), _part(payload, "team").get("id")]
    named = {_text(connection.name, team, TEAM, "a workspace") for team in teams if team is not None}
    allowed = connection.options.get("allowed_people") or ()
    home = str(connection.options.get("team") or "")
    # In a channel shared with another company, its people press too: their own workspace is the user's.
    if (home or not allowed) and named != {home}:
        raise Unproven(connection.name, "it comes from another workspace than options.team names")
    if isinstance(allowed, str) or (allowed and person not in allowed):
        raise Unproven(connection.name, "who pressed is not among options.allowed_people")
    return f"slack:{person}"


def _press(system: str, payload: dict[str, Any], actor: str) -> Press:
    """Give the press of the one button."""
    actions = payload.get("actions")
    if not isinstance(actions, list) or len(actions) != 1 or not isinstance(actions[0], dict):
        raise Malformed(system, "it tells of no one button")
    (pressed,) = actions
    action = next((known for known in ACTIONS if known == pressed.get("action_id")), None)
    if action is None:
        raise Malformed(system, "its button is none of ours")
    alert = _text(system, pressed.get("value"), ALERT, "an alert")
    moment = _text(system, pressed.get("action_ts"), MOMENT, "a moment")
    key = make_id("PR", alert, action, actor, moment)
    return Press(alert, action, actor, _instant(moment), key)


def _instant(moment: str) -> datetime:
    """Give the instant of Slack's seconds, exactly."""
    seconds, _, fraction = moment.partition(".")
    whole = datetime.fromtimestamp(int(seconds), UTC)
    return whole + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _text(system: str, value: Any, form: re.Pattern[str], what: str) -> str:
    """Give a text of the form it must have."""
    if not isinstance(value, str) or not form.match(value):
        raise Malformed(system, f"it does not name {what} as Slack does")
    return value
