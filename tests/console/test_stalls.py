"""`yuanmeng stalls`: who holds what up, by holder, cohort or age, and why one worker has not moved."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from console.stall_tables import stall_tables
from models.rules.privacy import holds_personal_number
from tests.console.conftest import DAY, Type, people
from tests.console.test_tables import drawn

LATE = ("--as-of", "2026-06-08")


@pytest.fixture
def stalled(typed: Type, nominees: str) -> str:
    """The code of a cohort whose nominees have waited for three weeks."""
    typed("cohort", "advance", nominees, *DAY)
    return nominees


def test_without_stalls_nothing_is_held_up_and_the_end_is_zero(typed: Type, stalled: str) -> None:
    for by in ("holder", "cohort", "age"):
        ended = typed("stalls", "--by", by, *DAY)
        assert (ended.code, ended.out, ended.err) == (0, "没有卡点 nothing is stalled\n", "")
        assert typed("stalls", "--by", by, *DAY, "--json").json == {"by": by, "groups": [], "stalls": []}


def test_stalls_are_put_together_by_holder_unless_told(typed: Type, stalled: str) -> None:
    found = typed("stalls", *LATE, "--json")
    assert (found.code, found.err) == (1, "")
    assert found.json["by"] == "holder"
    (group,) = found.json["groups"]
    assert (group["on"], group["steps"], group["since"]) == (["enterprise_hr"], len(found.json["stalls"]), DAY[1])
    assert group["workers"] == 4  # three without their consents, one without a document
    assert group["name"] == found.json["stalls"][0]["holder"]


def test_a_group_is_headed_by_its_holder_its_steps_and_its_workers(typed: Type, stalled: str) -> None:
    shown = typed("stalls", *LATE)
    assert (shown.code, shown.err) == (1, "")
    steps = len(typed("stalls", *LATE, "--json").json["stalls"])
    assert re.search(rf"holds {steps} steps, 4 workers, the oldest since 2026-05-18", shown.out)
    assert f"办理 {steps} 项、涉及 4 名职工" in shown.out
    assert not holds_personal_number(shown.out)


def test_each_line_says_who_what_how_many_since_when_until_when_and_how_late(typed: Type, stalled: str) -> None:
    lines = typed("stalls", *LATE, "--json").json["stalls"]
    consent = next(one for one in lines if one["kind"] == "consent")
    assert {name: consent[name] for name in ("cohort", "on", "people", "since", "due", "late", "stalled", "level")} == {
        "cohort": stalled, "on": "enterprise_hr", "people": 3, "since": "2026-05-18", "due": "2026-05-25", "late": 10,
        "stalled": True, "level": 2,
    }  # fmt: skip


def test_by_cohort_the_cohort_heads_and_by_age_nothing_does(typed: Type, stalled: str) -> None:
    by_cohort = typed("stalls", "--by", "cohort", *LATE)
    assert f"{stalled}：有" in by_cohort.out
    by_age = typed("stalls", "--by", "age", *LATE)
    assert "卡点 stalls" in by_age.out
    assert "holds" not in by_age.out
    assert (by_cohort.code, by_age.code) == (1, 1)
    listed = typed("stalls", "--by", "age", *LATE, "--json").json
    assert listed["groups"] == []
    days = [one["since"] for one in listed["stalls"]]
    assert days == sorted(days)
    assert days


def test_another_grouping_is_one_sentence(typed: Type) -> None:
    ended = typed("stalls", "--by", "mood")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "holder" in ended.err


def test_why_says_in_one_sentence_a_language_what_is_missing(typed: Type, stalled: str) -> None:
    person = next(one for one in people(typed, stalled) if one["status"] == "active")
    early, late = typed("stalls", "--why", str(person["id"]), *DAY), typed("stalls", "--why", str(person["id"]), *LATE)
    assert (early.code, early.err, late.code) == (0, "", 1)
    chinese, english = late.out.splitlines()
    assert "缺个人信息同意书" in chinese
    assert "已超期 10 个工作日" in chinese
    assert "by the rule “consent” (policy 2019-1), waiting for the worker's consents, held by" in english
    assert "due by 2026-05-25, 10 working days late" in english
    assert person["id"] in english


def test_why_as_json_has_the_facts_beside_the_sentences(typed: Type, stalled: str) -> None:
    held = next(one for one in people(typed, stalled) if one["status"] == "held")
    told = typed("stalls", "--why", str(held["id"]), *LATE, "--json").json
    assert (told["state"], told["rule"], told["policy_version"]) == ("waits", held["rule"], "2019-1")
    assert told["chinese"].endswith("。")
    assert told["english"].endswith(".")


def test_why_one_has_ended_is_told_and_ends_with_zero(typed: Type, stalled: str) -> None:
    person = next(str(one["id"]) for one in people(typed, stalled) if one["status"] == "active")
    typed("worker", "withdraw", person, "--why", "dropped-out", "--reason", "moved away", *DAY)
    ended = typed("stalls", "--why", person, *LATE)
    assert ended.code == 0
    assert "放弃学习" in ended.out
    assert "moved away" in ended.out


def test_why_an_id_not_known_is_one_sentence(typed: Type) -> None:
    ended = typed("stalls", "--why", "P-NOBODY")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "there is no participant P-NOBODY" in ended.err


def insert_wait(home: Path, **values: Any) -> None:
    """Write an open wait as the database keeps it."""
    row = {"stage": "teaching", "subject": "", "provisional": 0, **values}
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection, connection:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO waits ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608


def test_one_behind_several_steps_of_a_holder_is_counted_once(typed: Type, stalled: str, home: Path) -> None:
    person = next(str(one["id"]) for one in people(typed, stalled) if one["status"] == "active")
    school = {"cohort_code": stalled, "holder": "school", "holder_code": "12350100000000019K", "due_on": "2026-05-20"}
    for subject in ("M01", "M02"):
        insert_wait(home, id=f"WT-{subject}", participant_id=person, kind="exam-result", subject=subject,
                    since="2026-05-18", **school)  # fmt: skip
    groups = typed("stalls", *LATE, "--json").json["groups"]
    group = next(one for one in groups if one["on"] == ["school"])
    assert (group["steps"], group["workers"]) == (2, 1)


def test_behind_a_wait_of_the_whole_cohort_stand_all_who_are_active(typed: Type, stalled: str, home: Path) -> None:
    insert_wait(home, id="WT-class", cohort_code=stalled, kind="class-confirmation", subject="C-1", holder="centre",
                since="2026-05-20", due_on="2026-05-20")  # fmt: skip
    lines = typed("stalls", *LATE, "--json").json["stalls"]
    assert [one["people"] for one in lines if one["kind"] == "class-confirmation"] == [3]
    assert "教学点 centre：办理 1 项、涉及 3 名职工" in typed("stalls", *LATE).out


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_heading_and_a_day_are_whole_on_a_screen_of_any_width(width: int) -> None:
    line = {"cohort": "WX-2026A", "kind": "exam-result", "on": "school", "holder": "示例学院", "for": "the release of grades",
            "chinese": "成绩未发布", "subject": "M01", "since": "2026-05-18", "due": "2026-06-17", "provisional": False,
            "stalled": True, "level": 1, "people": 41, "late": 12}  # fmt: skip
    group = {"name": "示例学院", "on": ["school"], "steps": 3, "workers": 41, "since": "2026-05-18", "late": 12,
             "stalls": [line]}  # fmt: skip
    shown = drawn(stall_tables({"by": "holder", "groups": [group], "stalls": [line]}), width)
    assert "holds 3 steps, 41 workers" in shown
    assert "WX-2026A" in shown
    assert shown.count("2026-05-18") == 3
    assert max(len(text) for text in shown.splitlines()) <= width
