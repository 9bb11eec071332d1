"""The nightly flow: read every source, advance the cohorts, send what is due, watch for stalls."""

from typing import Any

from prefect import State, flow

from flows.account import keep_account
from flows.forms import AsOf, Code, named
from flows.lateness import overtaken
from flows.shares import read_wave
from tasks.connections import drop_folders, sync_order
from tasks.lifecycle import advance_cohorts, open_cohorts
from tasks.outbox import deliver_outbox
from tasks.rosters import add_rosters, import_dropped_rosters
from tasks.stalls import watch_waits

BATCH = 100


@flow(name="nightly_sync", flow_run_name=named("night", "connection"))
async def nightly_sync(
    as_of: AsOf = None, connection: Code | None = None, full: bool = False
) -> dict[str, Any] | State[Any]:
    """Read what changed in every school, HR system, centre, assessor and drop folder, then advance the cohorts.

    A run that its schedule made for an earlier business date ends at once: today's covers it.

    Args:
        as_of: the business date, if not today.
        connection: one connection only.
        full: read everything again instead of what changed.
    """
    if (end := overtaken()) is not None:
        return end
    reports: dict[str, Any] = {}
    for wave in sync_order(connection):
        reports |= await read_wave(wave, as_of, full)
    add_rosters(reports, {name: await import_dropped_rosters(name, as_of) for name in drop_folders(reports)})
    await keep_account(reports)
    codes = await open_cohorts()
    for start in range(0, len(codes), BATCH):
        await advance_cohorts(codes[start : start + BATCH], as_of)
    alerts = await watch_waits(as_of)
    sent = await deliver_outbox(as_of)
    return {"connections": reports, "cohorts": len(codes), "alerts": alerts, "outbox": sent}
