"""Keeping house: what has been kept long enough is reduced, anonymised or deleted, a batch to a transaction.

Belongs here: going through the records, and the audit line of each batch, with counts alone. Does not: which goes
(rules/retention.py), or how (repositories/retention.py). Killed at any instant, the next run goes on.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session

from connectors.database import alone
from models.clock import SHANGHAI, business_date, now
from models.identity import make_id
from models.repositories import retention as kept
from models.repositories.audit import record
from models.rules.retention import effect_goes, file_goes, held_back_goes, row_goes, worker_fate, years_after
from tasks.office import office, unit_of_work
from tasks.progress import tell
from tasks.step import step

BATCH = 200
ACTOR = "keep_house"
FOLDERS = ("exchange", "logs")
Counts = dict[str, int]
Sweep = Callable[[Session, str, date, bool], tuple[str, Counts]]


@step(name="keep-house")
async def keep_house(as_of: date | None = None, dry_run: bool = False) -> Counts:
    """Take out of the records what has been kept long enough; give how many of each. `dry_run` counts and changes nothing."""
    today = business_date(as_of)
    counts: Counts = dict.fromkeys(("reduced", "anonymised", "rows", "effects", "held_back", "files"), 0)
    for sweep in (_workers, _lone_rows, _effects, _held_back):
        _go_through(sweep, counts, today, dry_run)
    counts["files"] = _files(today, dry_run)
    return counts


def _go_through(sweep: Sweep, counts: Counts, today: date, dry_run: bool) -> None:
    """Batch after batch, each a transaction with its own audit line."""
    after = ""
    while True:
        with unit_of_work() as session:
            if not dry_run:
                alone(session, "keep-house")
            last, done = sweep(session, after, today, dry_run)
            for name, number in done.items():
                counts[name] += number
            if any(done.values()) and not dry_run:
                _write_down(session, done, today, after)
        tell("留存 retention", sum(counts.values()))
        if not last:
            return
        after = last


def _write_down(session: Session, done: Counts, today: date, after: str) -> None:
    words = ", ".join(f"{number} {name}" for name, number in done.items() if number)
    record(session, action="kept-house", subject="retention", actor=ACTOR, on=today, detail=words,
           reason="kept long enough", key=make_id("KH", now().isoformat(), after, words))  # fmt: skip


def _workers(session: Session, after: str, today: date, dry_run: bool) -> tuple[str, Counts]:
    found, policy = kept.known_workers(session, after, BATCH), office().policy(today)
    fates = {one.id: worker_fate(one.traces, today, policy) for one in found}
    gone = [one.id for one in found if fates[one.id] == "anonymised"]
    less = [one.id for one in found if fates[one.id] == "reduced" and one.is_reducible]
    if not dry_run:
        kept.reduce_workers(session, less)
        kept.anonymise_workers(session, gone)
    return _last([one.id for one in found]), {"reduced": len(less), "anonymised": len(gone)}


def _lone_rows(session: Session, after: str, today: date, dry_run: bool) -> tuple[str, Counts]:
    found, policy = kept.lone_rows(session, after, BATCH), office().policy(today)
    over = [key for key, day in found if row_goes(day, today, policy)]
    if not dry_run:
        kept.anonymise_rows(session, over)
    return _last([key for key, _ in found]), {"rows": len(over)}


def _effects(session: Session, after: str, today: date, dry_run: bool) -> tuple[str, Counts]:
    policy = office().policy(today)
    before = years_after(today, -min(policy.retention_years, policy.finance_retention_years))
    found = kept.sent_effects(session, after, BATCH, before)
    over = [key for key, kind, day in found if effect_goes(kind, day, today, policy)]
    if not dry_run:
        kept.empty_effects(session, over)
    return _last([key for key, _, _ in found]), {"effects": len(over)}


def _held_back(session: Session, after: str, today: date, dry_run: bool) -> tuple[str, Counts]:
    found, policy = kept.held_back(session, after, BATCH), office().policy(today)
    over = [key for key, first, cured in found if held_back_goes(first, cured, today, policy)]
    if not dry_run:
        kept.delete_held_back(session, over)
    return _last([key for key, _, _ in found]), {"held_back": len(over)}


def _last(ids: Sequence[str]) -> str:
    """Where the next batch begins; nothing when this one was the last."""
    return ids[-1] if len(ids) == BATCH else ""


def tidy_files(today: date) -> int:
    """Delete the old files of this home; give how many. Each machine does it for its own (console/serve/keeper.py)."""
    return _files(today, dry_run=False)


def _files(today: date, dry_run: bool) -> int:
    """Delete old files of `exchange/` and of the logs; what is needed of them stands in the database."""
    home, policy, number = office().settings.home, office().policy(today), 0
    for path in (one for folder in FOLDERS for one in sorted((home / folder).rglob("*")) if one.is_file()):
        with suppress(FileNotFoundError):  # another process of this home has just deleted it
            if file_goes(_changed_on(path), today, policy):
                if not dry_run:
                    path.unlink()
                number += 1
    return number


def _changed_on(path: Path) -> date:
    return datetime.fromtimestamp(path.lstat().st_mtime, SHANGHAI).date()
