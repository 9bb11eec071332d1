"""Eligibility 资格: what becomes of a nominated worker's row, by which rules and in which words.

Belongs here: judging one row. Does not: reading sheets (connectors) or asking people (tasks/nomination.py).
Refused = what the row says breaks a rule; held = something is missing or doubled that a person can settle.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from models.rules.identifiers import (
    Invalid,
    ResidentId,
    age_on,
    bank_card,
    credit_code,
    mobile,
    normalise,
    person_name,
    resident_id,
    sheet_date,
)
from models.rules.policy import Policy

HOUSEHOLDS = {"农村": "rural", "农业": "rural", "农业户口": "rural", "农业户籍": "rural", "农村户口": "rural", "RURAL": "rural",
              "城镇": "urban", "非农业": "urban", "非农业户口": "urban", "非农": "urban", "城市": "urban", "居民": "urban",
              "城镇户口": "urban", "URBAN": "urban"}  # fmt: skip
SEXES = {"男": "male", "女": "female", "M": "male", "F": "female", "MALE": "male", "FEMALE": "female"}
BELOW, SENIOR, JUNIOR_COLLEGE = 0, 1, 2
EDUCATION = {
    "小学": BELOW, "初中": BELOW, "初中毕业": BELOW,
    "高中": SENIOR, "中专": SENIOR, "职高": SENIOR, "技校": SENIOR, "中职": SENIOR, "中技": SENIOR, "职业高中": SENIOR, "普通高中": SENIOR,
    "大专": JUNIOR_COLLEGE, "专科": JUNIOR_COLLEGE, "高职": JUNIOR_COLLEGE, "大学专科": JUNIOR_COLLEGE,
    "本科": 3, "大学": 3, "大学本科": 3, "学士": 3, "研究生": 4, "硕士": 4, "博士": 5,
}  # fmt: skip
ENTRY_LEVEL = {"junior-college": SENIOR, "bachelor": JUNIOR_COLLEGE}
YES, NO = (
    frozenset({"是", "√", "✓", "Y", "YES", "1", "TRUE", "会员"}),
    frozenset({"否", "×", "N", "NO", "0", "FALSE", "非会员"}),
)


@dataclass(frozen=True, slots=True)
class Nomination:
    """One row as the sheet holds it: text, numbers, dates or nothing."""

    name: Any = None
    sex: Any = None
    resident_id: Any = field(default=None, repr=False)
    household: Any = None
    education: Any = None
    mobile: Any = field(default=None, repr=False)
    hired_on: Any = None
    union_member: Any = None
    bank_card: Any = field(default=None, repr=False)
    full_time_student: Any = None
    employer_code: Any = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A nominee whose row could be read, with every value normalised; what was missing is None."""

    name: str
    sex: str
    resident_id: ResidentId
    household: str | None
    education: str | None
    mobile: str | None = field(repr=False)
    hired_on: date | None
    union_member: bool | None
    bank_card: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a row: accepted, held or refused, by which rules, in which words; its candidate if readable."""

    status: str
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    candidate: Candidate | None


Finding = tuple[str, str, str]  # outcome, rule, reason


def judge_nomination(
    nomination: Nomination,
    level: str,
    nominated_on: date,
    enterprise_code: str,
    policy: Policy,
    *,
    seen_in_roster: bool = False,
    open_elsewhere: bool = False,
    funded_levels: frozenset[str] = frozenset(),
) -> Judgement:
    """Judge a nominee's row for a cohort of a level; every rule it breaks is named, refused before held."""
    reader = _Reader()
    candidate = _read(nomination, reader)
    findings = [*reader.findings]
    if candidate is not None:
        findings += _against_the_programme(candidate, level, nominated_on, policy, funded_levels)
        findings += _doubled(seen_in_roster, open_elsewhere)
    findings += _employment(nomination, enterprise_code)
    findings.sort(key=lambda finding: finding[0] != "refused")
    status = findings[0][0] if findings else "accepted"
    return Judgement(status, tuple(f[1] for f in findings), tuple(f[2] for f in findings), candidate)


