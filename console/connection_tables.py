"""How a check of the connections is laid out: part by part, from the address to the last stream.

Belongs here: words and rows of that table. Does not: trying a connection (tasks/connections.py).
"""

from console.tables import Parts, View, rows_or
from console.words import KIND, SOURCE_STATUS

PART = {
    "address": "地址 address",
    "tls": "证书 certificate (TLS)",
    "token-address": "令牌地址 token address",
    "login": "登录 login",
    "settings": "设置 settings",
    "time": "时限 time",
    "chat": "群聊 chat",
    "employment": "在职 employment",
    "terms": "学期 terms",
    "courses": "课程 courses",
    "classes": "教学班 classes",
    "people": "人员 people",
    "enrolments": "选课 enrolments",
    "line-items": "成绩项 line-items",
    "results": "成绩 results",
    "attendance": "考勤 attendance",
    "online-study": "在线学习 online-study",
    "consents": "同意书 consents",
    "documents": "材料 documents",
    "leave": "学习假 leave",
    "outcomes": "学习成果 outcomes",
    "objections": "异议 objections",
    "admissions": "录取 admissions",
    "registrations": "注册 registrations",
    "class-confirmations": "开班 class-confirmations",
    "skill-results": "技能成绩 skill-results",
    "skill-certificates": "技能证书 skill-certificates",
    "diplomas": "毕业证 diplomas",
    "payment-results": "付款结果 payment-results",
}


def check_table(value: View) -> Parts:
    """Whether each part of each connection works; a connection's name stands beside its first part."""
    rows = []
    for name, one in value["connections"].items():
        named = (name, KIND.get(one["kind"], one["kind"]))
        for part in one["parts"] or [{"part": "", **one}]:
            status = SOURCE_STATUS.get(part["status"], part["status"])
            rows.append((*named, PART.get(part["part"], part["part"]), status, part["reason"]))
            named = ("", "")
    columns = ("名称 name!", "类型 kind", "部分 part", "状态 status", "要做什么 what to fix")
    yield from rows_or(
        "连接 connections", columns, rows, "没有连接 nothing is connected: add [[connections]] to yuanmeng.toml"
    )
