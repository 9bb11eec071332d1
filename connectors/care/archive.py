"""The archive a backup is kept in: a zip file of the dump, the settings and a manifest, readable by its owner alone.

Belongs here: writing one that is whole or not there, reading one that proves whole. Does not: making the dump (dump.py).
The manifest comes last and names what must stand before it; the file gets its name when it is on the disk.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from connectors.care.contents import Contents
from connectors.care.errors import ArchiveBroken, CareError

FORMAT = 1
MANIFEST, DUMP = "manifest.json", "database.dump"
THERE = "{} is there already: name another file, or move that one away"
NO_BACKUP = "{} is no backup of Yuanmeng, or it is cut off: take another one"
PIECE = 1 << 20
PARTIAL = ".ym-partial"
# What reading an archive may raise that was cut off or altered, in its headers too.
SPOILT = (KeyError, TypeError, ValueError, AttributeError, EOFError, OSError, RuntimeError, zipfile.BadZipFile,
          zlib.error)  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself.

    `revision` is the schema's version, `taken_at` an instant in UTC, `key_ids` the keys that opening its numbers takes,
    `matching` a mark by which the right file of keys is known; `dump_sha256` is of the dump alone.
    """

    yuanmeng: str
    revision: str
    database: str
    taken_at: str
    tables: dict[str, Contents]
    key_ids: list[str] = field(default_factory=list)
    matching: str = ""
    dump_sha256: str = ""
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(one.rows for one in self.tables.values())


class Pack:
    """An archive under way: what is put into it, then its manifest."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, source: IO[bytes], *, squeeze: bool) -> str:
        """Add a file from a stream and give its SHA-256."""
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if squeeze else zipfile.ZIP_STORED
        entry.external_attr = 0o600 << 16
        digest = sha256()
        with self._archive.open(entry, "w", force_zip64=True) as target:
            while piece := source.read(PIECE):
                digest.update(piece)
                target.write(piece)
        return digest.hexdigest()

    def say(self, manifest: Manifest) -> None:
        """Add the manifest, last."""
        self._archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True))


@contextmanager
def packing(target: Path) -> Iterator[Pack]:
    """Write an archive that stands under its name once it is whole and on the disk, and not at all otherwise.

    Raises CareError when a file of that name is there.
    """
    if target.exists():
        raise CareError(THERE.format(target))
    _remove_leftovers(target.parent)
    beside = target.with_name(f".{target.name}{PARTIAL}")
    with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT, 0o600), "w+b") as file:
        _hold(file, target)
        file.truncate()
        try:
            with zipfile.ZipFile(file, "w", allowZip64=True, compresslevel=1) as archive:
                yield Pack(archive)
            file.flush()
            os.fsync(file.fileno())
            _name(beside, target)
        finally:
            beside.unlink(missing_ok=True)


def _hold(file: IO[bytes], target: Path) -> None:
    try:
        flock(file, LOCK_EX | LOCK_NB)
        if os.fstat(file.fileno()).st_nlink:
            return
    except BlockingIOError:
        pass
    raise CareError(f"another backup is writing {target}: wait for it, or name another file")


def _name(beside: Path, target: Path) -> None:
    """Give the file its name, which nobody else may have taken meanwhile."""
    try:
        target.hardlink_to(beside)
    except FileExistsError:
        raise CareError(THERE.format(target)) from None
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_leftovers(folder: Path) -> None:
    """Remove what backups that died left behind: a file that nobody holds."""
    for one in folder.glob(f".*{PARTIAL}"):
        try:
            with one.open("rb") as file:
                flock(file, LOCK_EX | LOCK_NB)
                one.unlink()
        except OSError:
            continue


@contextmanager
def unpacking(source: Path) -> Iterator[tuple[Manifest, IO[bytes]]]:
    """Open an archive: its manifest and its dump as a stream, which was read through once and found whole.

    Raises ArchiveBroken.
    """
    try:
        with _opened(source) as archive:
            manifest = _manifest(archive, source)
            _prove(archive, manifest, source)
            with archive.open(DUMP) as dump:
                yield manifest, dump
    except zipfile.BadZipFile:
        raise ArchiveBroken(NO_BACKUP.format(source)) from None


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except SPOILT as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # there is no such file, or it may not be read
        raise ArchiveBroken(NO_BACKUP.format(source)) from None


def _manifest(archive: zipfile.ZipFile, source: Path) -> Manifest:
    try:
        said: dict[str, Any] = json.loads(archive.read(MANIFEST))
        said["tables"] = {name: Contents(**one) for name, one in said["tables"].items()}
        if said["format"] > FORMAT:
            raise CareError(
                f"{source} was made by a newer Yuanmeng ({said['yuanmeng']}): bring this one up to date first"
            )
        return Manifest(**said)
    except CareError:
        raise
    except SPOILT:
        raise ArchiveBroken(f"{source} is no backup of Yuanmeng, or it was altered: take another one") from None


def _prove(archive: zipfile.ZipFile, manifest: Manifest, source: Path) -> None:
    """Read the dump through before anything is written anywhere."""
    digest = sha256()
    try:
        with archive.open(DUMP) as dump:
            while piece := dump.read(PIECE):
                digest.update(piece)
    except SPOILT as error:
        raise ArchiveBroken(f"{source} cannot be read through ({type(error).__name__}): take another backup") from None
    if digest.hexdigest() != manifest.dump_sha256:
        raise ArchiveBroken(f"{source} was altered since it was made: take another backup")
