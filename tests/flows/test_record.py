"""The record of runs on a real Prefect server: tags, names and pages, as views that nothing depends on."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectException
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import TypeAdapter
from sqlalchemy.exc import OperationalError

from flows.account import keep_account
from flows.advance_cohort import advance_cohort
from flows.decide import decide
from flows.forms import YesOrNo, form
from flows.keep_house import keep_house
from flows.nightly import nightly_sync
from flows.open_cohort import open_cohort
from flows.publish_report import publish_report
from flows.record import INBOX, MOVED, WAITS, keep_cohorts, keep_inbox, keep_night, key_of, link_to, mark_run
from models.clock import business_date
from models.tables.organisations import Cohort
from tasks import lifecycle
from tasks.errors import BadInput
from tasks.office import Office
from tasks.opening import open_plan
from tasks.plan import Plan
from tasks.step import _as_task
from tests.fixtures.cohorts import APPROVED, OPENED, Case, hashes, one, template_plan
from tests.fixtures.cohorts import open_cohort as opened_cohort
from tests.fixtures.prefect_api import Prefect, served, state
from tests.tasks.conftest import At, _shelf, at  # noqa: F401  (fixtures)

ID = "320205198811030005"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One server for the tests of this file."""
    with served(tmp_path_factory.mktemp("prefect")) as prefect:
        yield prefect


@pytest.fixture
def prefect(server: Prefect) -> Iterator[Prefect]:
    """The server without runs, and this process set to it."""
    server.forget_runs()
    with temporary_settings({PREFECT_API_URL: server.url}):
        yield server


def artifacts(prefect: Prefect) -> dict[str, list[Any]]:
    """What is kept, by key, the latest first."""
    kept: dict[str, list[Any]] = {}
    for found in prefect.ask("POST", "/artifacts/filter", sort="CREATED_DESC"):
        kept.setdefault(found["key"], []).append(found["data"])
    return kept


def only(prefect: Prefect, name: str) -> dict[str, Any]:
    """The one run of a flow."""
    (run,) = prefect.runs(name)
    found: dict[str, Any] = run
    return found


def test_the_runs_of_a_cohort_are_found_by_its_code_and_show_its_page(prefect: Prefect, sqlite_office: Office) -> None:
    opened = asyncio.run(open_cohort(plan=template_plan(), actor="协调员", as_of=OPENED))
    assert opened == {"code": "WX-2026A", "warnings": []}
    asyncio.run(advance_cohort(cohort="WX-2026A", as_of=OPENED))
    found = prefect.ask("POST", "/flow_runs/filter", flow_runs={"tags": {"all_": ["WX-2026A"]}})
    assert {one["name"] for one in found} == {"open-WX-2026A-2026-05-18", "advance-WX-2026A-2026-05-18"}
    pages = artifacts(prefect)[key_of("WX-2026A")]
    assert len(pages) == 2  # each run keeps its own; the page shows the latest
    assert pages[0] == pages[1]


def test_a_decision_is_named_after_its_cohort_and_takes_the_kind_that_was_chosen(prefect: Prefect, at: At) -> None:  # noqa: F811
    case: Case = at("review")
    asked = case.question("review").id
    said = asyncio.run(
        decide(ids=[asked], answer="approve", reason="材料齐全", actor="审核员", as_of=APPROVED, kind="recognition")
    )
    assert said == {"decided": [], "refused": [
        {"id": asked, "reason": "it is a question of another kind (review): choose that kind, or any"}]}  # fmt: skip
    said = asyncio.run(
        decide(ids=[asked], answer="approve", reason="材料齐全", actor="审核员", as_of=APPROVED, kind="review")
    )
    assert said == {"decided": [asked], "refused": []}
    assert {one["name"] for one in prefect.runs("decide")} == {"decide-approve-2026-05-21-WX-2026A"}
    assert all(case.code in one["tags"] for one in prefect.runs("decide"))
    assert asked not in str(artifacts(prefect)[INBOX][0])
    assert asked in str(artifacts(prefect)[INBOX][1])


