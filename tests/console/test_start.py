"""Help comes at once: heavy libraries load only in the command that needs them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "prefect", "sqlalchemy", "sqlmodel", "httpx", "rich", "openpyxl", "great_expectations", "slack_sdk", "alembic",
    "cryptography", "pydantic",
}  # fmt: skip


def loaded(*words: str) -> set[str]:
    """The top packages that a command loads in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "console", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    return {name.split(".")[0] for name in re.findall(r"^import time:.*\| +(\S+)$", ended.stderr, re.MULTILINE)}


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_loads_no_heavy_library(words: tuple[str, ...]) -> None:
    names = loaded(*words)
    assert "console" in names
    assert names & HEAVY == set()


@pytest.mark.parametrize("words", [("cohort", "--help"), ("roster", "import", "--help")])
def test_help_of_a_command_loads_no_more_than_typer_reads_options_with(words: tuple[str, ...]) -> None:
    assert loaded(*words) & (HEAVY - {"pydantic"}) == set()
