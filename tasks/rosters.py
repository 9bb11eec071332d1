"""Rosters 花名册 in drop folders: each new file is imported for the cohort whose folder it lies in.

Belongs here: which enterprise a dropped roster is of, importing it once, telling beside it what became of its rows.
Does not: judging a row (nomination.py), or the folder itself (connectors/spreadsheet).
"""

import tempfile
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from connectors.base import Connection
from connectors.errors import OutsideError
from connectors.registry import open_connector
from connectors.spreadsheet import UnreadableSheet, read_roster
from connectors.spreadsheet.connector import DroppedRoster, SpreadsheetConnector
from connectors.spreadsheet.errors_file import written_in_words, written_whole
from models.clock import business_date
from models.repositories.documents import read_before, remember
from models.repositories.organisations import enterprise_codes
from models.rules.privacy import mask_numbers
from tasks.errors import BadInput
from tasks.nomination import import_roster
from tasks.office import office, unit_of_work
from tasks.step import AGAIN, step

Account = dict[str, Any]
COUNTED = ("accepted", "held", "refused")


@step(name="import-dropped-rosters", retries=AGAIN)
async def import_dropped_rosters(name: str, as_of: date | None = None) -> Account:
    """Import the rosters that are new in the folder of a connection; give the account of it.

    `files` are those imported, the rest counts their rows. `status` is held when a file could not be imported, which is
    told beside it and tried again the next night, and failed when the folder could not be read.
    """
    connection = next(one for one in office().settings.connections if one.name == name)
    account: Account = {"status": "ok", "reason": "", "files": 0, **dict.fromkeys(COUNTED, 0)}
    try:
        async with open_connector(connection) as folder:
            if isinstance(folder, SpreadsheetConnector):
                await _take_all(folder, as_of, account)
    except OutsideError as error:
        account.update(status="failed", reason=str(error))
    return account


def add_rosters(reports: dict[str, Any], rosters: dict[str, Account]) -> None:
    """Put the accounts of rosters into those of their connections; what could not be imported weighs as a held stream."""
    for name, account in rosters.items():
        report = reports[name]
        report["rosters"] = account
        if account["status"] != "ok":
            report["reason"] = "; ".join(one for one in (report["reason"], account["reason"]) if one)
            report["status"] = "failed" if "failed" in (report["status"], account["status"]) else "held"


async def _take_all(folder: SpreadsheetConnector, as_of: date | None, account: Account) -> None:
    with unit_of_work() as session:
        known = read_before(session, folder.connection.name)
    for roster in await folder.rosters(known):
        try:
            taken = await _import(folder.connection, roster, as_of)
        except (UnreadableSheet, BadInput) as error:
            sentence = mask_numbers(str(error))
            account.update(status="held", reason=f"{folder.connection.name}: {mask_numbers(roster.path)}: {sentence}")
            await folder.tell_beside(roster, written_whole(sentence))
            continue
        await folder.tell_beside(roster, _errors(taken["rows"]))
        with unit_of_work() as session:
            remember(session, folder.connection.name, roster.document, mask_numbers(roster.path), business_date(as_of))
        account["files"] += 1
        for status in COUNTED:
            account[status] += taken[status]


async def _import(connection: Connection, roster: DroppedRoster, as_of: date | None) -> dict[str, Any]:
    """Import a roster's bytes by way of a file where personal numbers may lie. Raises UnreadableSheet and BadInput."""
    exchange = office().settings.home / "exchange"
    exchange.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=exchange, prefix=".incoming-") as folder:
        path = Path(folder) / f"{roster.cohort}-{PurePosixPath(roster.path).name}"
        path.touch(mode=0o600)
        path.write_bytes(roster.raw)
        enterprise = _enterprise(connection, roster.cohort, path)
        return await import_roster(str(path), roster.cohort, connection.name, as_of, enterprise)


def _enterprise(connection: Connection, cohort: str, path: Path) -> str | None:
    """The enterprise whose folder it is; where it is somebody else's who gathers rosters, the one a roster names.

    Raises BadInput for a roster of another enterprise in an enterprise's own folder.
    """
    with unit_of_work() as session:
        planned = enterprise_codes(session, cohort)
    if connection.organisation not in planned:
        return None
    named = read_roster(path).enterprise_code
    if named not in (None, connection.organisation):
        raise BadInput("the roster names another enterprise than the one whose folder this is: put it into its own")
    return connection.organisation


def _errors(rows: list[dict[str, Any]]) -> bytes | None:
    """The file of errors of a roster's rows, None where all were accepted."""
    lines = [
        (str(row["row"]), "；".join(row["rules"]), mask_numbers("；".join(row["reasons"])))
        for row in rows if row["status"] != "accepted"
    ]  # fmt: skip
    return written_in_words(lines) if lines else None
