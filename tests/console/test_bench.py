"""How long help takes, against the two libraries it cannot do without."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 9
MOST = 3.0
COMMANDS = {"help": ("-m", "console", "--help"), "libraries": ("-c", "import typer, rich")}


def seconds(words: tuple[str, ...]) -> float:
    """How long a new Python takes for these arguments."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - began


@pytest.mark.bench
def test_help_takes_under_three_times_the_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    for words in COMMANDS.values():
        seconds(words)
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):  # in turns, so that other work on the machine falls on both
        for name, words in COMMANDS.items():
            taken[name].append(seconds(words))
    medians = {name: round(median(all_of_it), 4) for name, all_of_it in taken.items()}
    ratio = round(medians["help"] / medians["libraries"], 2)
    with capsys.disabled():
        sys.stdout.write(
            json.dumps({"bench": "help", "rounds": ROUNDS, "seconds": medians, "ratio": ratio, "most": MOST}) + "\n"
        )
    assert ratio < MOST
