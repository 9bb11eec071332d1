"""`yuanmeng inbox` and `yuanmeng decide`: what waits for a person, and the person's answer."""

import sqlite3
from contextlib import closing
from pathlib import Path

from models.rules.privacy import holds_personal_number
from tests.console.conftest import DAY, Type

BECAUSE = ("--reason", "documents seen")


def questions(typed: Type) -> list[str]:
    """The ids of the inbox."""
    return [one["id"] for one in typed("inbox", *DAY, "--json").json["inbox"]]


def audited(home: Path) -> list[tuple[str, ...]]:
    """The audit trail: action, actor, reason."""
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection:
        return connection.execute("select action, actor, reason from audit_events order by id").fetchall()


def test_an_empty_inbox_says_so(typed: Type) -> None:
    assert typed("inbox", *DAY, "--json").json == {"inbox": []}
    ended = typed("inbox", *DAY)
    assert (ended.code, ended.out) == (0, "没有待办 nothing waits for a decision\n")


def test_the_inbox_gives_each_question_an_id_that_decide_takes(typed: Type, nominees: str) -> None:
    (question,) = questions(typed)
    shown = typed("inbox", *DAY)
    assert question in shown.out
    assert "yuanmeng decide" in shown.out
    assert "stands twice in this roster" in shown.out
    assert not holds_personal_number(shown.out)
    assert typed("decide", question, "approve", *BECAUSE, *DAY).out == "已决定 decided: 1\n"
    assert questions(typed) == []


def test_a_decision_keeps_who_decided_and_why(typed: Type, nominees: str, home: Path) -> None:
    (question,) = questions(typed)
    decided = typed("decide", question, "refuse", *BECAUSE, *DAY, "--json")
    assert (decided.code, decided.json) == (0, {"decided": [question], "refused": []})
    assert ("decided-nominated-twice", "tester", "documents seen") in audited(home)


def test_the_same_answer_again_changes_nothing_and_the_other_is_not_taken(
    typed: Type, nominees: str, home: Path
) -> None:
    (question,) = questions(typed)
    typed("decide", question, "refuse", *BECAUSE, *DAY)
    before = audited(home)
    assert typed("decide", question, "refuse", *BECAUSE, *DAY).code == 0
    other = typed("decide", question, "approve", *BECAUSE, *DAY)
    assert other.code == 2
    assert "decided already" in other.out
    assert audited(home) == before


def test_of_several_ids_those_that_can_be_answered_are(typed: Type, nominees: str) -> None:
    (question,) = questions(typed)
    ended = typed("decide", question, "D-NOBODY", "approve", *BECAUSE, *DAY, "--json")
    assert ended.code == 1
    assert ended.json["decided"] == [question]
    assert [one["id"] for one in ended.json["refused"]] == ["D-NOBODY"]


def test_a_decision_without_ids_answer_or_reason_is_wrong_use(typed: Type) -> None:
    for words in (("approve", *BECAUSE), ("D-1", "perhaps", *BECAUSE)):
        ended = typed("decide", *words)
        assert (ended.code, ended.err) == (2, "give one or more ids of `yuanmeng inbox`, then approve or refuse\n")
    assert "--reason" in typed("decide", "D-1", "approve").err
    assert "say why in a few words" in typed("decide", "D-1", "approve", "--reason", "  ").err


def test_a_reason_or_id_with_a_personal_number_is_refused_and_not_repeated(
    typed: Type, nominees: str, home: Path
) -> None:
    (question,) = questions(typed)
    before = audited(home)
    for words in ((question, "--reason", "call 13800000001"), ("32020519881102000X", *BECAUSE)):
        ended = typed("decide", words[0], "approve", *words[1:], *DAY)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "personal number" in ended.err
        assert not holds_personal_number(ended.out + ended.err)
    assert audited(home) == before
