"""Backup and restore of an installation: one archive with the database and a manifest; the keys are kept apart.

Belongs here: what goes into an archive, and what must be so before and after. Does not: how a database is copied, or the
archive's form (connectors/care). `exchange/` stays out: its files hold numbers in clear, which no archive does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from sqlalchemy import make_url
from sqlalchemy.engine import Connection

from connectors.care import lite, postgres
from connectors.care.archive import DUMP, Manifest, packing, unpacking
from connectors.care.contents import contents_of, key_ids_of, revision_of
from connectors.care.errors import CareError
from connectors.database import knows_revision, migrate
from connectors.settings import Settings, SettingsError, read_keys
from models.clock import now
from models.vault import Keyring
from tasks.progress import tell

FOLDER = "backups"


def back_up(settings: Settings, target: Path | None = None) -> dict[str, Any]:
    """Write the archive of an installation while others work; give its path and what is in it.

    Raises CareError when it cannot be written or the database cannot be dumped; then nothing stands under its name.
    """
    taken = now()
    path = target or settings.home / FOLDER / f"yuanmeng-{taken:%Y%m%dT%H%M%SZ}.zip"
    if target is None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    with packing(path) as pack, _dumped(settings, path.parent) as (connection, stream):
        tell("数据库 database", 0)
        digest = pack.add(DUMP, stream, squeeze=_is_lite(settings))
        pack.say(_manifest(connection, settings, taken.isoformat(timespec="seconds"), digest))
    return {"file": str(path), **_told(proved(path))}


def proved(path: Path) -> Manifest:
    """Read an archive through and give its manifest. Raises ArchiveBroken."""
    with unpacking(path) as (manifest, _):
        return manifest


def restore(settings: Settings, path: Path, *, replace: bool = False) -> dict[str, Any]:
    """Put an archive's database into the empty one of these settings; give what was restored, and what keys it lacks.

    Raises CareError for a database that holds rows (unless `replace`), and for an archive that is not whole or is of a
    newer version.
    """
    with unpacking(path) as (manifest, dump):
        _refuse_what_cannot_be_worked_on(settings, path, manifest)
        way = lite if _is_lite(settings) else postgres
        way.restore(settings.database_url, dump, manifest.tables, replace=replace)
    migrate(settings.database_url)
    return {"file": str(path), **_told(manifest), "keys": _about_keys(settings, manifest)}


def _refuse_what_cannot_be_worked_on(settings: Settings, path: Path, manifest: Manifest) -> None:
    """Before anything goes: a database of another kind, or of a schema that this version has never heard of."""
    if manifest.database != _kind(settings):
        raise CareError(
            f"{path} is of {manifest.database}, and database_url names {_kind(settings)}: restore into its own kind"
        )
    if not knows_revision(manifest.revision):
        raise CareError(f"{path} was made by a newer Yuanmeng ({manifest.yuanmeng}): bring this one up to date first")


def _manifest(connection: Connection, settings: Settings, taken_at: str, digest: str) -> Manifest:
    ring = _keys(settings)
    return Manifest(
        yuanmeng=_version(), revision=revision_of(connection), database=_kind(settings), taken_at=taken_at,
        tables=contents_of(connection), key_ids=key_ids_of(connection),
        matching=_mark(ring) if ring else "", dump_sha256=digest,
    )  # fmt: skip


@contextmanager
def _dumped(settings: Settings, folder: Path) -> Iterator[tuple[Any, IO[bytes]]]:
    way = lite.dumped(settings.database_url, folder) if _is_lite(settings) else postgres.dumped(settings.database_url)
    with way as found:
        yield found


def _about_keys(settings: Settings, manifest: Manifest) -> str:
    """Say what is wrong with the keys that are here, if anything: without the right ones no number can be read."""
    ring = _keys(settings)
    if ring is None:
        return "there are no keys here: put keys.toml of its own backup in place"
    missing = [name for name in manifest.key_ids if name not in ring.keys]
    if missing or (manifest.matching and _mark(ring) != manifest.matching):
        lacks = f" ({', '.join(missing)} missing)" if missing else ""
        return f"the keys here are not those of the backup{lacks}: put keys.toml of its own backup in place"
    return ""


def _keys(settings: Settings) -> Keyring | None:
    try:
        return read_keys(settings.keys_file)
    except SettingsError:
        return None


def _mark(ring: Keyring) -> str:
    """A mark that only this file of keys gives, and that says nothing of it."""
    return ring.match_hash("keyring", "mark")[:16]


def _told(manifest: Manifest) -> dict[str, Any]:
    return {"taken_at": manifest.taken_at, "revision": manifest.revision, "rows": manifest.rows,
            "tables": len(manifest.tables), "key_ids": manifest.key_ids}  # fmt: skip


def _kind(settings: Settings) -> str:
    return "SQLite" if make_url(settings.database_url).get_backend_name() == "sqlite" else "PostgreSQL"


def _is_lite(settings: Settings) -> bool:
    return _kind(settings) == "SQLite"


def _version() -> str:
    try:
        return version("yuanmeng")
    except PackageNotFoundError:
        return "source"
