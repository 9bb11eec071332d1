"""prefect.yaml: what it says can be loaded, is asked for at the right hours, and shows a coordinator a form to fill in."""

import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule as schedule_of
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, is_valid_schema, validate

import flows
from tasks.plan import parse_plan, template_text
from tasks.watch.runs import OUR_FLOWS
from tests.fixtures.cohorts import template_plan
from tests.fixtures.machines import POOL, ROOT

TEXT = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
DEPLOYMENTS: dict[str, dict[str, Any]] = {one["name"]: one for one in yaml.safe_load(TEXT)["deployments"]}
DESIGNED = {"open_cohort", "advance_cohort", "nightly_sync", "watch_stalls", "decide", "publish_report"}
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEDNESDAY = datetime(2026, 9, 30, tzinfo=SHANGHAI)
ID, CARD, MOBILE = "320205198811030005", "6220000000000001", "13800138000"
TECHNICAL = ("path", "url", "uuid", "database", "directory", "toml", "sql")


def loaded(name: str) -> Flow[..., Any]:
    """The flow of a deployment, loaded as a worker loads it."""
    return load_flow_from_entrypoint(DEPLOYMENTS[name]["entrypoint"], use_placeholder_flow=False)


def schema(name: str) -> dict[str, Any]:
    """The form of a deployment as the server keeps it."""
    return parameter_schema(loaded(name)).model_dump()


def fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a form, those of its parts too."""
    found = schema(name)
    yield from found["properties"].items()
    for part, definition in found["definitions"].items():
        for field, told in definition.get("properties", {}).items():
            yield f"{part}.{field}", told


def flows_in_modules() -> set[str]:
    """The names of all flows that the modules of `flows` define."""
    modules = [import_module(f"flows.{module.name}") for module in pkgutil.iter_modules(flows.__path__)]
    return {one.name for module in modules for one in vars(module).values() if isinstance(one, Flow)}


async def next_runs(name: str, count: int) -> list[datetime]:
    """When a deployment's schedule runs from a Wednesday before a holiday on, by the clock in Shanghai."""
    (told,) = DEPLOYMENTS[name]["schedules"]
    kept = CronSchedule.model_validate(schedule_of(told)["schedule"].model_dump())
    return [one.astimezone(SHANGHAI) for one in await kept.get_dates(n=count, start=WEDNESDAY.astimezone(UTC))]


def refused(name: str, **given: Any) -> str:
    """What the server says to these parameters."""
    with pytest.raises(ValidationError) as caught:
        validate(given, schema(name), raise_on_error=True)
    return str(caught.value)


def test_the_file_says_what_prefect_understands_and_nothing_else() -> None:
    kept = PrefectYamlModel.model_validate(yaml.safe_load(TEXT)).model_dump(exclude_unset=True)
    told = yaml.safe_load(TEXT)
    assert set(told) - set(kept) == {"definitions"}  # what the deployments share
    assert [set(one) for one in kept["deployments"]] == [set(one) for one in told["deployments"]]
    assert told["pull"] == []  # else Prefect would keep the folder of whoever deployed


