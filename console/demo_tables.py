"""What the demo shows at its end: tables, Chinese beside English, and what to type next.

Belongs here: how the summary looks. Does not: what is in it (demo_summary.py).
"""

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from console import words
from console.rule_words import rules as rules_told
from models.rules.lifecycle import ALL_KINDS

if TYPE_CHECKING:
    from console.demo_summary import AlertsOfAKind, Ended

MOST_DIFFERENCES = 20


def show(ended: "Ended", home: Path) -> Iterator[Table | str]:
    """The tables of the summary in the order a coordinator would ask, then the closing lines."""
    summary = ended.summary
    yield from (_timeline(cohort) for cohort in summary["cohorts"])
    yield _endings(ended.endings)
    yield _money(summary["money"])
    yield _alerts(ended.alerts)
    yield _counts(summary)
    yield from _closing_lines(summary, home)


def _table(title: str, *columns: str, numbers: int = 0) -> Table:
    """A table whose last `numbers` columns are aligned to the right."""
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(columns, start=1):
        table.add_column(name, justify="right" if place > len(columns) - numbers else "left", overflow="fold")
    return table


def _timeline(cohort: dict[str, Any]) -> Table:
    table = _table(f"班级 cohort {cohort['code']}", "阶段 stage", "进入 entered", "离开 left")
    for one in cohort["timeline"]:
        table.add_row(words.stage(one["stage"]), one["entered"], one["left"] or "")
    return table


def _endings(endings: dict[tuple[str, str, str], int]) -> Table:
    table = _table("职工去向 participants by outcome", "班级 cohort", "结果 outcome", "原因 reason", "人数 people",
                   numbers=1)  # fmt: skip
    for (cohort, status, rules), number in endings.items():
        table.add_row(cohort, words.status(status), rules_told(rules), str(number))
    return table


def _money(money: dict[str, dict[str, str]]) -> Table:
    columns = ("核定 awarded", "支付 paid", "退回 returned", "冲销 reversed")
    table = _table("资金（元） money by source, yuan", "来源 source", *columns, numbers=len(columns))
    for source, row in money.items():
        table.add_row(words.MONEY_SOURCE.get(source, source), *(_yuan(value) for value in row.values()))
    return table


def _yuan(text: str) -> str:
    """Thousands apart, as accountants write them."""
    whole, point, cents = text.partition(".")
    return f"{int(whole):,}{point}{cents}"


def _alerts(alerts: "dict[str, AlertsOfAKind]") -> Table:
    columns = ("提醒\nraised", "升级\nescalated", "办结\nresolved", "最长天数\nlongest, days")
    table = _table("卡点提醒 alerts and how they ended", "事由 what was awaited", *columns, numbers=len(columns))
    for kind, one in alerts.items():
        told = f"{ALL_KINDS[kind].chinese}\n{ALL_KINDS[kind].what}"
        table.add_row(told, str(one.raised), str(one.escalated or ""), str(one.resolved), str(one.longest))
    return table


def _counts(summary: dict[str, Any]) -> Table:
    certificates, truth = summary["certificates"], summary["truth"]
    table = Table(title="结果 results", title_justify="left", show_header=False)
    table.add_row("毕业证书 diplomas", str(certificates["diploma"]))
    table.add_row("技能证书 skill certificates", str(certificates["skill"]))
    table.add_row("群消息 chat messages", str(summary["messages"]))
    table.add_row("未结提醒 alerts still open", str(summary["alerts"]["open"]))
    table.add_row(
        "与事实核对 facts compared with the truth", f"{truth['compared']}, {len(truth['differences'])} differ"
    )
    return table


def _closing_lines(summary: dict[str, Any], home: Path) -> Iterator[str]:
    """What differs from the truth, what lies where, and what to type next."""
    yield from (f"不符 differs: {line}" for line in summary["truth"]["differences"][:MOST_DIFFERENCES])
    command, folder = _command(), shlex.quote(_short(home))
    yield ""
    yield f"留下 left behind in {_short(home)}:"
    yield "  yuanmeng.db 数据库 the database · chat.html 群消息 the channel, for a browser"
    yield "  reports/report.xlsx, report.html 报表 the report · exchange/ 花名册 the rosters as they came"
    yield "接下来 type next:"
    yield f"  {command} cohort show {summary['cohorts'][0]['code']} --home {folder}"
    yield f"  {command} report --period 2024 --home {folder}"
    yield f"  {command} sandbox"


def _command() -> str:
    """How this command is typed here: by its name where the shell finds it, else by its path."""
    if shutil.which("yuanmeng"):
        return "yuanmeng"
    return shlex.quote(_short(Path(sys.argv[0]).absolute()))


def _short(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
