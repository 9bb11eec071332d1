"""The chat: Slack's methods as far as alerts need them, errors with status 200, and the page people look at."""

from typing import Any

import httpx
import orjson
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.conftest import TOKEN, Caller

ALERTS, REPORTS = "C0SANDBOX01", "C0SANDBOX02"


@pytest.fixture(scope="module")
def chat(_shared: Caller) -> WebClient:
    """Slack's own client on the session's sandbox; each test looks at what it posted itself."""
    return WebClient(token=TOKEN, base_url=f"{_shared.url}/slack/api/", timeout=10)


def call(caller: Caller, method: str, **values: Any) -> dict[str, Any]:
    """Call a method with JSON, without a client that knows better."""
    answer = caller.http.post(f"/slack/api/{method}", json=values)
    assert answer.status_code == 200
    return dict(answer.json())


def test_the_workspace_introduces_itself(chat: WebClient) -> None:
    me = chat.auth_test()
    assert me["ok"] and me["user_id"].startswith("U") and me["team_id"].startswith("T")
    channels = {channel["name"]: channel["id"] for channel in chat.conversations_list()["channels"]}
    assert channels == {"yuanmeng-alerts": ALERTS, "yuanmeng-reports": REPORTS}


def test_a_message_goes_to_a_channel_by_id_or_name(chat: WebClient) -> None:
    for name in (ALERTS, "yuanmeng-alerts", "#yuanmeng-alerts"):
        assert chat.chat_postMessage(channel=name, text="学校逾期未录取")["channel"] == ALERTS


def test_a_thread_hangs_under_its_first_message(chat: WebClient) -> None:
    top = chat.chat_postMessage(channel=ALERTS, text="催办")["ts"]
    first = chat.chat_postMessage(channel=ALERTS, text="升级", thread_ts=top)["ts"]
    second = chat.chat_postMessage(channel=ALERTS, text="备注", thread_ts=first)["ts"]
    thread = chat.conversations_replies(channel=ALERTS, ts=top)["messages"]
    assert [m["ts"] for m in thread] == [top, first, second]
    assert thread[0]["reply_count"] == 2 and thread[0]["latest_reply"] == second
    assert all(m["thread_ts"] == top for m in thread)
    shown = {m["ts"] for m in chat.conversations_history(channel=ALERTS)["messages"]}
    assert top in shown and first not in shown and second not in shown


def test_an_update_replaces_the_words_and_keeps_the_metadata(chat: WebClient) -> None:
    payload = {"alert_id": "AL-1"}
    metadata = {"event_type": "yuanmeng_alert", "event_payload": payload}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "逾期"}}]
    ts = chat.chat_postMessage(channel=ALERTS, text="逾期", blocks=blocks, metadata=metadata)["ts"]
    changed = chat.chat_update(channel=ALERTS, ts=ts, text="已解决")
    assert changed["text"] == "已解决" and changed["message"]["edited"]["ts"] > ts
    assert "blocks" not in changed["message"]
    found = chat.conversations_history(channel=ALERTS, include_all_metadata=True, oldest=ts, inclusive=True, limit=1)
    (message,) = found["messages"]
    assert message["metadata"]["event_payload"] == payload and message["text"] == "已解决"
    (bare,) = chat.conversations_history(channel=ALERTS, latest=ts, inclusive=True, limit=1)["messages"]
    assert "metadata" not in bare and "date" not in bare


def test_history_is_newest_first_and_in_pages(chat: WebClient) -> None:
    said = [chat.chat_postMessage(channel=REPORTS, text=f"第{n}份")["ts"] for n in range(7)]
    assert len(set(said)) == 7
    seen: list[str] = []
    cursor = ""
    while True:
        body = chat.conversations_history(
            channel=REPORTS, limit=3, cursor=cursor, oldest=str(float(said[0]) - 0.0000005)
        )
        seen += [m["ts"] for m in body["messages"]]
        cursor = body["response_metadata"]["next_cursor"]
        assert body["has_more"] == bool(cursor)
        if not cursor:
            break
    assert seen == list(reversed(said))


def test_timestamps_only_grow_even_when_the_date_goes_back(fresh: Caller) -> None:
    stamps = []
    for day in ("2024-01-08", "2023-05-15", "2024-01-09"):
        fresh.travel(day)
        stamps.append(float(call(fresh, "chat.postMessage", channel=ALERTS, text=day)["ts"]))
    assert stamps == sorted(set(stamps))
    said = fresh.get("/_sandbox/messages")["messages"]
    assert [(m["text"], m["date"], m["channel"]) for m in said] == [
        (day, day, ALERTS) for day in ("2024-01-08", "2023-05-15", "2024-01-09")
    ]


