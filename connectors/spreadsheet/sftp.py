"""A drop folder on an SFTP server, by paramiko: the server must show the key that the settings name.

Belongs here: logging in and SFTP's own ways. Does not: anything in a file. fsspec's own SFTP takes any key a server
shows, and follows links; hence this one.
`options.host_key` is one line or several, as `ssh-keyscan` shows them; `auth` is password (username, password_env) or
key (username, key_file).
"""

import io
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko

from connectors.auth import secret_for
from connectors.base import Connection
from connectors.errors import Permanent, Transient
from connectors.spreadsheet import FILE_CAP
from connectors.spreadsheet.folder import AWAY, PRIVATE, Entry, Folder, told

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
GONE = (paramiko.SSHException, EOFError, socket.error)
PRIVATE_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
HOW_KEYS = "name the server's key there, as `ssh-keyscan` shows it and those who run the server confirm it"


class SftpFolder(Folder):
    """A folder of an SFTP server, over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Log in. Raises Permanent for a wrong key, secret or folder, Transient for a server that is away."""
        super().__init__(connection.name)
        self.root = unquote(urlsplit(connection.base_url).path).rstrip("/") or "."
        self._client = paramiko.SSHClient()
        try:
            self._ftp = _logged_in(connection, self._client)
            if not stat.S_ISDIR(self._ftp.stat(self.root).st_mode or 0):
                raise FileNotFoundError
        except (FileNotFoundError, PermissionError):
            self.close()
            raise Permanent(
                self.system, "open", "its folder is not there, or may not be entered: check base_url"
            ) from None
        except BaseException:
            self.close()
            raise

    def _entries(self, sub: str) -> list[Entry]:
        with self._told("list"):
            listed = self._ftp.listdir_attr(self._path(sub))
        return [entry for one in listed if (entry := _entry_of(one)) is not None]

    def _read(self, path: str) -> bytes:
        """Read a plain file, ahead of its answers up to the size it may have."""
        with self._told("read"):
            told = self._ftp.lstat(self._path(path))
            if not stat.S_ISREG(told.st_mode or 0):
                raise PermissionError("no plain file")
            with self._ftp.open(self._path(path), "rb") as file:
                file.prefetch(min(told.st_size or 0, FILE_CAP + 1), max_concurrent_requests=64)
                return bytes(file.read(FILE_CAP + 1))

    def write(self, path: str, raw: bytes, *, private: bool = False) -> None:
        """Write beside and move into place."""
        target = self._path(path)
        folder = target.rpartition("/")[0]
        beside = f"{folder}/.{secrets.token_hex(6)}.part"
        with self._told("write"):
            self._make_folder(folder)
            try:
                with self._ftp.open(beside, "wx") as file:
                    if private:
                        file.chmod(PRIVATE)
                    file.write(raw)
                self._ftp.posix_rename(beside, target)
            except BaseException:
                with suppress(*GONE):
                    self._ftp.remove(beside)
                raise

    def _make_folder(self, folder: str) -> None:
        try:
            if not stat.S_ISDIR(self._ftp.lstat(folder).st_mode or 0) and folder != self.root:
                raise PermissionError("no plain folder")
        except FileNotFoundError:
            self._ftp.mkdir(folder)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self._told("write"):
            self._ftp.remove(self._path(path))

    def _path(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    @contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """A refusal of the server is one file's trouble; a session that ended is the whole folder's."""
        try:
            with told(self.system, operation, away=(paramiko.SSHException, EOFError, socket.timeout)):
                yield
        except OSError as error:
            transport = self._client.get_transport()
            if transport is None or not transport.is_active():
                raise Transient(self.system, operation, AWAY, dead=True) from error
            raise

    def close(self) -> None:
        """Log out."""
        self._client.close()


def _entry_of(one: paramiko.SFTPAttributes) -> Entry | None:
    mode = one.st_mode or 0
    if stat.S_ISDIR(mode):
        return Entry(one.filename, is_folder=True)
    if not stat.S_ISREG(mode):
        return None
    modified = None if one.st_mtime is None else datetime.fromtimestamp(one.st_mtime, UTC)
    return Entry(one.filename, one.st_size or 0, modified)


def _logged_in(connection: Connection, client: paramiko.SSHClient) -> paramiko.SFTPClient:
    """Log in with nothing but what the settings name: no agent, no keys of this machine's user."""
    address = urlsplit(connection.base_url)
    host, port, system = str(address.hostname), address.port or 22, connection.name
    for key in _host_keys(connection):
        client.get_host_keys().add(host if port == 22 else f"[{host}]:{port}", key.get_name(), key)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    login = _login(connection)
    try:
        client.connect(
            host, port, **login, allow_agent=False, look_for_keys=False, timeout=CONNECT_SECONDS,
            banner_timeout=CONNECT_SECONDS, auth_timeout=CONNECT_SECONDS, channel_timeout=CONNECT_SECONDS,
        )  # fmt: skip
        ftp = client.open_sftp()
    except paramiko.AuthenticationException:
        raise Permanent(
            system, "log in", "the server does not let us in: check username and secret in auth", dead=True
        ) from None
    except paramiko.BadHostKeyException:
        raise _strange(system) from None
    except GONE as error:
        if "not found in known_hosts" in str(error):
            raise _strange(system) from None
        raise Transient(system, "log in", AWAY, dead=True) from error
    channel = ftp.get_channel()
    if channel is not None:
        channel.settimeout(ANSWER_SECONDS)
    return ftp


def _strange(system: str) -> Permanent:
    return Permanent(system, "log in", "the server shows another key than options.host_key, so it may be another "
                     f"server: log in nowhere before you know why, then {HOW_KEYS}", dead=True)  # fmt: skip


def _host_keys(connection: Connection) -> list[paramiko.PKey]:
    """Read the keys by which the server is known. Raises Permanent."""
    named = connection.options.get("host_key") or ()
    lines = [named] if isinstance(named, str) else list(named)
    try:
        keys = [entry.key for line in lines if (entry := _entry_of_key(str(line))) is not None]
    except Exception as error:
        raise Permanent(connection.name, "read its settings", f"options.host_key is no key: {HOW_KEYS}") from error
    if not keys:
        raise Permanent(connection.name, "read its settings", f"options.host_key is missing: {HOW_KEYS}")
    return [key for key in keys if key is not None]


def _entry_of_key(line: str) -> Any:
    """Read `[host] type key`, with the host or without it."""
    words = line.split()
    kind = next(place for place, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-")))
    return paramiko.hostkeys.HostKeyEntry.from_line(f"host {words[kind]} {words[kind + 1]}")


def _login(connection: Connection) -> dict[str, Any]:
    """Give what `auth` logs in with. Raises Permanent."""
    auth, name = connection.auth, connection.name
    username = str(auth.get("username", ""))
    if not username:
        raise Permanent(name, "log in", "its auth names no username: add it in yuanmeng.toml")
    match auth.get("type"):
        case "password" | "basic":
            return {"username": username, "password": secret_for(connection, "password")}
        case "key":
            return {"username": username, "pkey": _private_key(connection)}
    raise Permanent(name, "log in", "auth.type must be password or key: correct it")


def _private_key(connection: Connection) -> paramiko.PKey:
    text = secret_for(connection, "key") + "\n"
    for kind in PRIVATE_KEYS:
        with suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text))
    raise Permanent(connection.name, "log in", "its key cannot be read: it must be a private key without a passphrase, "
                    "as `ssh-keygen -N ''` makes it")  # fmt: skip
