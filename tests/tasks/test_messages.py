"""The words of an alert: both languages or one, and no name that calls a channel."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.messages import Message, escalated_text, raised_text, resolved_text

MESSAGE = Message(
    cohort="WX-2026A", chinese="待审核", what="the reviewer's decision", subject="", holder="总工会", role="union", people=3,
    since=date(2026, 5, 20), today=date(2026, 6, 1), language="both",
)  # fmt: skip


def said(**changes: object) -> str:
    """What is said when an alert is raised."""
    return raised_text(replace(MESSAGE, **changes))  # type: ignore[arg-type]


def test_it_says_what_waits_for_whom_how_many_and_since_when() -> None:
    chinese, english = said().split("\n")
    assert "WX-2026A" in chinese and "总工会（工会）" in chinese and "3 名职工" in chinese and "2026-05-20" in chinese
    assert english == (
        "⏳ WX-2026A: the reviewer's decision; 总工会 (union) holds it, 3 worker(s) waiting since 2026-05-20. "
        "Please call them; this message changes when it is done."
    )


@pytest.mark.parametrize(("language", "lines"), [("zh", 1), ("en", 1), ("both", 2)])
def test_it_speaks_one_language_or_both(language: str, lines: int) -> None:
    assert len(said(language=language).split("\n")) == lines
    assert ("等待" in said(language=language)) == (language != "en")


def test_nobody_waiting_is_not_said() -> None:
    assert "名职工" not in said(people=0)
    assert "waiting since" not in said(people=0)


@pytest.mark.parametrize("field", ["holder", "subject", "cohort", "what"])
@pytest.mark.parametrize("name", ["<!channel>", "<@U123>", "<http://x|y>", "a & b", "<!here>"])
def test_a_name_that_looks_like_a_mark_of_the_chat_calls_nobody(field: str, name: str) -> None:
    text = said(**{field: name})
    assert "<" not in text and ">" not in text
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in text


def test_a_subject_tells_waits_of_one_kind_apart() -> None:
    assert "[M01]" in said(subject="M01")
    assert "[" not in said()


def test_an_unknown_role_is_named_as_it_is() -> None:
    assert "(stranger)" in said(role="stranger")


def test_an_escalation_names_who_takes_it_up_and_a_resolution_the_day() -> None:
    assert "now for the union to take up" in escalated_text(MESSAGE)
    assert "settled on 2026-06-01 (open since 2026-05-20)" in resolved_text(MESSAGE)
