"""The vault: what one key wrote any ring with that key reads, no other; equal numbers meet by keyed hash."""

import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import vault
from models.vault import KeyMissing, Keyring, keyring, opaque, use_keyring
from tests.fixtures.databases import TEST_KEYS

OLD, NEW, OTHER = b"1" * 64, b"2" * 64, b"3" * 64
NUMBER = "32020519881102000X"
key_bytes = st.binary(min_size=64, max_size=64).filter(lambda key: key[:32] != key[32:])
key_ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@pytest.fixture(autouse=True)
def _test_keys() -> Iterator[None]:
    use_keyring(TEST_KEYS)
    yield
    use_keyring(TEST_KEYS)


def ring(current: str = "k1", *, matching: bytes = b"m" * 64, **keys: bytes) -> Keyring:
    return Keyring(current=current, keys=keys or {"k1": OLD}, matching=matching)


@given(text=texts, key_id=key_ids, key=key_bytes)
def test_whatever_is_encrypted_is_decrypted(text: str, key_id: str, key: bytes) -> None:
    one = Keyring(current=key_id, keys={key_id: key}, matching=b"m" * 64)
    stored = one.encrypt(text)
    assert one.decrypt(stored) == text
    assert stored.startswith(f"{key_id}:")
    assert len(base64.b64decode(stored.removeprefix(f"{key_id}:"), validate=True)) == 16 + len(text.encode())


@given(text=st.text("0123456789X", min_size=8))
def test_ciphertext_never_shows_the_number(text: str) -> None:
    assert text not in ring().encrypt(text)


@given(one=texts, other=texts)
def test_equal_texts_alone_give_equal_ciphertext(one: str, other: str) -> None:
    assert (ring().encrypt(one) == ring().encrypt(other)) == (one == other)


@given(text=texts)
def test_a_grown_ring_reads_the_old_key_and_writes_with_the_new(text: str) -> None:
    stored = ring().encrypt(text)
    grown = ring("k2", k1=OLD, k2=NEW)
    assert grown.decrypt(stored) == text
    anew = grown.encrypt(grown.decrypt(stored))
    assert anew.startswith("k2:")
    assert grown.decrypt(anew) == text
    with pytest.raises(KeyMissing, match="'k2' is not in the keyring"):
        ring().decrypt(anew)


def test_a_wrong_key_under_the_right_name_opens_nothing() -> None:
    stored = ring().encrypt(NUMBER)
    with pytest.raises(KeyMissing, match="does not open this field") as refusal:
        ring(k1=OTHER).decrypt(stored)
    assert NUMBER not in str(refusal.value)


@pytest.mark.parametrize("stored", [NUMBER, "", ":", "k1:", "k1:not base64!", "k1:AAAA", "k9:AAAA"])
def test_what_no_key_wrote_is_refused_in_a_sentence_that_does_not_quote_it(stored: str) -> None:
    with pytest.raises(KeyMissing, match="restore") as refusal:
        ring().decrypt(stored)
    assert NUMBER not in str(refusal.value)


@given(text=texts, place=st.integers(0), bit=st.integers(0, 7))
def test_one_flipped_bit_is_noticed(text: str, place: int, bit: int) -> None:
    body = bytearray(base64.b64decode(ring().encrypt(text).removeprefix("k1:")))
    body[place % len(body)] ^= 1 << bit
    with pytest.raises(KeyMissing):
        ring().decrypt(f"k1:{base64.b64encode(bytes(body)).decode()}")


def test_ciphertext_cannot_be_passed_off_under_another_key_id() -> None:
    """Even when both ids stand for the same key."""
    both = ring(k1=OLD, k2=OLD)
    _, _, body = both.encrypt(NUMBER).partition(":")
    with pytest.raises(KeyMissing):
        both.decrypt(f"k2:{body}")


@given(one=st.text(), other=st.text())
def test_numbers_meet_by_hash_exactly_when_they_are_equal(one: str, other: str) -> None:
    assert (ring().match_hash("mobile", one) == ring().match_hash("mobile", other)) == (one == other)


def test_hashes_depend_on_kind_and_matching_key_and_survive_a_rotation() -> None:
    first = ring().match_hash("resident-id", NUMBER)
    assert first == ring("k2", k1=OLD, k2=NEW).match_hash("resident-id", NUMBER)
    assert first != ring().match_hash("bank-card", NUMBER)
    assert first != ring(matching=b"n" * 64).match_hash("resident-id", NUMBER)
    assert len(first) == 40
    assert int(first, 16) >= 0


def test_a_ring_never_shows_its_keys() -> None:
    shown = repr(ring())
    assert "1" * 8 not in shown
    assert "m" * 8 not in shown
    assert "k1" in shown


@pytest.mark.parametrize("code", ["13800000001", NUMBER, "6220000000000001", "emp-13800000001"])
def test_a_code_that_is_a_personal_number_is_hashed_the_same_each_time(code: str) -> None:
    hidden = opaque(code)
    assert hidden.startswith("h-")
    assert code not in hidden
    assert opaque(code) == hidden
    assert opaque(hidden) == hidden


@given(st.text("abcdefgh0123456789-", max_size=10))
def test_a_code_that_is_none_stays_as_it_is(code: str) -> None:
    assert opaque(code) == code


def test_without_keys_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "_ring", None)
    with pytest.raises(KeyMissing, match="yuanmeng init"):
        keyring()
