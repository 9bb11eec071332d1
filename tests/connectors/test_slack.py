"""Slack: errors with status 200, rate limits, threads, and finding a message by its key before it is sent again."""

import asyncio
import logging
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from connectors import slack
from connectors.errors import OutsideError, Permanent, Refused, Transient
from connectors.registry import open_connector
from connectors.slack import EVENT, SlackConnector
from tests.connectors.conftest import SANDBOX_TOKEN, SECRET, Connect, World
from tests.connectors.script import Asked, Reply, Script

POSTED = {"ok": True, "ts": "1.000001", "channel": "C1"}


@pytest.fixture
def chat(connect: Connect) -> SlackConnector:
    """A chat on the scripted system that does not wait between messages."""
    return SlackConnector(connect("slack", channel="C1", seconds_between=0))


def message(ts: str, key: str | None = None) -> dict[str, Any]:
    """A message of a channel, with a key or without."""
    named = {"metadata": {"event_type": EVENT, "event_payload": {"alert_id": key}}} if key else {}
    return {"type": "message", "ts": ts, "text": "…", **named}


async def failing(chat: SlackConnector) -> OutsideError:
    """The error of a post that must fail."""
    async with chat:
        with pytest.raises(OutsideError) as caught:
            await chat.post("key-1", "三人缺席")
    return caught.value


# --- posting ----------------------------------------------------------------------------------------------------


async def test_a_message_carries_its_key_and_its_blocks(chat: SlackConnector, script: Script) -> None:
    script.keeps_saying(POSTED)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*缺席*"}}]
    async with chat:
        assert await chat.post("key-1", "三人缺席", blocks) == {"ts": "1.000001", "channel": "C1"}
        await chat.post("key-2", "仍缺", thread_ts="1.000001")
        await chat.update("1.000001", "已到", key="key-1")
    first, reply, update = [asked.json for asked in script.asked]
    assert first == {
        "channel": "C1", "text": "三人缺席", "blocks": blocks,
        "metadata": {"event_type": EVENT, "event_payload": {"alert_id": "key-1"}},
    }  # fmt: skip
    assert reply["thread_ts"] == "1.000001"
    assert (update["ts"], update["metadata"]["event_payload"]) == ("1.000001", {"alert_id": "key-1"})
    assert [asked.path for asked in script.asked] == ["/chat.postMessage", "/chat.postMessage", "/chat.update"]
    assert {asked.headers["authorization"] for asked in script.asked} == {f"Bearer {SECRET}"}


async def test_a_channel_gets_one_message_in_its_time(connect: Connect, script: Script) -> None:
    script.keeps_saying(POSTED)
    began = time.monotonic()
    async with SlackConnector(connect("slack", channel="C1", seconds_between=0.15)) as chat:
        for number in range(3):
            await chat.post(f"key-{number}", "…")
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("answer", [{"ok": True}, {"ok": True, "ts": None, "channel": "C1"}])
async def test_a_message_whose_place_is_not_told_is_looked_for_later(
    chat: SlackConnector, script: Script, answer: Any
) -> None:
    script.keeps_saying(answer)
    assert isinstance(await failing(chat), Transient)


# --- errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_auth", Permanent), ("channel_not_found", Permanent), ("not_in_channel", Permanent),
        ("invalid_blocks", Refused), ("no_text", Refused), ("thread_not_found", Refused),
        ("internal_error", Transient), ("service_unavailable", Transient), ("a_new_error", Permanent),
    ],
)  # fmt: skip
async def test_an_error_with_status_200_is_one(
    chat: SlackConnector, script: Script, code: str, kind: type[OutsideError]
) -> None:
    script.keeps_saying({"ok": False, "error": code})
    error = await failing(chat)
    assert type(error) is kind
    assert code in str(error)
    assert len(script.asked) == 1, "what may have been posted is never posted again without looking"


@pytest.mark.parametrize("code", ["<b>320214199102102177</b>", "a b", "", 5, None])
async def test_an_error_that_is_no_name_is_not_repeated(chat: SlackConnector, script: Script, code: Any) -> None:
    script.keeps_saying({"ok": False, "error": code})
    error = await failing(chat)
    assert isinstance(error, Transient)
    assert "no word of Slack's" in str(error)


