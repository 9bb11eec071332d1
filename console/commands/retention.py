"""`yuanmeng retention`: what has been kept long enough goes, now instead of on its schedule.

Belongs here: the command. Does not: what goes when (rules/retention.py).
"""

from typing import Annotated

import typer

from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress

WORDS = {
    "reduced": "职工 workers whose numbers to reach and pay them go", "anonymised": "职工 workers anonymised",
    "rows": "花名册行 roster rows anonymised", "effects": "已发送 sent effects emptied",
    "held_back": "隔离 quarantined rows deleted", "files": "文件 files deleted",
}  # fmt: skip


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go; change nothing.")] = False,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Delete or anonymise 留存期满. Whatever the policy says has been kept long enough; the ledger and reports stay."""
    from console.run import flow_of, open_home, run_flow

    open_home(home)
    with progress("留存 retention"):
        counts = run_flow(flow_of("keep_house"), as_of=as_of, dry_run=dry_run or None)
    emit({"dry_run": dry_run, **counts}, as_json, _lines)


def _lines(found: dict[str, int]) -> list[str]:
    told = [f"{found[name]:>8}  {words}" for name, words in WORDS.items()]
    return [*told, *(["(counted only: nothing was changed)"] if found["dry_run"] else [])]
