"""The same journey on PostgreSQL: as true, and table by table the same as on SQLite."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.database import open_engine, table_hashes
from console import demo_summary
from tests.journeys.conftest import Demo, live_until, walking


@pytest.mark.postgres
def test_the_whole_journey_on_postgresql_leaves_the_rows_it_leaves_on_sqlite(
    demo: Demo, postgres_fresh: Callable[[], str], tmp_path: Path
) -> None:
    """With the same keys every row has the same id: the hashes of all tables are equal."""
    home, url = tmp_path / "home", postgres_fresh()
    home.mkdir()
    shutil.copy(demo.home / "keys.toml", home / "keys.toml")
    with walking(home, url) as (walk, dates):
        live_until(walk, dates, dates[-1])
        summary = demo_summary.gather(walk.world.get("truth")).summary
        engine = open_engine(url)
        postgres = table_hashes(engine)
        engine.dispose()
        lite = open_engine(f"sqlite:///{demo.home / 'yuanmeng.db'}")
        sqlite = table_hashes(lite)
        lite.dispose()
    assert summary == demo.summary
    assert postgres == sqlite
