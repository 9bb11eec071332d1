"""The HTTP kit against a system that misbehaves: what is tried again, what is given up, what is no answer."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import http
from connectors.base import Connection
from connectors.errors import Permanent, Refused, Transient
from connectors.http import seconds_of, side_by_side
from models.clock import now
from tests.connectors.conftest import ORGANISATION, Connect
from tests.connectors.plain import Plain, failing, oauth
from tests.connectors.script import Reply, Script, zipped

PERSONAL = "320214199102102177"


@pytest.fixture
def there(connect: Connect) -> Plain:
    """The scripted system, over a client of our own."""
    return Plain(connect("plain"))


# --- busy systems ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 522])
async def test_a_busy_system_is_asked_again(there: Plain, script: Script, status: int) -> None:
    script.says(Reply(status=status), Reply(b"<html>", status=status), {"fine": True})
    async with there:
        assert (await there.get()).body == {"fine": True}
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    "bad",
    [Reply({"a": 1}, cut=True), Reply(reset=True), Reply(b"<html>Maintenance"), Reply(b'{"a": '),
     Reply(b"no gzip", headers={"Content-Encoding": "gzip"}), Reply({"a": "b" * 5000}, chunks=[b'{"a"'])],
    ids=["cut", "reset", "page for people", "half of a JSON", "no gzip", "no end"],
)  # fmt: skip
async def test_half_an_answer_is_none_and_is_asked_for_again(there: Plain, script: Script, bad: Reply) -> None:
    script.says(bad, {"fine": True})
    async with there:
        assert (await there.get()).body == {"fine": True}


async def test_a_system_that_stays_busy_is_given_up_after_five_attempts(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply({"detail": "no"}, status=503))
    error = await failing(there)
    assert isinstance(error, Transient)
    assert (error.status, error.again, len(script.asked)) == (503, True, 5)


async def test_an_address_where_nobody_listens_is_transient(dead_url: str) -> None:
    connection = Connection(name="there", kind="plain", organisation=ORGANISATION, base_url=dead_url)
    error = await failing(Plain(connection))
    assert isinstance(error, Transient)
    assert "cannot be reached" in str(error)


async def test_a_system_that_says_nothing_is_not_waited_for(connect: Connect, script: Script) -> None:
    script.keeps_saying(Reply(hang=True))
    async with httpx.AsyncClient(timeout=0.05, trust_env=False) as client:
        error = await failing(Plain(connect("plain"), client))
    assert isinstance(error, Transient)
    assert "did not answer in time" in str(error)
    assert (error.dead, error.again, len(script.asked)) == (True, False, 2)


async def test_a_system_that_answered_before_and_falls_silent_is_asked_as_often_as_any(
    connect: Connect, script: Script
) -> None:
    script.says({"fine": True})
    script.keeps_saying(Reply(hang=True))
    async with httpx.AsyncClient(timeout=0.2, trust_env=False) as client, Plain(connect("plain"), client) as connector:
        await connector.get()
        with pytest.raises(Transient, match="did not answer in time") as caught:
            await connector.get()
    assert (caught.value.dead, len(script.asked)) == (False, 6)


async def test_a_dead_system_is_known_after_two_attempts_and_then_not_asked_at_all(dead_url: str) -> None:
    connector = Plain(Connection(name="there", kind="plain", organisation=ORGANISATION, base_url=dead_url))
    async with connector:
        for words in ("cannot be reached", "could not be reached before"):
            with pytest.raises(Transient, match=words) as caught:
                await connector.get()
            assert (caught.value.dead, caught.value.again) == (True, False)
    assert (connector.cost.requests, connector.cost.retries) == (2, 1)


async def test_a_system_that_drops_every_connection_is_dead_too(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply(reset=True))
    error = await failing(there)
    assert (error.dead, len(script.asked)) == (True, 2)


def test_a_dead_address_is_given_up_within_seconds() -> None:
    """Two attempts to connect and the pause between them."""
    assert http.FIRST_ATTEMPTS * float(http.TIMEOUT.connect or 0) < 10


async def test_an_answer_that_drips_is_not_waited_for_longer_than_an_answer_may_take(
    connect: Connect, script: Script
) -> None:
    def drip() -> Iterator[bytes]:
        while not script.over.wait(0.01):
            yield b" "

    script.follows(lambda _: Reply(chunks=drip()))
    connector = Plain(connect("plain"))
    async with connector:
        assert connector._wire is not None
        connector._wire.patience = 0.1
        with pytest.raises(Transient, match="did not answer in time"):
            await connector.get()


async def test_a_source_that_keeps_failing_is_asked_no_more(there: Plain, script: Script) -> None:
    """The circuit opens: after three requests given up, the fourth is not even sent."""
    script.keeps_saying(Reply(status=500))
    async with there:
        for _ in range(3):
            with pytest.raises(Transient):
                await there.get()
        asked = len(script.asked)
        with pytest.raises(Transient, match="several times in a row") as caught:
            await there.get()
    assert (caught.value.again, caught.value.dead) == (False, True)
    assert len(script.asked) == asked == 15


async def test_one_good_answer_keeps_the_circuit_closed(there: Plain, script: Script) -> None:
    bad = [Reply(status=500)] * 5
    script.says(*bad, *bad, {"fine": 1}, *bad, *bad, {"fine": 2})
    async with there:
        for expected in (None, None, 1, None, None, 2):
            if expected is None:
                with pytest.raises(Transient):
                    await there.get()
            else:
                assert (await there.get()).body == {"fine": expected}


# --- Retry-After -----------------------------------------------------------------------------------------------------


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the kit decides to do after each failed attempt."""
    decided: list[Any] = []
    decide = http._pause

    def remembering(error: Exception) -> bool | float:
        decided.append(decide(error))
        return decided[-1]

    monkeypatch.setattr(http, "_pause", remembering)
    return decided