def test_every_flow_has_its_deployment_and_every_deployment_its_flow() -> None:
    assert set(DEPLOYMENTS) >= DESIGNED
    assert set(DEPLOYMENTS) == flows_in_modules() == set(OUR_FLOWS)
    for name, told in DEPLOYMENTS.items():
        assert loaded(name).name == name
        assert ":" not in told["entrypoint"]
        assert told["work_pool"] == {"name": POOL}
        assert "yuanmeng" in told["tags"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_says_in_plain_words_what_it_does_and_waits_when_too_many_run(name: str) -> None:
    told = DEPLOYMENTS[name]
    assert any("一" <= letter <= "鿿" for letter in told["description"])
    assert any(letter.isascii() and letter.isalpha() for letter in told["description"])
    assert told["concurrency_limit"]["limit"] >= 1
    assert told["concurrency_limit"]["collision_strategy"] == "ENQUEUE"


def test_a_second_night_never_overlaps_the_first() -> None:
    assert DEPLOYMENTS["nightly_sync"]["concurrency_limit"]["limit"] == 1


def test_every_schedule_has_a_name_and_keeps_the_hours_of_shanghai() -> None:
    slugs = [one for told in DEPLOYMENTS.values() for one in told.get("schedules", [])]
    assert {one["timezone"] for one in slugs} == {"Asia/Shanghai"}
    assert len({one["slug"] for one in slugs}) == len(slugs) == 5


async def test_the_night_begins_at_half_past_one_every_day() -> None:
    dates = await next_runs("nightly_sync", 3)
    assert [one.strftime("%m-%d %H:%M") for one in dates] == ["09-30 01:30", "10-01 01:30", "10-02 01:30"]


async def test_the_watch_looks_every_hour_of_a_day_since_saturdays_and_sundays_may_be_working_days() -> None:
    dates = await next_runs("watch_stalls", 50)
    assert {one.hour for one in dates} == set(range(9, 19))
    assert {one.minute for one in dates} == {0}
    assert [one.strftime("%m-%d") for one in dates[::10]] == ["09-30", "10-01", "10-02", "10-03", "10-04"]


async def test_the_report_is_written_on_the_first_of_each_month_after_the_night() -> None:
    dates = await next_runs("publish_report", 3)
    assert [one.strftime("%m-%d %H:%M") for one in dates] == ["10-01 07:00", "11-01 07:00", "12-01 07:00"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_each_field_of_a_form_says_what_it_wants_and_nothing_technical(name: str) -> None:
    assert is_valid_schema(schema(name)) is None
    for field, told in fields(name):
        assert told["title"], field
        shown = " ".join(str(told.get(word, "")) for word in ("title", "description")).lower()
        assert not [word for word in TECHNICAL if word in shown], (field, shown)
        assert "$ref" in told or told["description"], field
        assert told["else"]["const"], field  # the sentence for whoever fills in something else
        assert "enum" not in told or "选" in told["else"]["const"] or "或" in told["else"]["const"]


def test_choices_are_choices_and_what_may_stay_empty_has_a_default() -> None:
    answers = schema("decide")
    assert answers["properties"]["answer"]["enum"] == ["approve", "refuse"]
    assert "recognition" in answers["properties"]["kind"]["enum"]
    assert answers["required"] == ["ids", "answer", "reason", "actor"]
    assert schema("publish_report")["properties"]["form"]["enum"] == ["xlsx", "html", "json"]
    module = schema("open_cohort")["definitions"]["PlannedModule"]["properties"]
    assert (module["kind"]["enum"], module["kind"]["default"]) == (
        ["compulsory", "elective", "practice", "thesis"], "compulsory",
    )  # fmt: skip
    assert [name for name in DEPLOYMENTS if "as_of" in schema(name).get("required", [])] == []


def test_the_form_takes_the_plan_as_it_is_printed() -> None:
    plan = parse_plan(template_plan()).model_dump(mode="json")
    assert validate({"plan": plan}, schema("open_cohort"), raise_on_error=True) == []
    assert template_text().startswith("# ")


PLAN = parse_plan(template_plan()).model_dump(mode="json")
GOOD = {"ids": ["D-1"], "answer": "approve", "reason": "材料齐全", "actor": "审核员"}


@pytest.mark.parametrize(
    ("name", "field", "given"),
    [
        ("advance_cohort", "cohort", {"cohort": ID}),
        ("advance_cohort", "cohort", {"cohort": "WX 2026"}),
        ("advance_cohort", "as_of", {"cohort": "WX-2026A", "as_of": "tomorrow"}),
        ("decide", "ids", {**GOOD, "ids": []}),
        ("decide", "ids[0]", {**GOOD, "ids": [MOBILE]}),
        ("decide", "answer", {**GOOD, "answer": f"yes {MOBILE}"}),
        ("decide", "kind", {**GOOD, "kind": "raffle"}),
        ("decide", "reason", {**GOOD, "reason": f"see the list\nand {CARD}"}),
        ("decide", "reason", {**GOOD, "reason": "电话１３８００１３８０００"}),
        ("decide", "actor", {**GOOD, "actor": f"王 {ID}"}),
        ("publish_report", "period", {"period": "2026-13"}),
        ("publish_report", "form", {"form": "pdf"}),
        ("open_cohort", "plan.quota", {"plan": {**PLAN, "quota": 5001}}),
        ("open_cohort", "plan.code", {"plan": {**PLAN, "code": "A"}}),
        ("open_cohort", "plan.name", {"plan": {**PLAN, "name": f"班 {CARD}"}}),
        ("open_cohort", "plan.enterprises", {"plan": {**PLAN, "enterprises": []}}),
        ("open_cohort", "plan.school.code", {"plan": {**PLAN, "school": {"code": ID, "name": "校"}}}),
        ("open_cohort", "plan.school.name", {"plan": {**PLAN, "school": {"code": PLAN["school"]["code"], "name": ID}}}),
        ("nightly_sync", "connection", {"connection": CARD}),
        ("watch_stalls", "as_of", {"as_of": ID}),
    ],
)  # fmt: skip
def test_the_server_refuses_by_the_name_of_the_field_and_without_what_was_given(
    name: str, field: str, given: dict[str, Any]
) -> None:
    said = refused(name, **given)
    assert said.startswith(f"Validation failed for field {field!r}. Failure reason: '")
    assert said.endswith("' was expected")
    for word in (
        ID,
        CARD,
        MOBILE,
        "１３８",
        "WX 2026",
        "tomorrow",
        "raffle",
        "2026-13",
        "pdf",
        "plan.toml",
        "5001",
        "622000",
    ):
        assert word not in said


def test_what_is_missing_is_named() -> None:
    assert "'reason' is a required property" in refused("decide", ids=["D-1"], answer="approve", actor="审核员")
    assert "'school' is a required property" in refused(
        "open_cohort", plan={k: v for k, v in PLAN.items() if k != "school"}
    )


def test_a_credit_code_of_digits_alone_is_no_personal_number() -> None:
    plan = {**PLAN, "school": {"code": "123202000000000010", "name": "校"}}
    assert validate({"plan": plan}, schema("open_cohort"), raise_on_error=True) == []
