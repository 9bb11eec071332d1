"""Rich tables for people, Chinese beside English.

Belongs here: how results look. Does not: what is in them (tasks/views.py) or the words (words.py).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from console.rule_words import rules
from console.words import (
    ACTION,
    ANSWER,
    HOUSEHOLD,
    KIND,
    LINE,
    MODULE_STATE,
    MONEY_SOURCE,
    SOURCE_STATUS,
    holder,
    period,
    stage,
    status,
    subject,
)
from models.rules.lifecycle import WAIT_KINDS

LISTED = 20  # rows of the quarantine that a screen shows one by one
REVEALED = {"resident_id": "身份证号 resident ID", "mobile": "手机 mobile", "bank_card": "银行卡 bank card"}

View = dict[str, Any]
Parts = Iterator[RenderableType]


def lay_out(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """Lay out rows; a column whose name ends with `#` is of numbers, one with `!` of what is copied: never broken."""
    table = Table(title=title, title_justify="left")
    for name in columns:
        number, whole = name.endswith("#"), name.endswith("!")
        table.add_column(name.rstrip("#!"), justify="right" if number else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    return table


def rows_or(title: str, columns: Iterable[str], rows: list[Any], nothing: str) -> Parts:
    """Lay out rows; where there is none, say so."""
    yield lay_out(title, columns, rows) if rows else nothing


def _counted(participants: dict[str, int]) -> str:
    return ", ".join(f"{status(name)} {number}" for name, number in participants.items())


def connection_table(value: View) -> Parts:
    """What is connected."""
    rows = [
        (one["name"], KIND.get(one["kind"], one["kind"]), one["organisation"], one["base_url"])
        for one in value["connections"]
    ]
    columns = ("名称 name!", "类型 kind", "机构 organisation!", "地址 address")
    yield from rows_or(
        "连接 connections", columns, rows, "没有连接 nothing is connected: add [[connections]] to yuanmeng.toml"
    )


def roster_tables(value: View) -> Parts:
    """What became of a roster: the rows that are not accepted, and the counts."""
    rows = [
        (row["row"], status(row["status"]), "；".join(row.get("reasons", ())), row["id"])
        for row in value["rows"]
        if row["status"] != "accepted"
    ]
    if rows:
        columns = ("行 row#", "结果 result", "原因 reasons", "编号 id!")
        yield lay_out(f"花名册 roster for {value['cohort']}", columns, rows)
    counts = ", ".join(f"{status(name)} {value[name]}" for name in ("accepted", "held", "refused"))
    yield f"共 {len(value['rows'])} 行 rows: {counts}"
    if value.get("copy"):
        yield f"原因已写入 the sheet with its reasons: {value['copy']}"


def cohorts_table(value: View) -> Parts:
    """Every cohort in a line."""
    rows = [
        (
            one["code"],
            one["name"],
            stage(one["stage"]),
            one["entered"],
            _counted(one["participants"]),
            one["stalled"] or "",
        )
        for one in value["cohorts"]
    ]
    columns = ("代码 code!", "班级 name", "阶段 stage", "进入 entered", "职工 participants", "卡点\nstalled#")
    yield from rows_or(
        "班级 cohorts", columns, rows, "没有班级 there is no cohort yet: `yuanmeng cohort open PLAN.toml`"
    )


def cohort_tables(value: View) -> Parts:
    """One cohort: its timeline, who holds it up, its people."""
    yield f"班级 cohort {value['code']} {value.get('name', '')}: {stage(value['stage'])}, 自 since {value['entered']}"
    rows = [(stage(one["stage"]), one["entered"], one["left"]) for one in value["timeline"]]
    yield lay_out("进程 timeline", ("阶段 stage", "进入 entered", "离开 left"), rows)
    yield from _waits("等待 waits", value["waits"], "没有等待事项 nothing is awaited")
    yield f"职工 participants: {_counted(value['participants']) or '暂无 none yet'}"
    if "people" in value:
        yield from _people(value["people"])
    elif value["participants"]:
        yield f"名单 who they are: yuanmeng cohort show {value['code']} --people"


def _people(people: list[View]) -> Parts:
    rows = [
        (one["name"], one["enterprise"], f"{status(one['status'])}\n{rules(one['rule'])}".strip(), stage(one["stage"]), one["id"])
        for one in people
    ]  # fmt: skip
    columns = ("姓名 name", "企业 enterprise", "状态 status", "阶段 stage", "编号 id!")
    yield from rows_or("名单 people", columns, rows, "nobody is nominated yet: `yuanmeng roster import`")


def _waits(title: str, waits: list[View], nothing: str) -> Parts:
    columns = ["等谁 on", "等什么 for", "人数\npeople#", "自 since", "期限 due", "超期\nstalled"]
    rows = [
        [holder(one["on"], one.get("holder", "")), awaited(one), one.get("people") or "", one["since"], due(one),
         "是 yes" if one["stalled"] else ""]
        for one in waits
    ]  # fmt: skip
    yield from rows_or(title, columns, rows, nothing)


def awaited(wait: View) -> str:
    """What is awaited, and what it is about."""
    what = f"{wait.get('chinese', '')} {wait['for']}".strip()
    return f"{what} ({subject(wait['subject'])})" if wait.get("subject") else what


def due(wait: View) -> str:
    """Until when; a day in a year whose calendar is not out is marked as about."""
    return f"{'约 about ' if wait.get('provisional') else ''}{wait['due'] or ''}"


def inbox_table(value: View) -> Parts:
    """What waits for a person's decision."""
    rows = [(one["id"], one["cohort"], one["name"], one["question"], one["since"]) for one in value["inbox"]]
    columns = ("编号 id!", "班级 cohort!", "职工 worker", "问题 question", "自 since")
    yield from rows_or("待办 inbox", columns, rows, "没有待办 nothing waits for a decision")
    if rows:
        yield "回答 answer: yuanmeng decide ID... approve --reason REASON (or refuse)"


