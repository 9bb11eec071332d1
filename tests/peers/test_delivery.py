"""A delivery killed at every instant: each episode is one message on emulate, edited when it is over."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.faults.delivery import Channel, Chaos, chaos, each_kind_once, many_times

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

SEED, KILLS = 2016, 100


@pytest.fixture
def life(emulate_url: str, peer_secret: str, sqlite_template: Path, tmp_path: Path) -> Iterator[Chaos]:
    """An installation that tells a new channel of the peer."""
    headers = {"Authorization": f"Bearer {peer_secret}"}
    with httpx.Client(base_url=emulate_url, headers=headers, trust_env=False) as http:
        made = http.post("conversations.create", json={"name": f"c-{uuid4().hex[:12]}"}).json()
    channel = Channel(emulate_url, peer_secret, str(made["channel"]["id"]))
    with chaos(sqlite_template, tmp_path / "home", channel) as opened:
        yield opened


def test_a_delivery_killed_at_each_instant_tells_every_episode_once(life: Chaos) -> None:
    each_kind_once(life)


@pytest.mark.soak
def test_a_delivery_killed_a_hundred_times_tells_every_episode_once(life: Chaos) -> None:
    many_times(life, KILLS, SEED)
    print(f"\ndeliveries killed: {life.kills.total()} in {life.lives} lives of alerts; {dict(life.kills)}; seed {SEED}")
