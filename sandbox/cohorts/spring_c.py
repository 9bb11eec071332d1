"""WX-2024S: 机电一体化技术, from nominations in November 2023 to diplomas in October 2026.

Belongs here: its facts and its people's stories. Does not: what cohorts share (template, turns).
"""

from dataclasses import replace
from datetime import date
from random import Random

from sandbox.cohorts.template import Casting, lay_out_classes
from sandbox.cohorts.turns import claims, leaves, never_studies, restudy, reviewed_later
from sandbox.days import LAST_DAY
from sandbox.organisations import MOULDS, PRECISION
from sandbox.people import People
from sandbox.programmes import MECHATRONICS
from sandbox.story import Claim, CohortStory, Ending, Facts, Funding, Money, Objection, Sheet, Story, StudyLeave
from sandbox.timetable import AUTUMN_2024, AUTUMN_2025, FRESH_SPRING_2024, SPRING_2025, SPRING_2026

FACTS = Facts(
    code="WX-2024S",
    name="机电一体化技术 2024 春一班",
    programme=MECHATRONICS,
    project_code="WX-QXYM-2024",
    project_name="无锡市求学圆梦行动 2024",
    starts_on=date(2024, 3, 1),
    nomination_opens_on=date(2023, 11, 15),
    quota=14,
    sheets=(Sheet(PRECISION, date(2023, 11, 16), "titled"), Sheet(MOULDS, date(2023, 11, 17), "plain")),
    funding=(
        Funding("union", "工会助学金", "1000.00", "yearly", 3, "42000.00"),
        Funding("school", "学校奖学金", "1500.00", "registration", 1, "21000.00", quota=14),
        Funding("government", "毕业奖补", "1000.00", "graduation", 1, "14000.00"),
    ),
    terms=(FRESH_SPRING_2024, AUTUMN_2024, SPRING_2025, AUTUMN_2025, SPRING_2026),
    consent_on=date(2023, 11, 16),
    reviewed_on=date(2023, 11, 24),
    admitted_on=date(2024, 1, 12),
    registered_on=date(2024, 3, 6),
    assessed_on=date(2026, 8, 15),
    skill_seen_on=date(2026, 8, 20),
    skill_issued_on=date(2026, 9, 10),
    diploma_on=date(2026, 10, 20),
    paid=(
        Money("union", "year-1", "1000.00", "1000.00"),
        Money("union", "year-2", "1000.00", "1000.00"),
        Money("union", "year-3", "1000.00", "1000.00"),
        Money("school", "registration", "1500.00", "1500.00"),
        Money("government", "graduation", "1000.00", "1000.00"),
    ),
)


def write(people: People, rng: Random) -> CohortStory:
    """Write the cohort: six rows from the precision works, seven from the mould works."""
    cast = Casting(FACTS, people, rng, lay_out_classes(FACTS, {}, 300), 300)
    _under_age(cast)
    _without_consent(cast)
    _objection_dismissed(cast)
    _leaver_unpaid(cast)
    cast.someone(PRECISION, 2)
    _recognised(cast)
    _exempt(cast)
    _leave_refused(cast)
    cast.someone(MOULDS, 4)
    return cast.done()


def _story(cast: Casting, name: str, sex: str = "男", enterprise: str = "P") -> Story:
    """Return the smooth story of a named person of the precision (P) or the mould works (M)."""
    return cast.smooth(cast.people.named(name, sex), PRECISION if enterprise == "P" else MOULDS)


def _under_age(cast: Casting) -> None:
    """Seventeen on the day of nomination."""
    person = cast.people.named("田野", "男", date(2006, 8, 21))
    rules = ("under-age",)
    story = never_studies(
        cast.smooth(person, PRECISION), Ending("refused", "nomination", LAST_DAY, rules, "未满十八周岁")
    )
    cast.add(replace(story, row_status="refused", row_rules=rules, decisions=()))
    cast.trouble("under-age", story, "推荐时年仅十七岁，该行被拒（under-age）。")


def _without_consent(cast: Casting) -> None:
    """Gives consent two weeks after the others."""
    story = reviewed_later(replace(_story(cast, "夏雨", "女"), consent_on=date(2023, 12, 1)), date(2023, 12, 4))
    cast.add(story)
    cast.trouble("consent-late", story, "2023-12-01 才签署个人信息同意书，其后照常完成。")


def _objection_dismissed(cast: Casting) -> None:
    """An objection to the notice is dismissed after sixteen working days."""
    objection = Objection("反映其并非一线职工", "dismissed", 16, "经核实为一线操作工，异议不成立")
    story = replace(_story(cast, "方圆"), objection=objection)
    cast.add(story)
    cast.trouble("objection-dismissed", story, "公示期有异议，十六个工作日后核实不成立；照常完成。")


def _leaver_unpaid(cast: Casting) -> None:
    """His payments came back, he sent no new card, and left: what was awarded is reversed."""
    money = (
        Money("union", "year-1", "1000.00", "1000.00", "1000.00", "1000.00"),
        Money("school", "registration", "1500.00", "1500.00", "1500.00", "1500.00"),
    )
    story = leaves(_story(cast, "丁一鸣"), date(2024, 5, 6), cast.classes, money)
    story = replace(story, returns=True)
    cast.add(story)
    cast.trouble("left-unpaid", story, "首笔退回后未换卡，2024-05-06 离职退出；未付资助冲回。")


def _recognised(cast: Casting) -> None:
    """One claim, granted: a module exempt."""
    claim = Claim(
        "self-study-exam", "自学考试 机械设计基础 合格", "合格证 ZK-2023-5521", "JD202", 8,
        date(2023, 4, 15), date(2024, 4, 10), date(2024, 5, 8), True, reason="自考课程与本课程同名同层次",
    )  # fmt: skip
    story = claims(_story(cast, "姚瑶", "女", "M"), claim)
    cast.add(story)
    cast.trouble("recognised", story, "自学考试学分认定 8 学分，机械设计基础免修；完成。")


def _exempt(cast: Casting) -> None:
    """The school itself exempts him from the exam of a module he attended: credits, no mark."""
    story = restudy(
        _story(cast, "史可", enterprise="M"),
        "JD101",
        lambda study: replace(study, formative=None, final=None, state="exempt", mark=None),
    )
    cast.add(story)
    cast.trouble("exempt", story, "学校准予工程数学免考：得学分，无成绩；完成。")


def _leave_refused(cast: Casting) -> None:
    """His leave is refused: the session he missed counts as an absence."""
    refused = StudyLeave(date(2024, 11, 29), date(2024, 12, 1), "refused", 16, date(2024, 11, 25))
    story = replace(_story(cast, "龙涛", enterprise="M"), leaves=(refused,))
    story = restudy(story, "JD201", lambda study: replace(study, letters="PPPPAP"))
    story = restudy(story, "JD202", lambda study: replace(study, letters="PPPPPP"))
    cast.add(story)
    cast.trouble("leave-refused", story, "2024-11-30 请假未获批准，按缺勤计；完成。")