async def test_the_seconds_a_source_asks_for_are_waited(there: Plain, script: Script, waits: list[Any]) -> None:
    script.says(Reply(status=429, headers={"Retry-After": "7"}), {"fine": True})
    async with there:
        await there.get()
    assert waits == [7.0]


async def test_the_date_a_source_names_is_waited_for(there: Plain, script: Script, waits: list[Any]) -> None:
    at = format_datetime(now() + timedelta(seconds=60), usegmt=True)
    script.says(Reply(status=503, headers={"Retry-After": at}), {"fine": True})
    async with there:
        await there.get()
    assert 50 < waits[0] <= 60


async def test_a_date_that_has_passed_means_at_once(there: Plain, script: Script, waits: list[Any]) -> None:
    script.says(Reply(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), {"fine": True})
    async with there:
        await there.get()
    assert waits == [0.0]


@pytest.mark.parametrize("text", ["soon", "-5", "1e3", "NaN", "Wed, 99 Foo 2015", "Wed, 21 Oct 2015 07:28:00 -0000"])
async def test_a_wait_nobody_can_read_is_as_good_as_none(
    there: Plain, script: Script, waits: list[Any], text: str
) -> None:
    script.says(Reply(status=429, headers={"Retry-After": text}), {"fine": True})
    async with there:
        await there.get()
    assert waits == [True]