@pytest.mark.parametrize(
    "fault",
    [
        Reply(b"<html>bad gateway", status=502), Reply({"ok": False, "error": "x"}, status=500), Reply(reset=True),
        Reply({"ok": True}, cut=True), Reply(b"\xff\xfe"), Reply([1]), Reply(b"null"), Reply(b""),
        Reply({}, status=503, headers={"Content-Type": "text/html; charset=nonsense"}),
    ],
)  # fmt: skip
async def test_a_chat_that_is_broken_may_work_later(
    chat: SlackConnector, script: Script, fault: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    script.keeps_saying(fault)
    with caplog.at_level(logging.DEBUG):
        error = await failing(chat)
    assert isinstance(error, Transient)
    assert len(script.asked) == 1
    assert not [one for one in caplog.records if one.name.startswith("slack")]


async def test_a_page_for_people_is_no_answer_of_a_chat(chat: SlackConnector, script: Script) -> None:
    script.keeps_saying(Reply(b"<html>login", headers={"Content-Type": "text/html"}))
    error = await failing(chat)
    assert isinstance(error, Transient)
    assert "base_url" in str(error)


async def test_an_address_where_nothing_is_is_said(chat: SlackConnector, script: Script) -> None:
    script.keeps_saying(Reply(b"<html>not here", status=404))
    assert isinstance(await failing(chat), Permanent)


async def test_an_answer_larger_than_any_of_slack_s_is_not_read(
    chat: SlackConnector, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "BODY_CAP", 1000)
    script.keeps_saying(Reply({"ok": True, "text": "x" * 2000}))
    assert isinstance(await failing(chat), Transient)


async def test_a_chat_that_says_nothing_is_not_waited_for(
    chat: SlackConnector, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "TIMEOUT", 0.1)
    script.keeps_saying(Reply(hang=True))
    assert isinstance(await failing(chat), Transient)
    assert len(script.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(chat: SlackConnector, script: Script, other: Script, status: int) -> None:
    """The SDK would follow it, and the token with it."""
    script.keeps_saying(Reply(status=status, headers={"Location": f"{other.url}/chat.postMessage"}))
    other.keeps_saying(POSTED)
    assert isinstance(await failing(chat), OutsideError)
    assert other.asked == []


async def test_no_proxy_is_taken_from_the_environment(
    chat: SlackConnector, script: Script, other: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    script.keeps_saying(POSTED)
    async with chat:
        await chat.post("key-1", "…")
    assert other.asked == []


# --- rate limits ------------------------------------------------------------------------------------------------

LIMITS = [
    Reply({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"}),
    Reply(b"Too many", status=429),
    Reply({"ok": False, "error": "ratelimited"}),
]


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_rate_limit_is_waited_out_since_nothing_was_posted(
    chat: SlackConnector, script: Script, limit: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[Any] = []
    decide = slack._pause
    monkeypatch.setattr(slack, "_pause", lambda error: decided.append(decide(error)) or decided[-1])  # type: ignore[func-returns-value]
    script.says(limit, limit, POSTED)
    async with chat:
        assert await chat.post("key-1", "…") == {"ts": "1.000001", "channel": "C1"}
    assert decided == [30.0 if limit.headers else True] * 2
    assert len(script.asked) == 3


async def test_a_rate_limit_without_end_is_given_up(chat: SlackConnector, script: Script) -> None:
    script.keeps_saying(LIMITS[0])
    assert isinstance(await failing(chat), Transient)
    assert len(script.asked) == 5


async def test_a_rate_limit_of_a_day_is_left_for_the_next_run(chat: SlackConnector, script: Script) -> None:
    script.keeps_saying(Reply({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "86400"}))
    error = await failing(chat)
    assert isinstance(error, Transient)
    assert (error.again, len(script.asked)) == (False, 1)


# --- finding again ----------------------------------------------------------------------------------------------


async def test_a_message_is_found_by_its_key_on_any_page(chat: SlackConnector, script: Script) -> None:
    more = {"response_metadata": {"next_cursor": "two"}}
    script.says(
        {"ok": True, "messages": [message("3.0"), message("2.0", "key-2"), "odd", {"metadata": "odd"}], **more},
        {"ok": True, "messages": [message("1.0", "key-1")], "response_metadata": None},
    )
    async with chat:
        assert await chat.find("key-1") == {"ts": "1.0", "channel": "C1"}
    first, second = [asked.json for asked in script.asked]
    assert first == {"channel": "C1", "limit": 100, "include_all_metadata": True}
    assert second == {**first, "cursor": "two"}


async def test_a_reply_is_looked_for_in_its_thread(chat: SlackConnector, script: Script) -> None:
    script.says({"ok": True, "messages": [message("1.0", "key-1"), message("1.5", "key-2")]})
    async with chat:
        assert await chat.find("key-2", thread_ts="1.0") == {"ts": "1.5", "channel": "C1"}
    (asked,) = script.asked
    assert (asked.path, asked.json["ts"]) == ("/conversations.replies", "1.0")


async def test_what_was_never_posted_is_not_found(chat: SlackConnector, script: Script) -> None:
    script.says({"ok": True, "messages": []})
    async with chat:
        assert await chat.find("key-1") is None


async def test_a_channel_without_end_is_searched_so_far_and_no_further(chat: SlackConnector, script: Script) -> None:
    script.keeps_saying({"ok": True, "messages": [message("1.0")], "response_metadata": {"next_cursor": "more"}})
    async with chat:
        assert await chat.find("key-1") is None
    assert len(script.asked) == slack.SEARCHED


@pytest.mark.parametrize("messages", [None, {}, "none"])
async def test_what_is_no_list_of_messages_does_not_mean_not_posted(
    chat: SlackConnector, script: Script, messages: Any
) -> None:
    script.keeps_saying({"ok": True, "messages": messages})
    async with chat:
        with pytest.raises(Transient):
            await chat.find("key-1")


# --- the connection ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [{}, {"type": "basic", "username": "a", "password_env": "YM_TEST_SECRET"}])
async def test_a_chat_without_a_bearer_token_is_said(connect: Connect, auth: Any) -> None:
    with pytest.raises(Permanent, match="bearer"):
        await SlackConnector(connect("slack", auth, channel="C1")).__aenter__()


async def test_an_address_that_is_none_is_said(connect: Connect) -> None:
    with pytest.raises(Permanent, match="base_url"):
        await SlackConnector(connect("slack", base_url="file:///etc/passwd", channel="C1")).__aenter__()


def test_a_chat_has_nothing_to_read(chat: SlackConnector) -> None:
    with pytest.raises(Permanent, match="no streams"):
        chat.read("messages")


async def test_a_check_logs_in_and_looks_at_the_channel(chat: SlackConnector, script: Script) -> None:
    def plan(asked: Asked) -> Reply:
        return Reply({"ok": True} if asked.path == "/auth.test" else {"ok": False, "error": "channel_not_found"})

    script.follows(plan)
    async with chat:
        (check,) = await chat.check()
    assert not check.ok
    assert "channel_not_found" in check.message


async def test_the_sandbox_keeps_a_thread_together(world: World) -> None:
    key = uuid4().hex
    async with open_connector(world.connections["chat"]) as chat:
        assert isinstance(chat, SlackConnector)
        posted = await chat.post(key, "三人缺席")
        reply = await chat.post(f"{key}-1", "仍缺", thread_ts=posted["ts"])
        await chat.update(posted["ts"], "已到", key=key)
        assert await chat.find(key) == posted
        assert await chat.find(f"{key}-1", thread_ts=posted["ts"]) == reply
        assert await chat.find(f"{key}-1") is None
        with pytest.raises(Refused):
            await chat.post(key, "…", thread_ts="9.999999")
    said = await asyncio.to_thread(httpx.get, f"{world.url}/_sandbox/messages", trust_env=False)
    mine = [one for one in said.json()["messages"] if one["ts"] in (posted["ts"], reply["ts"])]
    assert [one["text"] for one in mine] == ["已到", "仍缺"]


async def test_a_wrong_token_is_said_by_the_sandbox(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANMENG_SANDBOX_TOKEN", f"{SANDBOX_TOKEN}-old")
    async with open_connector(world.connections["chat"]) as chat:
        (check,) = await chat.check()
    assert "invalid_auth" in check.message
