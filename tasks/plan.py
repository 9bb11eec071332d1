"""The plan of a cohort: the file a coordinator fills in, read and checked.

Belongs here: the plan's shape, its template and its errors. Does not: writing it to the database (opening.py).
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import BadInput
from tasks.fields import COHORT_PATTERN, NO_NUMBER, Day, Organisation, Wanted, first_mistake, harmless


class PlanError(BadInput):
    """The plan cannot be opened; the sentence says which line to mend."""


NAME = "a name (名称)"
SHORT = "a short code without a personal number (代码，不要填个人证件号码)"
AMOUNT = "yuan, as 1000.00 (金额，元，如 1000.00)"
WHOLE = "a whole number from {} to {} ({}–{} 的整数)"
ONE_OF = "one of the choices (请从选项中选择)"
PART = Wanted("this part filled in (请填写这一部分)")
LIST = Wanted("a list, which may be empty (列表，可以为空)")

Name = Annotated[str, AfterValidator(harmless), Wanted(NAME, NO_NUMBER)]
ShortCode = Annotated[Name, Field(min_length=1, max_length=80), Wanted(SHORT, NO_NUMBER)]


def _whole(low: int, high: int, prefill: int | None = None) -> Wanted:
    return Wanted(WHOLE.format(low, high, low, high), prefill=prefill)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class PlannedProject(_Part):
    """项目：工会一年一批的求学圆梦项目。The project a cohort belongs to, and the federation that runs it."""

    code: ShortCode = Field(title="项目代码 code", description="项目的代码，如 WX-QXYM-2026。The project's code.")
    name: Name = Field(title="项目名称 name", description="项目的全称。The project's full name.")
    federation: Organisation = Field(
        title="工会代码 federation", description="主办工会的统一社会信用代码。The federation that runs it."
    )
    federation_name: Name = Field(title="工会名称 federation's name", description="主办工会的全称。Its full name.")


class PlannedModule(_Part):
    """课程：学分、性质、学期、形成性考核占比。A module: credits, kind, term, the share r of its formative part (20–100 %)."""

    code: ShortCode = Field(title="课程代码 code", description="课程的代码，如 M01。The module's code.")
    name: Name = Field(title="课程名称 name", description="课程的全称。The module's full name.")
    credits: Annotated[Decimal, Field(gt=0, le=40), Wanted("credits above 0, at most 40 (学分，大于 0，不超过 40)")] = (
        Field(title="学分 credits", description="这门课的学分。How many credits it gives.")
    )
    kind: Annotated[Literal["compulsory", "elective", "practice", "thesis"], Wanted(ONE_OF, prefill="compulsory")] = (
        Field(
            title="性质 kind",
            description="compulsory 必修，elective 选修，practice 实践，thesis 毕业设计。What kind of module it is.",
        )
    )
    term: Annotated[int, _whole(1, 10)] = Field(
        ge=1, le=10, title="学期 term", description="在第几学期开课。The term it is taught in."
    )
    formative_share: Annotated[
        Decimal, Field(ge=Decimal("0.2"), le=1), Wanted("a share from 0.2 to 1 (0.2–1 的比例)", prefill=0.5)
    ] = Field(
        title="形成性考核占比 formative share",
        description="平时成绩占总评的比例，0.2 到 1。The share of the formative part in the mark.",
    )
    each_part: Annotated[bool, Wanted("yes or no (是或否)")] = Field(
        default=False,
        title="两部分都要及格 each part",
        description="平时和期末是否都要满 60 分。Whether each part must reach 60.",
    )


class PlannedProgramme(_Part):
    """专业：学什么，结业时拿什么技能等级。What is studied and which skill it ends with."""

    code: ShortCode = Field(title="专业代码 code", description="专业的代码，如 460301。The programme's code.")
    name: Name = Field(title="专业名称 name", description="专业的全称。The programme's full name.")
    level: Annotated[Literal["junior-college", "bachelor"], Wanted(ONE_OF, prefill="junior-college")] = Field(
        title="层次 level", description="junior-college 专科，bachelor 本科。The level it leads to."
    )
    credits_to_graduate: Annotated[Decimal, Field(gt=0), Wanted("credits above 0 (学分，大于 0)", prefill=76)] = Field(
        title="毕业学分 credits to graduate", description="毕业所需的总学分。How many credits are needed to graduate."
    )
    occupation: Name = Field(
        title="职业 occupation", description="技能证书的职业（工种），如 电工。The occupation of the skill certificate."
    )
    skill_level: Annotated[int, _whole(1, 5, 4)] = Field(
        ge=1,
        le=5,
        title="技能等级 skill level",
        description="5 初级，4 中级，3 高级，2 技师，1 高级技师。The level of the skill certificate.",
    )
    terms: Annotated[int, _whole(1, 10, 5)] = Field(
        ge=1, le=10, title="学期数 terms", description="一共几个学期。How many terms it takes."
    )
    edition: Name = Field(
        default="",
        title="版本 edition",
        description="培养方案的版本，留空为开班年份。The edition of the programme; the year it starts if left empty.",
    )
    modules: Annotated[tuple[PlannedModule, ...], Field(min_length=1), Wanted("at least one module (至少一门课程)")] = (
        Field(title="课程 modules", description="培养方案里的每门课程。Every module of the programme.")
    )


class PlannedOrganisation(_Part):
    """单位：统一社会信用代码和名称。An organisation by its unified social credit code."""

    code: Organisation = Field(
        title="信用代码 code", description="18 位统一社会信用代码。Its unified social credit code."
    )
    name: Name = Field(title="名称 name", description="单位全称。Its full name.")


class PlannedEnterprise(PlannedOrganisation):
    """企业：谁提名职工，缺课时告诉谁。An enterprise, and who there is told when one of its workers misses classes."""

    supervisor: Name = Field(
        default="",
        title="联系人 supervisor",
        description="职工缺课时在通知里提到的人或岗位，可留空。Who is named when a worker misses classes; may stay empty.",
    )


class PlannedFunding(_Part):
    """资助：给每人多少、何时、几次、几人、总额多少。What a source gives each head, when, how often, to how many."""

    source: Annotated[
        Literal["union", "school", "enterprise", "self", "government", "charity"], Wanted(ONE_OF, prefill="union")
    ] = Field(
        title="来源 source",
        description="union 工会，school 学校，enterprise 企业，self 个人，government 政府，charity 公益。Who gives the money.",
    )
    name: Name = Field(title="名称 name", description="这笔资助的名称。What this money is called.")
    amount: Annotated[Decimal, Field(gt=0, decimal_places=2), Wanted(AMOUNT)] = Field(
        title="每人每次金额 amount", description="每人每次多少元。Yuan for each worker, each time."
    )
    trigger: Annotated[Literal["yearly", "registration", "graduation"], Wanted(ONE_OF, prefill="yearly")] = Field(
        title="发放时间 trigger",
        description="yearly 每年，registration 注册学籍时，graduation 毕业时。When it is paid.",
    )
    periods: Annotated[int, _whole(1, 8)] = Field(
        ge=1, le=8, default=1, title="次数 periods", description="一共发几次。How many times it is paid."
    )
    quota: Annotated[int | None, Field(ge=0), Wanted("a whole number, or nothing (整数，或留空)")] = Field(
        default=None,
        title="名额 quota",
        description="最多资助几人，留空为不限。At most how many workers; empty for no limit.",
    )
    budget: Annotated[Decimal | None, Field(ge=0, decimal_places=2), Wanted(f"{AMOUNT}, or nothing (或留空)")] = Field(
        default=None, title="总预算 budget", description="总额上限（元），留空为不限。Yuan in all; empty for no limit."
    )


class PlannedWindow(_Part):
    """窗口：某件事最晚哪天办，如考试报名。Something that can be done until a day. The watch tells of it."""

    name: Annotated[Name, Field(min_length=1, max_length=60), Wanted(f"{NAME}, at most 60 letters", NO_NUMBER)] = Field(
        title="名称 name", description="要办的事，如 成人高考报名。What can be done."
    )
    closes_on: Day = Field(title="截止日期 closes on", description="最晚哪一天。The last day.")


COHORT = Wanted(
    "a code of 3 to 32 letters, digits and hyphens, as WX-2026A (3–32 位字母、数字、连字符)", COHORT_PATTERN
)


class Plan(_Part):
    """开班计划：项目、专业、单位、名额、日期、窗口和资助。A cohort as planned: organisations, quota, dates and funding."""

    code: Annotated[str, AfterValidator(harmless), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{2,31}$"), COHORT] = Field(
        title="班级代码 code",
        description="新班级的代码，如 WX-2026A，别的班级没有用过。The cohort's code, used by no other.",
    )
    name: Name = Field(title="班级名称 name", description="班级的全称。The cohort's full name.")
    starts_on: Day = Field(title="开班日期 starts on", description="开班的日期。The day it starts.")
    nomination_opens_on: Day = Field(
        title="提名开始日期 nomination opens on",
        description="企业从哪天起提名，不晚于开班日期。When enterprises may nominate.",
    )
    quota: Annotated[int, _whole(1, 5000)] = Field(
        ge=1, le=5000, title="名额 quota", description="工会最多批准几人。How many nominees the union may approve."
    )
    project: Annotated[PlannedProject, PART] = Field(title="项目 project")
    programme: Annotated[PlannedProgramme, PART] = Field(title="专业 programme")
    school: Annotated[PlannedOrganisation, PART] = Field(title="学校 school")
    centre: Annotated[PlannedOrganisation, PART] = Field(title="教学点 centre")
    union: Annotated[PlannedOrganisation, PART] = Field(title="审核工会 union")
    assessor: Annotated[PlannedOrganisation, PART] = Field(title="评价机构 assessor")
    finance: Annotated[PlannedOrganisation, PART] = Field(title="财务 finance")
    enterprises: Annotated[
        tuple[PlannedEnterprise, ...], Field(min_length=1), Wanted("at least one enterprise (至少一家企业)")
    ] = Field(title="企业 enterprises", description="提名职工的企业。The enterprises that nominate.")
    funding: Annotated[tuple[PlannedFunding, ...], LIST] = Field(
        default=(), title="资助 funding", description="各笔资助，可以没有。Where the money comes from; may stay empty."
    )
    windows: Annotated[tuple[PlannedWindow, ...], LIST] = Field(
        default=(),
        title="窗口 windows",
        description="有截止日期的事项，可以没有。What closes on a day; may stay empty.",
    )


def parse_plan(data: dict[str, Any]) -> Plan:
    """Check a plan's values. Raises PlanError with the first mistake in one sentence."""
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        raise PlanError(_first_mistake(error)) from None
    if plan.nomination_opens_on > plan.starts_on:
        raise PlanError("nomination_opens_on is after starts_on: nomination must open before the cohort starts")
    for contradiction in _contradictions(plan):
        raise PlanError(f"the plan contradicts itself: {contradiction}; correct it and open the plan again")
    return plan


