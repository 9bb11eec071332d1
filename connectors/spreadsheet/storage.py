"""A drop folder on anything else fsspec knows: S3 and WebDAV, and memory for tests.

Belongs here: which addresses are taken, what is passed to fsspec, its errors. Does not: files of this machine
(folder.py) or SFTP (sftp.py). Only what is listed here reaches fsspec: some of its systems run programs.
`auth` for S3 is key (key_id, secret_env), for WebDAV password (username, password_env);
`options.endpoint_url` and `options.region` name an S3 that is not Amazon's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.auth import secret_for
from connectors.base import Connection
from connectors.errors import Permanent, Transient
from connectors.spreadsheet import FILE_CAP
from connectors.spreadsheet.folder import AWAY, Entry, Folder

NEEDS = {"s3": "s3fs", "webdav": "webdav4", "webdavs": "webdav4"}


class StorageFolder(Folder):
    """A folder that fsspec reaches; its systems put a file there whole or not at all by themselves."""

    def __init__(self, connection: Connection) -> None:
        """Reach it. Raises Permanent or Transient."""
        super().__init__(connection.name)
        self._files, self.root = _opened(connection)
        with self._told("open"):
            if not self._is_there():
                raise Permanent(self.system, "open", "its folder is not there: check base_url")

    def _is_there(self) -> bool:
        """A prefix of S3 is there once something lies under it; its bucket must be."""
        return bool(self._files.exists(self.root) or self._files.exists(self.root.split("/")[0] or self.root))

    def _entries(self, sub: str) -> list[Entry]:
        with self._told("list"):
            self._files.invalidate_cache()
            try:
                listed = self._files.ls(self._path(sub), detail=True)
            except FileNotFoundError:
                if sub:
                    raise
                return []
        return [_entry_of(one) for one in listed if one["type"] in ("file", "directory") and not one.get("islink")]

    def _read(self, path: str) -> bytes:
        """Read a file."""
        with self._told("read"), self._files.open(self._path(path), "rb") as file:
            return bytes(file.read(FILE_CAP + 1))

    def write(self, path: str, raw: bytes, *, private: bool = False) -> None:
        """Put a file there; who may read it is the storage's to say."""
        with self._told("write"):
            self._files.makedirs(self._path(path).rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(self._path(path), raw)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self._told("write"):
            self._files.rm_file(self._path(path))

    def _path(self, path: str) -> str:
        return f"{self.root}/{path}".rstrip("/")

    @contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """Each system of fsspec has errors of its own: all but a file's trouble and ours mean that it is away."""
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, Permanent):
            raise
        except PermissionError as error:
            raise Permanent(
                self.system, operation, "it does not let us in: check auth, and the rights it gives", dead=True
            ) from error
        except Exception as error:
            raise Transient(self.system, operation, AWAY, dead=True) from error


def _entry_of(one: dict[str, Any]) -> Entry:
    name = str(one["name"]).rstrip("/").rpartition("/")[2]
    at = next((one[word] for word in ("LastModified", "modified", "mtime", "created") if one.get(word)), None)
    modified = at.replace(tzinfo=at.tzinfo or UTC) if isinstance(at, datetime) else None
    return Entry(name, int(one.get("size") or 0), modified, one["type"] == "directory")


def _opened(connection: Connection) -> tuple[Any, str]:
    """Open the file system an address names. Raises Permanent for one that is not taken or not installed."""
    import fsspec

    address = urlsplit(connection.base_url)
    make = SYSTEMS.get(address.scheme)
    if make is None or "::" in connection.base_url:
        raise Permanent(
            connection.name, "open", "base_url must begin with file:, sftp:, s3: or webdav: to be a folder: correct it"
        )
    protocol, options, root = make(connection)
    try:
        return fsspec.filesystem(protocol, skip_instance_cache=True, use_listings_cache=False, **options), root.rstrip(
            "/"
        )
    except (ImportError, ValueError) as error:
        package = NEEDS.get(address.scheme, "fsspec")
        raise Permanent(connection.name, "open", f"{address.scheme}: needs the package {package} beside Yuanmeng: "
                        f"install it with pip install {package}") from error  # fmt: skip


def _s3(connection: Connection) -> tuple[str, dict[str, Any], str]:
    address, auth, given = urlsplit(connection.base_url), connection.auth, connection.options
    options: dict[str, Any] = {}
    if auth.get("type") == "key":
        options = {"key": str(auth.get("key_id", "")), "secret": secret_for(connection, "secret")}
    if given.get("endpoint_url"):
        options["endpoint_url"] = str(given["endpoint_url"])
    if given.get("region"):
        options["client_kwargs"] = {"region_name": str(given["region"])}
    return "s3", options, f"{address.netloc}{unquote(address.path)}"


def _webdav(connection: Connection) -> tuple[str, dict[str, Any], str]:
    address, auth = urlsplit(connection.base_url), connection.auth
    plain = address.scheme == "webdav" and address.hostname in ("127.0.0.1", "localhost")
    options: dict[str, Any] = {"base_url": f"{'http' if plain else 'https'}://{address.netloc}"}
    if auth.get("type") in ("basic", "password"):
        options["auth"] = (str(auth.get("username", "")), secret_for(connection, "password"))
    return "webdav", options, unquote(address.path).strip("/")


def _memory(connection: Connection) -> tuple[str, dict[str, Any], str]:
    address = urlsplit(connection.base_url)
    return "memory", {}, f"/{address.netloc}{unquote(address.path)}"


SYSTEMS: dict[str, Callable[[Connection], tuple[str, dict[str, Any], str]]] = {
    "s3": _s3, "webdav": _webdav, "webdavs": _webdav, "memory": _memory,
}  # fmt: skip
