"""Certification 发证: which certificates are still out, and when a participant has completed."""

from collections.abc import Collection, Mapping
from datetime import date

CERTIFICATES = ("diploma", "skill")


def missing_certificates(have: Collection[str]) -> list[str]:
    """Give which of the two certificates are not back yet, the diploma first."""
    return [kind for kind in CERTIFICATES if kind not in have]


def completed_on(issued: Mapping[str, date]) -> date | None:
    """Give the day on which the later of the two certificates was issued; None while one is missing."""
    return None if missing_certificates(issued) else max(issued[kind] for kind in CERTIFICATES)
