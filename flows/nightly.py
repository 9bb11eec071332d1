"""The nightly flow: read every source, advance the cohorts, send what is due, watch for stalls."""

from typing import Any

from prefect import State, flow
from prefect.states import Completed

from flows.account import keep_account
from flows.forms import AsOf, CodeOrNone, YesOrNo, by_form, form, named
from flows.lateness import overtaken
from flows.record import keep_night
from flows.shares import read_wave
from tasks.connections import drop_folders, sync_order
from tasks.errors import Held
from tasks.lifecycle import advance_what_can
from tasks.news import choose_cohorts
from tasks.outbox import deliver_outbox
from tasks.rosters import add_rosters, import_dropped_rosters
from tasks.stalls import watch_waits

BATCH = 100
MOST_NAMED = 10
TURNS = 3  # what moves one cohort may be news to another


@flow(name="nightly_sync", flow_run_name=named("night", "connection"), validate_parameters=False)
@form
async def nightly_sync(
    as_of: AsOf = None, connection: CodeOrNone = None, full: YesOrNo = False
) -> dict[str, Any] | State[Any]:
    """Read what changed in every school, HR system, centre, assessor and drop folder, then advance the cohorts.

    A run that its schedule made for an earlier business date ends at once: today's covers it.

    Args:
        as_of: 业务日期，留空为今天。The business date, if not today.
        connection: 只读这一个来源，留空为全部。The name of one source only; all of them if left empty.
        full: 是否全部重读，而不只读变化。Whether to read everything again instead of what changed.
    """
    if (end := overtaken()) is not None:
        return end
    night = await _live(as_of, connection, full)
    return _end(night) if by_form() else night


async def _live(as_of: AsOf, connection: CodeOrNone, full: YesOrNo) -> dict[str, Any]:
    """Do the night's work, one thing after another."""
    reports: dict[str, Any] = {}
    for wave in sync_order(connection):
        reports |= await read_wave(wave, as_of, full)
    add_rosters(reports, {name: await import_dropped_rosters(name, as_of) for name in drop_folders(reports)})
    await keep_account(reports)
    looked_at = await look_at_cohorts(as_of)
    alerts = await watch_waits(as_of)
    sent = await deliver_outbox(as_of)
    await keep_night(as_of)
    return {"connections": reports, "cohorts": looked_at, "alerts": alerts, "outbox": sent}


async def look_at_cohorts(as_of: AsOf = None) -> dict[str, Any]:
    """Advance the cohorts with news, a batch at a time; give how many of how many, and which the round alone found."""
    looked_at, by_round, under_way, missed, broken = 0, 0, 0, list[str](), dict[str, str]()
    for _ in range(TURNS):
        chosen = await choose_cohorts(as_of)
        codes, under_way = [code for code in chosen["codes"] if code not in broken], max(under_way, chosen["under_way"])
        for start in range(0, len(codes), BATCH):
            moved = await advance_what_can(codes[start : start + BATCH], as_of)
            broken |= {code: stands["broken"] for code, stands in moved.items() if "broken" in stands}
            missed += [code for code, stands in moved.items() if stands.get("missed")]
        looked_at, by_round = looked_at + len(codes), by_round + chosen["by_round"]
        if not codes:
            break
    return {"looked_at": looked_at, "of": under_way, "by_round": by_round, "missed": missed, "broken": broken}


def _end(night: dict[str, Any]) -> State[Any]:
    """Let the state of a run say what a person must see to. Raises Held where cohorts broke."""
    if broken := sorted(night["cohorts"]["broken"]):
        raise Held(f"these cohorts could not be advanced, all others were: {_some(broken)}; the log of this run says why, "
                   "whoever looks after Yuanmeng must see to it")  # fmt: skip
    state: State[Any] = Completed(message=_unread(night["connections"]), data=night)
    return state


def _unread(reports: dict[str, Any]) -> str | None:
    """Name the sources of which something is missing; None where nothing is."""
    by_status = {
        status: [name for name, one in reports.items() if one["status"] == status] for status in ("failed", "held")
    }
    told = [f"{status}: {_some(names)}" for status, names in by_status.items() if names]
    return f"the rest was done; {'; '.join(told)}; its account night-account says why" if told else None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"
