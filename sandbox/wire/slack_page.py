"""The page that shows a channel: its messages by day, threads under them, edits marked.

Belongs here: turning messages into HTML safely. Does not: the API (slack.py) or the looks (slack.html).
"""

import re
from datetime import date
from functools import lru_cache
from html import escape, unescape
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, Template, select_autoescape
from markupsafe import Markup

from sandbox.wire.names import CHANNELS

_WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_MARKS = (
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~([^~\n]+)~(?![\w~])"), r"<s>\1</s>"),
)
_LINK = re.compile(r"<(https?://[^|<>\s]+)(?:\|([^<>]+))?>")
_EMOJI = {
    "white_check_mark": "✅", "warning": "⚠️", "rotating_light": "🚨", "hourglass": "⏳", "bell": "🔔",
    "red_circle": "🔴", "large_yellow_circle": "🟡", "large_green_circle": "🟢", "mortar_board": "🎓",
}  # fmt: skip


def marked_up(text: str) -> Markup:
    """Return Slack's mrkdwn as HTML; whatever else looks like HTML is shown, not obeyed."""
    links: list[str] = []

    def keep(found: re.Match[str]) -> str:
        """Put a link aside, so that no mark inside its address is obeyed."""
        shown = escape(unescape(found[2] or found[1]))
        links.append(f'<a href="{escape(unescape(found[1]))}" rel="noreferrer">{shown}</a>')
        return f"\x02{len(links) - 1}\x03"

    html = _LINK.sub(keep, text.replace("\x02", "").replace("\x03", ""))
    html = escape(unescape(html))
    for pattern, replacement in _MARKS:
        html = pattern.sub(replacement, html)
    html = re.sub(r":([a-z_]+):", lambda found: _EMOJI.get(found[1], found[0]), html)
    html = re.sub(r"\x02(\d+)\x03", lambda found: links[int(found[1])], html)
    return Markup(html.replace("\n", "<br>"))  # noqa: S704 - everything was escaped above.


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a message shows: its blocks, or its text where it has none."""
    parts = [part for block in message.get("blocks", ()) if (part := _part(block))]
    return parts or [{"kind": "section", "html": marked_up(message["text"])}]


def _text(value: Any) -> Markup:
    """Return the HTML of a text object."""
    return marked_up(str(value.get("text", ""))) if isinstance(value, dict) else Markup("")


def _part(block: dict[str, Any]) -> dict[str, Any] | None:
    """Return one block for the page, None for a kind it does not know."""
    kind = block.get("type")
    if kind in ("header", "section"):
        fields = [_text(item) for item in block.get("fields", ())]
        return {"kind": kind, "html": _text(block.get("text")), "fields": fields}
    if kind == "context":
        return {"kind": kind, "html": Markup(" · ").join(_text(item) for item in block.get("elements", ()))}
    if kind == "actions":
        return {"kind": kind, "buttons": [_text(item.get("text")) for item in block.get("elements", ())]}
    return {"kind": kind} if kind == "divider" else None


@lru_cache(maxsize=1)
def _template() -> Template:
    """Return the page's template."""
    environment = Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(Path(__file__).with_name("slack.html").read_text(encoding="utf-8"))


def _day(text: str) -> str:
    """Return a date as people read it."""
    day = date.fromisoformat(text)
    return f"{day.year}年{day.month}月{day.day}日 {_WEEKDAYS[day.weekday()]}"


def _shown(message: dict[str, Any], replies: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a message for the template."""
    edited = message.get("edited_date")
    return {
        "parts": _parts(message),
        "date": message["date"],
        "edited": edited,
        "replies": [_shown(reply, []) for reply in replies],
    }


def render(channels: dict[str, list[dict[str, Any]]], channel: str, today: date) -> str:
    """Return the page of a channel."""
    messages = channels[channel]
    tops = [message for message in messages if "thread_ts" not in message]
    days = [
        {
            "title": _day(day),
            "messages": [_shown(m, [r for r in messages if r.get("thread_ts") == m["ts"]]) for m in said],
        }
        for day, said in groupby(tops, key=lambda message: str(message["date"]))
    ]
    menu = [{"id": id, "name": name, "count": len(channels[id])} for id, name in CHANNELS.items()]
    return _template().render(
        days=days,
        menu=menu,
        channel=channel,
        name=CHANNELS[channel],
        today=_day(today.isoformat()),
        count=len(messages),
    )
