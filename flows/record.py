"""The record of a run in Prefect: its cohorts as tags and pages, who is waited on, what waits for a decision.

Belongs here: tags and artifacts, which are views: losing them loses nothing, so that a server that does not take one
harms no run. Does not: what they say (tasks/record.py), or the account of a night (account.py).
A cohort has one page under a key of its own; a night writes the pages of the cohorts that it moved into another stage,
fifty at most, and two tables about all of them: thousands of cohorts are not thousands of artifacts.
"""

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import date
from hashlib import sha256

import httpx
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException

from tasks.record import cohort_page, inbox_lines, moved_cohorts, waits_lines
from tasks.step import database_is_away

WAITS, INBOX, MOVED = "waits", "inbox", "night-cohorts"
MOST_TAGS = 20

logger = logging.getLogger(__name__)


def key_of(code: str) -> str:
    """The key of a cohort's page: a key knows small letters, digits and dashes alone, and no two codes share one."""
    small = code.lower()
    return f"cohort-{small}" if code == code.upper() else f"cohort-{small}-{sha256(code.encode()).hexdigest()[:6]}"


def link_to(code: str) -> str:
    """A link to a cohort's page, in the Markdown of an artifact."""
    return f"[{code}](/artifacts/key/{key_of(code)})"


async def mark_run(codes: Collection[str]) -> None:
    """Tag the run with the codes of its cohorts, so that a cohort's runs are found by its code; name them in its name.

    A run that already names one, or is about many, keeps its name.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not codes:
        return
    run, named = context.flow_run, [code for code in codes if code not in context.flow_run.name]
    tags, name = {*run.tags, *sorted(codes)[:MOST_TAGS]}, run.name
    if len(codes) == 1 and named:
        name = f"{name}-{named[0]}"
    async with a_view("tags of a run"), get_client() as client:
        await client.update_flow_run(run.id, tags=sorted(tags), name=name)


async def keep_cohorts(codes: Sequence[str], as_of: date | None = None) -> None:
    """Keep the page of each of these cohorts beside the run, in place of the one before."""
    if FlowRunContext.get() is None:
        return
    for code in codes:
        async with a_view("page of a cohort"):
            await acreate_markdown_artifact(
                cohort_page(code, as_of), key=key_of(code), description=f"班级 cohort {code}"
            )


async def keep_inbox() -> None:
    """Keep what waits for a decision beside the run, where whoever fills in the form `decide` finds the ids."""
    if FlowRunContext.get() is None:
        return
    async with a_view("inbox"):
        await acreate_table_artifact(inbox_lines(), key=INBOX, description="待办 what waits for a decision")


async def keep_night(as_of: date | None = None) -> None:
    """Keep the record of a night: the pages of the cohorts that it moved, who is waited on, and the inbox."""
    if FlowRunContext.get() is None:
        return
    async with a_view("record of a night"):
        moved = moved_cohorts(as_of)
        await keep_cohorts(moved, as_of)
        links = (
            "\n".join(f"- {link_to(code)}" for code in moved)
            or "今晚没有班级进入新阶段。No cohort came into another stage."
        )
        await acreate_markdown_artifact(links, key=MOVED, description="今晚进入新阶段的班级 cohorts that moved tonight")
        await acreate_table_artifact(waits_lines(as_of), key=WAITS, description="在等谁 who is waited on for what")
    await keep_inbox()


@asynccontextmanager
async def a_view(what: str) -> AsyncIterator[None]:
    """What is only shown may fail: the work it shows is done and committed."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, httpx.HTTPError | PrefectException) and not database_is_away(error):
            raise
        logger.warning("The %s could not be kept in Prefect (%s)", what, type(error).__name__)
