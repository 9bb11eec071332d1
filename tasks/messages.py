"""The words of an alert, in Chinese, English or both.

Belongs here: sentences a coordinator can act on. Does not: when they are said (stalls.py) or sent (outbox.py).
"""

from dataclasses import dataclass
from datetime import date

ROLES = {
    "enterprise_hr": ("企业人事", "enterprise HR"), "union": ("工会", "union"), "school": ("学校", "school"),
    "centre": ("教学点", "centre"), "assessor": ("技能评价机构", "assessor"), "union_finance": ("工会财务", "union finance"),
    "coordinator": ("项目协调员", "coordinator"), "worker": ("职工本人", "worker"), "department": ("教育主管部门", "education department"),
    "supervisor": ("班组长与辅导教师", "supervisor and tutor"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """What an alert has to say."""

    cohort: str
    chinese: str
    what: str
    subject: str
    holder: str
    role: str
    people: int
    since: date
    today: date
    language: str


def raised_text(message: Message) -> str:
    """What waits, for whom, how many workers, since when, and what to do."""
    zh, en = ROLES.get(message.role, (message.role, message.role))
    return _both(
        message,
        f"⏳ {message.cohort}：{message.chinese}{_subject(message)}，由{message.holder}（{zh}）办理，"
        f"{_workers_zh(message)}自 {message.since} 起等待。请联系对方；办结后本消息自动更新。",
        f"⏳ {message.cohort}: {message.what}{_subject(message)}; {message.holder} ({en}) holds it"
        f"{_workers_en(message)} since {message.since}. Please call them; this message changes when it is done.",
    )


def escalated_text(message: Message) -> str:
    """The same wait, still open: who is to take it up now."""
    zh, en = ROLES.get(message.role, (message.role, message.role))
    return _both(
        message,
        f"⬆️ 至 {message.today} 仍未办结，现请{zh}跟进。",
        f"⬆️ Still open on {message.today}: now for the {en} to take up.",
    )


def resolved_text(message: Message) -> str:
    """That it is over."""
    return _both(
        message,
        f"✅ {message.cohort}：{message.chinese}{_subject(message)}，已于 {message.today} 办结（自 {message.since} 起）。",
        f"✅ {message.cohort}: {message.what}{_subject(message)}, settled on {message.today} (open since {message.since}).",
    )


def _subject(message: Message) -> str:
    return f" [{message.subject}]" if message.subject else ""


def _escaped(text: str) -> str:
    """Slack reads & < > as marks of its own: a name like <!channel> must call nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _workers_zh(message: Message) -> str:
    return f"{message.people} 名职工" if message.people else ""


def _workers_en(message: Message) -> str:
    return f", {message.people} worker(s) waiting" if message.people else ""


def _both(message: Message, chinese: str, english: str) -> str:
    texts = {"zh": chinese, "en": english}
    return _escaped(texts.get(message.language, f"{chinese}\n{english}"))
