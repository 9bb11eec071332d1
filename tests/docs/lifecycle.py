"""Writes docs/lifecycle.md from the lifecycle's own table: `python -m tests.docs.lifecycle`."""

from collections.abc import Iterator
from pathlib import Path

from models.rules.lifecycle import STAGES, WAIT_KINDS, Limit, WaitKind

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"
ROLES = {
    "enterprise_hr": "enterprise HR", "union_finance": "union finance", "department": "education department",
    "supervisor": "supervisor and tutor",
}  # fmt: skip
INTRODUCTION = """\
# The lifecycle

Written from `models/rules/lifecycle.py` by `python -m tests.docs.lifecycle`; a test holds the two equal.
The limits are our defaults; working days follow the official calendar, make-up weekends included.
"""


def page() -> str:
    """Give the text of the page."""
    return "\n".join([INTRODUCTION, *_stages(), "", *_waits(), ""])


def _stages() -> Iterator[str]:
    yield "## Stages\n"
    yield "| # | stage | ends with | waits on |\n|---|---|---|---|"
    for number, stage in enumerate(STAGES, start=1):
        on = ", ".join(_role(one) for one in stage.waits_on)
        yield f"| {number} | **{stage.name.replace('_', ' ')}** {stage.chinese} | {stage.ends_with} | {on} |"


def _waits() -> Iterator[str]:
    yield "## What is awaited, and when that is a stall\n"
    yield "| in | awaited | on | a stall after, and who is told |\n|---|---|---|---|"
    for kind in WAIT_KINDS.values():
        limits = "; ".join(_limit(kind, limit) for limit in kind.limits) or "never"
        yield f"| {kind.stage.replace('_', ' ')} | {kind.what} {kind.chinese} | {_role(kind.holder)} | {limits} |"


def _limit(kind: WaitKind, limit: Limit) -> str:
    if not limit.days:
        return f"its due date → {_role(limit.holder)}"
    return f"{limit.days} {'working ' if limit.unit == 'working' else ''}days → {_role(limit.holder)}"


def _role(name: str) -> str:
    return ROLES.get(name, name)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
