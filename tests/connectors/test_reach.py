"""What is said of an address before any protocol: against real servers on loopback, with certificates of every kind."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from connectors import reach as reaching
from connectors.reach import reach
from tests.connectors.certificates import Authority, answering


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority of this module's own."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The same, trusted by this machine."""
    monkeypatch.setattr(reaching, "certificates", lambda: authority.trusted)
    return authority


async def said(url: str) -> list[tuple[str, bool, str]]:
    """The parts that were tried and what was said of each; nothing is left open behind it."""
    found = [(one.part, one.ok, one.message) for one in await reach("school", url)]
    await asyncio.sleep(0)
    return found


async def test_a_good_certificate_is_found_good(trusted: Authority) -> None:
    async with answering(trusted.issue()) as port:
        assert await said(f"https://127.0.0.1:{port}/sis") == [("address", True, ""), ("tls", True, "")]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"days": -1}, "has expired: ask whoever runs it to renew it"),
        ({"own": True}, "signed its certificate itself"),
        ({"host": "elsewhere.example"}, "is for another host"),
    ],
    ids=["expired", "self-signed", "wrong host"],
)
async def test_a_bad_certificate_is_named_with_what_to_do(trusted: Authority, made: dict[str, Any], words: str) -> None:
    async with answering(trusted.issue(**made)) as port:
        (address, tls) = await said(f"https://127.0.0.1:{port}")
    assert address == ("address", True, "")
    assert tls[:2] == ("tls", False) and tls[2].startswith("school: ") and words in tls[2]


async def test_an_authority_nobody_knows_is_named(authority: Authority) -> None:
    async with answering(authority.issue()) as port:
        (_, tls) = await said(f"https://127.0.0.1:{port}")
    assert not tls[1] and "authority" in tls[2]


async def test_a_port_without_tls_is_named(trusted: Authority) -> None:
    async with answering(None) as port:
        (_, tls) = await said(f"https://127.0.0.1:{port}")
        assert (await said(f"http://127.0.0.1:{port}")) == [("address", True, "")]
    assert tls[:2] == ("tls", False)
    assert f"port {port}" in tls[2]


async def test_a_port_that_nobody_listens_on_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        [address] = await said(f"https://127.0.0.1:{port}")
    assert address == (
        "address", False,
        f"school: nothing listens on port {port} of 127.0.0.1: correct the port, or ask whether it is up",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [(socket.EAI_NONAME, "nobody knows the name sis.invalid"), (socket.EAI_AGAIN, "check the network and DNS")],
)
async def test_a_name_that_cannot_be_looked_up_is_named(code: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(code, "not found")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    [address] = await said("https://user:s3cr3t@sis.invalid/x?token=s3cr3t")
    assert not address[1] and words in address[2]
    assert "s3cr3t" not in address[2]


async def test_one_that_never_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "PATIENCE", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        (_, tls) = await said(f"https://127.0.0.1:{silent.getsockname()[1]}")
    assert not tls[1] and "does not answer" in tls[2]


@pytest.mark.parametrize(("url", "parts"), [("s3://bucket/in", 0), ("https://", 1), ("https://a:b:c/", 1), ("", 0)])
async def test_what_is_no_address_of_http_is_not_tried(url: str, parts: int) -> None:
    found = await said(url)
    assert len(found) == parts and not any(ok for _, ok, _ in found)


def test_the_authorities_are_those_of_reading_and_they_are_verified() -> None:
    context = reaching.certificates()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_no_setting_of_this_machine_can_switch_the_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    reaching.certificates.cache_clear()
    assert reaching.certificates().get_ca_certs() or reaching.certificates().cert_store_stats()["x509_ca"]