def test_a_night_keeps_the_cohorts_it_moved_who_is_waited_on_and_the_inbox(prefect: Prefect, at: At) -> None:  # noqa: F811
    case: Case = at("review")
    case.approve()
    before = hashes()
    asyncio.run(nightly_sync(as_of=APPROVED))
    assert hashes() != before  # the cohort went on to its public notice
    kept = artifacts(prefect)
    assert kept[MOVED][0] == f"- {link_to(case.code)}"
    assert "公示 public notice" in kept[key_of(case.code)][0]
    assert [line["等什么 for"][:3] for line in json.loads(kept[WAITS][0])] == ["公示中"]
    assert json.loads(kept[INBOX][0]) == []


def test_no_two_cohorts_share_a_page() -> None:
    assert key_of("WX-2026A") == "cohort-wx-2026a"
    assert len({key_of(code) for code in ("WX-2026A", "wx-2026a", "Wx-2026a")}) == 3
    assert link_to("WX-2026A") == "[WX-2026A](/artifacts/key/cohort-wx-2026a)"


def test_outside_a_run_there_is_no_record_and_nothing_is_asked() -> None:
    for work in (mark_run(["WX-2026A"]), keep_cohorts(["WX-2026A"]), keep_inbox(), keep_night()):
        asyncio.run(work)