class _Reader:
    """Reads cells one after the other and keeps what was wrong with them."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def take(self, read: Callable[[Any], Any], value: Any, outcome: str) -> Any:
        try:
            return read(value)
        except Invalid as error:
            self.findings.append((outcome, error.rule, str(error)))
            return None


def _read(row: Nomination, reader: _Reader) -> Candidate | None:
    number = reader.take(resident_id, row.resident_id, "refused")
    name = reader.take(person_name, row.name, "refused")
    sex = reader.take(_sex, row.sex, "held") if not _blank(row.sex) else None
    if sex is not None and number is not None and sex != number.sex:
        reader.findings.append(
            ("refused", "sex-differs", "性别与身份证号不符：请核对 sex and resident ID disagree: check both")
        )
    hired = reader.take(sheet_date, row.hired_on, "refused") if not _blank(row.hired_on) else None
    phone = reader.take(mobile, row.mobile, "held")
    card = reader.take(bank_card, row.bank_card, "held") if not _blank(row.bank_card) else None
    household = reader.take(household_of, row.household, "held")
    education = reader.take(education_of, row.education, "held")
    if number is None or name is None:
        return None
    return Candidate(name, number.sex, number, household, education, phone, hired, _yes(row.union_member), card)


def _blank(value: Any) -> bool:
    return value is None or not normalise(str(value))


def _sex(value: Any) -> str:
    word = SEXES.get(normalise(str(value)))
    if word is None:
        raise Invalid("sex-invalid", "性别应填男或女 write 男 or 女 for the sex")
    return word


def household_of(value: Any) -> str:
    """Read the household registration 户口性质 as rural or urban, from evidence and never from an ID. Raises Invalid."""
    word = None if _blank(value) else HOUSEHOLDS.get(normalise(str(value)))
    if word is None:
        raise Invalid(
            "household-evidence-missing",
            "户口性质未填：请提供户口证明 the household registration is missing: send its evidence",
        )
    return word


def education_of(value: Any) -> str:
    """Read the education 文化程度 as one of the words of EDUCATION. Raises Invalid."""
    word = None if _blank(value) else normalise(str(value))
    if word is None or word not in EDUCATION:
        raise Invalid(
            "education-missing",
            "文化程度未填或无法识别：请提供学历证明 the education is missing or not known: send its evidence",
        )
    return word


def _yes(value: Any) -> bool | None:
    word = "" if value is None else normalise(str(value))
    return True if word in YES else False if word in NO else None


def _against_the_programme(
    candidate: Candidate, level: str, nominated_on: date, policy: Policy, funded_levels: frozenset[str]
) -> Iterator[Finding]:
    """Age, entry level and earlier funding (our default, 2025 plan)."""
    if age_on(candidate.resident_id.birth, nominated_on) < policy.min_age:
        yield (
            "refused",
            "under-age",
            f"推荐之日未满{policy.min_age}周岁 under {policy.min_age} on the day of nomination",
        )
    if candidate.education is not None and not reaches_entry_level(candidate.education, level):
        yield "refused", "entry-level", entry_level_reason(level)
    if level in funded_levels:
        yield "refused", "already-funded", "已享受过同层次资助 already funded once for this level"


def reaches_entry_level(education: str, level: str) -> bool:
    """Say whether an education suffices: senior-secondary for junior college 专科, 专科 for bachelor 本科."""
    return EDUCATION[education] >= ENTRY_LEVEL[level]


def entry_level_reason(level: str) -> str:
    """Give the sentence for an education that does not suffice."""
    needed = "高中（中专、职高、技校）" if level == "junior-college" else "专科"
    return f"文化程度未达报读要求：须{needed}毕业 the education does not reach the entry level"


def _doubled(seen_in_roster: bool, open_elsewhere: bool) -> Iterator[Finding]:
    if seen_in_roster:
        yield (
            "held",
            "nominated-twice",
            "同一花名册中重复推荐：请协调员确认 stands twice in this roster: the coordinator decides",
        )
    if open_elsewhere:
        yield (
            "held",
            "nominated-elsewhere",
            "已由另一企业或班级推荐：请协调员确认 nominated elsewhere already: the coordinator decides",
        )


def _employment(row: Nomination, enterprise_code: str) -> Iterator[Finding]:
    if _yes(row.full_time_student):
        yield "refused", "full-time-student", "全日制在校生不在资助范围 a full-time student cannot take part"
    if not _blank(row.employer_code):
        try:
            differs = credit_code(str(row.employer_code)) != enterprise_code
        except Invalid:
            differs = normalise(str(row.employer_code)) != enterprise_code
        if differs:
            yield "refused", "employer-differs", "工作单位与推荐企业不符 the employer is not the nominating enterprise"
