"""`yuanmeng connections check`: the table, the object, and one connection alone."""

from pathlib import Path

import pytest

from console.connection_tables import PART
from tests.connectors.wires import WIRES
from tests.console.conftest import Type


def test_the_table_shows_each_part_of_each_connection(typed: Type, connected: str) -> None:
    shown = typed("connections", "check", "school")
    assert (shown.code, shown.err) == (0, "")
    for words in ("教务 school (oneroster)", "地址 address", "登录 login", "成绩 results", "正常 ok"):
        assert words in shown.out
    assert "hr-precision" not in shown.out


def test_the_object_has_each_part_with_its_sentence(
    typed: Type, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YUANMENG_SANDBOX_TOKEN", "another")
    ended = typed("connections", "check", "school-partner", "--json")
    assert (ended.code, ended.err) == (3, "")
    [(name, one)] = ended.json["connections"].items()
    assert (name, one["kind"], one["status"]) == ("school-partner", "partner", "failed")
    assert [(part["part"], part["status"]) for part in one["parts"]] == [("address", "ok"), ("login", "failed")]
    assert one["reason"] == one["parts"][1]["reason"] and "check secret" in one["reason"]


def test_a_name_that_is_none_is_wrong_use(typed: Type, connected: str) -> None:
    ended = typed("connections", "check", "nobody")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "there is no connection nobody: see `yuanmeng connections`\n"


def test_an_address_where_nobody_answers_is_said_at_the_address(typed: Type, home: Path, dead_url: str) -> None:
    (home / "yuanmeng.toml").write_text(
        f'[[connections]]\nname = "hr"\nkind = "scim"\norganisation = "x"\nbase_url = "{dead_url}"\n', encoding="utf-8"
    )
    shown = typed("connections", "check")
    assert shown.code == 3
    assert "地址 address" in shown.out and "nothing listens on port" in " ".join(shown.out.split())


def test_every_stream_has_its_word() -> None:
    assert {wire.stream for wire in WIRES} <= PART.keys()
