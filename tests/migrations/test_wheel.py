"""The wheel carries what an installation needs: every package, every migration, the files they read."""

import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
PACKAGES = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
MIGRATE = (
    "import sys, migrations; from connectors.database import migrate; migrate(sys.argv[1]); print(migrations.__file__)"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=HERE, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def sources() -> Iterator[str]:
    """Every file of the packages as they lie here."""
    for package in PACKAGES["wheel"]["packages"]:
        for path in sorted((HERE / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path.relative_to(HERE).as_posix()


def test_every_file_of_every_package_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    forced = PACKAGES["wheel"]["force-include"]
    assert forced == {"prefect.yaml": "flows/prefect.yaml"}
    assert inside == {*sources(), *forced.values()}
    folders = {name.split("/")[0] for name in inside}
    assert folders == {"console", "flows", "tasks", "connectors", "models", "sandbox", "migrations"}
    assert {"tasks/plan_template.toml", "migrations/env.py", "migrations/versions/0008_guards.py"} <= inside


def test_the_wheel_can_be_published_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        read = Parser().parsestr(archive.read(metadata).decode())
    assert read.get_all("Classifier") == ["Private :: Do Not Upload"]


def test_an_installed_wheel_migrates_a_database(wheel: Path, tmp_path: Path) -> None:
    """From the wheel's own files, far from the sources."""
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    ran = subprocess.run(
        [sys.executable, "-c", MIGRATE, f"sqlite:///{tmp_path / 'yuanmeng.db'}"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.stderr == ""
    assert ran.stdout.strip() == str(installed / "migrations" / "__init__.py")
    assert (tmp_path / "yuanmeng.db").stat().st_size > 0
