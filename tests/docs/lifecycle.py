"""Writes docs/lifecycle.md from the lifecycle's own table: `python -m tests.docs.lifecycle`."""

from collections.abc import Iterator
from pathlib import Path

from models.rules.lifecycle import STAGES, WAIT_KINDS, WATCH_KINDS, Limit, WaitKind

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"
ROLES = {
    "enterprise_hr": "enterprise HR", "union_finance": "union finance", "department": "education department",
    "supervisor": "supervisor and tutor",
}  # fmt: skip
INTRODUCTION = """\
# The lifecycle

Written from `models/rules/lifecycle.py` by `python -m tests.docs.lifecycle`; a test holds the two equal.
The limits are our defaults; working days follow the official calendar, make-up weekends included. What counts in
working days is a stall on the first working day after its last; what counts in nights, once so many have passed.
"""


POLICY = """\
## Other limits

A province or school sets its own in `yuanmeng.toml`, each from a day on; what is awaited already moves with them.
The first number is the first limit; one role more than the table has, with its number, is one escalation more.

```toml
[[policies]]
version = "JS-2027"
effective_from = 2027-01-01
[policies.limits]
review-decision = [7, 12]
[policies.whom]
review-decision = ["union", "coordinator"]
[policies.severity]
review-decision = "urgent"
```
"""


def page() -> str:
    """Give the text of the page."""
    return "\n".join([INTRODUCTION, *_stages(), "", *_waits(), "", *_watched(), "", POLICY])


def _stages() -> Iterator[str]:
    yield "## Stages\n"
    yield "| # | stage | ends with | waits on |\n|---|---|---|---|"
    for number, stage in enumerate(STAGES, start=1):
        on = ", ".join(_role(one) for one in stage.waits_on)
        yield f"| {number} | **{stage.name.replace('_', ' ')}** {stage.chinese} | {stage.ends_with} | {on} |"


def _waits() -> Iterator[str]:
    yield "## What is awaited, and when that is a stall\n"
    yield "| kind | in | awaited | on | a stall after, and who is told |\n|---|---|---|---|---|"
    for kind in WAIT_KINDS.values():
        limits = "; ".join(_limit(kind, limit) for limit in kind.limits) or "never"
        stage = kind.stage.replace("_", " ")
        yield f"| `{kind.name}` | {stage} | {kind.what} {kind.chinese} | {_role(kind.holder)} | {limits} |"


def _watched() -> Iterator[str]:
    yield "## What is watched besides\n"
    yield "| kind | for want of | how urgent | a stall at, and who is told |\n|---|---|---|---|"
    for kind in WATCH_KINDS.values():
        limits = "; ".join(_limit(kind, limit) for limit in kind.limits)
        yield f"| `{kind.name}` {kind.chinese} | {kind.what} | {kind.severity} | {limits} |"


def _limit(kind: WaitKind, limit: Limit) -> str:
    return f"{_span(kind, limit)} → {_role(limit.holder)}"


def _span(kind: WaitKind, limit: Limit) -> str:
    if not limit.days:
        return "its due date" if kind.name in WAIT_KINDS else "at once"
    units = {"working": "working days", "calendar": "days", "percent": "%"}
    return f"{limit.days} {units.get(limit.unit, limit.unit)}"


def _role(name: str) -> str:
    return ROLES.get(name, name)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
