"""That what the documents say is so: pages written from code, links, commands and make targets."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from console.app import app
from tests.docs import lifecycle

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
COMMAND = re.compile(r"^(?:\.venv/bin/)?yuanmeng ((?:[a-z-]+ ?)+)", re.MULTILINE)


def name(path: Path) -> str:
    """A page's path as one types it."""
    return str(path.relative_to(ROOT))


def test_the_page_of_the_lifecycle_says_what_the_table_says() -> None:
    assert lifecycle.PAGE.read_text(encoding="utf-8") == lifecycle.page(), "run python -m tests.docs.lifecycle"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(
        r"`((?:console|flows|tasks|connectors|models|sandbox|migrations|tests|docs)/[\w./-]*)`", text
    ):
        module, _, function = path.rpartition(".")
        code = ROOT / f"{module}.py"
        assert (ROOT / path).exists() or (code.exists() and f"def {function}(" in code.read_text(encoding="utf-8")), (
            path
        )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_that_are_named_exist(page: Path) -> None:
    for line in COMMAND.findall(page.read_text(encoding="utf-8")):
        command = get_command(app)
        for word in line.split():
            if not hasattr(command, "commands"):
                break
            assert word in command.commands, line
            command = command.commands[word]


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {"demo", "test"}
    assert named | {"help", "lint", "bench", "soak"} <= targets


def test_every_cap_of_a_dependency_has_its_reason_beside_it() -> None:
    """A cap below the next major version is written under the comment that says why."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    capped = [one for one in tomllib.loads(text)["project"]["dependencies"] if re.search(r"<[0-9]+\.[0-9]", one)]
    assert capped
    for requirement in capped:
        assert re.search(rf"# .*\n  \"{re.escape(requirement)}\"", text), requirement


def test_no_file_names_a_place_of_one_machine() -> None:
    """No path of a machine and no registry's host stands in a document or in the code."""
    wrong = re.compile(r"/(?:root|home)/[a-z]|/work/|files\.pythonhosted|pypi\.org|registry\.npmjs|deb\.debian")
    for path in [*PAGES, *ROOT.glob("*.toml"), ROOT / "requirements.lock", *ROOT.glob("*/**/*.py")]:
        if ".venv" not in path.parts and ".peers" not in path.parts and path != Path(__file__):
            assert not wrong.search(path.read_text(encoding="utf-8")), path
