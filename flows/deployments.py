"""The deployments of prefect.yaml, brought to the server that PREFECT_API_URL names.

Belongs here: finding the file, making its work pools, deploying all of it. Does not: what it says (prefect.yaml).
It is deployed by Prefect's own command, as a person would: nothing about it is known here but its pools, its names, and
where it must say that something is paused: whoever paused a night must not find it at work after a restart.
"""

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
NAME = "prefect.yaml"


class NotDeployed(Exception):
    """Prefect took a deployment not; what it said last is in the sentence."""


def prefect_file() -> Path:
    """Give prefect.yaml: beside the flows where they were installed from a wheel, else in the source's top folder."""
    return next(path for path in (HERE / NAME, HERE.parent / NAME) if path.is_file())


@cache
def _deployments() -> list[dict[str, Any]]:
    return list(yaml.safe_load(prefect_file().read_text(encoding="utf-8"))["deployments"])


def deployment_names() -> list[str]:
    """Give the names of all deployments, in the file's order."""
    return [str(one["name"]) for one in _deployments()]


def work_pools() -> list[str]:
    """Give the names of the work pools that the deployments use, each once."""
    return list(dict.fromkeys(str(one["work_pool"]["name"]) for one in _deployments()))


async def apply_deployments() -> list[str]:
    """Make the work pools that are missing and deploy everything; doing it again changes nothing. Gives the names.

    What a person paused stays paused. Raises httpx.HTTPError, or NotDeployed.
    """
    await _make_pools()
    told = await _with_pauses(yaml.safe_load(prefect_file().read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NAME
        file.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
        await _deploy(file)
    return deployment_names()


async def _deploy(file: Path) -> None:
    """Deploy all that a file says, from the folder of our own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file),
        stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env={**os.environ, "PREFECT_CLI_COLORS": "false"},
        cwd=prefect_file().parent,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise NotDeployed(f"`prefect deploy --all` failed: {said.decode(errors='replace').strip()[-500:]}")


async def _with_pauses(told: dict[str, Any]) -> dict[str, Any]:
    """Let the file say which deployments and schedules stand paused on the server.

    Prefect takes the first back wherever the file says nothing, and the second where one schedule has no slug. Said in
    the file it is one request with the rest: who is killed in between leaves nothing at work.
    """
    standing = await _standing()
    for one in told["deployments"]:
        paused, schedules = standing.get(one["name"], (False, set()))
        if paused:
            one["paused"] = True
        for schedule in one.get("schedules", []):
            if schedule["slug"] in schedules:
                schedule["active"] = False
    return told


async def _standing() -> dict[str, tuple[bool, set[str]]]:
    """Give our deployments that the server has: whether each is paused, and the slugs of its paused schedules."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, FlowFilter, FlowFilterName

    flows = [str(one["entrypoint"]).rpartition(".")[2] for one in _deployments()]
    async with get_client() as client:
        found = await client.read_deployments(
            flow_filter=FlowFilter(name=FlowFilterName(any_=flows)),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=deployment_names())),
        )
    return {
        one.name: (one.paused, {schedule.slug for schedule in one.schedules if schedule.slug and not schedule.active})
        for one in found
    }


async def _make_pools() -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    async with get_client() as client:
        for name in work_pools():
            try:
                await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
            except ObjectAlreadyExists:
                continue
