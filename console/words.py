"""The words people read for the codes machines keep, Chinese beside English.

Belongs here: names of stages, statuses, holders and money for every screen. Does not: the names of rules
(rule_words.py) or how a screen looks (tables.py).
"""

from models.rules.lifecycle import STAGES
from tasks.messages import MONEY, PERIODS

STAGE = {stage.name: f"{stage.chinese} {stage.name.replace('_', ' ')}" for stage in STAGES} | {"closed": "结班 closed"}
STATUS = {
    "accepted": "通过 accepted",
    "active": "在读 active",
    "held": "待补 held",
    "refused": "未通过 refused",
    "withdrawn": "退出 withdrawn",
    "completed": "双证完成 completed",
    "incomplete": "未达标 incomplete",
}
HOLDER = {
    "enterprise_hr": "企业人事 enterprise HR",
    "union": "工会 union",
    "school": "学校 school",
    "centre": "教学点 centre",
    "assessor": "评价机构 assessor",
    "union_finance": "工会财务 union finance",
    "coordinator": "协调员 coordinator",
    "worker": "职工 worker",
    "supervisor": "班组长 supervisor",
    "department": "教育部门 education department",
}
ALERT_STATUS = {
    "open": "未处理 open",
    "acknowledged": "已签收 acknowledged",
    "snoozed": "暂缓 snoozed",
    "resolved": "已办结 resolved",
}
SEVERITY = {"urgent": "紧急 urgent", "warning": "警告 warning", "info": "提示 info"}
SOURCE_STATUS = {"ok": "正常 ok", "held": "待确认 held", "failed": "失败 failed", "deferred": "推迟 deferred"}
KIND = {
    "scim": "人事 HR (scim)",
    "oneroster": "教务 school (oneroster)",
    "moodle": "网课 Moodle",
    "xapi": "学习记录 learning records (xapi)",
    "partner": "办件 partner",
    "slack": "通知 chat (slack)",
    "apprise": "通知 chat (apprise)",
}
MODULE_STATE = {
    "enrolled": "在修 enrolled",
    "awaiting-result": "待成绩 awaiting result",
    "awaiting-make-up": "待补考 awaiting make-up",
    "passed": "合格 passed",
    "failed": "不合格 failed",
    "exempt": "免修 exempt",
    "barred": "不得考试 barred",
}
LINE = {"award": "核定 award", "payment": "支付 payment", "return": "退回 return", "reversal": "冲销 reversal"}
MONEY_SOURCE = {code: " ".join(words) for code, words in MONEY.items()}
PERIOD = {code: " ".join(words) for code, words in PERIODS.items()}
HOUSEHOLD = {"rural": "农村户口 rural household", "urban": "城镇户口 urban household"}
ACTION = {
    "cohort-opened": "开班 cohort opened",
    "roster-imported": "导入花名册 roster imported",
    "override": "特批 override",
    "revealed": "查看明文 numbers revealed",
    "withdrawn": "退出 withdrawn",
    "consent-recorded": "登记同意书 consent recorded",
    "consent-withdrawn": "撤回同意 consent withdrawn",
    "kept-house": "按期清理 kept house",
    "keys-rotated": "更换密钥 keys rotated",
    "stream-released": "放行数据流 stream released",
    "alert-acknowledge": "签收提醒 alert acknowledged",
    "alert-snooze": "暂缓提醒 alert snoozed",
    "alert-retry": "要求重试 retry asked for",
    "alert-retried": "重试完毕 tried again",
    "decided-review": "审核 review decided",
    "decided-nominated-twice": "重复推荐处理 doubled row decided",
    "decided-nominated-elsewhere": "多处推荐处理 second nomination decided",
    "decided-recognition": "学习成果认定 recognition decided",
}
ANSWER = {"approve": "同意 approve", "refuse": "不同意 refuse"}


def stage(code: str) -> str:
    """Give the name of a stage."""
    return STAGE.get(code, code)


def status(code: str) -> str:
    """Give the name of a participant's or row's status."""
    return STATUS.get(code, code)


def holder(code: str, name: str = "") -> str:
    """Give who holds a wait: his role, and the organisation's name where one is known."""
    role = HOLDER.get(code, code)
    return f"{role}: {name}" if name else role


def period(code: str) -> str:
    """Give the name of a period of payment: a year of study, or the occasion."""
    return f"第{code[5:]}年 year {code[5:]}" if code.startswith("year-") else PERIOD.get(code, code)


def subject(code: str) -> str:
    """Give what a wait is about: a module's or class's code as it is, a source of money in words."""
    source, separator, when = code.partition(":")
    return f"{MONEY_SOURCE[source]}, {period(when)}" if separator and source in MONEY_SOURCE else code
