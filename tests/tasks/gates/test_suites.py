"""Asking Great Expectations: only of news, with nothing of its results but places, and what a broken gate does."""

import logging
import subprocess
import sys
from datetime import date
from textwrap import dedent
from typing import Any

import pytest
from sqlalchemy import make_url

from models import records
from models.tables.operations import Quarantine, SyncCursor
from models.tables.teaching import Term
from tasks.gates import columns, suites
from tasks.gates.rules import RULES, rules_of, told
from tasks.office import Office, office
from tests.fixtures.cohorts import Case, rows
from tests.tasks.told import Told, connect, document, later, result, term

SECRET = "6220000000000001"


def test_there_is_one_suite_a_record_type_and_it_asks_every_rule() -> None:
    for kind in RULES:
        suite = suites.suite_of(rules_of(kind))
        assert suite is suites.suite_of(rules_of(kind))
        assert [one.meta["rule"] for one in suite.expectations] == list(range(len(rules_of(kind))))


@pytest.fixture
def source(bare: Case, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A source of a school that the office reads."""
    there = Told()
    connect(monkeypatch, there)
    return there


def test_a_column_with_nothing_wrong_in_it_is_not_asked_about(source: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """And once something is wrong in it, it is: of two versions without instants nobody knows which is the newest."""
    asked: list[str] = []
    whole = suites._judge
    monkeypatch.setattr(suites, "_judge", lambda rules, made: asked.extend(made) or whole(rules, made))
    source.says(terms=[term(), term("T2", changed_at=later(1))])
    source.read()
    assert sorted(asked) == ["ends_on", "starts_on"]
    source.says(terms=[term("T3", changed_at=None), term("T3", title="other", changed_at=None)])
    source.read()
    assert sorted(asked[2:]) == ["ends_on", "key", "starts_on"]
    assert {held.rules for held in rows(Quarantine)} == {"key-repeated"}


def breaks(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Break the gate of terms in one of the ways in which one can break."""
    if how == "a column is missing":
        monkeypatch.setattr(suites, "_frame", _without("starts_on"))
    elif how == "a column is of two kinds":
        monkeypatch.setitem(columns.MADE, "starts_on", lambda batch: [object() for _ in batch.records])
    else:
        bad = (*RULES[records.Term], told("never", "source_id"))
        monkeypatch.setattr(suites, "rules_of", lambda kind: bad)
        monkeypatch.setattr(suites, "_frame", _without("source_id"))


def _without(name: str) -> Any:
    whole = suites._frame
    return lambda made: whole(made).drop(columns=name)


@pytest.mark.parametrize(
    "how", ["a column is missing", "a column is of two kinds", "a rule asks for a column nobody made"]
)
def test_a_broken_gate_holds_the_stream_and_writes_nothing(
    source: Told, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """That a rule could not be asked says nothing of the rows: they are neither good nor bad."""
    source.says(terms=[term()])
    source.read()
    source.says(terms=[term(title="changed", changed_at=later(5)), term("T2", changed_at=later(9))])
    with monkeypatch.context() as broken:
        breaks(broken, how)
        account = source.read()
    terms = account["streams"]["terms"]
    assert (account["status"], terms["status"]) == ("held", "held")
    assert "its gate could not judge the rule" in terms["reason"]
    assert "--release terms" in terms["reason"]
    assert (terms["read"], terms["written"], terms["quarantined"]) == (0, 0, 0)
    assert [one.title for one in rows(Term)] == ["one"]
    assert rows(Quarantine) == []
    (cursor,) = rows(SyncCursor)
    assert (cursor.status, cursor.cursor) == ("held", term().changed_at)
    assert source.read()["streams"]["terms"] | {"seconds": 0} == terms | {
        "read": 2, "written": 2, "status": "ok", "reason": "", "seconds": 0, "cursor": later(9).isoformat(),
    }  # fmt: skip
    assert rows(SyncCursor)[0].status == "ok"


def test_nothing_that_a_rule_looked_at_reaches_a_log_or_a_screen(
    source: Told, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.quarantine import quarantine_list

    caplog.set_level(logging.DEBUG)
    bad = [document(value=SECRET, kind=SECRET), document("D2", resident_id="32021419900101113X", value=SECRET)]
    source.says(documents=bad, results=[result(score_status=SECRET)])
    account = source.read()
    assert account["streams"]["documents"]["quarantined"] == 2
    with monkeypatch.context() as broken:
        broken.setitem(columns.MADE, "kind", lambda batch: [object() for _ in batch.records])
        broken.setitem(columns.MADE, "as_of", lambda batch: [SECRET for _ in batch.records])
        account = {**account, "again": source.read()}
    out, err = capfd.readouterr()
    said = (
        caplog.text
        + out
        + err
        + str(account)
        + str(quarantine_list())
        + repr(rows(Quarantine))
        + repr(rows(SyncCursor))
    )
    assert SECRET not in said
    assert "32021419900101113X" not in said


NIGHT = """
    import sys
    from datetime import date
    from tests.fixtures.databases import TEST_KEYS
    from connectors.database import open_engine
    from connectors.settings import Settings
    from models.vault import use_keyring
    from tasks.office import Office, use_office
    from tests.tasks.told import Told, connect, term
    from pathlib import Path
    import pytest

    url, home = sys.argv[1:]
    use_keyring(TEST_KEYS)
    here = Settings(home=Path(home), database_url=url, keys_file=Path(home) / "keys.toml", actor="tester")
    use_office(Office(here, open_engine(url)))
    there = Told()
    with pytest.MonkeyPatch.context() as patch:
        connect(patch, there)
        there.says(terms=[term()])
        account = there.read(date(2026, 6, 2))["streams"]["terms"]
    print(account["read"], account["written"], account["unchanged"],
          *sorted({"great_expectations", "pandas"} & set(sys.modules)))
"""


def test_a_night_without_news_never_imports_great_expectations(source: Told) -> None:
    source.says(terms=[term()])
    source.read(date(2026, 6, 1))
    here: Office = office()
    assert make_url(here.settings.database_url).get_backend_name() == "sqlite"
    asked = [sys.executable, "-c", dedent(NIGHT), here.settings.database_url, str(here.settings.home)]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.split() == ["1", "0", "1"]