def decided_table(value: View) -> Parts:
    """What was decided, and what could not be."""
    yield f"已决定 decided: {len(value['decided'])}"
    if value["refused"]:
        rows = [(one["id"], one["reason"]) for one in value["refused"]]
        yield lay_out("未能决定 not decided", ("编号 id!", "原因 why"), rows)


def sync_tables(value: View) -> Parts:
    """What each source brought."""
    columns = ("连接 connection!", "数据流 stream!", "读\nread#", "写入\nwritten#", "未变\nsame#", "删除\nremoved#",
               "隔离\nheld#", "秒\ns#")  # fmt: skip
    counted = ("read", "written", "unchanged", "removed", "quarantined", "seconds")
    rows = [
        (name, stream, *(counts[each] for each in counted))
        for name, one in value["connections"].items()
        for stream, counts in one["streams"].items()
    ]
    yield from rows_or(
        "同步 sync", columns, rows, "没有连接 nothing is connected: add [[connections]] to yuanmeng.toml"
    )
    yield from _spent(value["connections"])
    for name, one in value["connections"].items():
        rosters = one.get("rosters")
        if rosters and rosters["files"]:
            yield (f"花名册 rosters {name}: {rosters['files']} 份 files, {rosters['accepted']} 通过 accepted, "
                   f"{rosters['held']} 待定 held, {rosters['refused']} 不通过 refused")  # fmt: skip
        if one["reason"]:
            status_of = "deferred" if one["status"] == "ok" else one["status"]
            yield f"{SOURCE_STATUS.get(status_of, status_of)} {name}: {one['reason']}"
    if "cohorts" in value:
        yield from _looks(value["cohorts"])


def _looks(cohorts: View) -> Parts:
    """How many cohorts were looked at; and which moved though no news had told it."""
    yield f"班级 cohorts: {cohorts['looked_at']} / {cohorts['of']} 已查看 looked at, {cohorts['by_round']} 为例行 by their round"
    if cohorts["missed"]:
        yield (f"注意 {', '.join(cohorts['missed'])}: 例行查看才发现的变化 moved though no news had told it: tell whoever looks "
               "after Yuanmeng")  # fmt: skip
    if cohorts["broken"]:
        named = "; ".join(f"{code} ({what})" for code, what in cohorts["broken"].items())
        yield f"未能推进 could not be advanced: {named}: 其余已推进 all others were; tell whoever looks after Yuanmeng"


