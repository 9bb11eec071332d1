"""Whether an address answers at all: its name, its port, its certificate.

Belongs here: what can be said before any protocol is spoken. Does not: logging in, or reading (base.py, http.py).
Each failure is one sentence that says what to fix; it names the host, never what stands beside it in the address.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

import httpx

from connectors.base import Check

PORTS = {"http": 80, "https": 443}
PATIENCE = 10.0  # seconds for each of: the name, the port with its certificate
# OpenSSL's numbers for what is wrong with a certificate, and what to do about it.
CERTIFICATES = {
    9: "its certificate is not valid yet: check the clocks of both machines",
    10: "its certificate has expired: ask whoever runs it to renew it",
    18: "it signed its certificate itself: ask whoever runs it for one of a known authority",
    19: "its certificate is of an authority nobody here knows: ask whoever runs it for one of a known authority",
    20: "its certificate comes without those between it and its authority: ask whoever runs it to send the whole chain",
    21: "its certificate comes without those between it and its authority: ask whoever runs it to send the whole chain",
    23: "its certificate was revoked: ask whoever runs it for a new one",
    62: "its certificate is for another host: correct the host in the address, or ask whoever runs it",
    64: "its certificate is for another host: correct the host in the address, or ask whoever runs it",
}


@cache
def certificates() -> ssl.SSLContext:
    """Give the authorities to verify with, the same as for reading."""
    return httpx.create_ssl_context(trust_env=False)


async def reach(system: str, url: str, address: str = "address") -> list[Check]:
    """Try the host of an address, and its certificate where it speaks HTTPS; nothing is sent.

    `address` names the part. An address that is none of HTTP's is not tried: the list is then empty.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        return [Check(address, False, f"{system}: its address cannot be read: correct it")]
    if scheme not in PORTS:
        return []
    if not host:
        return [Check(address, False, f"{system}: its address names no host: correct it")]
    for part, trial in ((address, _connect), ("tls", _greet)):
        if part == "tls" and scheme == "http":
            break
        if wrong := await trial(host, port or PORTS[scheme]):
            return [*([Check(address, True)] if part == "tls" else []), Check(part, False, f"{system}: {wrong}")]
    return [Check(address, True), *([Check("tls", True)] if scheme == "https" else [])]


async def _connect(host: str, port: int) -> str:
    """Look up a name and connect to its port; give what is wrong, empty when nothing is."""
    try:
        await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM), PATIENCE)
    except (socket.gaierror, UnicodeError, TimeoutError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            return f"the name {host} cannot be looked up: check the network and DNS of this machine"
        return f"nobody knows the name {host}: correct the host in the address"
    return await _open(host, port, None)


async def _greet(host: str, port: int) -> str:
    """Speak TLS as far as the certificate; give what is wrong, empty when nothing is."""
    return await _open(host, port, certificates())


async def _open(host: str, port: int, context: ssl.SSLContext | None) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        return CERTIFICATES.get(error.verify_code, "its certificate cannot be trusted: ask whoever runs it to check it")
    except ssl.SSLError:
        return f"it speaks no TLS on port {port}: correct the port, or https in the address"
    except (ConnectionResetError, EOFError):
        return f"it hangs up on port {port}: correct the port, or ask whether it is up and lets us in"
    except ConnectionRefusedError:
        return f"nothing listens on port {port} of {host}: correct the port, or ask whether it is up"
    except TimeoutError:
        return f"{host} does not answer on port {port}: check the network, and whether its firewall lets us in"
    except OSError:
        return f"{host} cannot be reached: check the network of this machine"
    writer.transport.abort()  # nothing was said, so there is no goodbye to wait for
    with suppress(OSError):
        await writer.wait_closed()
    return ""
