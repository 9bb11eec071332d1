"""What the record of a run shows of our database: a cohort's page, who is waited on, what waits for a decision.

Belongs here: plain values and text without names or numbers of people, bounded however many cohorts there are. Does not:
putting them into Prefect (flows/record.py).
"""

from datetime import date
from typing import Any

from models.clock import business_date
from models.repositories.lifecycle import unanswered, waits_by_holder
from models.repositories.organisations import cohorts_moved_on
from models.rules.lifecycle import STAGES, WAIT_KINDS
from tasks.messages import ROLES
from tasks.office import unit_of_work
from tasks.views import cohort_view

Line = dict[str, Any]
MOST_COHORTS = 50  # a night; the others are found by their codes in our own screens
MOST_LINES = 200
STAGE = {one.name: f"{one.chinese} {one.name.replace('_', ' ')}" for one in STAGES} | {"closed": "结班 closed"}


def moved_cohorts(as_of: date | None = None) -> list[str]:
    """The codes of the cohorts that came into another stage on the business date, a bounded number of them."""
    with unit_of_work() as session:
        return cohorts_moved_on(session, business_date(as_of), MOST_COHORTS)


def waits_lines(as_of: date | None = None) -> list[Line]:
    """Who is waited on for what: how many waits of how many cohorts, how many of them late, and since when."""
    with unit_of_work() as session:
        found = waits_by_holder(session, business_date(as_of))
    return [
        {"等谁 on": _role(one.holder), "等什么 for": _kind(one.kind), "件数 waits": one.waits, "班级 cohorts": one.cohorts,
         "逾期 late": one.late, "最早 since": one.since.isoformat()}
        for one in found
    ]  # fmt: skip


def inbox_lines() -> list[Line]:
    """What waits for a person's decision, the oldest first: the ids that the form `decide` asks for."""
    with unit_of_work() as session:
        found = [request for request, _ in unanswered(session)[:MOST_LINES]]
    return [
        {"编号 id": one.id, "类别 kind": one.kind, "班级 cohort": one.cohort_code, "学员 participant": one.participant_id or "",
         "由谁 by": _role(one.holder), "自 since": one.asked_on.isoformat()}
        for one in found
    ]  # fmt: skip


def cohort_page(code: str, as_of: date | None = None) -> str:
    """A cohort's page in Markdown: where it stands, its timeline, and who holds it up. Raises BadInput."""
    view = cohort_view(code, as_of)
    people = "，".join(f"{status} {number}" for status, number in sorted(view["participants"].items())) or "–"
    return "\n".join([
        f"# {code} {_cell(view['name'])}", "",
        f"**{STAGE[view['stage']]}**，自 since {view['entered']}。学员 participants: {people}", "",
        "## 进程 timeline",
        *_table(("阶段 stage", "进入 entered", "离开 left"),
                [(STAGE[one["stage"]], one["entered"], one["left"] or "") for one in view["timeline"]]), "",
        "## 在等谁 who holds it up",
        *_table(("等谁 on", "等什么 for", "人数 people", "自 since", "期限 due", "停滞 stalled"),
                [_wait(one) for one in view["waits"][:MOST_LINES]]),
    ])  # fmt: skip


def _wait(one: Line) -> tuple[str, ...]:
    holder = f"{_role(one['on'])} {one['holder']}".strip()
    return (holder, f"{one['chinese']} {one['for']}", str(one["people"] or ""), one["since"], one["due"] or "",
            "是 yes" if one["stalled"] else "")  # fmt: skip


def _table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> list[str]:
    return [_row(head), _row(("---",) * len(head)), *(_row(line) for line in lines)]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Names come from outside: none of them breaks a table, opens a link or shows as markup."""
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return plain.replace("<", "&lt;").replace("[", "\\[")


def _role(holder: str) -> str:
    return " ".join(ROLES.get(holder, (holder,)))


def _kind(kind: str) -> str:
    return f"{WAIT_KINDS[kind].chinese} {WAIT_KINDS[kind].what}"
