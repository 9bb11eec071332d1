"""The plan: what cannot be opened is said in one sentence that names the place."""

from pathlib import Path
from typing import Any

import pytest

from tasks.plan import PlanError, parse_plan, read_plan, template_text
from tests.fixtures.cohorts import template_plan


def edited(path: str, value: Any) -> dict[str, Any]:
    """The template's plan with one value changed, or removed where it is None."""
    plan = template_plan()
    *way, last = path.split(".")
    place: Any = plan
    for name in way:
        place = place[int(name) if name.isdigit() else name]
    key: Any = int(last) if last.isdigit() else last
    if value is None:
        del place[key]
    else:
        place[key] = value
    return plan


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("code", "WX 2026"), ("code", "A"), ("code", "<!channel>"), ("quota", 0), ("quota", 5001), ("starts_on", "soon"),
        ("starts_on", None), ("school", None), ("school.code", "12350100000000019X"), ("enterprises", []),
        ("programme.level", "doctor"), ("programme.modules", []), ("programme.skill_level", 6), ("programme.terms", 0),
        ("programme.modules.0.credits", 0), ("programme.modules.0.formative_share", "0.1"), ("programme.modules.0.kind", "fun"),
        ("programme.modules.0.formative_share", "1.01"), ("funding.0.amount", "0"), ("funding.0.amount", "1.234"),
        ("funding.0.source", "bank"), ("funding.0.trigger", "monthly"), ("funding.0.quota", -1), ("funding.0.budget", "-1"),
        ("funding.0.periods", 9), ("surprise", 1), ("project.code", ""),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_place_in_one_sentence(path: str, value: Any) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(edited(path, value))
    said = str(caught.value)
    assert said.startswith(f"the plan's {path} cannot be used: ")
    assert said.endswith("; correct it and open the plan again")
    assert "\n" not in said
    assert "pydantic" not in said


def test_several_mistakes_are_counted() -> None:
    with pytest.raises(PlanError, match=r"\(and 1 more\); correct it"):
        parse_plan({**template_plan(), "quota": 0, "code": ""})


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("nomination_opens_on", "2026-09-02", "nomination must open before the cohort starts"),
        ("programme.modules.1.code", "M01", "module M01 stands in the plan twice"),
        ("funding.1", template_plan()["funding"][0], "funding union/yearly stands in the plan twice"),
        ("programme.credits_to_graduate", 81, "81 credits are needed to graduate, but its modules give 80"),
        ("programme.modules.9.term", 6, "module M10 is taught in term 6 of a programme of 5 terms"),
    ],
)  # fmt: skip
def test_a_plan_that_contradicts_itself_is_refused_in_one_sentence(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(edited(path, value))
    assert sentence in str(caught.value)


def test_the_template_is_a_plan() -> None:
    assert read_plan(template_text()).code == "WX-2026A"


def test_a_plan_is_read_from_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(template_text(), encoding="utf-8-sig")
    assert read_plan(path) == read_plan(template_text())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"code = \xff", "give the path of a UTF-8 text file"), (b"code = ", "is not valid TOML"),
        (b"PK\x03\x04", "is not valid TOML"), (b"", "cannot be used"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_plan_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=sentence):
        read_plan(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_plan(tmp_path / "none.toml")
