"""The words of one alert, in Chinese, English or both, and the blocks and buttons of Slack around them.

Belongs here: sentences a coordinator can act on. Does not: those of many alerts at once (digests.py), when they are
said (telling.py) or sent (outbox.py). Names come from outside: what the chat would read as a mark of its own is taken
out of them, so that they call nobody and look like what they are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

Block = dict[str, Any]

ROLES = {
    "enterprise_hr": ("企业人事", "enterprise HR"), "union": ("工会", "union"), "school": ("学校", "school"),
    "centre": ("教学点", "centre"), "assessor": ("技能评价机构", "assessor"), "union_finance": ("工会财务", "union finance"),
    "coordinator": ("项目协调员", "coordinator"), "worker": ("职工本人", "worker"), "department": ("教育主管部门", "education department"),
    "supervisor": ("班组长与辅导教师", "supervisor and tutor"),
}  # fmt: skip
# What to do and what to type, where it is not to call the holder and look at the cohort.
ADVICE = {
    "review-decision": ("请审核", "Please review them", "yuanmeng inbox"),
    "nominated-twice": ("请裁定", "Please decide", "yuanmeng inbox"),
    "nominated-elsewhere": ("请裁定", "Please decide", "yuanmeng inbox"),
    "source-silent": ("请检查连接", "Please check the connection", "yuanmeng connections check"),
    "chat-silent": ("请检查连接", "Please check the connection", "yuanmeng connections check"),
    "stream-held": ("请查明被拦下的数据", "Please look at what is held back", "yuanmeng quarantine list"),
    "run-crashed": ("请查看运行日志", "Please look at the run's log", "yuanmeng sync"),
    "run-late": ("请检查执行进程是否在线", "Please see that a worker is up", "yuanmeng serve"),
    "run-pending": ("请检查执行进程是否在线", "Please see that a worker is up", "yuanmeng serve"),
}
MONEY = {
    "union": ("工会", "union"), "school": ("学校", "school"), "enterprise": ("企业", "enterprise"), "self": ("个人", "self"),
    "government": ("政府", "government"), "charity": ("公益", "charity"),
}  # fmt: skip
PERIODS = {
    "registration": ("注册", "registration"), "graduation": ("毕业", "graduation"), "yearly": ("每年", "yearly"),
}  # fmt: skip
SOURCES = ("source-silent", "stream-held")
MACHINE = (*SOURCES, "chat-silent", "run-crashed", "run-late", "run-pending")
RETRIED = {
    "advanced": ("已按最新材料重新核对，办结后消息自动更新", "the cohort was looked at anew; what is done shows in the message"),
    "read": ("已重新读取", "the connection was read again"),
    "unread": ("仍然读取失败", "the connection still cannot be read"),
    "nothing": ("没有可重试的步骤", "there is no step to try"),
}  # fmt: skip
LONGEST_NAME = 80
MARKS = str.maketrans({"*": "＊", "~": "～", "`": "｀"})
EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # an underscore at the edge of a word makes it italic
BUTTONS = (("acknowledge", "知悉", "Acknowledge"), ("snooze", "三个工作日后再提醒", "Snooze 3 working days"),
           ("retry", "重试", "Retry"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """What an alert has to say. `role` holds it, `whom` is told now: the same, or who takes it up at a further level."""

    alert_id: str
    kind: str
    cohort: str
    chinese: str
    what: str
    subject: str
    holder: str
    role: str
    whom: str
    people: int
    since: date
    due: date | None
    today: date
    language: str
    resolved_on: date | None = None
    acknowledged_by: str = ""
    acknowledged_on: date | None = None
    snoozed_until: date | None = None

    @property
    def retried(self) -> bool:
        """Whether there is a step to try again: a cohort to advance, or a connection to read."""
        return bool(self.cohort) or self.kind in SOURCES


def message_text(message: Message) -> str:
    """What the alert's message says now: what waits, or that it is over."""
    return resolved_text(message) if message.resolved_on else raised_text(message)


def raised_text(message: Message) -> str:
    """What waits, for whom, how many workers, since when, until when, what to do and what to type."""
    chinese, english, command = _advice(message)
    return said(
        message.language,
        f"⏳ {lead(message, 0)}：{message.chinese}{subject_of(message, 0)}，由{_holder(message, 0)}办理，"
        f"{workers(message.people, 0)}自 {message.since} 起等待{_due(message, 0)}。"
        f"{chinese}：`{command}`。本消息随进展更新。{_note(message, 0)}",
        f"⏳ {lead(message, 1)}: {message.what}{subject_of(message, 1)}; {_holder(message, 1)} holds it"
        f"{_waiting(message)} since {message.since}{_due(message, 1)}. "
        f"{english}: `{command}`. This message changes when it is done.{_note(message, 1)}",
    )


def escalated_text(message: Message) -> str:
    """The same wait, still open: who is to take it up now."""
    chinese, english = role_of(message.whom)
    return said(
        message.language,
        f"⬆️ 至 {message.today} 仍未办结，现请{chinese}跟进。",
        f"⬆️ Still open on {message.today}: now for the {english} to take up.",
    )


