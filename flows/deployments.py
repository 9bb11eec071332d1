"""The deployments of prefect.yaml, brought to the server that PREFECT_API_URL names.

Belongs here: finding the file, making its work pools, deploying all of it. Does not: what it says (prefect.yaml).
It is deployed by Prefect's own command, as a person would: nothing about it is known here but its pools and names.
"""

import asyncio
import os
import sys
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

    Raises httpx.HTTPError, or NotDeployed.
    """
    await _make_pools()
    file = prefect_file()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file),
        stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env={**os.environ, "PREFECT_CLI_COLORS": "false"}, cwd=file.parent,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise NotDeployed(f"`prefect deploy --all` failed: {said.decode(errors='replace').strip()[-500:]}")
    return deployment_names()


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
