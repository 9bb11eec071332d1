"""WX-2023B: 数控技术, from nominations in May 2023 to diplomas in June 2026.

Belongs here: its facts and its people's stories. Does not: what cohorts share (template, turns).
"""

from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

from sandbox.cohorts.template import Casting, lay_out_classes
from sandbox.cohorts.turns import certified_on, claims, incomplete, never_studies, refused_in_review, restudy
from sandbox.days import LAST_DAY
from sandbox.numbers import broken_resident_id
from sandbox.organisations import DRIVES, MOULDS
from sandbox.people import People
from sandbox.programmes import NUMERICAL_CONTROL
from sandbox.story import Claim, CohortStory, Decision, Ending, Facts, Funding, Money, Sheet, Story
from sandbox.timetable import AUTUMN_2023, AUTUMN_2024, AUTUMN_2025, SPRING_2024, SPRING_2025

FACTS = Facts(
    code="WX-2023B",
    name="数控技术 2023 秋一班",
    programme=NUMERICAL_CONTROL,
    project_code="WX-QXYM-2023",
    project_name="无锡市求学圆梦行动 2023",
    starts_on=date(2023, 9, 1),
    nomination_opens_on=date(2023, 5, 15),
    quota=15,
    sheets=(Sheet(DRIVES, date(2023, 5, 22), "plain"), Sheet(MOULDS, date(2023, 5, 23), "csv")),
    funding=(
        Funding("union", "工会助学金", "1000.00", "yearly", 3, "45000.00"),
        Funding("enterprise", "企业入学补贴", "800.00", "registration", 1, "12000.00"),
        Funding("government", "毕业奖补", "1000.00", "graduation", 1, "15000.00"),
    ),
    terms=(AUTUMN_2023, SPRING_2024, AUTUMN_2024, SPRING_2025, AUTUMN_2025),
    consent_on=date(2023, 5, 22),
    reviewed_on=date(2023, 5, 29),
    # The school takes until August: far past fifteen working days.
    admitted_on=date(2023, 8, 8),
    registered_on=date(2023, 9, 8),
    assessed_on=date(2026, 3, 14),
    skill_seen_on=date(2026, 3, 19),
    skill_issued_on=date(2026, 4, 10),
    diploma_on=date(2026, 6, 25),
    paid=(
        Money("union", "year-1", "1000.00", "1000.00"),
        Money("union", "year-2", "1000.00", "1000.00"),
        Money("union", "year-3", "1000.00", "1000.00"),
        Money("enterprise", "registration", "800.00", "800.00"),
        Money("government", "graduation", "1000.00", "1000.00"),
    ),
)
CLASS_CHANGES: dict[str, dict[str, Any]] = {
    # Confirmed three days before it starts on 2 March.
    "SK201": {"confirmed_on": date(2024, 2, 28)},
    # Released 46 days after the exam of 30 June.
    "SK202": {"released_on": date(2024, 8, 15)},
    "SK301": {"has_make_up": True},
    "SK502": {"has_make_up": True},
}


def write(people: People, rng: Random) -> CohortStory:
    """Write the cohort: six rows from the drives works, eight from the mould works."""
    cast = Casting(FACTS, people, rng, lay_out_classes(FACTS, CLASS_CHANGES, 200), 200)
    _bad_id(cast)
    _refused_in_review(cast)
    _late_school(cast)
    _late_grades(cast)
    _unconfirmed_class(cast)
    cast.someone(DRIVES, 1)
    _nominated_elsewhere(cast)
    _failed_for_good(cast)
    _over_the_cap(cast)
    _one_part_failed(cast)
    _late_certificate(cast)
    cast.someone(MOULDS, 3)
    return cast.done()


def _story(cast: Casting, name: str, sex: str = "男", enterprise: str = "M") -> Story:
    """Return the smooth story of a named person of the mould (M) or the drives works (D)."""
    return cast.smooth(cast.people.named(name, sex), MOULDS if enterprise == "M" else DRIVES)


def _bad_id(cast: Casting) -> None:
    """The ID on the roster has a wrong check digit: the row is refused, and nothing follows."""
    story = _story(cast, "石磊磊", enterprise="D")
    rules = ("resident-id-checksum",)
    wrong = broken_resident_id(story.person.resident_id)
    ended = never_studies(story, Ending("refused", "nomination", LAST_DAY, rules, "身份证号校验码不符"))
    story = replace(
        ended,
        roster={"身份证号": wrong},
        row_status="refused",
        row_rules=rules,
        roster_only=True,
        decisions=(),
    )
    cast.add(story)
    cast.trouble("bad-id", story, "花名册身份证号末位有误，该行被拒（resident-id-checksum）。")