@pytest.mark.parametrize("text", ["86400", "9" * 400, "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_a_source_that_asks_for_a_day_is_left_for_the_next_run(there: Plain, script: Script, text: str) -> None:
    script.keeps_saying(Reply(status=429, headers={"Retry-After": text}))
    error = await failing(there)
    assert isinstance(error, Transient)
    assert (error.again, error.retry_after, len(script.asked)) == (False, None, 1)
    assert (error.deferred, error.dead) == (True, False)
    assert "the next run" in str(error)


async def test_streams_that_are_put_off_do_not_make_a_system_count_as_dead(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply(status=429, headers={"Retry-After": "86400"}))
    async with there:
        for _ in range(5):
            with pytest.raises(Transient) as caught:
                await there.get()
            assert caught.value.deferred
    assert len(script.asked) == 5


async def test_a_system_that_keeps_asking_us_to_wait_is_left_for_the_next_run(there: Plain, script: Script) -> None:
    """Each wait is short enough; together they would take the night."""
    slow, fine = Reply(status=429, headers={"Retry-After": "800"}), {"fine": True}
    script.says(*[slow, fine] * 4, slow)
    async with there:
        for _ in range(4):
            await there.get()
        with pytest.raises(Transient) as caught:
            await there.get()
    assert (caught.value.deferred, caught.value.again) == (True, False)


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} Oct [0-9]{1,6} [0-9:]{8} [+-][0-9]{1,20}"))
def test_no_text_in_retry_after_breaks_anything(text: str) -> None:
    wait = seconds_of(text)
    assert wait is None or wait >= 0


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_what_is_refused_is_not_sent_again(there: Plain, script: Script, status: int) -> None:
    script.keeps_saying(Reply({"detail": PERSONAL}, status=status))
    error = await failing(there)
    assert isinstance(error, Refused)
    assert (error.status, len(script.asked)) == (status, 1)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "secret"), (403, "secret"), (404, "base_url"), (410, "base_url"), (501, "base_url")]
)
async def test_what_a_person_must_change_is_said_and_not_tried_again(
    there: Plain, script: Script, status: int, words: str
) -> None:
    script.keeps_saying(Reply({"detail": "no"}, status=status))
    error = await failing(there)
    assert isinstance(error, Permanent)
    assert not isinstance(error, Refused)
    assert words in str(error)
    assert error.dead is (words == "secret")
    assert len(script.asked) == 1


@pytest.mark.parametrize("url", ["ftp://files.example/x", "https:", "http://a\x7fb/", "http://[::1"])
async def test_an_address_that_is_none_is_said(url: str) -> None:
    error = await failing(Plain(Connection(name="there", kind="plain", organisation=ORGANISATION, base_url=url)))
    assert isinstance(error, Permanent)
    assert "correct base_url" in str(error)


# --- side by side ----------------------------------------------------------------------------------------------------


async def test_answers_come_in_order_and_no_more_are_asked_for_than_are_taken() -> None:
    """A hundred classes read ahead of a slow database would fill the memory."""
    begun: list[int] = []

    async def ask(number: int) -> int:
        begun.append(number)
        await asyncio.sleep(0)
        return number

    found = []
    async for number in side_by_side((ask(number) for number in range(100)), most=4):
        found.append(number)
        await asyncio.sleep(0)
        assert len(begun) <= len(found) + 4
    assert found == begun == list(range(100))


async def test_a_call_that_fails_ends_those_beside_it() -> None:
    ended: list[int] = []

    async def ask(number: int) -> int:
        if number == 1:
            raise Transient("there", "ask", "no")
        try:
            await asyncio.sleep(0 if number == 0 else 60)
        finally:
            ended.append(number)
        return number

    with pytest.raises(Transient):
        _ = [number async for number in side_by_side(ask(number) for number in range(9))]
    assert {0, 2, 3} <= set(ended) <= {0, 2, 3, 4}  # the last of them may not have begun


# --- what it cost ----------------------------------------------------------------------------------------------------


async def test_requests_retries_and_bytes_as_they_came_are_counted(connect: Connect, script: Script) -> None:
    """Packed bytes count as they came; a request for a token is a request; one sent anew with it is a retry."""
    packed = zipped(b'{"a": "' + b"a" * 10_000 + b'"}')
    token = Reply(b'{"access_token": "t"}')
    script.says(token, Reply(b"busy", status=503), packed, Reply(b"no", status=401), token, {})
    connector = Plain(connect("plain", oauth(script)))
    async with connector:
        await connector.get()
        assert (connector.cost.requests, connector.cost.retries) == (3, 1)
        assert connector.cost.received == len(token.raw) + len(b"busy") + len(packed.raw) < 200
        await connector.get()
    assert (connector.cost.requests, connector.cost.retries) == (6, 2)
    assert connector.cost.received == 2 * len(token.raw) + len(b"busy") + len(packed.raw) + len(b"no") + len(b"{}")


async def test_a_connector_outside_async_with_says_so(there: Plain) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await there.get()
