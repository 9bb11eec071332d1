"""Opening: a plan becomes rows once, and another plan under its code is a mistake."""

from decimal import Decimal
from typing import Any

import pytest

from models.tables.funding import FundingSource
from models.tables.lifecycle import Step
from models.tables.operations import AuditEvent
from models.tables.organisations import Cohort, CohortEnterprise, Module, Organisation, Programme, Project
from tasks.office import Office
from tasks.plan import PlanError
from tests.fixtures.cohorts import CONSENTED, OPENED, REGISTERED, hashes, one, open_cohort, rows, template_plan
from tests.tasks.conftest import At


def test_the_template_opens_as_it_is_and_again_gives_the_same_cohort(office: Office) -> None:
    assert open_cohort() == "WX-2026A"
    before = hashes()
    assert open_cohort() == "WX-2026A"
    assert hashes() == before
    assert {len(rows(table)) for table in (Cohort, Project, Programme)} == {1}
    assert (len(rows(Module)), len(rows(FundingSource)), len(rows(CohortEnterprise)), len(rows(Organisation))) == (
        10,
        3,
        1,
        6,
    )
    assert (one(Step).stage, one(Step).entered_on, one(Cohort).stage) == ("nomination", OPENED, "nomination")
    assert one(AuditEvent, action="cohort-opened").actor == "tester"


def test_the_same_plan_again_finds_a_cohort_that_has_moved_on(at: At) -> None:
    case = at("teaching")
    case.advance(REGISTERED)
    before = hashes()
    assert open_cohort() == case.code
    assert hashes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"quota": 41}, {"name": "another"}, {"starts_on": CONSENTED}, {"funding": []},
        {"funding": [{**template_plan()["funding"][0], "amount": "999.00"}]},
        {"enterprises": [{"code": "12350100000000019K", "name": "another"}]},
        {"school": {"code": "12320200000000002M", "name": "示例精密校外教学点"}},
    ],
)  # fmt: skip
def test_another_plan_under_a_taken_code_is_refused_and_changes_nothing(
    sqlite_office: Office, changes: dict[str, Any]
) -> None:
    open_cohort()
    before = hashes()
    with pytest.raises(PlanError, match="was opened from a different plan: give this plan another code"):
        open_cohort(**changes)
    assert hashes() == before


def test_two_cohorts_share_project_programme_and_organisations(sqlite_office: Office) -> None:
    open_cohort()
    open_cohort(code="WX-2026B")
    assert {len(rows(table)) for table in (Project, Programme)} == {1}
    assert (len(rows(Cohort)), len(rows(Module)), len(rows(FundingSource))) == (2, 10, 6)


def test_a_programme_that_differs_from_the_one_opened_needs_another_edition(sqlite_office: Office) -> None:
    open_cohort()
    programme = template_plan()["programme"]
    programme["modules"][0]["formative_share"] = "0.45"
    before = hashes()
    with pytest.raises(PlanError, match=r"disagree with what another plan opened \(formative_share\).*another edition"):
        open_cohort(code="WX-2026B", programme=programme)
    assert hashes() == before
    open_cohort(code="WX-2026B", programme={**programme, "edition": "2026-2"})
    assert sorted(module.formative_share for module in rows(Module, code="M01")) == [Decimal("0.40"), Decimal("0.45")]


def test_an_organisation_keeps_one_name(sqlite_office: Office) -> None:
    open_cohort()
    with pytest.raises(PlanError, match=r"organisations disagree .*\(name\)"):
        open_cohort(code="WX-2026B", school={"code": "12350100000000019K", "name": "another"})
