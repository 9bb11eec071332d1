"""Anything run twice, or with two at once, leaves the same rows; on SQLite and on PostgreSQL."""

import asyncio
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from connectors.database import open_engine, table_hashes
from flows.advance_cohort import advance_cohort
from flows.nightly import nightly_sync
from flows.publish_report import publish_report
from flows.watch_stalls import watch_stalls
from tasks.office import office
from tests.fixtures.databases import BACKENDS
from tests.journeys.conftest import ROOT, command, live_until, walking

Backend = Callable[[str], str]
MILESTONES = (date(2023, 5, 30), date(2023, 6, 26), date(2023, 9, 13), date(2023, 9, 28), date(2023, 11, 20))


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database: SQLite in the home, or a new one on a real PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'yuanmeng.db'}"
    return str(request.getfixturevalue("postgres_fresh")())


def hashes(url: str) -> dict[str, str]:
    """The hash of every table."""
    engine = open_engine(url)
    try:
        return table_hashes(engine)
    finally:
        engine.dispose()


def twin_of(url: str, tmp_path: Path) -> str:
    """A copy of a database that nobody is using."""
    if url.startswith("sqlite"):
        source, twin = sqlite3.connect(str(make_url(url).database)), sqlite3.connect(tmp_path / "twin.db")
        with closing(source), closing(twin):
            source.backup(twin)
        return f"sqlite:///{tmp_path / 'twin.db'}"
    address = make_url(url)
    office().engine.dispose()  # PostgreSQL copies a database only while nobody is connected
    engine = open_engine(address.set(database="postgres").render_as_string(hide_password=False))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {address.database}_twin TEMPLATE {address.database}"))
    engine.dispose()
    return address.set(database=f"{address.database}_twin").render_as_string(hide_password=False)


def test_every_flow_run_again_changes_nothing(url: str, tmp_path: Path) -> None:
    """At each milestone of a walk: the same plans, rosters and answers, the night, the stalls, the report, again."""
    with walking(tmp_path / "home", url) as (walk, dates):
        lived = date.min
        for milestone in MILESTONES:
            live_until(walk, [day for day in dates if day > lived], milestone)
            lived, before = milestone, hashes(url)
            walk.rosters_done.clear()

            async def again(day: date = milestone) -> None:
                plans = walk.world.get("plans")
                await walk.live(day)
                await advance_cohort.fn(cohort=plans[0]["cohort"], as_of=day)
                await watch_stalls.fn(as_of=day)
                await nightly_sync.fn(as_of=day, full=True)
                await publish_report.fn(form="json", as_of=day)

            asyncio.run(again())
            assert hashes(url) == before, milestone


def run_together(*lines: list[str], env: dict[str, str]) -> list[subprocess.CompletedProcess[str]]:
    """Start commands at once, and wait for all of them."""
    started = [
        subprocess.Popen(line, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in lines
    ]
    ended = [(one, *one.communicate(timeout=120)) for one in started]
    return [subprocess.CompletedProcess(one.args, one.returncode, out, err) for one, out, err in ended]


def environment(url: str, **more: str) -> dict[str, str]:
    """The environment of a command that works on the database at `url`."""
    return {**os.environ, "YUANMENG_DATABASE_URL": url, "YUANMENG_SANDBOX_TOKEN": "sandbox-token", **more}


@pytest.mark.parametrize(
    ("url", "last"),
    [("sqlite", date(2023, 6, 26)), pytest.param("postgresql", date(2023, 9, 13), marks=pytest.mark.postgres)],
    indirect=["url"],
)
def test_two_nights_at_once_leave_what_one_leaves(url: str, last: date, tmp_path: Path) -> None:
    """Two processes run the same night together; a third runs it alone on a twin of the database."""
    home = tmp_path / "home"
    with walking(home, url) as (walk, dates):
        live_until(walk, dates, max(day for day in dates if day < last))
        walk.world.travel(last)
        asyncio.run(walk.answer_inbox(last))
        twin = twin_of(url, tmp_path)
        night = command("sync", "--as-of", last.isoformat(), "--json", home=home)
        both = run_together(night, night, env=environment(url))
        (alone,) = run_together(night, env=environment(twin))
    assert [one.stderr for one in (*both, alone)] == ["", "", ""]
    assert {one.returncode for one in (*both, alone)} <= {0, 1}
    assert hashes(forget_the_chat(url)) == hashes(forget_the_chat(twin))


def forget_the_chat(url: str) -> str:
    """Take out by which timestamps the chat knows its messages: it has taken those of the twin beside the others."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alerts SET ts = ''"))
    engine.dispose()
    return url


def test_two_of_every_other_command_at_once_leave_what_one_leaves(url: str, tmp_path: Path, data: Path) -> None:
    """Opening a cohort, importing a roster, deciding, advancing and reporting, each by two processes together."""
    home, plan = tmp_path / "home", tmp_path / "plan.toml"
    env = environment(url, YUANMENG_ACTOR="tester")
    plan.write_text(_run(command("cohort", "template"), env))
    home.mkdir()
    _run(command("init", home=home), env)
    opened = command("cohort", "open", str(plan), "--as-of", "2026-05-18", "--json", home=home)
    first = run_together(opened, opened, env=env)
    assert first[0].stdout == first[1].stdout, first
    once = hashes(url)
    _run(opened, env)
    assert hashes(url) == once
    code = json.loads(first[0].stdout)["code"]
    roster = command("roster", "import", str(data / "as-sent.xlsx"), "--cohort", code, "--as-of", "2026-05-18",
                     "--json", home=home)  # fmt: skip
    imported = run_together(roster, roster, env=env)
    assert [one.returncode for one in imported] == [1, 1], imported
    assert imported[0].stdout == imported[1].stdout
    question = json.loads(_run(command("inbox", "--json", home=home), env))["inbox"][0]["id"]
    answer = command("decide", question, "refuse", "--reason", "doubled", "--as-of", "2026-05-19", "--json", home=home)
    decided = run_together(answer, answer, env=env)
    assert [one.returncode for one in decided] == [0, 0], decided
    advance = command("cohort", "advance", code, "--as-of", "2026-05-19", "--json", home=home)
    moved = run_together(advance, advance, env=env)
    assert moved[0].stdout == moved[1].stdout
    before = hashes(url)
    for line in (opened, roster, answer, advance):
        run_together(line, env=env)
    assert hashes(url) == before


def _run(line: list[str], env: dict[str, Any]) -> str:
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
