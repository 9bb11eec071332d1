"""Deterministic row identifiers: the same thing gets the same id in every run.

Belongs here: how an id is derived from a natural key. Does not: any table or query.
A row written twice, or by two runs at once, meets itself through its id (docs/decisions).
"""

import base64
import hashlib


def make_id(kind: str, *parts: object) -> str:
    """Give the id of the thing named by `parts`: a short tag of its kind and 60 bits of their digest."""
    text = "\x1f".join([kind, *(str(part) for part in parts)])
    digest = hashlib.blake2b(text.encode(), digest_size=10).digest()
    return f"{kind}-{base64.b32encode(digest).decode()[:12]}"
