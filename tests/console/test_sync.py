"""`yuanmeng connections|sync|quarantine`: the sandbox read as tonight would, and what is held back."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from console.run import open_home
from models.identity import make_id
from models.records import Unreadable
from models.rules.privacy import holds_personal_number
from models.tables.operations import Quarantine
from models.vault import opaque
from tasks.office import unit_of_work, use_office
from tests.console.conftest import DAY, NIGHT, Type

COUNTS = ("read", "written", "unchanged", "removed", "quarantined")


def test_without_connections_there_is_nothing_to_read(typed: Type) -> None:
    for words in (("connections",), ("connections", "check"), ("sync",)):
        ended = typed(*words)
        assert ended.code == 0
        assert "nothing is connected: add [[connections]] to yuanmeng.toml" in ended.out


def test_connections_lists_what_is_connected_in_words(typed: Type, connected: str) -> None:
    listed = typed("connections", "--json").json["connections"]
    assert {one["name"] for one in listed} >= {"school", "chat", "hr-precision"}
    shown = typed("connections")
    assert (shown.code, shown.err) == (0, "")
    assert "教务 school (oneroster)" in shown.out
    assert "sandbox-token" not in shown.out


def test_check_tries_each_connection(typed: Type, connected: str) -> None:
    checked = typed("connections", "check", "--json")
    assert (checked.code, checked.err) == (0, "")
    assert {one["status"] for one in checked.json["connections"].values()} == {"ok"}


def test_options_before_check_count_too(bare: Type, home: Path, connected: str) -> None:
    assert bare("connections", "--home", str(home), "--json", "check").json["connections"]["school"]["status"] == "ok"


def test_a_secret_that_is_not_set_fails_its_connection_alone(
    typed: Type, home: Path, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (home / "yuanmeng.toml").read_text(encoding="utf-8")
    (home / "yuanmeng.toml").write_text(
        settings.replace("YUANMENG_SANDBOX_TOKEN", "YUANMENG_ABSENT", 1), encoding="utf-8"
    )
    checked = typed("connections", "check", "--json")
    wrong = {name: one["reason"] for name, one in checked.json["connections"].items() if one["status"] != "ok"}
    assert (checked.code, len(wrong)) == (3, 1)
    assert "YUANMENG_ABSENT is not set" in next(iter(wrong.values()))


def test_a_night_is_told_stream_by_stream(typed: Type, first_night: str) -> None:
    ended = typed("sync", *NIGHT, "--json")
    assert ended.err == ""
    for one in ended.json["connections"].values():
        assert {"status", "reason", "streams"} <= one.keys()
        for stream in one["streams"].values():
            assert {*COUNTS, "cursor", "seconds"} <= stream.keys()
            assert stream["read"] == sum(stream[name] for name in COUNTS[1:])
    # The enterprise of another plan stands in none yet: its people are held back, and named by their rule.
    assert ended.code == 1
    assert ended.json["connections"]["hr-moulds"]["streams"]["employment"]["quarantined"] > 0
    assert "企业不在任何班级计划中" in typed("quarantine", "list", *NIGHT).out
    assert not holds_personal_number(ended.out.replace("123202004660001017", ""))


def test_a_second_reading_writes_nothing(typed: Type, first_night: str) -> None:
    typed("sync", "--connection", "school", *NIGHT)
    again = typed("sync", "--connection", "school", "--full", *NIGHT, "--json")
    assert list(again.json["connections"]) == ["school"]
    assert sum(one["written"] for one in again.json["connections"]["school"]["streams"].values()) == 0
    shown = typed("sync", "--connection", "school", *NIGHT)
    assert (shown.code, shown.err) == (0, "")
    assert "数据流 stream" in shown.out


def test_a_connection_not_known_is_one_sentence(typed: Type, connected: str) -> None:
    ended = typed("sync", "--connection", "nowhere", *NIGHT)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "there is no connection nowhere: see `yuanmeng connections`\n"


def test_a_source_that_is_away_ends_with_three_and_is_named(typed: Type, home: Path, connected: str) -> None:
    settings = (home / "yuanmeng.toml").read_text(encoding="utf-8")
    (home / "yuanmeng.toml").write_text(settings.replace(connected, "http://127.0.0.1:9"), encoding="utf-8")
    ended = typed("sync", "--connection", "school-partner", *NIGHT)
    assert (ended.code, ended.err) == (3, "")
    assert "失败 failed school-partner" in ended.out
    assert typed("connections", "check").code == 3


def hold_back(home: Path) -> str:
    """Put a row into quarantine that no retry can cure, and give its id."""
    office = open_home(home)
    record = asdict(Unreadable(source_id="r-1", stream="results", payload="never shown"))
    key = make_id("Q", "school", "results", opaque("r-1"))
    with unit_of_work() as session:
        session.add(Quarantine(
            id=key, connection="school", stream="results", source_id=opaque("r-1"), rules="class-unknown,row-unreadable",
            payload=json.dumps({"type": "Unreadable", "record": record}, default=str), first_on=date(2023, 5, 18),
        ))  # fmt: skip
    use_office(None)
    office.engine.dispose()
    return key


def test_rows_held_back_are_listed_with_the_rule_in_words(typed: Type, home: Path) -> None:
    assert typed("quarantine", "list", "--json").json == {"quarantine": [], "rules": []}
    key = hold_back(home)
    listed = typed("quarantine", "list", *NIGHT, "--json")
    assert (listed.code, [one["id"] for one in listed.json["quarantine"]]) == (0, [key])
    shown = typed("quarantine", "list", *NIGHT).out
    assert "班级课程未知 class not known；整行无法读取" in shown
    assert "quarantine retry" in shown
    assert "never shown" not in shown


def test_a_retry_that_leaves_rows_ends_with_one(typed: Type, home: Path, connected: str) -> None:
    assert typed("quarantine", "retry", *NIGHT).code == 0
    hold_back(home)
    ended = typed("quarantine", "retry", *NIGHT)
    assert (ended.code, ended.out) == (1, "重试 retried: 0 已放行 cured, 1 仍隔离 still held back\n")
    assert typed("quarantine", "retry", *NIGHT, "--json").json == {"cured": 0, "left": 1}


@pytest.mark.parametrize(
    ("status", "quarantined", "code"),
    [("ok", 0, 0), ("ok", 1, 1), ("held", 0, 1), ("failed", 0, 3), ("failed", 2, 3)],
)
def test_a_source_that_failed_weighs_more_than_rows_held_back(
    typed: Type, monkeypatch: pytest.MonkeyPatch, status: str, quarantined: int, code: int
) -> None:
    stream = {**dict.fromkeys(COUNTS, 0), "quarantined": quarantined, "cursor": None, "seconds": 0.1}
    report = {"connections": {"school": {"status": status, "reason": "look", "streams": {"people": stream}}}}
    told: Callable[..., object] = lambda _flow, **_given: report  # noqa: E731
    monkeypatch.setattr("console.run.run_flow", told)
    ended = typed("sync", "--json")
    assert (ended.code, ended.json) == (code, report)


def test_a_cohort_that_could_not_be_advanced_is_named_with_what_broke_where(
    typed: Type, home: Path, nominees: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("no worker 320205198811030005")

    monkeypatch.setattr("tasks.lifecycle.look_at", broken)
    ended = typed("sync", *DAY)
    assert ended.code == 1
    assert f"未能推进 could not be advanced: {nominees} (LookupError in broken, line " in ended.out
    assert "320205198811030005" not in ended.out + ended.err


def test_a_night_says_at_how_many_cohorts_it_looked_and_what_the_round_alone_found(
    typed: Type, home: Path, nominees: str
) -> None:
    """The first night looks at all, the next at those with news; rows changed by hand are found by the round, and named."""
    first = typed("sync", *DAY, "--json").json["cohorts"]
    assert first == {"looked_at": 1, "of": 1, "by_round": 0, "missed": [], "broken": {}}
    assert "班级 cohorts: 0 / 1 已查看 looked at, 0 为例行 by their round" in typed("sync", *DAY).out
    open_home(home)
    with unit_of_work() as session:
        session.connection().execute(text("UPDATE waits SET resolved_on = since"))
    use_office(None)
    found = typed("sync", "--as-of", "2026-05-26")
    assert "班级 cohorts: 1 / 1 已查看 looked at, 1 为例行 by their round" in found.out
    assert f"注意 {nominees}: 例行查看才发现的变化 moved though no news had told it" in found.out
