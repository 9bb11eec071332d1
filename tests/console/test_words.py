"""Every code a coordinator may meet on a screen has a word, Chinese beside English."""

import json
import re
from pathlib import Path

import pytest

from console import rule_words, words
from models.rules.lifecycle import STAGES, WAIT_KINDS
from models.rules.withdrawal import REASONS
from models.tables import METADATA

ROOT = Path(__file__).parents[2]
WORDS = {
    "STAGE": words.STAGE, "STATUS": words.STATUS, "HOLDER": words.HOLDER, "SOURCE_STATUS": words.SOURCE_STATUS,
    "KIND": words.KIND, "MODULE_STATE": words.MODULE_STATE, "LINE": words.LINE, "MONEY_SOURCE": words.MONEY_SOURCE,
    "PERIOD": words.PERIOD, "HOUSEHOLD": words.HOUSEHOLD, "ACTION": words.ACTION, "ANSWER": words.ANSWER,
    "RULES": rule_words.RULES,
}  # fmt: skip


def allowed(table: str, column: str) -> set[str]:
    """The values a column may have, as its check says."""
    checks = [str(getattr(one, "sqltext", "")) for one in METADATA.tables[table].constraints]
    check = next(one for one in checks if one.startswith(f"{column} IN"))
    return set(re.findall(r"'([^']*)'", check)) - {""}


@pytest.mark.parametrize("name", WORDS)
def test_every_word_is_chinese_beside_english(name: str) -> None:
    for code, word in WORDS[name].items():
        assert re.search(r"[a-z]", word), code
        assert not word.isascii(), code


@pytest.mark.parametrize(
    ("table", "column", "known"),
    [
        ("participants", "status", words.STATUS),
        ("nominations", "status", words.STATUS),
        ("cohorts", "stage", words.STAGE),
        ("modules_taken", "state", words.MODULE_STATE),
        ("ledger_lines", "kind", words.LINE),
        ("funding_sources", "source", words.MONEY_SOURCE),
        ("decisions", "answer", words.ANSWER),
    ],
)
def test_every_value_the_database_allows_has_a_word(table: str, column: str, known: dict[str, str]) -> None:
    values = allowed(table, column)
    assert values
    assert values <= known.keys()


def test_every_stage_and_holder_of_the_lifecycle_has_a_word() -> None:
    holders = {kind.holder for kind in WAIT_KINDS.values()} | {
        limit.holder for kind in WAIT_KINDS.values() for limit in kind.limits
    }
    assert holders <= words.HOLDER.keys()
    assert {stage.name for stage in STAGES} <= words.STAGE.keys()


def test_every_rule_of_a_roster_a_withdrawal_and_the_gate_has_a_word(data: Path) -> None:
    expected = json.loads((data / "expected.json").read_text(encoding="utf-8"))
    rows = [row for sheet in expected.values() if isinstance(sheet, dict) for row in sheet.get("rows", {}).values()]
    named = {row["rule"] for row in rows if isinstance(row, dict)} | set(REASONS)
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tasks").glob("*.py"))
    named |= set(re.findall(r'Broken\("([a-z-]+)"\)', source))
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "models" / "rules").glob("*.py"))
    named |= set(re.findall(r'Invalid\(\s*"([a-z-]+)"', rules))
    named |= set(re.findall(r'Decision\(\s*"(?:refused|fail)", "([a-z-]+)"', rules))
    named |= set(re.findall(r'(?:_refused\(|ModuleOutcome\("\w+", rule=)\s*"([^"]+)"', rules))
    named -= {"reason-unknown", "ended", "day"}  # told as the sentence that refuses a withdrawal, never kept
    assert len(named) > 30
    assert named - rule_words.RULES.keys() == set()


def test_every_action_of_the_audit_trail_has_a_word() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tasks").glob("*.py"))
    actions = set(re.findall(r'action="([a-z-]+)"', source))
    kinds = allowed("decisions", "kind") - {"override"}
    assert actions | {f"decided-{kind}" for kind in kinds} <= words.ACTION.keys()


def test_a_code_without_a_word_is_shown_as_it_is() -> None:
    assert (words.stage("x"), words.status("x"), words.holder("x"), words.period("x")) == ("x", "x", "x", "x")
    assert rule_words.rules("x,under-age") == "x；未满年龄 under age"


def test_what_a_wait_is_about_is_said_in_words() -> None:
    assert words.subject("union:year-2") == "工会 union, 第2年 year 2"
    assert words.subject("school:registration") == "学校 school, 注册 registration"
    assert words.subject("JD102") == "JD102"
    assert words.holder("union", "总工会") == "工会 union: 总工会"