def _refused_in_review(cast: Casting) -> None:
    """The union refuses her in review."""
    reason = "在岗时间不足一年，不符合推荐条件"
    story = refused_in_review(_story(cast, "邓文静", "女", "D"), FACTS.reviewed_on, reason)
    cast.add(story)
    cast.trouble("review-refused", story, "工会审核未通过：在岗时间不足一年。")


def _late_school(cast: Casting) -> None:
    """The school decides on the whole cohort in August only."""
    story = _story(cast, "彭飞", enterprise="D")
    cast.add(story)
    cast.trouble("school-late", story, "学校对全班的录取结果拖到 2023-08-08，远超十五个工作日；其后照常完成。")


def _late_grades(cast: Casting) -> None:
    """The marks of 公差配合与技术测量 come weeks late."""
    story = _story(cast, "曾凡", enterprise="D")
    cast.add(story)
    cast.trouble("grades-late", story, "SK202 于 2024-06-30 考试，2024-08-15 才公布成绩；完成。")


def _unconfirmed_class(cast: Casting) -> None:
    """The class of 数控机床结构与原理 is confirmed three days before it starts."""
    story = _story(cast, "潘月", "女", "D")
    cast.add(story)
    cast.trouble("class-unconfirmed", story, "SK201 于 2024-03-02 开课，教学点 02-28 才确认开班；完成。")


def _nominated_elsewhere(cast: Casting) -> None:
    """He is already nominated for WX-2023A: held, and refused by the coordinator."""
    reason = "已由星河精密推荐至 WX-2023A"
    story = _story(cast, "陆鸣")
    rules = ("nominated-elsewhere",)
    ended = never_studies(story, Ending("refused", "nomination", LAST_DAY, rules, reason))
    refusal = Decision("nominated-elsewhere", "refuse", date(2023, 5, 26), reason)
    story = replace(ended, row_status="held", row_rules=rules, decisions=(refusal,))
    cast.add(story)
    cast.trouble("nominated-elsewhere", story, "蠡湖模具再次推荐陆鸣，被搁置后由协调员否决。")


def _failed_for_good(cast: Casting) -> None:
    """Fails the thesis and its make-up: 0.2 × 58 + 0.8 × 40 = 43.6, then with 48: 50.0; six credits short."""
    story = restudy(
        incomplete(_story(cast, "萧然", "女"), "毕业设计（论文）补考仍不及格，学分不足"),
        "SK502",
        lambda study: replace(study, formative=58, final=40, make_up=48, state="failed", mark="50.0"),
    )
    cast.add(story)
    cast.trouble("failed-for-good", story, "毕业设计 40 分，2026-03-07 补考 48 分仍不及格；学分 74，未完成。")


def _over_the_cap(cast: Casting) -> None:
    """Claims 8 + 8 + 8 of 60 compulsory credits: 21 is the most, so the third is refused and studied."""
    first = Claim(
        "certificate", "数控机床装调维修工（四级）证书", "证书号 ZT-2022-0415", "SK201", 8,
        date(2022, 6, 20), date(2023, 10, 20), date(2023, 11, 24), True, reason="证书与课程标准相符",
    )  # fmt: skip
    second = Claim(
        "prior-study", "CAD/CAM 专项培训结业", "结业证 CAM-2021-088", "SK302", 8,
        date(2021, 12, 10), date(2024, 4, 10), date(2024, 5, 6), True, reason="学时与内容覆盖课程",
    )  # fmt: skip
    third = Claim(
        "on-the-job", "五轴加工岗位技能培训", "培训合格证 WZ-2024-031", "SK401", 8,
        date(2024, 8, 30), date(2024, 10, 15), date(2024, 11, 22), False,
        "recognition-cap", "累计认定将超过必修学分的 35%",
    )  # fmt: skip
    story = claims(_story(cast, "董建军"), first, second, third)
    cast.add(story)
    cast.trouble("recognition-over-cap", story, "三次各申请 8 学分，前两次认定免修，第三次超 35% 上限被拒；完成。")


def _one_part_failed(cast: Casting) -> None:
    """Each part must be passed: 0.4 × 90 + 0.6 × 58 = 70.8 is not enough; with 63 at the make-up 73.8 is."""
    story = restudy(
        _story(cast, "欧阳雪", "女"),
        "SK301",
        lambda study: replace(study, formative=90, final=58, make_up=63, mark="73.8"),
    )
    cast.add(story)
    cast.trouble("one-part-failed", story, "数控编程各部分均须及格，期末 58 分，补考 63 分通过，成绩 73.8。")


def _late_certificate(cast: Casting) -> None:
    """His skill certificate takes more than thirty working days."""
    late = date(2026, 5, 11)
    story = certified_on(_story(cast, "任重"), late)
    cast.add(story)
    cast.trouble("skill-certificate-late", story, "技能等级证书编号 2026-05-11 才到，超过二十个工作日；完成。")
