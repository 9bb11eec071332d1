"""`yuanmeng cohort template|open|list|show|advance`: from the plan to who holds a cohort up."""

from pathlib import Path

import pytest

from models.rules.privacy import holds_personal_number
from tests.console.conftest import DAY, Type, people, typed_template

LATER = ("--as-of", "2026-06-08")


def test_the_template_opens_as_it_is_and_twice_gives_the_same_code(typed: Type, bare: Type, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(bare("cohort", "template").out, encoding="utf-8")
    first, second = (typed("cohort", "open", str(plan), *DAY, "--json") for _ in range(2))
    assert (first.code, first.json) == (0, {"code": "WX-2026A"})
    assert (second.code, second.json, second.err) == (0, first.json, "")
    assert typed("cohort", "open", str(plan), *DAY).out == "WX-2026A\n"


def test_the_template_can_be_had_as_json(bare: Type) -> None:
    assert bare("cohort", "template", "--json").json == {"plan": typed_template()}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("quota = ", "quota = 0 #", "quota"),
        ("[project]", "[project", "not valid TOML"),
        ("code = ", "color = ", "code"),
    ],
)
def test_a_plan_with_a_mistake_gets_one_sentence_that_names_it(
    typed: Type, tmp_path: Path, old: str, new: str, said: str
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(typed_template().replace(old, new, 1), encoding="utf-8")
    ended = typed("cohort", "open", str(plan), *DAY)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


def test_a_school_whose_code_is_digits_alone_is_no_person(typed: Type, tmp_path: Path) -> None:
    digits = "123202004660001017"
    plan = tmp_path / "plan.toml"
    plan.write_text(typed_template().replace("12350100000000019K", digits), encoding="utf-8")
    assert digits in plan.read_text(encoding="utf-8")
    assert typed("cohort", "open", str(plan), *DAY).code == 0


def test_a_personal_number_in_a_plan_is_refused_and_not_repeated(typed: Type, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(typed_template().replace('\nname = "', '\nname = "13800000001 ', 1), encoding="utf-8")
    ended = typed("cohort", "open", str(plan), *DAY)
    assert (ended.code, ended.out) == (2, "")
    assert "personal number" in ended.err
    assert not holds_personal_number(ended.err)


def test_every_cohort_is_listed_with_its_people_and_what_is_stalled(typed: Type, nominees: str) -> None:
    typed("cohort", "advance", nominees, *DAY)
    listed = typed("cohort", "list", *LATER, "--json").json["cohorts"]
    assert [one["code"] for one in listed] == [nominees]
    assert listed[0]["participants"] == {"active": 3, "held": 2, "refused": 7}
    assert listed[0]["stalled"] > 0
    assert "在读 active 3" in typed("cohort", "list", *LATER).out


def test_without_a_cohort_the_list_says_what_to_do(typed: Type) -> None:
    ended = typed("cohort", "list")
    assert (ended.code, typed("cohort", "list", "--json").json) == (0, {"cohorts": []})
    assert "yuanmeng cohort open PLAN.toml" in ended.out


def test_a_cohort_shows_the_keys_scripts_rely_on(typed: Type, nominees: str) -> None:
    typed("cohort", "advance", nominees, *DAY)
    shown = typed("cohort", "show", nominees, *LATER, "--json")
    assert shown.code == 0
    assert {"code", "stage", "entered", "waits", "participants", "timeline"} <= shown.json.keys()
    assert "people" not in shown.json
    assert all({"on", "for", "since", "due", "stalled"} <= wait.keys() for wait in shown.json["waits"])
    assert [one["stage"] for one in shown.json["timeline"]] == ["nomination"]
    assert any(wait["stalled"] is True for wait in shown.json["waits"])


def test_the_screen_names_stage_holder_and_wait_in_both_languages(typed: Type, nominees: str) -> None:
    typed("cohort", "advance", nominees, *DAY)
    shown = typed("cohort", "show", nominees, *LATER).out
    for words in (
        "提名 nomination",
        "企业人事 enterprise HR",
        "缺户口证明",
        "evidence of household registration",
        "是 yes",
    ):
        assert words in shown
    assert f"cohort show {nominees} --people" in shown
    assert "enterprise_hr" not in shown


def test_its_people_are_listed_with_ids_that_other_commands_take(typed: Type, nominees: str) -> None:
    listed = people(typed, nominees)
    assert len(listed) == 12
    shown = typed("cohort", "show", nominees, "--people", *DAY).out
    assert all(one["id"] in shown for one in listed)
    assert not holds_personal_number(shown)
    for one in listed:
        if one["id"].startswith("P-"):
            assert typed("worker", "show", one["id"], "--json").json["name"] == one["name"]
    young = next(one for one in listed if one["rule"] == "under-age")
    assert "未满年龄 under age" in shown
    assert typed("decide", young["id"], "approve", "--reason", "of age by September", *DAY).code == 0


def test_a_cohort_without_nominees_says_so(typed: Type, cohort: str) -> None:
    assert "nobody is nominated yet" in typed("cohort", "show", cohort, "--people", *DAY).out


def test_advancing_ends_with_one_once_something_is_stalled(typed: Type, cohort: str, data: Path) -> None:
    assert typed("cohort", "advance", cohort, *DAY).code == 0
    typed("roster", "import", str(data / "plain.xlsx"), "--cohort", cohort, *DAY)
    assert typed("cohort", "advance", cohort, *DAY, "--json").code == 0
    stalled = typed("cohort", "advance", cohort, *LATER, "--json")
    assert stalled.code == 1
    assert any(wait["stalled"] for wait in stalled.json["waits"])


def test_advancing_twice_says_the_same(typed: Type, nominees: str) -> None:
    first = typed("cohort", "advance", nominees, *DAY, "--json")
    assert typed("cohort", "advance", nominees, *DAY, "--json") == first


@pytest.mark.parametrize("command", ["show", "advance"])
def test_a_code_not_known_is_named_with_what_to_do(typed: Type, command: str) -> None:
    ended = typed("cohort", command, "WX-2099Z")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "there is no cohort WX-2099Z: see `yuanmeng cohort list`\n"


def test_a_plan_whose_money_a_head_is_unusual_opens_and_says_so(typed: Type, bare: Type, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    text = bare("cohort", "template").out.replace('amount = "1000.00"', 'amount = "9000.00"')
    plan.write_text(text, encoding="utf-8")
    ended = typed("cohort", "open", str(plan), *DAY, "--json")
    assert (ended.code, ended.json) == (0, {"code": "WX-2026A"})
    assert "unusual: check its funding" in ended.err
