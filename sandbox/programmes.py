"""The two programmes the school teaches: their modules, credits and how a mark is made.

Belongs here: what a prospectus prints. Does not: when a class meets (timetable.py) or who studies (cohorts/).
Each comes to 80 credits, 76 of which graduate; the compulsory ones come to 60.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """A module: code, name, credits, kind, term, the formative share of its mark, each part to be passed."""

    code: str
    name: str
    credits: int
    kind: str
    term: int
    formative_share: str
    each_part: bool = False


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme of five terms, with the occupation and level of the skill certificate it ends with."""

    code: str
    name: str
    level: str
    occupation: str
    skill_level: int
    modules: tuple[Module, ...]
    credits_to_graduate: int = 76
    terms: int = 5

    def module(self, code: str) -> Module:
        """Return the module of that code."""
        return next(module for module in self.modules if module.code == code)


MECHATRONICS = Programme(
    "460301", "机电一体化技术", "junior-college", "电工", 4,
    (
        Module("JD101", "工程数学", 8, "compulsory", 1, "0.40"),
        Module("JD102", "机械制图与CAD", 10, "compulsory", 1, "0.40"),
        Module("JD201", "电工电子技术", 8, "compulsory", 2, "0.50"),
        Module("JD202", "机械设计基础", 8, "compulsory", 2, "0.40"),
        Module("JD301", "电气控制与PLC", 10, "compulsory", 3, "0.40", each_part=True),
        Module("JD302", "液压与气压传动", 8, "compulsory", 3, "0.30"),
        Module("JD401", "工业机器人应用", 8, "compulsory", 4, "0.50"),
        Module("JD402", "企业管理与精益生产", 8, "elective", 4, "0.60"),
        Module("JD501", "岗位综合实践", 6, "practice", 5, "0.60"),
        Module("JD502", "毕业设计（论文）", 6, "thesis", 5, "0.20"),
    ),
)  # fmt: skip

NUMERICAL_CONTROL = Programme(
    "460103", "数控技术", "junior-college", "车工", 4,
    (
        Module("SK101", "高等数学", 8, "compulsory", 1, "0.40"),
        Module("SK102", "机械制图", 10, "compulsory", 1, "0.40"),
        Module("SK201", "数控机床结构与原理", 8, "compulsory", 2, "0.50"),
        Module("SK202", "公差配合与技术测量", 8, "compulsory", 2, "0.40"),
        Module("SK301", "数控编程与加工", 10, "compulsory", 3, "0.40", each_part=True),
        Module("SK302", "CAD/CAM应用", 8, "compulsory", 3, "0.30"),
        Module("SK401", "多轴加工技术", 8, "compulsory", 4, "0.50"),
        Module("SK402", "质量管理", 8, "elective", 4, "0.60"),
        Module("SK501", "数控加工综合实践", 6, "practice", 5, "0.60"),
        Module("SK502", "毕业设计（论文）", 6, "thesis", 5, "0.20"),
    ),
)  # fmt: skip

PROGRAMMES = (MECHATRONICS, NUMERICAL_CONTROL)
