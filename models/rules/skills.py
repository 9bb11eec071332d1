"""Skill levels 技能等级: their names and their order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkillLevel:
    """A level of the skill certificate; `rank` grows with skill, `number` is printed (5 is the lowest of five)."""

    number: str
    chinese: str
    english: str
    rank: int


LEVELS: tuple[SkillLevel, ...] = (
    SkillLevel("apprentice", "学徒工", "apprentice", 0),
    SkillLevel("5", "初级工", "elementary", 1),
    SkillLevel("4", "中级工", "intermediate", 2),
    SkillLevel("3", "高级工", "advanced", 3),
    SkillLevel("2", "技师", "technician", 4),
    SkillLevel("1", "高级技师", "senior technician", 5),
    SkillLevel("special", "特级技师", "special-grade technician", 6),
    SkillLevel("chief", "首席技师", "chief technician", 7),
)
_BY_NUMBER = {level.number: level for level in LEVELS}


def skill_level(number: int | str) -> SkillLevel:
    """Give a level by what is printed. Raises LookupError for none of the eight."""
    if str(number) not in _BY_NUMBER:
        raise LookupError(f"{number} is no skill level: 5 (elementary) to 1 (senior technician)")
    return _BY_NUMBER[str(number)]


def meets(held: int | str, required: int | str) -> bool:
    """Say whether a certificate of one level satisfies a requirement of another."""
    return skill_level(held).rank >= skill_level(required).rank
