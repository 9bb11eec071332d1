"""The document of the partner API: sound by itself, with every stream that is read, and its examples are read."""

import json
from datetime import datetime
from typing import Any

import pytest
from openapi_spec_validator import validate

from connectors.partner import PARSERS
from models.records import Record
from models.rules.privacy import holds_personal_number
from tests.docs.partner_api import DOCUMENT, POSTS, STREAMS, load, problems


def test_the_document_is_sound() -> None:
    validate(load())


def test_every_stream_that_is_read_is_in_the_document_and_no_other() -> None:
    assert STREAMS.keys() == PARSERS.keys()


@pytest.mark.parametrize("name", [*STREAMS.values(), *POSTS.values()])
def test_every_example_is_what_its_schema_says(name: str) -> None:
    assert problems(name, load()["components"]["schemas"][name]["example"]) == []


@pytest.mark.parametrize(("stream", "name"), STREAMS.items())
def test_every_example_of_a_row_is_read(stream: str, name: str) -> None:
    row = load()["components"]["schemas"][name]["example"]
    record = PARSERS[stream](row)
    assert isinstance(record, Record)
    assert (record.source_id, record.changed_at) == (row["id"], datetime.fromisoformat(row["updated_at"]))


@pytest.mark.parametrize(("stream", "name"), STREAMS.items())
def test_a_row_without_a_required_field_is_not_read_either(stream: str, name: str) -> None:
    """What the document asks for is what the connector needs: no field less."""
    row = load()["components"]["schemas"][name]["example"]
    for field in required(name):
        with pytest.raises((KeyError, ValueError)):
            PARSERS[stream]({key: value for key, value in row.items() if key != field})


def required(name: str) -> list[str]:
    """The fields that a schema asks for, those of its parts too."""
    schema: dict[str, Any] = load()["components"]["schemas"][name]
    parts = [load()["components"]["schemas"]["UpdatedAt"], schema["allOf"][1]]
    return [field for part in parts for field in part["required"]]


def test_the_document_names_every_field_with_its_meaning() -> None:
    schemas = load()["components"]["schemas"]
    for name in STREAMS.values():
        own = schemas[name]["allOf"][1]
        assert own["properties"].keys() >= set(own["required"])
        assert schemas[name]["example"].keys() <= own["properties"].keys() | schemas["UpdatedAt"]["properties"].keys()


def test_the_document_has_no_number_of_a_person() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for known in ("000000190001010000", "123455202606000001", "999999999999999999", '"000000000000"'):
        text = text.replace(known, "")
    assert not holds_personal_number(text)
    assert json.dumps(load())  # no value that JSON has not, such as a bare date
