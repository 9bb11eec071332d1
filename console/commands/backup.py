"""`yuanmeng backup` and `yuanmeng restore`: one archive of the database, and back into an empty one.

Belongs here: the commands. Does not: copying or proving anything (tasks/backup.py).
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from console.errors import HELD
from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress


def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The archive to write (backups/ of the home, unless told).")
    ] = None,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Back up the database 备份. Others may go on working; the keys and exchange/ are no part of it."""
    settings = _settings(home)
    from tasks.backup import back_up

    with progress("备份 backup"):
        made = back_up(settings, file)
    emit(made, as_json, _backed_up)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that `yuanmeng backup` wrote.")],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Lose what the database holds now: it goes once the backup has proved whole."),
    ] = False,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup 恢复. Into an empty database; every table is compared with the manifest afterwards."""
    settings = _settings(home)
    from tasks.backup import restore as put_back

    with progress("恢复 restore"):
        done = put_back(settings, file, replace=replace)
    emit(done, as_json, _restored)
    if done["keys"]:
        raise typer.Exit(HELD)


def _settings(home: Path | None) -> Any:
    """The settings alone: neither needs the keys, which may be elsewhere still."""
    from connectors.settings import load_settings
    from console.run import remember_home

    settings = load_settings(home)
    remember_home(settings.home)
    return settings


def _backed_up(made: dict[str, Any]) -> list[str]:
    return [
        f"备份 backup {made['file']}: {made['rows']} rows of {made['tables']} tables",
        "密钥 keys   are no part of it: back keys.toml up apart, or its numbers are lost "
        f"(it needs {', '.join(made['key_ids']) or 'none'})",
    ]


def _restored(done: dict[str, Any]) -> list[str]:
    told = [
        f"恢复 restored {done['rows']} rows of {done['tables']} tables, as they stood at {done['taken_at']}: all as the manifest says"
    ]
    return [*told, *([f"密钥 keys   {done['keys']}"] if done["keys"] else [])]
