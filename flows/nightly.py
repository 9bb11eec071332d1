"""The nightly flow: read every source, advance the cohorts, send what is due, watch for stalls."""

from typing import Any

from prefect import State, flow

from flows.account import keep_account
from flows.forms import AsOf, CodeOrNone, YesOrNo, form, named
from flows.lateness import overtaken
from flows.record import keep_night
from flows.shares import read_wave
from tasks.connections import drop_folders, sync_order
from tasks.lifecycle import advance_cohorts
from tasks.news import choose_cohorts
from tasks.outbox import deliver_outbox
from tasks.rosters import add_rosters, import_dropped_rosters
from tasks.stalls import watch_waits

BATCH = 100
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
    looked_at, by_round, under_way, missed = 0, 0, 0, list[str]()
    for _ in range(TURNS):
        chosen = await choose_cohorts(as_of)
        codes, under_way = chosen["codes"], max(under_way, chosen["under_way"])
        for start in range(0, len(codes), BATCH):
            moved = await advance_cohorts(codes[start : start + BATCH], as_of)
            missed += [code for code, stands in moved.items() if stands["missed"]]
        looked_at, by_round = looked_at + len(codes), by_round + chosen["by_round"]
        if not codes:
            break
    return {"looked_at": looked_at, "of": under_way, "by_round": by_round, "missed": missed}
