"""WX-2023A: 机电一体化技术, from nominations in May 2023 to diplomas in June 2026.

Belongs here: its facts and its people's stories. Does not: what cohorts share (template, turns).
"""

from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

from sandbox.cohorts.template import Casting, lay_out_classes
from sandbox.cohorts.turns import (
    claims,
    incomplete,
    leaves,
    objection_upheld,
    place_refused,
    repaid,
    restudy,
    reviewed_later,
)
from sandbox.organisations import DRIVES, PRECISION
from sandbox.people import People
from sandbox.programmes import MECHATRONICS
from sandbox.story import Claim, CohortStory, Decision, Document, Facts, Funding, Money, Sheet, Story, StudyLeave
from sandbox.timetable import AUTUMN_2023, AUTUMN_2024, AUTUMN_2025, SPRING_2024, SPRING_2025, days

FACTS = Facts(
    code="WX-2023A",
    name="机电一体化技术 2023 秋一班",
    programme=MECHATRONICS,
    project_code="WX-QXYM-2023",
    project_name="无锡市求学圆梦行动 2023",
    starts_on=date(2023, 9, 1),
    nomination_opens_on=date(2023, 5, 15),
    quota=16,
    sheets=(Sheet(PRECISION, date(2023, 5, 16), "titled"), Sheet(DRIVES, date(2023, 5, 17), "plain")),
    funding=(
        Funding("union", "工会助学金", "1000.00", "yearly", 3, "48000.00"),
        # Thirteen register: the last two find the quota used up.
        Funding("school", "学校奖学金", "1500.00", "registration", 1, "24000.00", quota=11),
        Funding("government", "毕业奖补", "1000.00", "graduation", 1, "16000.00"),
    ),
    terms=(AUTUMN_2023, SPRING_2024, AUTUMN_2024, SPRING_2025, AUTUMN_2025),
    consent_on=date(2023, 5, 16),
    reviewed_on=date(2023, 5, 23),
    admitted_on=date(2023, 6, 20),
    registered_on=date(2023, 9, 6),
    assessed_on=date(2026, 3, 14),
    skill_seen_on=date(2026, 3, 19),
    skill_issued_on=date(2026, 4, 10),
    diploma_on=date(2026, 6, 25),
    paid=(
        Money("union", "year-1", "1000.00", "1000.00"),
        Money("union", "year-2", "1000.00", "1000.00"),
        Money("union", "year-3", "1000.00", "1000.00"),
        Money("school", "registration", "1500.00", "1500.00"),
        Money("government", "graduation", "1000.00", "1000.00"),
    ),
)
# The Sunday class of the first term meets eight times, so that two absences are not yet too many.
CLASS_CHANGES: dict[str, dict[str, Any]] = {
    "JD101": {"has_make_up": True},
    "JD102": {
        "sessions": days("2023-09-17 2023-09-24 2023-10-15 2023-10-22 2023-10-29 2023-11-12 2023-11-19 2023-12-03")
    },
}


def write(people: People, rng: Random) -> CohortStory:
    """Write the cohort: ten rows from the precision works, six from the drives works."""
    cast = Casting(FACTS, people, rng, lay_out_classes(FACTS, CLASS_CHANGES, 100), 100)
    _missing_document(cast)
    _same_row_twice(cast)
    _nominated_by_two(cast)
    _objected_to(cast)
    _refused_a_place(cast)
    _two_absences(cast)
    _barred(cast)
    _on_leave(cast)
    cast.add(cast.smooth(people.named("阿依努尔·买买提", "女"), PRECISION))
    _leaver(cast)
    _make_up(cast)
    _returned_payment(cast)
    _past_the_quota(cast)
    _practice_claimed(cast)
    return cast.done()


def _story(cast: Casting, name: str, sex: str = "男", enterprise: str = "P") -> Story:
    """Return the smooth story of a named person of the precision (P) or the drives works (D)."""
    return cast.smooth(cast.people.named(name, sex), PRECISION if enterprise == "P" else DRIVES)


def _missing_document(cast: Casting) -> None:
    """The household registration is blank and comes fourteen working days later."""
    story = reviewed_later(_story(cast, "沈默言"), date(2023, 6, 8))
    story = replace(
        story,
        roster={"户口性质": ""},
        row_status="held",
        row_rules=("household-evidence-missing",),
        documents=(Document("household", story.person.household, date(2023, 6, 6)),),
    )
    cast.add(story)
    cast.trouble("missing-document", story, "花名册未填户口性质，2023-06-06 才补证明；其后照常完成。")


def _same_row_twice(cast: Casting) -> None:
    """He stands on the roster twice; the coordinator refuses the second row."""
    story = _story(cast, "赵德柱")
    twice = Decision("nominated-twice", "refuse", date(2023, 5, 23), "同一花名册重复推荐，保留第一行")
    story = replace(story, decisions=(*story.decisions, twice))
    cast.add(story)
    cast.row(story, "held", ("nominated-twice",))
    cast.trouble("duplicate-row", story, "同一花名册出现两行，第二行被搁置后由协调员否决；第一行照常完成。")


def _nominated_by_two(cast: Casting) -> None:
    """He is nominated here first; the other nomination is in WX-2023B."""
    story = _story(cast, "陆鸣")
    cast.add(story)
    cast.trouble("nominated-first", story, "先由星河精密推荐，按此班完成；蠡湖模具对他的推荐见 WX-2023B。")


