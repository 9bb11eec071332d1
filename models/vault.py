"""Encryption at rest and keyed hashes for personal numbers (PIPL).

Belongs here: the keyring, the encrypted column type and matching by keyed hash.
Does not: where keys are kept (connectors/settings.py) or who may see a number (repositories/workers.py).
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from models.rules.privacy import holds_personal_number


class KeyMissing(Exception):
    """A number cannot be read or written because its key is not in the keyring."""


@dataclass(frozen=True)
class Keyring:
    """The keys of one installation: several to read with, one (`current`) to write with, one to match by.

    AES-SIV is deterministic, so an unchanged number is an unchanged row; each ciphertext names its key id.
    """

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    matching: bytes = field(repr=False)

    def encrypt(self, text: str) -> str:
        """Encrypt with the current key: `<key id>:<base64>`."""
        cipher = AESSIV(self.keys[self.current])
        return f"{self.current}:{base64.b64encode(cipher.encrypt(text.encode(), [self.current.encode()])).decode()}"

    def decrypt(self, stored: str) -> str:
        """Decrypt what any key of the ring wrote. Raises KeyMissing when none can."""
        key_id, colon, body = stored.partition(":")
        if not colon or holds_personal_number(key_id):
            raise KeyMissing("a field at rest was not written by a key: restore the database from its backup")
        if key_id not in self.keys:
            raise KeyMissing(f"the key {key_id!r} is not in the keyring: restore it from the backup of the keys")
        try:
            return AESSIV(self.keys[key_id]).decrypt(base64.b64decode(body, validate=True), [key_id.encode()]).decode()
        except (InvalidTag, ValueError) as error:
            raise KeyMissing(f"the key {key_id!r} does not open this field: restore the right keys") from error

    def match_hash(self, kind: str, value: str) -> str:
        """Give the keyed hash by which equal numbers of one kind meet without being read."""
        return hmac.new(self.matching, f"{kind}\x1f{value}".encode(), sha256).hexdigest()[:40]

    @property
    def digesting(self) -> bytes:
        """The key of digests that say whether what was told has changed, and to nobody what it was."""
        return hmac.new(self.matching, b"what was told", sha256).digest()


_ring: Keyring | None = None
_anew: Callable[[], Keyring] | None = None


def use_keyring(ring: Keyring, anew: Callable[[], Keyring] | None = None) -> None:
    """Make `ring` the keyring of this process; called once when the settings are read.

    `anew` reads the keys again, for numbers that a rotation encrypted with a key made since.
    """
    global _ring, _anew
    _ring, _anew = ring, anew


def keyring() -> Keyring:
    """Give this process's keyring. Raises KeyMissing before `use_keyring`."""
    if _ring is None:
        raise KeyMissing("no keys are loaded: run `yuanmeng init`, or point YUANMENG_KEYS_FILE at the key file")
    return _ring


def opened(stored: str) -> str:
    """Decrypt what stands in the database; a key not known yet is looked for in the file of keys.

    Raises KeyMissing.
    """
    global _ring
    ring, key_id = keyring(), stored.partition(":")[0]
    if key_id not in ring.keys and _anew is not None and not holds_personal_number(key_id):
        ring = _ring = _anew()
    return ring.decrypt(stored)


def opaque(code: str) -> str:
    """Give a code that may stand in clear: itself, or its keyed hash where it is a personal number in disguise.

    Some systems know people by their mobile or ID number; equal codes stay equal.
    """
    return f"h-{keyring().match_hash('code', code)[:20]}" if holds_personal_number(code) else code


class Encrypted(TypeDecorator[str]):
    """A column that holds ciphertext in the database and text in Python."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt on the way in."""
        return None if value is None else keyring().encrypt(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Decrypt on the way out."""
        return None if value is None else opened(value)
