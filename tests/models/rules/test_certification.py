"""Which certificates are out, and the day of completion."""

from datetime import date

from models.rules.certification import completed_on, missing_certificates

DIPLOMA, SKILL = date(2029, 7, 1), date(2029, 3, 1)


def test_both_certificates_complete_on_the_day_of_the_later_one() -> None:
    assert completed_on({"diploma": DIPLOMA, "skill": SKILL}) == DIPLOMA
    assert completed_on({"diploma": SKILL, "skill": DIPLOMA}) == DIPLOMA


def test_one_certificate_alone_completes_nobody_and_the_other_is_missing() -> None:
    assert missing_certificates([]) == ["diploma", "skill"]
    assert missing_certificates({"diploma"}) == ["skill"]
    assert missing_certificates({"skill", "diploma"}) == []
    assert completed_on({"diploma": DIPLOMA}) is None
    assert completed_on({}) is None
