"""A delivery killed at every instant: each episode is one message in the sandbox's chat, edited when it is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.faults.delivery import Channel, Chaos, chaos, each_kind_once, many_times

SEED, KILLS = 2016, 100


@pytest.fixture
def life(sqlite_template: Path, tmp_path: Path) -> Iterator[Chaos]:
    """An installation that tells a channel of the sandbox."""
    with Sandbox(seed=1) as sandbox:
        channel = Channel(f"{sandbox.url}/slack/api/", "sandbox-token", "C0SANDBOX01")
        with chaos(sqlite_template, tmp_path / "home", channel) as opened:
            yield opened


def test_a_delivery_killed_at_each_instant_tells_every_episode_once(life: Chaos) -> None:
    each_kind_once(life)


@pytest.mark.soak
def test_a_delivery_killed_a_hundred_times_tells_every_episode_once(life: Chaos) -> None:
    many_times(life, KILLS, SEED)
    print(f"\ndeliveries killed: {life.kills.total()} in {life.lives} lives of alerts; {dict(life.kills)}; seed {SEED}")
