"""The words of an alert: both languages or one, what to do, and no name that calls a channel."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.lifecycle import ALL_KINDS
from tasks.digests import digest_lines, follow_up_lines, lines_blocks, lines_text, weekly_lines
from tasks.messages import (
    Message,
    escalated_text,
    message_blocks,
    message_text,
    plain,
    raised_text,
    reminded_text,
    resolved_text,
)

MESSAGE = Message(
    alert_id="A-1", kind="review-decision", cohort="WX-2026A", chinese="待审核", what="the reviewer's decision", subject="",
    holder="总工会", role="union", whom="union", people=3, since=date(2026, 5, 20), due=date(2026, 5, 27),
    today=date(2026, 6, 1), language="both",
)  # fmt: skip
MARKS = ["<!channel>", "<@U123>", "<http://x|y>", "a & b", "<!here>", "=HYPERLINK(…)"]


def said(**changes: object) -> str:
    """What is said when an alert is raised."""
    return raised_text(replace(MESSAGE, **changes))  # type: ignore[arg-type]


def buttons(**changes: object) -> list[str]:
    """What can be pressed under a message."""
    blocks = message_blocks(replace(MESSAGE, **changes))  # type: ignore[arg-type]
    return [one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def test_it_says_what_waits_for_whom_how_many_since_when_until_when_and_what_to_do() -> None:
    chinese, english = said().split("\n")
    assert chinese == (
        "⏳ WX-2026A：待审核，由总工会（工会）办理，3 名职工自 2026-05-20 起等待，应于 2026-05-27 前办结。"
        "请审核：`yuanmeng inbox`。本消息随进展更新。"
    )
    assert english == (
        "⏳ WX-2026A: the reviewer's decision; 总工会 (union) holds it, 3 workers waiting since 2026-05-20, "
        "due on 2026-05-27. Please review them: `yuanmeng inbox`. This message changes when it is done."
    )


def test_who_holds_it_is_to_be_called_and_the_cohort_is_to_be_looked_at() -> None:
    text = said(kind="admission-decision", role="school", whom="school", holder="示例学院")
    assert "请联系对方，详情：`yuanmeng cohort show WX-2026A`" in text
    assert "Please call them, and see: `yuanmeng cohort show WX-2026A`" in text


def test_another_than_the_holder_is_asked_to_take_it_up_where_the_table_says_so() -> None:
    text = said(kind="attendance-low", role="worker", whom="supervisor", people=1)
    assert "1 worker waiting" in text
    assert "Now for the supervisor and tutor to take up" in text


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_says_what_to_do_and_what_to_type(kind: str) -> None:
    row = ALL_KINDS[kind]
    text = said(kind=kind, chinese=row.chinese, what=row.what, role=row.holder, whom=row.holder)
    assert row.chinese in text and row.what in text
    assert text.count("`yuanmeng ") == 2


def test_what_belongs_to_no_cohort_and_no_organisation_reads_as_a_sentence_all_the_same() -> None:
    text = said(kind="source-silent", cohort="", holder="", subject="hr", role="coordinator", whom="coordinator", people=0,
                due=None, language="en", what="a successful reading of a source")  # fmt: skip
    assert text == (
        "⏳ Yuanmeng: a successful reading of a source [hr]; the coordinator holds it since 2026-05-20. "
        "Please check the connection: `yuanmeng connections check`. This message changes when it is done."
    )


@pytest.mark.parametrize(("language", "lines"), [("zh", 1), ("en", 1), ("both", 2)])
def test_it_speaks_one_language_or_both(language: str, lines: int) -> None:
    for words in (raised_text, escalated_text, resolved_text, reminded_text):
        text = words(replace(MESSAGE, language=language, resolved_on=date(2026, 6, 1)))
        assert len(text.split("\n")) == lines
    assert ("等待" in said(language=language)) == (language != "en")


@pytest.mark.parametrize("field", ["holder", "subject", "cohort"])
@pytest.mark.parametrize("name", MARKS)
def test_a_name_that_looks_like_a_mark_of_the_chat_calls_nobody(field: str, name: str) -> None:
    text = said(**{field: name})
    assert "<" not in text and ">" not in text
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in text


@given(name=st.text(max_size=200), field=st.sampled_from(["holder", "subject", "cohort", "acknowledged_by"]))
def test_no_name_breaks_out_of_its_line_or_formats_the_text(name: str, field: str) -> None:
    values: dict[str, Any] = {field: name, "acknowledged_on": date(2026, 6, 1)}
    text = said(**values)
    assert "<" not in text and ">" not in text and "*" not in text and "~" not in text
    assert len(text.splitlines()) == 2
    assert text.count("`") == 4  # those around the commands
    assert len(plain(name)) <= 80


def test_marks_that_would_format_a_name_lose_their_meaning_and_codes_keep_theirs() -> None:
    assert plain("*学院* _分院_ ~旧~ `x`\n\u202eabc") == "＊学院＊ ＿分院＿ ～旧～ ｀x｀ abc"
    assert plain("SK_201-1") == "SK_201-1"


def test_a_subject_tells_waits_of_one_kind_apart() -> None:
    assert "[M01]" in said(subject="M01")
    assert "[" not in said()


def test_an_unknown_role_is_named_as_it_is() -> None:
    assert "(stranger)" in said(role="stranger")


def test_an_escalation_names_who_takes_it_up_and_a_resolution_the_day() -> None:
    assert "now for the union to take up" in escalated_text(MESSAGE)
    over = replace(MESSAGE, resolved_on=date(2026, 6, 2))
    assert "settled on 2026-06-02 (open since 2026-05-20)" in message_text(over)
    assert "Still open on 2026-06-01" in reminded_text(MESSAGE)


def test_who_took_note_and_until_when_it_is_put_off_stands_in_the_message() -> None:
    text = said(acknowledged_by="王芳", acknowledged_on=date(2026, 5, 29), snoozed_until=date(2026, 6, 3))
    assert "👀 王芳 took note on 2026-05-29." in text
    assert "💤 Put off until 2026-06-03." in text
    assert "💤" not in said(snoozed_until=date(2026, 6, 1))


def test_what_can_be_pressed_is_what_still_helps() -> None:
    assert buttons() == ["acknowledge", "snooze", "retry"]
    assert buttons(acknowledged_by="王芳", acknowledged_on=date(2026, 6, 1)) == ["snooze", "retry"]
    assert buttons(kind="run-crashed", cohort="") == ["acknowledge", "snooze"]
    assert buttons(kind="stream-held", cohort="") == ["acknowledge", "snooze", "retry"]
    assert buttons(resolved_on=date(2026, 6, 1)) == []


def test_the_blocks_say_the_same_words_and_the_buttons_carry_the_alert() -> None:
    section, actions = message_blocks(MESSAGE)
    assert section["text"] == {"type": "mrkdwn", "text": raised_text(MESSAGE), "verbatim": True}
    assert {one["value"] for one in actions["elements"]} == {"A-1"}


def many(number: int, **changes: object) -> list[Message]:
    """Alerts of ten holders."""
    return [
        replace(MESSAGE, alert_id=f"A-{n}", cohort=f"WX-{n}", holder=f"示例学院{n % 10}", **changes)  # type: ignore[arg-type]
        for n in range(number)
    ]


def test_a_digest_counts_by_holder_and_names_the_oldest_first() -> None:
    messages = [
        replace(MESSAGE, holder="示例学院", cohort="WX-1", people=30, since=date(2026, 5, 20)),
        replace(MESSAGE, holder="工会", cohort="WX-2", people=1, since=date(2026, 5, 18)),
        replace(MESSAGE, holder="示例学院", cohort="WX-3", people=11, since=date(2026, 5, 19)),
        replace(MESSAGE, holder="示例学院", cohort="WX-1", people=4, kind="objection", since=date(2026, 5, 21)),
    ]
    english = digest_lines([replace(one, language="en") for one in messages])
    assert english[0] == "📋 4 steps are overdue"
    assert english[1] == "*工会* holds 1 step, 1 worker"
    assert english[3] == "*示例学院* holds 3 steps, 41 workers"  # the four of WX-1 are among its thirty
    assert [line.partition(":")[0] for line in english[4:7]] == ["• WX-3", "• WX-1", "• WX-1"]
    assert "*示例学院*：3 项，41 名职工" in digest_lines([replace(one, language="zh") for one in messages])


def test_a_digest_says_what_of_it_is_settled_and_when_all_is() -> None:
    messages = [replace(one, language="en") for one in many(3)]
    half = [replace(messages[0], resolved_on=date(2026, 6, 2)), *messages[1:]]
    assert digest_lines(half)[0] == "📋 2 steps are overdue, 1 settled"
    assert not any("WX-0" in line for line in digest_lines(half))
    over = [replace(one, resolved_on=date(2026, 6, 2)) for one in messages]
    assert digest_lines(over) == ["✅ All 3 steps are settled, the last on 2026-06-02."]


@pytest.mark.parametrize("number", [2, 100, 900])
@pytest.mark.parametrize("name", ["示例学院", "<!channel>" * 30])
def test_a_digest_fits_into_what_slack_takes_of_one_message(number: int, name: str) -> None:
    lines = digest_lines([replace(one, holder=f"{name}{n}") for n, one in enumerate(many(number))])
    blocks = lines_blocks(lines)
    assert len(blocks) <= 50
    assert max(len(block["text"]["text"]) for block in blocks) <= 3000
    assert len(lines_text(lines)) <= 4000
    assert "<" not in lines_text(lines)


def test_a_digest_that_is_cut_says_where_the_rest_is() -> None:
    text = lines_text(digest_lines(many(100)))
    assert "WX-" not in text and "*示例学院9* holds 10 steps" in text  # who holds how much, in both languages
    many_holders = [replace(one, holder=f"学院{n}") for n, one in enumerate(many(400))]
    assert "yuanmeng stalls" in lines_text(digest_lines(many_holders)).splitlines()[-1]
    assert "yuanmeng stalls" in lines_blocks(digest_lines(many(3000)))[-1]["text"]["text"]


def test_a_follow_up_of_a_digest_names_who_takes_up_what() -> None:
    lines = follow_up_lines([replace(one, language="en", whom="coordinator") for one in many(2)])
    assert lines[0] == "⬆️ Still open on 2026-06-01, now for the coordinator to take up:"
    assert len(lines) == 3


def test_a_week_of_a_project_begins_with_its_name() -> None:
    lines = weekly_lines("无锡<!here>", many(3, language="en"), date(2026, 6, 1))
    assert lines[0] == "🗓 无锡&lt;!here&gt;: 3 steps still open on 2026-06-01"
    assert len(lines) == 1 + 3 * 2