@pytest.mark.parametrize(
    ("method", "values", "error"),
    [
        ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": ALERTS}, "no_text"),
        ("chat.postMessage", {"channel": ALERTS, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": ALERTS, "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": "{"}, "invalid_blocks"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": {"type": "divider"}}, "invalid_blocks"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": ["text"]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": [{"text": "x"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": [{"type": "context", "elements": "x"}]}, "invalid_blocks"),
        (
            "chat.postMessage",
            {"channel": ALERTS, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
            "invalid_blocks",
        ),
        ("chat.postMessage", {"channel": ALERTS, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.update", {"channel": ALERTS, "ts": "1.0", "text": "x"}, "message_not_found"),
        ("conversations.replies", {"channel": ALERTS, "ts": "1.0"}, "thread_not_found"),
        ("conversations.history", {"channel": ALERTS, "limit": "many"}, "invalid_arguments"),
        ("conversations.history", {"channel": ALERTS, "limit": [1]}, "invalid_arguments"),
        ("chat.burn", {}, "unknown_method"),
    ],
)
def test_errors_come_with_status_200(reading: Caller, method: str, values: dict[str, Any], error: str) -> None:
    answer = call(reading, method, **values)
    assert (answer["ok"], answer["error"]) == (False, error)


def test_a_body_that_is_no_object_says_nothing(reading: Caller) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b"[1]", b"{", b""):
        answer = reading.http.post("/slack/api/chat.postMessage", content=content, headers=headers)
        assert answer.json() == {"ok": False, "error": "channel_not_found"}


def test_the_token_is_asked_for(reading: Caller) -> None:
    url = f"{reading.url}/slack/api/auth.test"
    assert httpx.post(url, trust_env=False).json() == {"ok": False, "error": "not_authed"}
    assert httpx.post(url, data={"token": "x"}, trust_env=False).json() == {"ok": False, "error": "invalid_auth"}
    assert httpx.post(url, data={"token": TOKEN}, trust_env=False).json()["ok"] is True
    with pytest.raises(SlackApiError, match="invalid_auth"):
        WebClient(token="wrong", base_url=f"{reading.url}/slack/api/").auth_test()


def test_a_form_may_carry_json(reading: Caller) -> None:
    blocks = orjson.dumps([{"type": "divider"}]).decode()
    answer = reading.http.post("/slack/api/chat.postMessage", data={"channel": ALERTS, "blocks": blocks}).json()
    assert answer["ok"] and answer["message"]["blocks"] == [{"block_id": "b0", "type": "divider"}]


def test_an_empty_channel_says_so(fresh: Caller) -> None:
    html = fresh.http.get("/slack/").text
    assert "还没有消息" in html and "# yuanmeng-alerts" in html and "2023年5月15日 星期一" in html


def test_the_page_shows_messages_by_day_with_threads_and_edits(fresh: Caller) -> None:
    fresh.travel("2024-02-22")
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "教学点未确认开班"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*班级*\nSK201"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "十天前"}, {"type": "image"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "知道了"}}]},
        {"type": "divider"},
        {"type": "video"},
    ]
    top = call(fresh, "chat.postMessage", channel=ALERTS, text="备用", blocks=blocks)["ts"]
    fresh.travel("2024-02-27")
    call(fresh, "chat.postMessage", channel=ALERTS, text="升级至学校 :rotating_light: :no_such:", thread_ts=top)
    other = call(fresh, "chat.postMessage", channel=ALERTS, text="第二条")["ts"]
    fresh.travel("2024-03-13")
    call(fresh, "chat.update", channel=ALERTS, ts=other, text="~第二条~ 已解决")
    html = fresh.http.get(f"/slack/?channel={ALERTS}").text
    for piece in (
        "教学点未确认开班", "<strong>班级</strong><br>SK201", "十天前", "知道了</button>", "2024年2月22日 星期四",
        "2024年2月27日 星期二", "1 条回复", "升级至学校 🚨 :no_such:", "<s>第二条</s> 已解决", "edited 2024-03-13", "3 条消息",
    ):  # fmt: skip
        assert piece in html, piece
    assert "备用" not in html
    assert "还没有消息" in fresh.http.get(f"/slack/?channel={REPORTS}").text
    assert "教学点未确认开班" in fresh.http.get("/slack/?channel=C0NOWHERE").text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("A &amp; B &lt;C&gt;", "A &amp; B &lt;C&gt;"),
        ("`a` *b* _c_", "<code>a</code> <strong>b</strong> <em>c</em>"),
        ("<https://a.example/x_y_z?p=1&amp;q=_2_|看 &lt;板&gt;>",
         '<a href="https://a.example/x_y_z?p=1&amp;q=_2_" rel="noreferrer">看 &lt;板&gt;</a>'),
        ("*<https://a.example>*", '<strong><a href="https://a.example" rel="noreferrer">https://a.example</a></strong>'),
        ('<https://a.example/"onmouseover="alert(1)|x>',
         '<a href="https://a.example/&quot;onmouseover=&quot;alert(1)" rel="noreferrer">x</a>'),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("&lt;https://a.example|x&gt;", "&lt;https://a.example|x&gt;"),
        ("\x020\x03", "0"),
    ],
)  # fmt: skip
def test_the_page_obeys_marks_and_links_and_no_html(fresh: Caller, text: str, shown: str) -> None:
    call(fresh, "chat.postMessage", channel=ALERTS, text=text)
    assert f"<div>{shown}</div>" in fresh.http.get("/slack/").text
