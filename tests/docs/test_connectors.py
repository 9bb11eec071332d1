"""The example of docs/connectors.md is run: its connector, its line and its fixtures, held to the shared contract."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors import registry
from connectors.errors import Transient
from connectors.registry import open_connector
from models.records import Result, Term, Unreadable
from tests.connectors import test_contract as contract
from tests.connectors import wires
from tests.connectors.conftest import SECRET, TOKEN_ENV, Connect, connect, rows_of
from tests.connectors.script import Reply, Script
from tests.connectors.wires import Wire

__all__ = ["connect"]

PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"
BLOCK = re.compile(r"<!-- (\S+\.py) -->\n```python\n(.*?)```", re.DOTALL)
CODE = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
STREAMS = ("terms", "results")


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_ENV, SECRET)


@pytest.fixture(autouse=True)
def campus(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Wire]]:
    """The example as if it were in its files: module, entry of the registry and wires, by stream."""
    module = ModuleType("connectors.campus")
    exec(compile(CODE["connectors/campus.py"], "docs/connectors.md", "exec"), module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "connectors.campus", module)
    kinds = dict(registry.KINDS)
    exec(CODE["connectors/registry.py"], {"KINDS": kinds})  # noqa: S102
    monkeypatch.setattr(registry, "KINDS", kinds)
    names: dict[str, Any] = {**vars(wires), "WIRES": []}
    exec(compile(CODE["tests/connectors/wires.py"], "tests/connectors/wires.py", "exec"), names)  # noqa: S102
    monkeypatch.setattr(contract, "WIRES", names["WIRES"])
    yield {wire.stream: wire for wire in names["WIRES"]}


def test_the_page_shows_each_file_that_is_changed(campus: dict[str, Wire]) -> None:
    assert list(CODE) == ["connectors/campus.py", "connectors/registry.py", "tests/connectors/wires.py"]
    assert set(campus) == set(STREAMS)
    over_http = set(registry.KINDS) - {"campus", "spreadsheet"}
    assert over_http == {wire.kind for wire in wires.WIRES} | set(wires.CHATS) - {"campus"}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    "clause",
    [
        contract.test_a_sound_row_becomes_one_record,
        contract.test_reading_since_an_instant_asks_for_it_or_reads_all,
        contract.test_no_rows_are_an_empty_page_and_no_error,
        contract.test_a_row_that_cannot_be_read_stays,
        contract.test_a_client_can_be_given,
    ],
)
async def test_the_example_keeps_the_contract(
    connect: Connect, script: Script, campus: dict[str, Wire], stream: str, clause: Any
) -> None:
    await clause(connect, script, campus[stream])


@pytest.mark.parametrize("fault", contract.FAULTS.values(), ids=contract.FAULTS)
async def test_the_example_takes_no_fault_for_an_empty_page(
    connect: Connect, script: Script, campus: dict[str, Wire], fault: Reply
) -> None:
    for wire in campus.values():
        await contract.test_what_could_not_be_read_is_never_an_empty_page(connect, script, wire, fault)
    await contract.test_a_check_says_in_one_sentence_what_is_wrong(connect, script, "campus", fault)


async def test_the_example_says_when_its_system_is_away(connect: Connect, dead_url: str) -> None:
    await contract.test_a_system_that_is_away_is_said_to_be(connect, dead_url, "campus")


async def test_the_example_stops_alone_for_want_of_a_secret(connect: Connect, script: Script) -> None:
    await contract.test_a_secret_that_is_missing_stops_its_connection_alone(connect, script, "campus")


async def test_the_example_reads_all_pages_and_means_what_it_reads(
    connect: Connect, script: Script, campus: dict[str, Wire]
) -> None:
    term, mark = campus["terms"].row, campus["results"].row
    script.says({"rows": [term], "after": "a/1"}, {"rows": [{**term, "id": "t2", "state": "deleted"}], "after": None},
                {"rows": [mark, {**mark, "id": 8, "mark": ""}, {**mark, "id": 9, "mark": "good"}], "after": ""})  # fmt: skip
    async with open_connector(connect("campus", page_size=1)) as connector:
        terms, results = await rows_of(connector, "terms"), await rows_of(connector, "results")
        assert (connector.cost.requests, connector.cost.retries) == (3, 0)
    assert [one.query for one in script.asked] == [{"size": "1"}, {"size": "1", "after": "a/1"}, {"size": "1"}]
    at = datetime(2024, 2, 1, 8, tzinfo=UTC)
    first = Term(source_id="t1", changed_at=at, title="2024 春", starts_on=date(2024, 2, 26), ends_on=date(2024, 7, 5))
    assert terms[0] == first and terms[1].removed
    assert [(type(one), getattr(one, "score", None)) for one in results] == [
        (Result, Decimal("59.95")), (Result, None), (Unreadable, None),
    ]  # fmt: skip


async def test_the_example_does_not_go_round_in_a_circle(connect: Connect, script: Script) -> None:
    script.keeps_saying({"rows": [], "after": "again"})
    async with open_connector(connect("campus")) as connector:
        with pytest.raises(Transient, match="in a circle"):
            await rows_of(connector, "terms")
