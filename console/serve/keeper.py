"""The keeper: brings the server to our deployments and automations, then looks after runs of the dead and old files.

Belongs here: when that is done. Does not: what a deployment or automation is (flows/), or which run is dead (the sweeper).
Started again it does all of it again, which changes nothing.
"""

import asyncio
import logging
import sys
from datetime import date

BETWEEN = 5.0  # seconds between two sweeps
PATIENCE = 120.0  # seconds for one of them

logger = logging.getLogger("console.serve.keeper")


async def keep(apply: bool) -> None:
    """Apply what belongs to the server where asked to, then sweep for ever.

    Ends the process where that cannot be applied: the supervisor starts it again.
    """
    from prefect.logging.configuration import setup_logging

    from console.errors import explain

    setup_logging()
    try:
        if apply:
            await apply_all()
    except Exception as error:  # noqa: BLE001  (whatever it was, it is told in a sentence and tried again)
        logger.error("deployments and automations could not be applied: %s", explain(error)[0])
        sys.exit(1)
    await sweep_for_ever()


async def apply_all() -> None:
    """Bring the server to our deployments and automations."""
    from flows.automations import apply_automations
    from flows.deployments import apply_deployments
    from models.clock import business_date
    from tasks.office import office

    names = await apply_deployments()
    automations = await apply_automations(office().policy(business_date()))
    logger.info("deployments applied: %s; automations applied: %s", ", ".join(names), len(automations))


async def sweep_for_ever() -> None:
    """Sweep again and again, and tidy the home once a day; what fails is tried again at the next."""
    from flows.sweeping import sweep

    tidied: date | None = None
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                await sweep()
        except Exception as error:  # noqa: BLE001  (whatever it was, the next sweep comes)
            logger.warning("the sweep for dead runs failed (%s); the next one follows", type(error).__name__)
        tidied = await tidy_once_a_day(tidied)
        await asyncio.sleep(BETWEEN)


async def tidy_once_a_day(last: date | None) -> date | None:
    """Delete old files of this home on another business date than `last`; give the date on which that went well."""
    from models.clock import business_date
    from tasks import retention

    if (today := business_date()) == last:
        return last
    try:
        number = await asyncio.to_thread(retention.tidy_files, today)
    except Exception as error:  # noqa: BLE001  (whatever it was, the next sweep comes)
        logger.warning("old files could not be deleted (%s); the next sweep tries again", type(error).__name__)
        return last
    if number:
        logger.info("old files deleted: %s", number)
    return today


if __name__ == "__main__":
    asyncio.run(keep(apply=sys.argv[1:] == ["apply"]))
