"""Prefect's automations that make the stall watch quick about our flows' runs, kept by name from code.

Belongs here: what they are, and bringing a server to them. Does not: finding the runs (tasks/watch/runs.py): the watch
finds the same by itself within the hour, so that a lost, paused or unreliable automation loses nothing.
Each starts the `watch_stalls` deployment; without one it stands ready and does nothing. The watch's own runs start none
of them, or a crash of the watch would start it for ever. Whether a run is dead is judged by flows/sweeping.py alone.
"""

from datetime import timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.events.actions import ActionTypes, DoNothing, RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

from models.rules.policy import Policy
from models.rules.stalls import limits_of
from tasks.watch.runs import GIVEN_UP, OUR_FLOWS

Resource = dict[str, str | list[str]]
WATCH = "watch_stalls"
RETIRED = ("Yuanmeng: dead runs",)  # of earlier versions: taken away from a server that has them
BREATH = timedelta(minutes=5)  # between two watches that crashes of one flow start
OTHERS = [name for name in OUR_FLOWS if name != WATCH]
FLOW_ID, RUN_ID = "related:flow:prefect.resource.id", "prefect.resource.id"
ENDED = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "TimedOut", "Crashed", GIVEN_UP, "Cancelled")}
GOING = ENDED | {f"prefect.flow-run.{state}" for state in ("Running", "Cancelling")}


async def apply_automations(policy: Policy | None = None) -> dict[str, str]:
    """Bring the server PREFECT_API_URL names to our automations; say of each whether it was created, updated, unchanged.

    What is late and what hangs the policy says, else the table of limits. Applying twice changes nothing. One that
    somebody paused stays paused; those of other names are left alone; a second one of the same name (two who applied
    at once) is removed. Raises httpx.HTTPError.
    """
    async with get_client() as client:
        for name in RETIRED:
            for one in await client.read_automations_by_name(name):
                await client.delete_automation(one.id)
        wanted = automations(await _quickly(client), policy)
        return {one.name: await _apply(client, one) for one in wanted}


async def _apply(client: PrefectClient, wanted: AutomationCore) -> str:
    known = sorted(await client.read_automations_by_name(wanted.name), key=lambda one: str(one.id))
    if not known:
        await client.create_automation(wanted)
        return "created"
    kept, *doubled = known
    for one in doubled:
        await client.delete_automation(one.id)
    wanted = wanted.model_copy(update={"enabled": kept.enabled})
    if _says(kept) == _says(wanted):
        return "unchanged"
    await client.update_automation(kept.id, AutomationCore.model_validate(_says(wanted)))
    return "updated"


def _says(automation: AutomationCore | Automation) -> dict[str, Any]:
    """What an automation says, without what only the server keeps."""
    return automation.model_dump(include=set(AutomationCore.model_fields) - {"owner_resource"})


async def _quickly(client: PrefectClient) -> ActionTypes:
    """The action that starts the watch now, where it is deployed."""
    deployments = await client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[WATCH])))
    if not deployments:
        return DoNothing()
    return RunDeployment(source="selected", deployment_id=min(one.id for one in deployments))


def automations(action: ActionTypes, policy: Policy | None = None) -> list[AutomationCore]:
    """Give our automations; `action` is what crashed, late and hanging runs set off."""
    late, pending = (timedelta(minutes=limits_of(kind, policy)[0].days) for kind in ("run-late", "run-pending"))
    return [
        _automation("crashed runs", "A run of our flows crashed and is given up: look now.", action,
                    {"expect": {f"prefect.flow-run.{GIVEN_UP}"}, "for_each": {FLOW_ID}, "within": BREATH}),
        _automation("late runs", "Of a flow with a late run none began in time: look now.", action,
                    {**_missing({"prefect.flow-run.Late"}, GOING, late), "for_each": {FLOW_ID}}),
        _automation("hanging runs", "A run is pending for too long: look now.", action,
                    {**_missing({"prefect.flow-run.Pending"}, GOING, pending), "for_each": {RUN_ID}}),
    ]  # fmt: skip


def _missing(after: set[str], expect: set[str], within: timedelta) -> dict[str, Any]:
    return {"posture": Posture.Proactive, "after": after, "expect": expect, "within": within}


def _automation(what: str, why: str, action: ActionTypes, trigger: dict[str, Any]) -> AutomationCore:
    match: Resource = {"prefect.resource.id": "prefect.flow-run.*"}
    ours: Resource = {"prefect.resource.role": "flow", "prefect.resource.name": OTHERS}
    return AutomationCore(
        name=f"Yuanmeng: {what}", description=why, actions=[action],
        trigger=EventTrigger(match=match, match_related=ours, threshold=1, **trigger),
    )  # fmt: skip
