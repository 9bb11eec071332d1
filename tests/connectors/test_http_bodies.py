"""What the HTTP kit takes for an answer: packed, endless, broken and exact bodies."""

import json
import tracemalloc
import zlib
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors import http
from connectors.bodies import written
from connectors.errors import Permanent, Transient
from connectors.scim import ScimConnector
from models.records import Unreadable
from tests.connectors.conftest import Connect, rows_of
from tests.connectors.plain import Exact, Plain, failing
from tests.connectors.script import Reply, Script, zipped


@pytest.fixture
def there(connect: Connect) -> Plain:
    """The scripted system, over a client of our own."""
    return Plain(connect("plain"))


# --- bodies ----------------------------------------------------------------------------------------------------------


async def test_a_packed_answer_is_unpacked(there: Plain, script: Script) -> None:
    script.says(zipped(b'{"a": 1}'))
    async with there:
        assert (await there.get()).body == {"a": 1}
    assert script.asked[0].headers["accept-encoding"] == "gzip"


async def test_a_client_that_was_given_asks_for_nothing_we_cannot_unpack(connect: Connect, script: Script) -> None:
    script.says({})
    async with httpx.AsyncClient(trust_env=False) as client, Plain(connect("plain"), client) as connector:
        await connector.get()
        assert not client.is_closed
    assert script.asked[0].headers["accept-encoding"] == "gzip"


async def test_a_small_answer_that_unpacks_to_a_flood_is_never_held(there: Plain, script: Script) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()
    script.says(Reply(bomb, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    error = await failing(there)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(error, Permanent)
    assert "larger than 64 MB" in str(error)
    assert peak < 3 * http.BODY_CAP


async def test_a_large_answer_that_cannot_be_read_is_not_kept_with_its_error(there: Plain, script: Script) -> None:
    """Five attempts, each with a body of its own: an error holds none of them."""
    size = 16 << 20
    script.keeps_saying(Reply(b"<html>320214199102102177" + b" " * size))
    tracemalloc.start()
    try:
        await failing(there)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(script.asked) == 5
    assert peak < 5 * size


async def test_nothing_of_an_answer_that_cannot_be_read_stays_in_its_error(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply(b'{"id": "320214199102102177"'))
    error = await failing(there)
    assert isinstance(error.__cause__, ValueError)
    assert not hasattr(error.__cause__, "doc") and error.__context__ is None


async def test_an_answer_without_end_is_cut_off(there: Plain, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_CAP", 1 << 20)
    chunk = b" " * (1 << 16)
    sent = []
    script.says(Reply(chunks=(sent.append(1) or chunk for _ in range(10_000))))  # type: ignore[func-returns-value]
    assert "larger than" in str(await failing(there))
    assert len(sent) < 1_000


async def test_a_body_as_large_as_the_cap_is_read(
    there: Plain, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_CAP", 20)
    for make in (Reply, zipped):
        script.says(make(b'"' + b"a" * 18 + b'"'), make(b'"' + b"a" * 19 + b'"'))
    async with there:
        for _ in range(2):
            assert len((await there.get()).body) == 18
            with pytest.raises(Permanent, match="larger"):
                await there.get()


async def test_an_empty_body_is_nothing(there: Plain, script: Script) -> None:
    script.says(Reply(b"", status=204, headers={"Content-Type": "text/plain"}))
    async with there:
        assert (await there.get()).body is None


NO_JSON = {
    "not a number": b'{"score": NaN}',
    "infinity": b'{"score": Infinity}',
    "beyond all measure": b'{"score": 1e999}',
    "five thousand digits": b'{"score": ' + b"9" * 5000 + b"}",
    "a million levels": b"[" * 1_000_000,
    "lone surrogate": b'{"name": "\\ud800"}',
    "not UTF-8": '{"name": "张"}'.encode("gb18030"),
    "two values": b"{} {}",
}


async def test_a_body_that_says_it_is_larger_than_the_cap_is_not_read(there: Plain, script: Script) -> None:
    sent = []
    chunks = (sent.append(1) or b" " * (1 << 20) for _ in range(2048))  # type: ignore[func-returns-value]
    script.says(Reply(headers={"Content-Length": str(2 << 30)}, chunks=chunks))
    assert "larger than 64 MB" in str(await failing(there))
    assert len(sent) < 64
    assert there.cost.received == 0


async def test_the_mark_that_some_servers_put_before_their_json_is_no_part_of_it(there: Plain, script: Script) -> None:
    script.says(Reply("\ufeff{}".encode()))
    async with there:
        assert (await there.get()).body == {}


async def test_where_money_is_carried_nothing_is_deeper_than_any_standard(connect: Connect, script: Script) -> None:
    script.keeps_saying(Reply(b'{"a":' * 900 + b"1" + b"}" * 900))
    error = await failing(Exact(connect("plain")))
    assert isinstance(error, Transient)
    assert "no valid JSON" in str(error)


async def test_a_row_as_deep_as_a_well_is_kept_as_unreadable(connect: Connect, script: Script) -> None:
    """It must neither fail the page nor be lost on the way to quarantine."""
    row = b'{"id": 7, "name": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"
    script.says({}, Reply(b'{"totalResults": 1, "Resources": [' + row + b"]}"))
    async with ScimConnector(connect("scim")) as connector:
        (kept,) = await rows_of(connector, "employment")
    assert isinstance(kept, Unreadable)
    assert kept.source_id == "7"
    assert kept.payload.startswith('{"id":7,"name":{"a":') and len(kept.payload) < 1000


@pytest.mark.parametrize("kind", [Plain, Exact])
@pytest.mark.parametrize("name", NO_JSON)
async def test_what_is_no_sound_json_is_refused(connect: Connect, script: Script, name: str, kind: type[Plain]) -> None:
    script.keeps_saying(Reply(NO_JSON[name]))
    error = await failing(kind(connect("plain")))
    assert isinstance(error, Transient)
    assert "no valid JSON" in str(error)


async def test_a_page_for_people_is_told_from_broken_json(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply(b"\n <!DOCTYPE html><title>Login</title>", headers={"Content-Type": "text/html"}))
    assert "a page for people" in str(await failing(there))


async def test_where_money_is_carried_a_doubled_name_is_refused(connect: Connect, script: Script) -> None:
    script.keeps_saying(Reply(b'{"items": [{"amount": 1, "amount": 1000}]}'))
    assert isinstance(await failing(Exact(connect("plain"))), Transient)
    async with Plain(connect("plain")) as lenient:
        assert (await lenient.get()).body == {"items": [{"amount": 1000}]}


async def test_where_money_is_carried_numbers_are_exact(connect: Connect, script: Script) -> None:
    script.says(Reply(b'{"a": 0.1, "b": 1000.00, "c": 12, "d": 12345678901234567890123}'))
    async with Exact(connect("plain")) as connector:
        body = (await connector.get()).body
    assert body == {"a": Decimal("0.1"), "b": Decimal("1000.00"), "c": 12, "d": Decimal("12345678901234567890123")}
    assert str(body["b"]) == "1000.00"


@pytest.mark.parametrize("value", [2**64, -(10**300), "\ud800", float("inf"), Decimal("1e99"), {1: "a"}])
def test_whatever_came_can_be_written_down_and_read_again(value: Any) -> None:
    for sort in (False, True):
        assert json.loads(written({"b": value, "a": [value]}, sort))["a"]