def test_a_view_that_the_server_does_not_take_harms_no_work(
    prefect: Prefect, sqlite_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody deleted the run while it was under way: its work is done and committed, only its tags are lost."""

    @flow(name="deleted")
    async def deleted() -> str:
        prefect.forget_runs()
        await mark_run(["WX-2026A"])
        return await open_plan(template_plan(), "tester", OPENED)

    with suppress(PrefectException):  # the run has nowhere to report its end
        asyncio.run(deleted())
    assert "The tags of a run could not be kept in Prefect (PrefectHTTPStatusError)" in caplog.text
    assert one(Cohort).code == "WX-2026A"


def test_a_night_goes_on_when_its_account_cannot_be_kept(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server went away between the reading and the cohorts: they are no less looked at."""

    async def away(*_: Any, **__: Any) -> None:
        raise httpx.ConnectError("away")

    @flow(name="night")
    async def night() -> str:
        await keep_account({"hr": {"status": "failed", "reason": "hr: it cannot be reached", "streams": {}}})
        return "the cohorts"

    monkeypatch.setattr("flows.account.acreate_table_artifact", away)

    assert asyncio.run(night()) == "the cohorts"
    assert "The account of a night could not be kept in Prefect (ConnectError)" in caplog.text


def test_a_run_that_fails_says_so_in_the_sentence_of_its_error(prefect: Prefect, sqlite_office: Office) -> None:
    """Who started it in his own process gets the error itself, as the command line needs it."""
    with pytest.raises(BadInput, match="there is no cohort XX-1"):
        asyncio.run(advance_cohort(cohort="XX-1"))
    run = only(prefect, "advance_cohort")
    assert (run["state_type"], run["state"]["message"]) == (
        "FAILED", "there is no cohort XX-1: see `yuanmeng cohort list`",
    )  # fmt: skip


def test_what_a_form_was_given_is_repeated_nowhere(
    prefect: Prefect, sqlite_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    for flow_, given, place in (
        (decide, {"ids": [], "answer": "approve", "reason": "r", "actor": "a"}, "ids"),
        (decide, {"ids": ["D-1"], "answer": "perhaps", "reason": "r", "actor": "a"}, "answer"),
        (publish_report, {"form": "pdf"}, "form"),
        (open_cohort, {"plan": template_plan(quota="a lot")}, "plan.quota"),
        (open_cohort, {"plan": template_plan(name="班１３９１１１１２２２２")}, "plan.name"),
        (open_cohort, {"plan": template_plan(code=f"A {ID}")}, "plan.code"),
        (advance_cohort, {"cohort": "WX-2026A", "as_of": "soon"}, "as_of"),
        (keep_house, {"as_of": "soon"}, "as_of"),
    ):
        with pytest.raises(BadInput, match=f"^{place} cannot be used: .*; correct it and start the run again$"):
            asyncio.run(flow_(**given))  # type: ignore[operator]
    messages = [run["state"]["message"] for name in ("decide", "open_cohort", "keep_house")
                for run in prefect.runs(name)]  # fmt: skip
    assert len(messages) == 6
    names = {run["name"].removesuffix(business_date().isoformat()) for run in prefect.runs("open_cohort")}
    assert names == {"open-", "open-WX-2026A-"}  # what is no code names no run
    for word in (ID, "a lot", "１３９", "soon", "pdf", "input_value"):
        assert word not in caplog.text + "".join(messages)
    with pytest.raises(BadInput, match="ids cannot be used"):  # and the same outside a run
        asyncio.run(decide.fn([], "approve", "r", "a"))


def by_form(prefect: Prefect, flow_: Any, **given: Any) -> tuple[str, str | None]:
    """How a run ended that a deployment made, and what its state says: all that its form shows of it."""
    run = prefect.run(flow_.name, state("PENDING"), deployment_id=prefect.deployment(flow_.name))
    asyncio.run(run_flow_async(flow_, flow_run=asyncio.run(_found(run)), parameters=given, return_type="state"))
    ended: dict[str, Any] = prefect.ask("GET", f"/flow_runs/{run}")["state"]
    return ended["type"], ended["message"]


@pytest.mark.parametrize(
    ("flow_", "given"),
    [
        (keep_house, {}), (nightly_sync, {}), (advance_cohort, {"cohort": "WX-2026A"}),
        (open_cohort, {"plan": template_plan(), "actor": "a"}),
        (decide, {"ids": ["D-1"], "answer": "approve", "reason": "r", "actor": "a"}),
    ],
    ids=lambda one: getattr(one, "name", ""),
)  # fmt: skip
def test_a_form_does_nothing_before_its_day(
    prefect: Prefect, sqlite_office: Office, flow_: Any, given: dict[str, Any]
) -> None:
    """One year mistyped, and notices end, places lapse, people are anonymous for good; the command line moves its date."""
    before, ahead = hashes(), business_date() + timedelta(days=1)
    assert by_form(prefect, flow_, **given, as_of=ahead.isoformat()) == (
        "FAILED", f"as_of cannot be used: {ahead} lies ahead, and what it brings about stays; leave it empty for today",
    )  # fmt: skip
    assert hashes() == before


def test_a_form_may_count_ahead_what_would_go(prefect: Prefect, sqlite_office: Office) -> None:
    ahead = business_date() + timedelta(days=1)
    assert by_form(prefect, keep_house, as_of=ahead.isoformat(), dry_run=True)[0] == "COMPLETED"
    assert by_form(prefect, keep_house, as_of=business_date().isoformat())[0] == "COMPLETED"
    assert set(asyncio.run(keep_house(as_of=ahead)).values()) == {0}


def test_a_form_says_what_was_not_decided_and_why(prefect: Prefect, at: At) -> None:  # noqa: F811
    """What a flow gives back is shown nowhere: without the sentence the reviewer would believe it done."""
    case: Case = at("review")
    asked = case.question("review").id
    given = {"answer": "approve", "reason": "材料齐全", "actor": "审核员", "as_of": APPROVED.isoformat()}
    assert by_form(prefect, decide, ids=[asked, "D-UNKNOWN"], **given) == (
        "FAILED", f"not decided: D-UNKNOWN: there is no such question: see `yuanmeng inbox`; decided: {asked}",
    )  # fmt: skip
    assert by_form(prefect, decide, ids=[asked], **given) == ("COMPLETED", None)  # again, as after a machine died


def test_a_form_says_what_is_unusual_of_a_plan(prefect: Prefect, sqlite_office: Office) -> None:
    given = {"actor": "协调员", "as_of": OPENED.isoformat()}
    plan = template_plan()
    assert by_form(prefect, open_cohort, plan=plan, **given) == ("COMPLETED", None)
    plan["funding"][0]["amount"] = "99999"
    plan["code"] = "WX-2026B"
    ended, told = by_form(prefect, open_cohort, plan=plan, **given)
    assert (ended, "unusual: check its funding" in str(told)) == ("COMPLETED", True)


def test_a_cohort_that_breaks_keeps_no_other_from_its_night(
    prefect: Prefect,
    at: At,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case: Case = at("review")
    case.approve()
    broken = opened_cohort(code="AA-2026A")
    own = lifecycle.look_at

    def look_at(session: Any, code: str, today: Any) -> Any:
        if code == broken:
            raise LookupError(f"no worker {ID}")
        return own(session, code, today)

    monkeypatch.setattr(lifecycle, "look_at", look_at)
    assert by_form(prefect, nightly_sync, as_of=APPROVED.isoformat()) == (
        "FAILED", f"these cohorts could not be advanced, all others were: {broken}; the log of this run says why, whoever "
                  "looks after Yuanmeng must see to it",
    )  # fmt: skip
    assert artifacts(prefect)[MOVED][0] == f"- {link_to(case.code)}"  # it went on to its end
    assert asyncio.run(nightly_sync(as_of=APPROVED))["cohorts"]["broken"].keys() == {broken}


def test_a_night_whose_page_cannot_be_made_is_none_the_worse(
    prefect: Prefect, sqlite_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database starts anew just then: what the page would show is done and committed."""

    def away(*_: Any) -> Any:
        raise OperationalError("SELECT", {}, psycopg.OperationalError("gone"))

    monkeypatch.setattr("flows.record.moved_cohorts", away)
    asyncio.run(nightly_sync(as_of=OPENED))
    monkeypatch.setattr("flows.record.moved_cohorts", {}.__getitem__)
    with pytest.raises(KeyError):
        asyncio.run(nightly_sync(as_of=OPENED))


def test_what_is_wrong_with_the_database_is_no_cohorts_fault(at: At, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """A full disk is told as such, and not as a list of cohorts."""
    case: Case = at("review")

    def full(*_: Any) -> Any:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(lifecycle, "look_at", full)
    with pytest.raises(OperationalError, match="full"):
        asyncio.run(lifecycle.advance_what_can([case.code], APPROVED))


async def _found(run: str) -> FlowRun:
    async with get_client() as client:
        return await client.read_flow_run(UUID(run))


def test_an_error_that_nobody_expected_is_told_without_its_words(
    prefect: Prefect, caplog: pytest.LogCaptureFixture
) -> None:
    """Its words may hold anything; they stand in the log, masked."""

    @flow(name="broken", validate_parameters=False)
    @form
    async def broken(full: YesOrNo = False) -> None:
        raise LookupError(f"no worker {ID}")

    with pytest.raises(LookupError):
        asyncio.run(broken())
    assert only(prefect, "broken")["state"]["message"] == (
        "something went wrong that nobody expected (LookupError): the log of this run says more"
    )


def test_the_state_of_a_step_that_fails_holds_no_number(prefect: Prefect) -> None:
    """Prefect puts the words of an error into it, whatever they quote: its own, or pydantic's of what was given."""

    async def looks(number: str) -> None:
        if number == ID:
            raise LookupError(f"no worker {number}")
        TypeAdapter(int).validate_python(f"{number} or so")

    @flow(name="looking")
    async def looking() -> list[str]:
        states = [await _as_task(looks, "looks", 0)(number, return_state=True) for number in (ID, f"0{ID}")]
        return [str(one.message) for one in states]

    messages = asyncio.run(looking())
    assert messages[0] == "Task run encountered an exception LookupError: no worker 320***************"
    assert "ValidationError: 1 validation error for int" in messages[1]
    assert ID not in "".join(messages)


def test_a_plan_is_one_thing_in_the_form_and_on_the_command_line() -> None:
    assert open_cohort.fn.__annotations__["plan"].__origin__ is Plan