def _objected_to(cast: Casting) -> None:
    """An objection to the notice is upheld."""
    reason = "异议成立：申请人已享受同层次学历资助"
    story = objection_upheld(_story(cast, "孙启航"), "反映其已享受同层次资助", reason)
    cast.add(story)
    cast.trouble("objection-upheld", story, "公示期有异议，工会核实后成立，终止。")


def _refused_a_place(cast: Casting) -> None:
    """The school refuses the place."""
    reason = "入学资格审核未通过：学历证明未能核验"
    story = place_refused(_story(cast, "何秀兰", "女"), FACTS.admitted_on, reason)
    cast.add(story)
    cast.trouble("place-refused", story, "学校未录取：学历证明未能核验。")


def _two_absences(cast: Casting) -> None:
    """Misses two sessions in a row in the first term and comes back."""
    story = restudy(_story(cast, "马骏"), "JD101", lambda study: replace(study, letters="PPPPPP"))
    story = restudy(story, "JD102", lambda study: replace(study, letters="PPPPPAAP"))
    cast.add(story)
    cast.trouble("two-absences", story, "机械制图 2023-11-12、11-19 连续两次缺勤，12-03 回到课堂；完成。")


def _barred(cast: Casting) -> None:
    """Half of the practice sessions missed: barred from its exam, six credits short for good."""
    story = restudy(
        incomplete(_story(cast, "罗小虎"), "岗位综合实践出勤率不足 70%，不得参加考核，学分不足"),
        "JD501",
        lambda study: replace(study, letters="PAPAPA", formative=52, final=None, state="barred", mark=None),
    )
    story = restudy(story, "JD502", lambda study: replace(study, letters="PPPPPP"))
    cast.add(story)
    cast.trouble("under-threshold", story, "第五学期岗位综合实践六次缺三次，被取消考核资格；学分 74，未完成。")


def _on_leave(cast: Casting) -> None:
    """Two sessions on approved study leave: excused, not counted."""
    granted = StudyLeave(date(2024, 3, 28), date(2024, 4, 14), "approved", 32, date(2024, 3, 18))
    story = replace(_story(cast, "周佳怡", "女"), leaves=(granted,))
    story = restudy(story, "JD201", lambda study: replace(study, letters="PPEEPP"))
    story = restudy(story, "JD202", lambda study: replace(study, letters="PPEEPP"))
    cast.add(story)
    cast.trouble("approved-leave", story, "2024-03-28 至 04-14 准假，两门课各两次不计出勤；完成。")


def _leaver(cast: Casting) -> None:
    """Leaves his employer in the second term."""
    paid = (FACTS.paid[0], FACTS.paid[3])
    story = leaves(_story(cast, "郑强", enterprise="D"), date(2024, 4, 15), cast.classes, paid)
    cast.add(story)
    cast.trouble("left-employer", story, "2024-04-15（第二学期）离职，退出；第二、三年不再发放。")


def _make_up(cast: Casting) -> None:
    """Fails an exam and passes at the make-up: 0.4 × 70 + 0.6 × 45 = 55.0, then with 66: 67.6."""
    story = restudy(
        _story(cast, "吴敏", "女", "D"),
        "JD101",
        lambda study: replace(study, formative=70, final=45, make_up=66, mark="67.6"),
    )
    cast.add(story)
    cast.trouble("make-up-passed", story, "工程数学期末 45 分不及格，2024-03-09 补考 66 分通过，课程成绩 67.6。")


def _returned_payment(cast: Casting) -> None:
    """The roster's card is wrong: both first payments come back, and go out again to the new card."""
    story = _story(cast, "冯国平", enterprise="D")
    first, second, third, school, graduation = story.money
    money = (repaid(first, "2000.00"), second, third, repaid(school, "3000.00"), graduation)
    story = replace(story, money=money, returns=True, sends_new_card=True)
    cast.add(story)
    cast.trouble("returned-payment", story, "银行卡户名不符，首年两笔退回，七个工作日后换卡重发成功。")


def _past_the_quota(cast: Casting) -> None:
    """The two who register last get nothing from the school, whose quota is used up."""
    for name, sex, day in (("谢婷", "女", 14), ("高远", "男", 15)):
        story = replace(_story(cast, name, sex, "D"), registered_on=date(2023, 9, day))
        story = replace(story, money=tuple(line for line in story.money if line.source != "school"))
        cast.add(story)
        cast.trouble("source-at-quota", story, "学校奖学金名额 11 人已满，最后注册者不得；其余资助照发。")


def _practice_claimed(cast: Casting) -> None:
    """Claims the practice module, which is never exempted."""
    claim = Claim(
        "on-the-job", "企业岗位培训 120 学时", "培训合格证 PX-2024-017", "JD501", 6,
        date(2024, 9, 30), date(2024, 10, 14), date(2024, 11, 1), False,
        "module-never-exempted", "综合实践环节不得免修",
    )  # fmt: skip
    story = claims(_story(cast, "唐志刚", enterprise="D"), claim)
    cast.add(story)
    cast.trouble("practice-claimed", story, "申请以岗位培训免修岗位综合实践，被拒（不得免修）；照常修读完成。")