def _contradictions(plan: Plan) -> Iterator[str]:
    programme = plan.programme
    named = [f"module {one.code}" for one in programme.modules]
    named += [f"funding {one.source}/{one.trigger}" for one in plan.funding]
    named += [f"enterprise {one.code}" for one in plan.enterprises]
    named += [f"window {one.name}" for one in plan.windows]
    yield from (f"{name} stands in the plan twice" for name, times in Counter(named).items() if times > 1)
    for one in programme.modules:
        if one.term > programme.terms:
            yield f"module {one.code} is taught in term {one.term} of a programme of {programme.terms} terms"
    credits = sum(one.credits for one in programme.modules)
    if credits < programme.credits_to_graduate:
        yield f"{programme.credits_to_graduate} credits are needed to graduate, but its modules give {credits}"


def _first_mistake(error: ValidationError) -> str:
    place, said = first_mistake(error)
    more = error.error_count() - 1
    rest = f" (and {more} more)" if more else ""
    return f"the plan's {place or 'the plan'} cannot be used: {said}{rest}; correct it and open the plan again"


def read_plan(source: Path | str) -> Plan:
    """Read a plan from a TOML file or its text. Raises PlanError in one sentence."""
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source
    except (OSError, UnicodeDecodeError):
        raise PlanError(f"the plan {source} cannot be read: give the path of a UTF-8 text file") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"the plan is not valid TOML ({error}); start from `yuanmeng cohort template`") from None
    return parse_plan(data)


def template_text() -> str:
    """Give the commented plan of `yuanmeng cohort template`, which opens as it is."""
    return resources.files("tasks").joinpath("plan_template.toml").read_text(encoding="utf-8")
