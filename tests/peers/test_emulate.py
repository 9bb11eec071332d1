"""Our Slack connector on emulate: what it posts is seen through the workspace's own API.

emulate takes any token that is not empty, so a wrong one cannot be tried here; the sandbox refuses it.
"""

from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from connectors.base import Connection
from connectors.errors import Permanent, Refused
from connectors.registry import open_connector
from connectors.slack import SlackConnector
from tests.peers.conftest import SECRET_ENV

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*三人缺席*"}}]


class Channel:
    """A new channel, looked at through the workspace's own API."""

    def __init__(self, http: httpx.Client) -> None:
        """Make the channel."""
        self.http = http
        self.id = str(self.call("conversations.create", name=f"c-{uuid4().hex[:12]}")["channel"]["id"])

    def call(self, method: str, **body: Any) -> dict[str, Any]:
        """Call a method that must succeed."""
        answer: dict[str, Any] = self.http.post(method, json=body).json()
        assert answer["ok"], answer
        return answer

    def messages(self) -> list[dict[str, Any]]:
        """The messages of the channel, without those in threads."""
        body = self.call("conversations.history", channel=self.id, include_all_metadata=True)
        return cast(list[dict[str, Any]], body["messages"])

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """A message and its replies."""
        return cast(list[dict[str, Any]], self.call("conversations.replies", channel=self.id, ts=ts)["messages"])


@pytest.fixture
def channel(emulate_url: str, peer_secret: str) -> Iterator[Channel]:
    """An empty channel."""
    headers = {"Authorization": f"Bearer {peer_secret}"}
    with httpx.Client(base_url=emulate_url, headers=headers, trust_env=False) as http:
        yield Channel(http)


def chat(channel: Channel, id: str = "") -> SlackConnector:
    """Our connector for the channel, or for another one; it does not wait between messages."""
    settings = Connection(
        name="chat", kind="slack", organisation="91320200MA1TEXT06T", base_url=str(channel.http.base_url),
        auth={"type": "bearer", "token_env": SECRET_ENV},
        options={"channel": id or channel.id, "seconds_between": 0},
    )  # fmt: skip
    connector = open_connector(settings)
    assert isinstance(connector, SlackConnector)
    return connector


async def test_a_message_is_posted_with_its_blocks_and_key(channel: Channel) -> None:
    async with chat(channel) as connector:
        posted = await connector.post("alert-1", "三人缺席", BLOCKS)
    [message] = channel.messages()
    assert posted == {"ts": message["ts"], "channel": channel.id}
    assert (message["text"], message["blocks"]) == ("三人缺席", BLOCKS)
    assert message["metadata"]["event_payload"] == {"alert_id": "alert-1"}


async def test_a_reply_stands_in_the_thread_and_not_in_the_channel(channel: Channel) -> None:
    async with chat(channel) as connector:
        head = await connector.post("alert-1", "三人缺席", BLOCKS)
        await connector.post("alert-1/1", "一人已补课", None, thread_ts=head["ts"])
    assert [message["text"] for message in channel.thread(head["ts"])] == ["三人缺席", "一人已补课"]
    assert [message["text"] for message in channel.messages()] == ["三人缺席"]


async def test_messages_are_found_by_their_key_in_channel_and_thread(channel: Channel) -> None:
    async with chat(channel) as connector:
        heads = {key: await connector.post(key, f"message {key}", None) for key in ("a", "b", "c")}
        reply = await connector.post("b/1", "reply", None, thread_ts=heads["b"]["ts"])
        assert {key: await connector.find(key) for key in heads} == heads
        assert await connector.find("b/1", thread_ts=heads["b"]["ts"]) == reply
        assert await connector.find("b/1") is None
        assert await connector.find("b/2", thread_ts=heads["b"]["ts"]) is None
        assert await connector.find("d") is None


async def test_a_message_is_found_beyond_the_first_page(channel: Channel) -> None:
    async with chat(channel) as connector:
        posted = await connector.post("old", "the first of many", None)
        for number in range(105):
            channel.call("chat.postMessage", channel=channel.id, text=f"other {number}")
        assert await connector.find("old") == posted


async def test_a_message_is_updated_in_place_and_keeps_its_key(channel: Channel) -> None:
    async with chat(channel) as connector:
        posted = await connector.post("alert-1", "三人缺席", BLOCKS)
        updated = await connector.update(posted["ts"], "已处理", None, key="alert-1")
        assert await connector.find("alert-1") == posted
    [message] = channel.messages()
    assert updated == posted and message["text"] == "已处理" and "blocks" not in message
    assert message["edited"]


async def test_a_message_that_is_not_there_cannot_be_updated(channel: Channel) -> None:
    async with chat(channel) as connector:
        with pytest.raises(Refused, match="message_not_found"):
            await connector.update("1.000001", "已处理", None, key="alert-1")


async def test_a_channel_that_is_not_there_is_permanent(channel: Channel) -> None:
    async with chat(channel, "C404") as connector:
        with pytest.raises(Permanent, match="channel_not_found"):
            await connector.post("alert-1", "三人缺席", BLOCKS)


async def test_the_check_says_whether_the_channel_can_be_told(channel: Channel) -> None:
    async with chat(channel) as connector:
        assert [check.ok for check in await connector.check()] == [True]
    async with chat(channel, "C404") as connector:
        [check] = await connector.check()
    assert not check.ok and "channel_not_found" in check.message
