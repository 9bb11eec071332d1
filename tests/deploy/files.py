"""The files of deploy/ as values: what they run, with what environment and which secrets.

Belongs here: reading them. Does not: what must be so of them.
"""

import re
import shlex
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = DEPLOY / "compose" / "compose.yaml"


def compose() -> dict[str, Any]:
    """The compose file, its anchors followed."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return found


class _Several(dict[str, str]):
    """A setting of a unit may be said several times: all are kept, a line each."""

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and key in self:
            value = [*self[key], *value]
        super().__setitem__(key, value)


def unit(path: Path) -> RawConfigParser:
    """A systemd unit."""
    parser = RawConfigParser(strict=False, dict_type=_Several, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, encoding="utf-8")
    return parser


def settings_of(path: Path, name: str) -> list[str]:
    """All a unit says under a name."""
    return [line for line in unit(path)["Service"].get(name, "").splitlines() if line]


def command_of(path: Path) -> list[str]:
    """What a unit starts, without the wrapper that gives it its secrets."""
    words = shlex.split(settings_of(path, "ExecStart")[0])
    return words[1:] if words[0].endswith("with-secrets") else words


def environment_file(path: Path) -> dict[str, str]:
    """The variables of a file of them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))


def environment_of(path: Path) -> dict[str, str]:
    """The variables a unit gives beside its secrets; a file under /etc is the one of its name beside the unit."""
    found: dict[str, str] = {}
    for name in settings_of(path, "EnvironmentFile"):
        here = DEPLOY / Path(name).name
        found |= environment_file(here if here.exists() else path.parent / Path(name).name)
    for line in settings_of(path, "Environment"):
        found |= dict(one.split("=", 1) for one in shlex.split(line))
    return found
