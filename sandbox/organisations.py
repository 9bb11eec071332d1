"""The organisations of the world, with unified social credit codes that pass their check.

Belongs here: names, codes, and the path under which each answers. Does not: people or programmes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation: its code (GB 32100), its name and its path on the sandbox's host."""

    code: str
    name: str
    path: str


FEDERATION = Organisation("81320200MC1234501H", "无锡市总工会（示例）", "federation")
SCHOOL = Organisation("123202004660001017", "无锡开放大学（示例）", "school")
CENTRE = Organisation("52320200MJ6000201J", "新吴校外教学点（示例）", "centre")
UNION = Organisation("81320200MC1234602A", "新吴区总工会（示例）", "union")
ASSESSOR = Organisation("52320200MJ60003018", "无锡市技能人才评价中心（示例）", "assessor")
FINANCE = Organisation("81320200MC12347033", "无锡市总工会财务部（示例）", "finance")

PRECISION = Organisation("91320214MA1YM10017", "星河精密制造（无锡）有限公司", "hr/91320214MA1YM10017")
DRIVES = Organisation("91320214MA1YM2002H", "太湖传动设备股份有限公司", "hr/91320214MA1YM2002H")
MOULDS = Organisation("91320214MA1YM3003U", "蠡湖模具科技有限公司", "hr/91320214MA1YM3003U")
ENTERPRISES = (PRECISION, DRIVES, MOULDS)
SUPERVISORS = {PRECISION.code: "钱守业", DRIVES.code: "严立新", MOULDS.code: "顾怀远"}
SLUGS = {PRECISION.code: "precision", DRIVES.code: "drives", MOULDS.code: "moulds"}
OFFICES = (SCHOOL, CENTRE, UNION, ASSESSOR, FINANCE)
