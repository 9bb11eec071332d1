"""One night's reading shared among runs that any worker takes, by Prefect's own means.

Belongs here: starting a run for each share, taking over what nobody took up, waiting. Does not: dividing, reading, or the
accounts (tasks/shares.py). The night reads one share itself, then each that still waits for a worker: it needs no other
machine to come to its end, and is done sooner with every one that helps. A run that died is put back (flows/sweeping.py).
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from prefect import State
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Completed

from flows.forms import by_form
from flows.sweeping import sweep
from models.clock import business_date
from tasks.shares import Share, accounts_of, divide, expect_accounts, forget_accounts, read_share
from tasks.sync import sync_connections

DEPLOYMENT = "read_sources/read_sources"
AWAY = (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError)  # the server does not answer
LOOK = 1.0  # seconds between two looks at the runs
SWEEP = 10  # looks between two looks for dead ones
CARRIED = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED)


async def read_wave(wave: Sequence[str], as_of: date | None, full: bool) -> Mapping[str, Any]:
    """Read the connections of a wave; give the account of each, by name.

    They are shared among runs where this run has a deployment, the shares have one, and there are more connections than
    one run reads at once; else this run reads them all.
    """
    shares, night = divide(wave), by_form()  # by the command line a night is one process
    if night is None or len(shares) < 2:
        return await sync_connections(list(wave), as_of, full)
    return await _Night(night, business_date(as_of), full).read(shares)


@dataclass
class _Night:
    """A night that shares its reading."""

    id: str
    today: date
    full: bool

    async def read(self, shares: Sequence[Share]) -> Mapping[str, Any]:
        """Read all shares, here and elsewhere; give their accounts, and forget them in the database."""
        expect_accounts(self.id, [name for share in shares for name in share], self.today)
        async with get_client() as client:
            runs = await self._start(client, shares[1:])
            unread, told = list(shares), dict[str, Any]()
            for look in count():
                told |= accounts_of(self.id)  # a second process of this night may have forgotten them by now
                unread = [share for share in unread if not told.keys() >= set(share)]
                if not unread:
                    break
                if not await self._read_one(client, unread, runs):
                    await _wait(look)
        forget_accounts(self.id, self.today)
        return {name: told[name] for share in shares for name in share}

    async def _start(self, client: PrefectClient, shares: Sequence[Share]) -> dict[Share, UUID]:
        """Start a run for each share; the same night begun again finds the runs it started before."""
        with suppress(ObjectNotFound, *AWAY):
            await client.read_deployment_by_name(DEPLOYMENT)
            return {share: await self._start_one(share) for share in shares}
        return {}

    async def _start_one(self, share: Share) -> UUID:
        parameters = {"connections": list(share), "night": self.id, "as_of": self.today.isoformat(), "full": self.full}
        run = await arun_deployment(
            DEPLOYMENT,
            parameters=parameters,
            timeout=0,
            tags=["yuanmeng"],
            idempotency_key=f"{self.id}-{_digest(share)}",
        )
        return UUID(str(run.id))

    async def _read_one(self, client: PrefectClient, unread: Sequence[Share], runs: Mapping[Share, UUID]) -> bool:
        """Read a share that nobody carries out; False where each is in somebody's hands."""
        # Its own first, then from the end: workers take the runs from their beginning.
        own, others = [share for share in unread if share not in runs], [share for share in unread if share in runs]
        for share in (*own, *reversed(others)):
            if share not in runs or await _take_over(client, runs[share]):
                # Once more: a second process of this night, put back while the first lived, may have ended and forgotten
                # all of it. A share that nobody expects is not read, and this one would come round for ever.
                expect_accounts(self.id, share, self.today)
                await read_share(share, self.id, self.today, self.full)
                return True
        return False


async def _take_over(client: PrefectClient, run_id: UUID) -> bool:
    """Take a share from a run that no worker has taken up, or that ended without reading it."""
    try:
        run = await client.read_flow_run(run_id)
        if run.state_type in CARRIED:
            return False
        taken: State[Any] = Completed(message="the night read it itself")
        await client.set_flow_run_state(run_id, taken, force=True)
    except AWAY:
        return False
    return True


async def _wait(look: int) -> None:
    """Wait for the others, and put back now and then what died among them."""
    if look % SWEEP == SWEEP - 1:
        with suppress(*AWAY):
            await sweep()
    await asyncio.sleep(LOOK)


def _digest(names: Collection[str]) -> str:
    return blake2b("\n".join(names).encode(), digest_size=8).hexdigest()
