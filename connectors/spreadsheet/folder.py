"""A drop folder, wherever it lies: what is in it, a file's bytes, a file put there whole or not at all.

Belongs here: the interface, a folder of this machine, and which class opens which address. Does not: what stands in a
file (survey.py). Nothing outside the folder is ever touched: links are not followed, names hold no way up.
An OSError is one file's own trouble; what concerns the whole folder is Transient or Permanent.
"""

import os
import secrets
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from connectors.base import Connection, Cost
from connectors.errors import Permanent, Transient
from connectors.spreadsheet import FILE_CAP

MOST_ENTRIES = 5_000
AWAY = "it cannot be reached: check its address, and whether the server is up"
PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder of a drop folder; `modified` is the server's clock, None where it tells no time."""

    name: str
    size: int = 0
    modified: datetime | None = None
    is_folder: bool = False


class Folder(ABC):
    """A folder that others put files into; paths in it are `name` or `folder/name`."""

    def __init__(self, system: str) -> None:
        """`system` is the name of the connection, for its errors."""
        self.system, self.cost = system, Cost()

    def entries(self, sub: str = "") -> list[Entry]:
        """List the files and folders in it, or in a folder of it, links left out. Raises FileNotFoundError."""
        self.cost.requests += 1
        found = [one for one in self._entries(sub) if one.name not in ("", ".", "..") and "/" not in one.name]
        if len(found) > MOST_ENTRIES:
            raise Permanent(self.system, "list", f"a folder holds more than {MOST_ENTRIES} files: move the old ones "
                            "into a folder of their own")  # fmt: skip
        return sorted(found, key=lambda one: one.name)

    @abstractmethod
    def _entries(self, sub: str) -> list[Entry]:
        """List a folder as it is."""

    def read(self, path: str) -> bytes:
        """Give a file's bytes, at most one more than a file may have. Raises OSError."""
        self.cost.requests += 1
        raw = self._read(path)
        self.cost.received += len(raw)
        return raw

    @abstractmethod
    def _read(self, path: str) -> bytes:
        """Read a file."""

    @abstractmethod
    def write(self, path: str, raw: bytes, *, private: bool = False) -> None:
        """Put a file there whole or not at all, for its owner alone where it is `private`. Raises OSError."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file of our own. Raises OSError."""

    def close(self) -> None:  # noqa: B027
        """End what was opened."""


class LocalFolder(Folder):
    """A folder of this machine, or one that is mounted there."""

    def __init__(self, system: str, root: Path) -> None:
        """Take the folder as it is reached now. Raises Permanent when it is not there."""
        super().__init__(system)
        try:
            self.root = root.resolve(strict=True)
            if not self.root.is_dir():
                raise NotADirectoryError
        except OSError:
            raise Permanent(
                system, "open", "its folder is not there: check base_url, and whether it is mounted"
            ) from None

    def _entries(self, sub: str) -> list[Entry]:
        with os.scandir(self.root / sub) as listed:
            return [entry for one in listed if (entry := _entry_of(one)) is not None]

    def _read(self, path: str) -> bytes:
        """Read a plain file: neither a link that was put in its place meanwhile, nor a pipe that never ends."""
        handle = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PermissionError("no plain file")
            return file.read(FILE_CAP + 1)

    def write(self, path: str, raw: bytes, *, private: bool = False) -> None:
        """Write beside and move into place: a reader sees the old file or the new one."""
        target = self.root / path
        self._make_folder(target.parent)
        beside = target.with_name(f".{secrets.token_hex(6)}.part")
        try:
            mode = PRIVATE if private else 0o666  # less what the system's mask takes away
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise PermissionError("a link in place of a folder")

    def remove(self, path: str) -> None:
        """Remove a file; a link is removed itself."""
        (self.root / path).unlink()


def _entry_of(one: "os.DirEntry[str]") -> Entry | None:
    """What the system says of a name, links not followed; None for what is neither file nor folder, or just gone."""
    try:
        told = one.stat(follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISDIR(told.st_mode):
        return Entry(one.name, is_folder=True)
    if not stat.S_ISREG(told.st_mode):
        return None
    return Entry(one.name, told.st_size, datetime.fromtimestamp(told.st_mtime, UTC))


def open_folder(connection: Connection) -> Folder:
    """Open the folder at a connection's address. Raises Permanent or Transient, in one sentence."""
    scheme, address = urlsplit(connection.base_url).scheme, urlsplit(connection.base_url)
    if scheme == "file":
        path = Path(unquote(address.path))
        if address.netloc or not path.is_absolute():
            raise Permanent(connection.name, "open", "base_url must name a whole path, as file:///srv/drop: correct it")
        return LocalFolder(connection.name, path)
    if scheme in ("sftp", "ssh"):
        from connectors.spreadsheet.sftp import SftpFolder

        return SftpFolder(connection)
    from connectors.spreadsheet.storage import StorageFolder

    return StorageFolder(connection)


@contextmanager
def told(system: str, operation: str, *, away: tuple[type[BaseException], ...]) -> Iterator[None]:
    """Turn what a library raises when its server is gone into one sentence; a file's own trouble passes."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError):
        raise
    except away as error:
        raise Transient(system, operation, AWAY, dead=True) from error


def quietly_removed(folder: Folder, path: str) -> None:
    """Remove a file of our own that may be gone already."""
    with suppress(FileNotFoundError):
        folder.remove(path)
