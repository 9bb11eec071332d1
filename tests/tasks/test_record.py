"""What the record shows: a page a cohort, who is waited on, the inbox; of people only their ids."""

from datetime import date

import pytest

from tasks.errors import BadInput
from tasks.office import Office
from tasks.record import cohort_page, inbox_lines, moved_cohorts, waits_lines
from tests.fixtures.cohorts import APPROVED, CONSENTED, OPENED, open_cohort
from tests.tasks.conftest import At

LATER = date(2026, 6, 30)


def test_a_page_tells_the_timeline_and_who_holds_the_cohort_up(at: At) -> None:
    case = at("nomination")
    case.advance(OPENED)
    page = cohort_page(case.code, LATER).splitlines()
    assert page[0] == "# WX-2026A 机电一体化技术 2026 秋一班"
    assert "**提名 nomination**，自 since 2026-05-18。学员 participants: active 6" in page
    assert "| 提名 nomination | 2026-05-18 |  |" in page
    (wait,) = [line for line in page if "同意书" in line]
    assert wait == (
        "| 企业人事 enterprise HR 示例精密制造（无锡）有限公司 | 缺个人信息同意书 the worker's consents | 6 | 2026-05-18 "
        "| 2026-05-25 | 是 yes |"
    )


def test_no_name_of_a_cohort_or_an_organisation_breaks_its_page(sqlite_office: Office) -> None:
    open_cohort(name="班 | [x](http://a) <b>\n\\|")
    assert cohort_page("WX-2026A", OPENED).splitlines()[0] == "# WX-2026A 班 \\| \\[x](http://a) &lt;b> \\\\\\|"
    with pytest.raises(BadInput, match="there is no cohort XX"):
        cohort_page("XX", OPENED)


def test_of_people_the_record_shows_ids_alone(at: At) -> None:
    case = at("review")
    names = [line["学员 participant"] for line in inbox_lines()]
    assert names == [one.id for one in sorted(case.people, key=lambda one: names.index(one.id))]
    assert {line["类别 kind"] for line in inbox_lines()} == {"review"}
    assert {line["由谁 by"] for line in inbox_lines()} == {"工会 union"}
    assert {len(line) for line in inbox_lines()} == {6}


def test_who_is_waited_on_is_counted_over_all_cohorts(at: At) -> None:
    case = at("review")
    before = waits_lines(CONSENTED)
    assert before == [
        {"等谁 on": "工会 union", "等什么 for": "待审核 the reviewer's decision", "件数 waits": 6, "班级 cohorts": 1, "逾期 late": 0,
         "最早 since": "2026-05-20"}
    ]  # fmt: skip
    assert [line["逾期 late"] for line in waits_lines(LATER)] == [6]
    assert case.code


def test_a_cohort_is_moved_on_the_day_it_came_into_its_stage(at: At) -> None:
    case = at("public_notice")
    entered = case.cohort.stage_entered_on
    assert moved_cohorts(entered) == [case.code]
    assert moved_cohorts(date(2026, 12, 1)) == []
    assert entered == APPROVED