def reminded_text(message: Message) -> str:
    """The time for which it was put off is over, and it is still open."""
    return said(
        message.language,
        f"⏰ 至 {message.today} 仍未办结（此前已推迟提醒）。",
        f"⏰ Still open on {message.today}, after it was put off.",
    )


def retried_text(language: str, actor: str, outcome: str) -> str:
    """Who had the step tried again, and how that ended."""
    chinese, english = RETRIED[outcome]
    return said(language, f"🔁 {plain(actor)} 重试：{chinese}。", f"🔁 {plain(actor)} tried again: {english}.")


def resolved_text(message: Message) -> str:
    """That it is over, since when it had waited, and on which day it ended."""
    return said(
        message.language,
        f"✅ {lead(message, 0)}：{message.chinese}{subject_of(message, 0)}，"
        f"已于 {message.resolved_on} 办结（自 {message.since} 起）。",
        f"✅ {lead(message, 1)}: {message.what}{subject_of(message, 1)}, "
        f"settled on {message.resolved_on} (open since {message.since}).",
    )


def message_blocks(message: Message) -> list[Block]:
    """The same as Slack shows it: the words and, while it is open, what a coordinator can press."""
    blocks = [section(message_text(message))]
    if message.resolved_on is None:
        blocks.append({"type": "actions", "elements": list(_buttons(message))})
    return blocks


def _buttons(message: Message) -> Iterable[Block]:
    for action, chinese, english in BUTTONS:
        taken = (action == "acknowledge" and message.acknowledged_by) or (action == "retry" and not message.retried)
        if not taken:
            words = {"zh": chinese, "en": english}.get(message.language, f"{chinese} {english}")
            yield {"type": "button", "action_id": action, "value": message.alert_id,
                   "text": {"type": "plain_text", "text": words}}  # fmt: skip


def section(text: str) -> Block:
    """A block of text; nothing in it is made a link or a mention unless it is marked as one."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def said(language: str, chinese: str, english: str) -> str:
    """The words in the channel's language, or in both; what Slack reads as marks of its own (& < >) is escaped."""
    text = {"zh": chinese, "en": english}.get(language, f"{chinese}\n{english}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@lru_cache(maxsize=4096)  # thousands of lines name a few hundred organisations and cohorts
def plain(name: str) -> str:
    """A name from outside on one line, not endless, without marks that would format it."""
    line = "".join(letter if letter.isprintable() else " " for letter in name)
    short = " ".join(line.split())
    if len(short) > LONGEST_NAME:
        short = short[: LONGEST_NAME - 1] + "…"
    return EDGE.sub("＿", short.translate(MARKS))


def role_of(role: str) -> tuple[str, str]:
    """A role in Chinese and in English."""
    return ROLES.get(role, (plain(role), plain(role)))


def lead(message: Message, language: int) -> str:
    """What a message begins with: the cohort, or the part of the machine it speaks of."""
    return plain(message.cohort) or ("圆梦系统", "Yuanmeng")[language]


def subject_of(message: Message, place: int) -> str:
    """What tells two waits of one kind apart: a class, or a source of money with its instalment, in words."""
    if not message.subject:
        return ""
    source, _, period = message.subject.partition(":")
    if source in MONEY and period:
        return f" [{MONEY[source][place]} · {_period(period, place)}]"
    return f" [{plain(message.subject)}]"


def _period(period: str, place: int) -> str:
    year = period.removeprefix("year-")
    if year != period:
        return (f"第{year}年", f"year {year}")[place]
    return PERIODS.get(period, (period, period))[place]


def workers(people: int, language: int) -> str:
    """How many workers wait; nothing where nobody does."""
    if not people:
        return ""
    return f"{people} 名职工" if language == 0 else f"{people} worker{'s' if people > 1 else ''}"


def _holder(message: Message, language: int) -> str:
    role = role_of(message.role)[language]
    if not message.holder:
        return role if language == 0 else f"the {role}"
    return f"{plain(message.holder)}（{role}）" if language == 0 else f"{plain(message.holder)} ({role})"


def _waiting(message: Message) -> str:
    return f", {workers(message.people, 1)} waiting" if message.people else ""


def _due(message: Message, language: int) -> str:
    if message.due is None:
        return ""
    return f"，应于 {message.due} 前办结" if language == 0 else f", due on {message.due}"


def _advice(message: Message) -> tuple[str, str, str]:
    """What to do, in both languages, and what to type."""
    if message.kind in ADVICE:
        return ADVICE[message.kind]
    command = f"yuanmeng cohort show {plain(message.cohort)}" if message.cohort else "yuanmeng stalls"
    chinese, english = role_of(message.whom)
    if message.whom == message.role:
        return "请联系对方，详情", "Please call them, and see", command
    return f"请{chinese}跟进，详情", f"Now for the {english} to take up, see", command


def _note(message: Message, language: int) -> str:
    """Who has taken note, and until when it was put off."""
    notes = []
    if message.acknowledged_by:
        who, day = plain(message.acknowledged_by), message.acknowledged_on
        notes.append(f"👀 {who} 已于 {day} 知悉。" if language == 0 else f" 👀 {who} took note on {day}.")
    if message.snoozed_until and message.today < message.snoozed_until:
        day = message.snoozed_until
        notes.append(f"💤 推迟至 {day}。" if language == 0 else f" 💤 Put off until {day}.")
    return "".join(notes)
