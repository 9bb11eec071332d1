"""Certificates for loopback, each wrong in its own way, and a server that shows one.

Belongs here: making them. Does not: judging them (connectors/reach.py).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Authority:
    """An authority that this machine trusts only where a test says so."""

    def __init__(self, folder: Path) -> None:
        """Make its key and certificate; what it issues goes into `folder`."""
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.certificate = _certificate("authority", self.key, "authority", self.key, authority=True)
        (folder / "authority.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def trusted(self) -> ssl.SSLContext:
        """What a client verifies with that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.folder / "authority.pem"))

    def issue(self, *, host: str = "127.0.0.1", days: int = 1, own: bool = False) -> ssl.SSLContext:
        """Give what a server shows: for a host, good until `days` from now, signed by itself where it is its `own`."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signed_by = (host, key) if own else ("authority", self.key)
        certificate = _certificate(host, key, issuer, signed_by, until=datetime.now(UTC) + timedelta(days=days))
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{host}-{days}-{own}.pem"
        path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _certificate(
    host: str, key: Key, issuer: str, signed_by: Key, *, until: datetime | None = None, authority: bool = False
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = [x509.IPAddress(IPv4Address(host))] if host[0].isdigit() else [x509.DNSName(host)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(until or now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return builder.sign(signed_by, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@asynccontextmanager
async def answering(context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve on a free port of loopback, over TLS where a context is given; each request is answered with {}."""
    under_way: set[asyncio.Task[Any]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(cast("asyncio.Task[Any]", asyncio.current_task()))
        with suppress(OSError):
            if await reader.readline():
                writer.write(ANSWER)
        writer.transport.close() if context is None else writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*under_way)