def _spent(connections: View) -> Parts:
    """What the reading of each source cost."""
    counted = ("requests", "bytes", "retries", "seconds")
    rows = []
    for name, one in connections.items():
        requests, received, retries, seconds = (
            sum(stream[each] for stream in one["streams"].values()) for each in counted
        )
        if requests:
            rows.append((name, requests, f"{received / 1024:,.0f}", retries, f"{seconds:.1f}"))
    columns = ("连接 connection!", "请求 requests#", "千字节 KB#", "重试 retries#", "秒 seconds#")
    if rows:
        yield lay_out("花费 cost", columns, rows)


def quarantine_tables(value: View) -> Parts:
    """How many rows broke which rule, and the oldest of them, each with all it broke."""
    counted = [
        (one["connection"], one["stream"], rules(one["rule"]), one["rows"], one["since"]) for one in value["rules"]
    ]
    columns = ("连接 connection", "数据流 stream", "规则 rule", "行 rows#", "自 since")
    yield from rows_or("隔离 quarantine", columns, counted, "没有隔离的记录 nothing is held back")
    rows = [(one["id"], one["connection"], one["stream"], rules(one["rules"])) for one in value["quarantine"][:LISTED]]
    if rows:
        yield lay_out("记录 rows", ("编号 id!", "连接 connection", "数据流 stream", "规则 rules it broke"), rows)
    if len(value["quarantine"]) > LISTED:
        yield f"另有 and {len(value['quarantine']) - LISTED} 行 more: yuanmeng quarantine list --json"
    if rows:
        yield "请对方更正后重试 once the source has corrected them: yuanmeng quarantine retry"


def retried_lines(value: View) -> Parts:
    """What a retry cured."""
    yield f"重试 retried: {value['cured']} 已放行 cured, {value['left']} 仍隔离 still held back"


def worker_tables(value: View) -> Parts:
    """One worker's whole story."""
    household = HOUSEHOLD.get(value["household"] or "", "")
    facts = [value["id"], value["resident_id"], household, value["education"] or ""]
    yield f"职工 worker {value['name']}: " + ", ".join(fact for fact in facts if fact)
    for name, number in (value.get("revealed") or {}).items():
        yield f"  {REVEALED[name]}: {number or '-'}"
    for one in value["participations"]:
        yield from _participation(one)
    rows = [
        (line["on"], ACTION.get(line["action"], line["action"]), line["actor"],
         " ".join(part for part in (ANSWER.get(line["detail"], ""), line["reason"]) if part))
        for line in value["audit"]
    ]  # fmt: skip
    if rows:
        yield lay_out("记录 audit trail", ("日期 on", "动作 action", "经办 actor", "原因 reason"), rows)


def _participation(one: View) -> Parts:
    told = f"{status(one['status'])}, {stage(one['stage'])}"
    why = f" ({rules(one['rule'])}: {one['reason']})" if one["rule"] else ""
    yield f"班级 cohort {one['cohort']} ({one['id']}): {told}{why}"
    yield lay_out("进程 steps", ("阶段 stage", "进入 entered", "离开 left"),
                 [(stage(step["stage"]), step["entered"], step["left"]) for step in one["steps"]])  # fmt: skip
    if one["modules"]:
        columns = ("课程 module", "状态 state", "成绩 mark#", "学分 credits#", "出勤 present#", "说明 why")
        rows = [
            (f"{each['module']} {each['name']}", MODULE_STATE[each["state"]], each["mark"], each["credits"],
             f"{each['present']}/{each['held']}" if each["held"] else "", rules(each["rule"]))
            for each in one["modules"]
        ]  # fmt: skip
        yield lay_out("课程 modules", columns, rows)
    if one["money"]:
        headings = ("日期 on", "类别 kind", "来源 source", "期 period", "金额 yuan#")
        lines = [
            (line["on"], LINE[line["kind"]], MONEY_SOURCE[line["source"]], period(line["period"]), line["amount"])
            for line in one["money"]
        ]
        yield lay_out("资金 money", headings, lines)
    for wait in one["waits"]:
        chinese = WAIT_KINDS[wait["kind"]].chinese
        yield f"等待 waits for: {chinese} {wait['for']} ({holder(wait['on'])}), 自 since {wait['since']}"
