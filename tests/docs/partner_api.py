"""The document of the partner API as data: its streams, what can be sent, and whether a value is what it says.

Belongs here: reading the document. Does not: any test.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[2] / "docs" / "partner-api.yaml"


@cache
def load() -> dict[str, Any]:
    """The whole document."""
    found: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    return found


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _streams() -> dict[str, str]:
    pages = {path: one["get"]["responses"]["200"] for path, one in load()["paths"].items() if "get" in one}
    schemas = {path: page["content"]["application/json"]["schema"] for path, page in pages.items()}
    return {path.strip("/"): _name(schema["properties"]["items"]["items"]) for path, schema in schemas.items()}


def _posts() -> dict[str, str]:
    bodies = {path: one["post"]["requestBody"] for path, one in load()["paths"].items() if "post" in one}
    return {path.strip("/"): _name(body["content"]["application/json"]["schema"]) for path, body in bodies.items()}


STREAMS, POSTS = _streams(), _posts()


def problems(name: str, value: Any) -> list[str]:
    """What is wrong with a value by one of the document's schemas: where, and by which keyword."""
    resource = DRAFT202012.create_resource(load())
    registry: Registry[Any] = Registry().with_resource("urn:partner-api", resource)
    schema = {"$ref": f"urn:partner-api#/components/schemas/{name}"}
    validator = OAS31Validator(schema, registry=registry, format_checker=OAS31Validator.FORMAT_CHECKER)
    return [f"{error.json_path} {error.validator}" for error in validator.iter_errors(value)]
