"""The account of a night as lines for Prefect: every stream, and a connection of which none was read."""

from typing import Any

from flows.account import COUNTED, lines_of


def told(**changes: Any) -> dict[str, Any]:
    """The account of a stream."""
    return {**dict.fromkeys(COUNTED, 0), "status": "ok", "reason": "", "cursor": None, **changes}


def test_each_stream_is_a_line_and_a_connection_without_any_is_one_too() -> None:
    lines = lines_of({
        "school": {"status": "ok", "reason": "", "streams": {"terms": told(read=3, written=3), "courses": told()}},
        "hr": {"status": "failed", "reason": "hr: it cannot be reached", "streams": {}},
    })  # fmt: skip
    assert [(one["connection"], one["stream"], one["status"]) for one in lines] == [
        ("school", "terms", "ok"), ("school", "courses", "ok"), ("hr", "", "failed"),
    ]  # fmt: skip
    assert (lines[0]["read"], lines[0]["cursor"], lines[2]["reason"]) == (3, "", "hr: it cannot be reached")
