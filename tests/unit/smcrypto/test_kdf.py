"""Key derivation."""

from __future__ import annotations

import hashlib

import pytest
from gmssl import sm3 as gmssl_sm3

from smcrypto import kdf, sm3
from smcrypto.errors import InvalidParameter


@pytest.mark.parametrize("size", [1, 31, 32, 33, 64, 100])
def test_kdf_agrees_with_gmssl(size: int) -> None:
    """KDF-SM3 gives the same stream as a second implementation."""
    shared = bytes(range(40))

    assert kdf.kdf_sm3(shared, size).hex() == gmssl_sm3.sm3_kdf(shared.hex().encode(), size)


@pytest.mark.parametrize("size", [0, -1, (2**32 - 1) * 32 + 1])
def test_kdf_refuses_impossible_sizes(size: int) -> None:
    """Nothing and more than the counter can number are refused."""
    with pytest.raises(InvalidParameter):
        kdf.kdf_sm3(b"shared", size)


def test_purposes_contexts_and_keys_do_not_mix() -> None:
    """Another label, another context, a border moved between them, or another main key gives another key."""
    main = bytes(range(32))
    keys = {
        kdf.derive_key(main, "ab"),
        kdf.derive_key(main, "a", context=b"b"),
        kdf.derive_key(main, "a"),
        kdf.derive_key(main, "ab", context=b"b"),
        kdf.derive_key(bytes(32), "ab"),
    }

    assert len(keys) == 5
    assert all(len(key) == 16 for key in keys)


def test_purpose_key_is_frozen() -> None:
    """The derivation never changes, or nothing that was wrapped could be opened again."""
    derived = kdf.derive_key(bytes(range(32)), "evidence-wrap", size=32)

    message = b"secops purpose key v1" + b"\0\0\0\x0d" + b"evidence-wrap" + b"\0\0\0\0"
    prk = sm3.hmac_sm3(bytes(range(32)), message)
    assert derived == sm3.digest(prk + b"\0\0\0\1")


def test_short_main_key_is_refused() -> None:
    """A main key under 128 bits is a mistake."""
    with pytest.raises(InvalidParameter):
        kdf.derive_key(bytes(15), "evidence-wrap")


@pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="this OpenSSL has no SM3")
def test_pbkdf2_agrees_with_hashlib() -> None:
    """PBKDF2-HMAC-SM3 gives what the system's OpenSSL gives."""
    ours = kdf.pbkdf2_hmac_sm3("密码".encode(), b"saltsalt", iterations=1000, size=48)

    assert ours == hashlib.pbkdf2_hmac("sm3", "密码".encode(), b"saltsalt", 1000, 48)


@pytest.mark.parametrize(
    ("salt", "iterations", "size"), [(b"short", 1000, 32), (bytes(8), 0, 32), (bytes(8), 1, 0)]
)
def test_pbkdf2_refuses_weak_parameters(salt: bytes, iterations: int, size: int) -> None:
    """A short salt, no iterations and an empty key are refused."""
    with pytest.raises(InvalidParameter):
        kdf.pbkdf2_hmac_sm3(b"password", salt, iterations=iterations, size=size)
