"""`yuanmeng worker show|withdraw`: one worker's whole story, a reveal, and an early end."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from models.rules.privacy import holds_personal_number
from tests.console.conftest import DAY, Type, people


@pytest.fixture
def someone(typed: Type, nominees: str) -> str:
    """The participant id of an accepted nominee."""
    return next(str(one["id"]) for one in people(typed, nominees) if one["status"] == "active")


def reveals(home: Path) -> list[tuple[str, ...]]:
    """Who revealed, why, on which day."""
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection:
        query = 'select actor, reason, "on" from audit_events where action = ?'
        return connection.execute(query, ("revealed",)).fetchall()


def test_a_story_shows_words_for_codes_and_masked_numbers(typed: Type, someone: str) -> None:
    shown = typed("worker", "show", someone, *DAY)
    assert (shown.code, shown.err) == (0, "")
    for words in ("在读 active", "提名 nomination", "户口", someone, "********"):
        assert words in shown.out
    assert not holds_personal_number(shown.out)


def test_a_story_as_json_names_the_worker_by_both_ids(typed: Type, someone: str) -> None:
    story = typed("worker", "show", someone, *DAY, "--json").json
    assert [one["id"] for one in story["participations"]] == [someone]
    assert typed("worker", "show", story["id"], *DAY, "--json").json == story


def test_a_reveal_needs_a_reason_and_leaves_an_audit_row(typed: Type, someone: str, home: Path) -> None:
    refused = typed("worker", "show", someone, "--reveal", *DAY)
    assert (refused.code, refused.out) == (2, "")
    assert "--reason" in refused.err
    assert reveals(home) == []
    shown = typed("worker", "show", someone, "--reveal", "--reason", "the school asked", *DAY)
    assert shown.code == 0
    assert holds_personal_number(shown.out)
    assert "身份证号 resident ID" in shown.out
    assert reveals(home) == [("tester", "the school asked", DAY[1])]
    after = typed("worker", "show", someone, *DAY).out
    assert "查看明文 numbers revealed" in after
    assert not holds_personal_number(after)


def test_a_reveal_whose_reason_holds_a_number_shows_nothing(typed: Type, someone: str, home: Path) -> None:
    ended = typed("worker", "show", someone, "--reveal", "--reason", "asked by 13800000001", *DAY)
    assert (ended.code, ended.out, reveals(home)) == (2, "", [])


def test_an_id_not_known_is_one_sentence(typed: Type) -> None:
    ended = typed("worker", "show", "W-NOBODY")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "there is no worker W-NOBODY" in ended.err


def test_a_withdrawal_ends_a_participant_with_a_reason(typed: Type, someone: str, nominees: str) -> None:
    words = ("worker", "withdraw", someone, "--why", "dropped-out", "--reason", "moved away", *DAY)
    ended = typed(*words, "--json")
    assert (ended.code, ended.json["participants"]["withdrawn"]) == (0, 1)
    story = typed("worker", "show", someone, *DAY).out
    for text in ("退出 withdrawn", "放弃学习 dropped out", "moved away", "tester"):
        assert text in story
    assert typed(*words, "--json") == ended


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--why", "bored", "--reason", "r"), "left-employer"),
        (("--why", "expelled", "--reason", "r", "--on", "2027-01-01"), "between the nomination"),
        (("--why", "expelled", "--reason", "r", "--on", "tomorrow"), "is no date"),
        (("--why", "expelled"), "--reason"),
    ],
)
def test_a_withdrawal_that_cannot_be_is_one_sentence(
    typed: Type, someone: str, words: tuple[str, ...], said: str
) -> None:
    ended = typed("worker", "withdraw", someone, *words, *DAY)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


def test_a_consent_on_paper_is_recorded_and_the_nominee_goes_on(typed: Type, nominees: str) -> None:
    ids = [one["id"] for one in people(typed, nominees) if one["status"] == "active"]
    recorded = typed("worker", "consent", *ids[:2], "--text", "2026-1", *DAY, "--json")
    assert (recorded.code, recorded.json["recorded"], recorded.err) == (0, ids[:2], "")
    stages = {one["id"]: one["stage"] for one in people(typed, nominees)}
    assert {stages[one] for one in ids[:2]} == {"review"}
    assert stages[ids[2]] == "nomination"
    assert "登记同意书 consent recorded" in typed("worker", "show", ids[0], *DAY).out
    late = typed("worker", "consent", ids[0], "--text", "2026-1", "--on", "2030-01-01", *DAY)
    assert (late.code, late.err.count("\n")) == (2, 1)
