"""dlt on the same source: its `rest_api` source, `merge` with `upsert` by `sourcedId` into PostgreSQL, no checks.

Belongs here: dlt as its documentation would have it; with `--tuned`, with the settings that made it fastest here: CSV
files, which it loads by COPY, and no compression of them. Does not: anything of ours. It runs in an environment of its
own (dlt.lock). Prints one JSON object.
"""

import argparse
import json
import os
import time
from typing import Any

began_imports = time.perf_counter()
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}

import dlt  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402


def config(source: str, size: int) -> dict[str, Any]:
    """The source as dlt describes one: one resource, paged by offset, until a page is empty."""
    return {
        "client": {
            "base_url": source,
            "auth": {"type": "bearer", "token": "bench"},
            "paginator": {"type": "offset", "limit": size, "total_path": None, "stop_after_empty_page": True},
        },
        "resources": [{
            "name": "results",
            "primary_key": "sourcedId",
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
            "endpoint": {"path": "gradebook/v1p2/results", "params": {"sort": "sourcedId", "orderBy": "asc"},
                         "data_selector": "results"},
        }],
    }  # fmt: skip


def main() -> None:
    """Run once and tell how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--database", "--source", "--folder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--page", type=int, required=True)
    parser.add_argument("--tuned", action="store_true")
    given = parser.parse_args()
    if given.tuned:
        os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    imports = time.perf_counter() - began_imports
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=given.folder, dataset_name="rival", destination=dlt.destinations.postgres(given.database)
    )
    source = rest_api_source(config(given.source, given.page))
    began = time.perf_counter()
    pipeline.run(source, **({"loader_file_format": "csv"} if given.tuned else {}))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "imports": imports, "version": dlt.__version__}))


if __name__ == "__main__":
    main()
