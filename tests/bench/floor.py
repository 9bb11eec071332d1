"""The floor: the least that can bring pages of results into a table of ours. No gate, no cursor, no account.

Belongs here: a bare script for each database: httpx, orjson, then COPY and `ON CONFLICT`, or `executemany`.
Does not: anything of ours; only the columns are those of our marks. Into `marks` it writes our own table, with its
foreign keys and indexes; `marks_bare` it makes, with nothing but a primary key. Prints one JSON object.
"""

import argparse
import json
import sqlite3
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import orjson
import psycopg

COLUMNS = ("id", "line_item_id", "learner_id", "score", "score_status", "scored_on", "digest", "changed_at")
BATCH = 20_000
NAMES = ", ".join(COLUMNS)
CHANGES = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
BARE = """CREATE TABLE marks_bare (id text PRIMARY KEY, line_item_id text NOT NULL, learner_id text NOT NULL,
score numeric(10, 3), score_status text NOT NULL, scored_on date, digest bigint, changed_at {instant})"""
Row = tuple[Any, ...]


def pages(source: str, size: int) -> Iterator[list[dict[str, Any]]]:
    """Fetch page after page, until one is short."""
    with httpx.Client(base_url=source, headers={"Authorization": "Bearer bench"}, trust_env=False) as http:
        for offset in count(step=size):
            query: dict[str, str | int] = {"limit": size, "offset": offset, "sort": "sourcedId", "orderBy": "asc"}
            rows = orjson.loads(http.get("/gradebook/v1p2/results", params=query).content)["results"]
            yield rows
            if len(rows) < size:
                return


def batches(source: str, size: int) -> Iterator[list[dict[str, Any]]]:
    """Gather pages."""
    batch: list[dict[str, Any]] = []
    for page in pages(source, size):
        batch += page
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


def rows_of(name: str, batch: list[dict[str, Any]]) -> list[Row]:
    """Make rows of our marks."""
    return [
        (f"{name}:{one['sourcedId']}", f"{name}:{one['lineItem']['sourcedId']}", f"{name}:{one['student']['sourcedId']}",
         one["score"], one["scoreStatus"], one["scoreDate"], place, one["dateLastModified"])
        for place, one in enumerate(batch)
    ]  # fmt: skip


def into_postgres(address: str, table: str, source: str, name: str, size: int) -> float:
    """Fetch and write; give the seconds from the first request to the last commit."""
    with psycopg.connect(address) as db:
        if table == "marks_bare":
            db.execute(BARE.format(instant="timestamptz"))
        db.execute(f"CREATE TEMPORARY TABLE staging (LIKE {table}) ON COMMIT DELETE ROWS")
        db.commit()
        move = f"INSERT INTO {table} ({NAMES}) SELECT {NAMES} FROM staging ON CONFLICT (id) DO UPDATE SET {CHANGES}"  # noqa: S608
        began = time.perf_counter()
        for batch in batches(source, size):
            with db.cursor().copy(f"COPY staging ({NAMES}) FROM STDIN") as copy:
                copy.write("".join("\t".join(map(str, row)) + "\n" for row in rows_of(name, batch)))
            db.execute(move)
            db.commit()
        return time.perf_counter() - began


def into_sqlite(path: str, table: str, source: str, name: str, size: int) -> float:
    """Fetch and write; give the seconds from the first request to the last commit."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA foreign_keys = ON")
    if table == "marks_bare":
        db.execute(BARE.format(instant="timestamp"))
    places = ", ".join("?" * len(COLUMNS))
    statement = f"INSERT INTO {table} ({NAMES}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {CHANGES}"  # noqa: S608
    began = time.perf_counter()
    for batch in batches(source, size):
        with db:
            db.executemany(statement, rows_of(name, batch))
    taken = time.perf_counter() - began
    db.close()
    return taken


def main() -> None:
    """Run once and tell how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--database", "--source", "--name", "--table"):
        parser.add_argument(name, required=True)
    parser.add_argument("--page", type=int, required=True)
    given = parser.parse_args()
    into = into_sqlite if given.database.startswith("sqlite") else into_postgres
    address = given.database.removeprefix("sqlite:///")
    print(json.dumps({"seconds": into(address, given.table, given.source, given.name, given.page)}))


if __name__ == "__main__":
    main()
