"""The words of many alerts at once: a burst in one message, and a project's week; grouped by who holds them.

Belongs here: grouping, and fitting into what the chat takes of one message. Does not: the words of one alert
(messages.py), or when a digest is made (rules/alerts.py).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from models.repositories.common import grouped
from tasks.messages import Block, Message, lead, plain, role_of, said, section, subject_of, workers

LONGEST_SECTION = 2_900  # characters; Slack takes 3,000
MOST_SECTIONS = 49  # Slack takes 50 blocks
LONGEST_TEXT = 3_600  # characters, where a chat shows no blocks
STEP = "• "  # what the line of one step begins with
MORE = ("……其余见 `yuanmeng stalls`", "… and more: `yuanmeng stalls`")

Words = Callable[[Sequence[Message], int], list[str]]


def digest_lines(messages: Sequence[Message]) -> list[str]:
    """What is open, by holder, and how much of it is settled by now."""
    return _in_languages(messages, _digest)


def follow_up_lines(messages: Sequence[Message]) -> list[str]:
    """Which of a digest's alerts went a level further, and who is to take them up."""
    return _in_languages(messages, _follow_up)


def weekly_lines(project: str, messages: Sequence[Message], today: date) -> list[str]:
    """What holds a project up this week, by holder, the oldest first."""

    def week(ones: Sequence[Message], language: int) -> list[str]:
        steps = "1 step" if len(ones) == 1 else f"{len(ones)} steps"
        title = (f"截至 {today} 仍有 {len(ones)} 项未办结", f"{steps} still open on {today}")[language]
        return [f"🗓 {plain(project)}{'：' if language == 0 else ': '}{title}", *_by_holder(ones, language)]

    return _in_languages(messages, week)


def lines_text(lines: Sequence[str]) -> str:
    """The lines as one text; where they are too many only what each holds, cut at the end of a line."""
    whole = "\n".join(lines)
    if len(whole) <= LONGEST_TEXT:
        return whole
    first, *others = _packed([line for line in lines if not line.startswith(STEP)], LONGEST_TEXT)
    return f"{first}\n{_more(lines)}" if others else first


def lines_blocks(lines: Sequence[str]) -> list[Block]:
    """The lines as sections, within what Slack takes."""
    packed = list(_packed(lines, LONGEST_SECTION))
    shown = [section(text) for text in packed[:MOST_SECTIONS]]
    return shown if len(packed) <= MOST_SECTIONS else [*shown, section(_more(lines))]


def _in_languages(messages: Sequence[Message], words: Words) -> list[str]:
    chosen = {"zh": (0,), "en": (1,)}.get(messages[0].language, (0, 1))
    return [said("en", "", line) for language in chosen for line in words(messages, language)]


def _digest(messages: Sequence[Message], language: int) -> list[str]:
    still = [one for one in messages if one.resolved_on is None]
    settled = len(messages) - len(still)
    if not still:
        day = max(one.resolved_on for one in messages if one.resolved_on)
        return [
            (f"✅ {settled} 项均已办结（{day}）。", f"✅ All {settled} steps are settled, the last on {day}.")[language]
        ]
    titles = (f"📋 {len(still)} 项逾期未办结", f"📋 {len(still)} steps are overdue")
    done = (f"，{settled} 项已办结", f", {settled} settled")[language] if settled else ""
    return [titles[language] + done, *_by_holder(still, language), _typed(language)]


def _typed(language: int) -> str:
    return ("请联系各方，详情：`yuanmeng stalls`。本消息随进展更新。",
            "Please call them, and see `yuanmeng stalls`. This message changes as they are done.")[language]  # fmt: skip


def _by_holder(messages: Sequence[Message], language: int) -> list[str]:
    """Each holder's line, and under it what it holds; holders and steps with the oldest first."""
    oldest = sorted(messages, key=lambda one: (one.since, one.cohort, one.kind, one.subject))
    lines = []
    for holder, held in grouped(oldest, lambda one: holder_name(one, language)).items():
        lines += [_holds(holder, held, language), *(_step(one, language) for one in held)]
    return lines


def holder_name(message: Message, language: int = 0) -> str:
    """The organisation that holds a step, or the role where none is named."""
    return plain(message.holder) or role_of(message.role)[language]


def _holds(holder: str, held: Sequence[Message], language: int) -> str:
    people = workers(_people(held), language)
    if language == 0:
        return f"*{holder}*：{len(held)} 项" + (f"，{people}" if people else "")
    return f"*{holder}* holds {len(held)} step{'s' if len(held) > 1 else ''}" + (f", {people}" if people else "")


def _people(held: Sequence[Message]) -> int:
    """How many wait for at least one of these steps; whoever waits for several of one cohort is counted once."""
    cohorts = grouped(held, lambda one: one.cohort)
    return sum(max(one.people for one in ones) for ones in cohorts.values())


def _step(one: Message, language: int) -> str:
    people = workers(one.people, language)
    if language == 0:
        named = f"，{people}" if people else ""
        return f"{STEP}{lead(one, 0)}：{one.chinese}{subject_of(one, 0)}{named}，自 {one.since} 起"
    named = f", {people}" if people else ""
    return f"{STEP}{lead(one, 1)}: {one.what}{subject_of(one, 1)}{named}, since {one.since}"


def _follow_up(messages: Sequence[Message], language: int) -> list[str]:
    lines = []
    for whom, ones in grouped(messages, lambda one: role_of(one.whom)[language]).items():
        today = ones[0].today
        lines.append((f"⬆️ 至 {today} 仍未办结，现请{whom}跟进：",
                      f"⬆️ Still open on {today}, now for the {whom} to take up:")[language])  # fmt: skip
        lines += [_step(one, language) for one in ones]
    return lines


def _more(lines: Sequence[str]) -> str:
    return MORE["holds" in " ".join(lines[:2])]


def _packed(lines: Sequence[str], most: int) -> Iterator[str]:
    """Put lines together into texts of at most so many characters."""
    text = ""
    for line in lines:
        if text and len(text) + 1 + len(line) > most:
            yield text
            text = line
        else:
            text = f"{text}\n{line}" if text else line
    if text:
        yield text
