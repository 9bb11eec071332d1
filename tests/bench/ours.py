"""One night of ours in a process of its own: everything imported first, then `sync_connections`, then what it cost.

Belongs here: opening an office on a database, the clock, the memory. Does not: what is compared (test_sync.py).
Prints one JSON object: `imports` and `seconds`, the account, the memory in MB once everything was imported and at its
peak after that.
"""

import argparse
import asyncio
import importlib
import json
import os
import pkgutil
import time
from datetime import date
from pathlib import Path
from typing import Any

TODAY = date(2026, 9, 20)
SCHOOL = "12350100000000019K"
PACKAGES = ("connectors", "models", "tasks")
HEAVY = ("great_expectations", "pandas", "sqlalchemy.dialects.postgresql.psycopg", "psycopg", "httpx", "httpcore",
         "anyio._backends._asyncio")  # fmt: skip


def import_everything() -> float:
    """Import all of ours but flows and the console, and what they import on first use; give the seconds."""
    began = time.perf_counter()
    for name in HEAVY:
        importlib.import_module(name)
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    return time.perf_counter() - began


def memory(line: str) -> float:
    """A line of this process's own account of its memory, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(one for one in status.splitlines() if one.startswith(line)).split()[1]) / 1024


def open_office(database: str, name: str, source: str, page: int, home: Path) -> None:
    """Make an office with one school this process's own."""
    from connectors.base import Connection
    from connectors.database import open_engine
    from connectors.settings import Settings
    from models.vault import use_keyring
    from tasks.office import Office, use_office
    from tests.fixtures.databases import TEST_KEYS

    os.environ["BENCH_TOKEN"] = "bench"
    connection = Connection(
        name=name, kind="oneroster", organisation=SCHOOL, base_url=source,
        auth={"type": "bearer", "token_env": "BENCH_TOKEN"}, options={"page_size": page},
    )  # fmt: skip
    use_keyring(TEST_KEYS)
    settings = Settings(home=home, database_url=database, keys_file=home / "keys.toml", actor="bench",
                        connections=(connection,))  # fmt: skip
    use_office(Office(settings, open_engine(database)))


def measured(name: str, full: bool) -> dict[str, Any]:
    """Sync once, from the first request to the last commit; the peak of memory is counted from here."""
    from tasks.sync import sync_connections

    imported = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    began, worked = time.perf_counter(), time.process_time()
    account = asyncio.run(sync_connections([name], as_of=TODAY, full=full))[name]
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = memory("VmHWM")
    return {"seconds": seconds, "processor": processor, "account": account, "imported": imported, "peak": peak}


def main() -> None:
    """Run one night and tell what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--database", "--source", "--name", "--home"):
        parser.add_argument(name, required=True)
    parser.add_argument("--page", type=int, required=True)
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    imports = import_everything()
    open_office(given.database, given.name, given.source, given.page, Path(given.home))
    print(json.dumps({"imports": imports, **measured(given.name, given.full)}))


if __name__ == "__main__":
    main()
