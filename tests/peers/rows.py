"""Rows that the partner API's document calls sound, made up by schemathesis: run by its own environment's Python.

Belongs here: making rows. Does not: reading them (test_partner_api.py). Usage: rows.py DOCUMENT COUNT; JSON on stdout.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings


def main(path: str, count: int) -> None:
    """Print rows of every stream: its row becomes the body of a request, which schemathesis knows how to make up."""
    document, streams = yaml.safe_load(Path(path).read_text(encoding="utf-8")), {}
    for name, operations in document["paths"].items():
        if answer := operations.get("get", {}).get("responses"):
            page = answer["200"]["content"]["application/json"]["schema"]
            streams[name] = page["properties"]["items"]["items"]
    document["paths"] = {name: {"post": _taking(row)} for name, row in streams.items()}
    schema = import_module("schemathesis").openapi.from_dict(document)
    json.dump({name.strip("/"): _rows(schema[name]["POST"], count) for name in streams}, sys.stdout)


def _taking(row: dict[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": row}}}
    return {"requestBody": body, "responses": {"200": {"description": "taken"}}}


def _rows(operation: Any, count: int) -> list[Any]:
    found: list[Any] = []

    @seed(1)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        found.append(_plain(case.body))

    collect()
    return found


def _plain(value: Any) -> Any:
    """The document asks for plain notation with at most four decimals, which no schema can say; 4.0 is the whole 4."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
