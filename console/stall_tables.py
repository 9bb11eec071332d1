"""Tables of stalls and alerts, Chinese beside English.

Belongs here: how they look. Does not: what is in them (tasks/views.py, tasks/alert_views.py) or the words (words.py).
"""

from typing import Any

from console.tables import Parts, View, awaited, due, lay_out, rows_or
from console.words import ALERT_STATUS, SEVERITY, SOURCE_STATUS, holder

NOTHING = "没有卡点 nothing is stalled"


def stall_tables(value: View) -> Parts:
    """Who holds what up: a heading and a table for each group, or one table by age."""
    if value["by"] == "age" or not value["stalls"]:
        yield from rows_or("卡点 stalls", _columns(""), [_row(one, "") for one in value["stalls"]], NOTHING)
        return
    for group in value["groups"]:
        rows = [_row(one, value["by"]) for one in group["stalls"]]
        yield lay_out(_heading(group, value["by"]), _columns(value["by"]), rows)


def _heading(group: View, by: str) -> str:
    """示例学院 holds 3 steps, 41 workers."""
    steps, workers = group["steps"], group["workers"]
    name = (
        group["name"] if group["name"] not in group["on"] else holder(group["name"])
    ) or "各班级之外 outside the cohorts"
    verb = ("办理", "holds") if by == "holder" else ("有", "has")
    return (
        f"{name}：{verb[0]} {steps} 项、涉及 {workers} 名职工，最早自 {group['since']}\n"
        f"{verb[1]} {_number(steps, 'step')}, {_number(workers, 'worker')}, the oldest since {group['since']}"
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


COLUMNS = ("班级 cohort!", "等谁 on", "等什么 for", "人数\npeople#", "自 since!", "期限 due", "超期工作日\ndays late#")


def _columns(by: str) -> list[str]:
    return [name for name in COLUMNS if not (by == "cohort" and name.startswith("班级"))]


def _row(one: View, by: str) -> list[Any]:
    cells = [
        one["cohort"], holder(one["on"], one["holder"]), awaited(one), one["people"] or "", one["since"], due(one),
        one["late"] or "",
    ]  # fmt: skip
    return cells[1:] if by == "cohort" else cells


def why_lines(value: View) -> Parts:
    """Why one worker has not moved, in both languages."""
    yield value["chinese"]
    yield value["english"]


def alerts_table(value: View) -> Parts:
    """The alerts, the oldest first."""
    columns = ("编号 id!", "状态 status", "事项 what, and who holds it", "人数\npeople#", "自 since!")
    rows = [
        (
            one["id"],
            f"{ALERT_STATUS[one['state']]} {_seen(one)}".strip(),
            _matter(one),
            one["people"] or "",
            one["since"],
        )
        for one in value["alerts"]
    ]
    yield from rows_or("提醒 alerts", columns, rows, "没有提醒 there is no alert")
    if any(one["state"] == "open" for one in value["alerts"]):
        yield "签收 acknowledge: yuanmeng alerts ack ID --reason REASON"


def _matter(one: View) -> str:
    """What is awaited in which cohort, how grave it is, and who holds it."""
    return (
        f"{one['cohort'] or ''} {awaited(one)}".strip()
        + f"\n{SEVERITY[one['severity']]}, {one['level']}级\n{holder(one['on'], one['holder'])}"
    )


def _seen(one: View) -> str:
    if one["state"] == "acknowledged":
        return f"{one['acknowledged_by']} {one['acknowledged_on']}"
    return str(one["snoozed_until"] or "") if one["state"] == "snoozed" else ""


def acknowledged_lines(value: View) -> Parts:
    """What an acknowledgement did."""
    yield f"已签收 acknowledged: {value['id']} ({value['acknowledged_by']}, {value['acknowledged_on']})"


def trial_lines(value: View) -> Parts:
    """What became of the test messages, a sentence each."""
    if not value["connections"]:
        yield "没有消息渠道 no chat is connected: add [[connections]] of kind slack or apprise to yuanmeng.toml"
    for name, one in value["connections"].items():
        yield f"{SOURCE_STATUS[one['status']]} {name}: {one['reason'] or '测试消息已送达 the test message has arrived'}"
