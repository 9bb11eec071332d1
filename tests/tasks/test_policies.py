"""The policies of an installation: set in its file, held by its office from their day on."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.settings import SettingsError, create_keys, load_settings
from models.vault import use_keyring
from tasks.office import build_office
from tests.fixtures.databases import TEST_KEYS

PLAN = """
[[policies]]
version = "JS-2027"
effective_from = 2027-01-01
attendance_threshold = 0.8
[policies.limits]
review-decision = 7
"""


def written(home: Path, text: str) -> Path:
    (home / "yuanmeng.toml").write_text(text, encoding="utf-8")
    create_keys(home / "keys.toml")
    return home


def test_a_policy_in_the_settings_holds_from_its_day_on(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, PLAN))
    create_keys(settings.keys_file)
    office = build_office(settings)
    try:
        assert office.policy(date(2026, 12, 31)).version == "2019-1"
        newer = office.policy(date(2027, 1, 1))
        assert (newer.version, newer.attendance_threshold) == ("JS-2027", Decimal("0.8"))
        assert newer.limits == {"review-decision": (7,)}
    finally:
        office.engine.dispose()
        use_keyring(TEST_KEYS)


@pytest.mark.parametrize("wrong", ["attendance_treshold = 0.8", "attendance_threshold = 80", "min_age = 'old'"])
def test_a_policy_that_cannot_be_is_refused_when_the_settings_are_read(tmp_path: Path, wrong: str) -> None:
    text = PLAN.replace("attendance_threshold = 0.8", wrong)
    with pytest.raises(SettingsError, match="policies") as refusal:
        load_settings(written(tmp_path, text))
    assert "\n" not in str(refusal.value)
