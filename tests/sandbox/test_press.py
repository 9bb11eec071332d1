"""Buttons of the chat: pressed in the sandbox, sent where it was told, signed as Slack signs."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fixtures.servers import serving
from tests.sandbox.conftest import Caller

CHANNEL, SECRET = "C0SANDBOX01", "signing-secret"
BLOCKS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "催办"}},
    {"type": "actions", "elements": [
        {"type": "button", "action_id": action, "value": value, "text": {"type": "plain_text", "text": action}}
        for action, value in (("acknowledge", "A-1"), ("snooze", "A-1"), ("acknowledge", "A-2"))
    ]},
]  # fmt: skip
Arrived = list[tuple[dict[str, str], bytes]]


@pytest.fixture
def arrived() -> Arrived:
    """What came to the app."""
    return []


@pytest.fixture
def door(arrived: Arrived) -> Iterator[str]:
    """The address of an app that takes presses, and answers 401 to those of U0STRANGER."""

    async def take(request: Request) -> Response:
        body = await request.body()
        arrived.append((dict(request.headers), body))
        return Response(status_code=401 if b"U0STRANGER" in body else 200)

    with serving(Starlette(routes=[Route("/slack/chat", take, methods=["POST"])])) as url:
        yield f"{url}/slack/chat"


def post(caller: Caller) -> str:
    """Post a message with buttons; give its ts."""
    answer = caller.http.post(
        "/slack/api/chat.postMessage", json={"channel": CHANNEL, "text": "催办", "blocks": BLOCKS}
    )
    return str(answer.json()["ts"])


def press(caller: Caller, **body: Any) -> Any:
    """Press a button."""
    return caller.http.post("/_sandbox/press", json=body)


def told(arrived: Arrived) -> dict[str, Any]:
    """The payload of the last press that came."""
    found: dict[str, Any] = orjson.loads(parse_qs(arrived[-1][1].decode())["payload"][0])
    return found


@pytest.fixture
def listening(fresh: Caller, door: str) -> Caller:
    """A sandbox that sends presses to the app."""
    assert fresh.http.put("/_sandbox/callback", json={"url": door, "secret": SECRET}).status_code == 200
    return fresh


def test_a_press_comes_signed_as_slacks_own_verifier_wants_it(listening: Caller, arrived: Arrived) -> None:
    answer = press(listening, ts=post(listening), action="acknowledge", user="U0ZHANG0001").json()
    assert answer["status"] == 200
    assert 0 <= answer["seconds"] < 3
    headers, body = arrived[-1]
    assert SignatureVerifier(SECRET).is_valid_request(body, headers)
    assert not SignatureVerifier("another").is_valid_request(body, headers)
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "x-slack-retry-num" not in headers


def test_a_press_says_who_pressed_which_button_of_which_message(listening: Caller, arrived: Arrived) -> None:
    ts = post(listening)
    press(listening, ts=ts, action="snooze", user="U0ZHANG0001")
    whole = told(arrived)
    assert (whole["type"], whole["user"]["id"]) == ("block_actions", "U0ZHANG0001")
    assert whole["team"]["id"] == whole["user"]["team_id"] == "T0SANDBOX01"
    assert whole["container"] == {"type": "message", "message_ts": ts, "channel_id": CHANNEL, "is_ephemeral": False}
    (action,) = whole["actions"]
    assert (action["action_id"], action["value"], action["block_id"]) == ("snooze", "A-1", "b1")
    assert whole["message"]["text"] == "催办"


def test_one_of_several_such_buttons_is_picked_by_its_value(listening: Caller, arrived: Arrived) -> None:
    press(listening, ts=post(listening), action="acknowledge", user="U0ZHANG0001", value="A-2")
    assert told(arrived)["actions"][0]["value"] == "A-2"


def test_a_stranger_comes_from_a_workspace_of_his_own(listening: Caller, arrived: Arrived) -> None:
    ts = post(listening)
    answer = press(listening, ts=ts, action="snooze", user="U0STRANGER", team="T0ELSEWHERE").json()
    assert answer["status"] == 401
    assert (told(arrived)["user"]["team_id"], told(arrived)["team"]["id"]) == ("T0ELSEWHERE", "T0SANDBOX01")


def test_a_retry_is_the_same_press_again_and_another_press_is_another(listening: Caller, arrived: Arrived) -> None:
    ts = post(listening)
    press(listening, ts=ts, action="snooze", user="U0ZHANG0001")
    assert press(listening, retry=1).json()["status"] == 200
    assert arrived[1][1] == arrived[0][1]
    assert arrived[1][0]["x-slack-retry-num"] == "1"
    assert SignatureVerifier(SECRET).is_valid_request(arrived[1][1], arrived[1][0])
    first = told(arrived)["actions"][0]["action_ts"]
    press(listening, ts=ts, action="snooze", user="U0ZHANG0001")
    assert told(arrived)["actions"][0]["action_ts"] > first


def test_an_app_that_is_away_is_told_as_no_status(fresh: Caller) -> None:
    fresh.http.put("/_sandbox/callback", json={"url": "http://127.0.0.1:1/slack/chat"})
    assert press(fresh, ts=post(fresh), action="snooze", user="U0ZHANG0001").json()["status"] == 0


@pytest.mark.parametrize("body", [[], {"url": 1}, {"url": "file:///etc/passwd"}, {}])
def test_a_callback_needs_an_address(fresh: Caller, body: Any) -> None:
    assert fresh.http.put("/_sandbox/callback", json=body).status_code == 400


def test_what_cannot_be_pressed_is_refused_and_nothing_is_sent(listening: Caller, arrived: Arrived) -> None:
    ts = post(listening)
    for body in (
        {"ts": "1.0", "action": "snooze", "user": "U1"}, {"ts": ts, "action": "retry", "user": "U1"}, {"retry": 1},
        {"ts": ts, "action": "snooze", "user": "U1", "value": "A-9"},
    ):  # fmt: skip
        assert press(listening, **body).status_code == 400
    assert listening.http.post("/_sandbox/press", json=[]).status_code == 400
    assert arrived == []


def test_nothing_is_pressed_before_somebody_asked_for_it(fresh: Caller) -> None:
    assert press(fresh, ts=post(fresh), action="snooze", user="U1").status_code == 400
