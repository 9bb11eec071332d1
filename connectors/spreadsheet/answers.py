"""Answers to what we sent: admissions, student numbers, results of assessments and numbers of certificates.

Belongs here: from a row of a sheet to the record of its answer. Does not: marks (marks.py).
A row names what it answers by our own id of it, or by the number of the worker as our list in the folder has it.
A row without an answer is no answer yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.spreadsheet import cells
from connectors.spreadsheet.cells import Values, WrongCell
from models.records import AdmissionDecision, Diploma, Record, Registration, SkillCertificate, SkillResult
from models.rules.identifiers import Invalid, skill_certificate_number

ADMISSIONS = {
    "录取": "admitted", "已录取": "admitted", "拟录取": "admitted", "通过": "admitted", "是": "admitted",
    "admitted": "admitted", "yes": "admitted",
    "未录取": "refused", "不录取": "refused", "不予录取": "refused", "未通过": "refused", "退档": "refused", "否": "refused",
    "refused": "refused", "rejected": "refused", "no": "refused",
    "待定": "pending", "审核中": "pending", "pending": "pending",
}  # fmt: skip
SKILLS = {
    "合格": "passed", "通过": "passed", "及格": "passed", "是": "passed", "passed": "passed", "pass": "passed",
    "不合格": "failed", "未通过": "failed", "不及格": "failed", "否": "failed", "缺考": "failed", "failed": "failed", "fail": "failed",
}  # fmt: skip
LEVELS = {
    "初级工": 5, "初级": 5, "五级": 5, "中级工": 4, "中级": 4, "四级": 4, "高级工": 3, "高级": 3, "三级": 3, "技师": 2, "二级": 2,
    "高级技师": 1, "一级": 1, **{str(level): level for level in range(1, 6)},
}  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What our lists in the folder say we sent: our ids by the worker's numbers, and the school's own words.

    `ids` are by resource ("applications"), then by resident ID or student number.
    """

    ids: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict, repr=False)
    admissions: Mapping[str, str] = field(default_factory=lambda: ADMISSIONS)
    skills: Mapping[str, str] = field(default_factory=lambda: SKILLS)

    def id_of(self, row: Values, column: str, resource: str) -> str:
        """Give our id of what a row answers. Raises WrongCell."""
        if cells.cell(row, column) is not None:
            return cells.number(row, column, missing="answer-to-nothing")
        if cells.cell(row, "resident_id") is not None:
            key = cells.resident_id(row)
        else:
            key = cells.number(row, "student_number", missing="answer-to-nothing")
        found = self.ids.get(resource, {}).get(key, frozenset())
        if len(found) != 1:
            raise WrongCell("match-ambiguous" if found else "answer-to-nothing")
        return next(iter(found))


def _meaning(words: Mapping[str, str], said: str) -> str:
    if said not in words:
        raise WrongCell("answer-unknown")
    return words[said]


def admission(row: Values, sent: Sent) -> Record | None:
    """Read whether an applicant was admitted."""
    said = cells.word(row, "admission", "status")
    if said is None:
        return None
    key = sent.id_of(row, "application_id", "applications")
    return AdmissionDecision(
        source_id=f"admission:{key}", application_id=key, status=_meaning(sent.admissions, said),
        reason=cells.text(row, "reason"), decided_on=cells.optional_day(row, "decided_on", "day"),
    )  # fmt: skip


def registration(row: Values, sent: Sent) -> Record | None:
    """Read a student number."""
    if cells.cell(row, "student_number") is None:
        return None
    by_number = {name: value for name, value in row.items() if name != "student_number"}
    key = sent.id_of(by_number, "application_id", "applications")
    return Registration(
        source_id=f"registration:{key}", application_id=key, status="registered",
        student_number=cells.number(row, "student_number", missing="number-form"),
        registered_on=cells.day(row, "registered_on", "day"),
    )  # fmt: skip


def skill_result(row: Values, sent: Sent) -> Record | None:
    """Read the result of a skill assessment."""
    said = cells.word(row, "skill", "status")
    if said is None:
        return None
    key, score = sent.id_of(row, "registration_id", "skill-registrations"), cells.cell(row, "score")
    return SkillResult(
        source_id=f"skill-result:{key}", registration_id=key, status=_meaning(sent.skills, said),
        score=cells.points(score) if score is not None else None, assessed_on=cells.day(row, "assessed_on", "day"),
    )  # fmt: skip


def skill_certificate(row: Values, sent: Sent) -> Record | None:
    """Read the number of a skill certificate; its level stands in the number too."""
    if cells.cell(row, "skill_number", "number") is None:
        return None
    key = sent.id_of(row, "registration_id", "skill-registrations")
    number = cells.number(row, "skill_number", "number", missing="number-form")
    return SkillCertificate(
        source_id=f"skill-certificate:{key}", registration_id=key, number=number, level=_level(row, number),
        issued_on=cells.day(row, "issued_on", "day"),
    )  # fmt: skip


def _level(row: Values, number: str) -> int:
    said = cells.word(row, "skill_level")
    if said is not None:
        if said.partition("/")[0] not in LEVELS:
            raise WrongCell("level-unknown")
        return LEVELS[said.partition("/")[0]]
    try:
        return skill_certificate_number(number).level
    except Invalid as error:
        raise WrongCell(error.rule) from None


def diploma(row: Values, sent: Sent) -> Record | None:
    """Read the number of a diploma."""
    if cells.cell(row, "diploma_number", "number") is None:
        return None
    key = sent.id_of(row, "graduation_id", "graduations")
    return Diploma(
        source_id=f"diploma:{key}", graduation_id=key, issued_on=cells.day(row, "issued_on", "day"),
        number=cells.number(row, "diploma_number", "number", missing="number-form"),
    )  # fmt: skip


ANSWERS: dict[str, Callable[[Values, Sent], Record | None]] = {
    "admissions": admission, "registrations": registration, "skill-results": skill_result,
    "skill-certificates": skill_certificate, "diplomas": diploma,
}  # fmt: skip
# Our lists in the folder: where each lies, our id in it, and the number by which it names the worker.
LISTS: dict[str, tuple[str, str]] = {
    "applications": ("application_id", "resident_id"), "skill-registrations": ("registration_id", "resident_id"),
    "graduations": ("graduation_id", "student_number"),
}  # fmt: skip


def answers_named(words: Mapping[str, Any]) -> dict[str, str]:
    """Bring the words of an option to the form in which cells are compared."""
    return {cells.word({"said": said}, "said") or "": str(meaning) for said, meaning in words.items()}
