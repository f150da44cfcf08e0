"""SM4 in Galois/counter mode."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL._util import ffi, lib

from smcrypto import sm4
from smcrypto.errors import DecryptionFailed, InvalidKey, InvalidParameter

VECTORS = json.loads((resources.files("smcrypto") / "vectors" / "sm4.json").read_text())
KEY, NONCE = bytes(range(16)), bytes(12)


def test_block_vector() -> None:
    """The block printed in the standard comes out."""
    vector = VECTORS["block"]

    assert (
        sm4.encrypt_block(bytes.fromhex(vector["key"]), bytes.fromhex(vector["plain"])).hex().upper()
        == vector["cipher"]
    )


def test_gcm_vector() -> None:
    """The example of the RFC comes out, and back."""
    key, nonce, aad, plain, cipher, tag = (
        bytes.fromhex(VECTORS["gcm"][name]) for name in ("key", "nonce", "aad", "plain", "cipher", "tag")
    )

    assert sm4.gcm_encrypt(key, nonce, plain, aad) == cipher + tag
    assert sm4.gcm_decrypt(key, nonce, cipher + tag, aad) == plain


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_round_trip(plain: bytes, aad: bytes) -> None:
    """What was encrypted comes back, 16 bytes longer on the way."""
    sealed = sm4.gcm_encrypt(KEY, NONCE, plain, aad)

    assert len(sealed) == len(plain) + sm4.TAG_SIZE
    assert sm4.gcm_decrypt(KEY, NONCE, sealed, aad) == plain


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    """One bit of cipher text, tag, nonce or associated data changed: no plain text."""
    parts = {"sealed": sm4.gcm_encrypt(KEY, NONCE, b"evidence", b"header"), "nonce": NONCE, "aad": b"header"}
    name = data.draw(st.sampled_from(sorted(parts)))
    bit = data.draw(st.integers(0, len(parts[name]) * 8 - 1))
    changed = bytearray(parts[name])
    changed[bit // 8] ^= 1 << bit % 8
    parts[name] = bytes(changed)

    with pytest.raises(DecryptionFailed):
        sm4.gcm_decrypt(KEY, parts["nonce"], parts["sealed"], parts["aad"])


def test_shorter_than_a_tag_is_refused() -> None:
    """Fewer bytes than a tag cannot be a cipher text."""
    with pytest.raises(DecryptionFailed):
        sm4.gcm_decrypt(KEY, NONCE, bytes(15))


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_keys_of_other_sizes_are_refused(size: int) -> None:
    """No key is cut or filled up in silence."""
    with pytest.raises(InvalidKey):
        sm4.gcm_encrypt(bytes(size), NONCE, b"")
    with pytest.raises(InvalidKey):
        sm4.encrypt_block(bytes(size), bytes(16))


def test_nonces_and_blocks_of_other_sizes_are_refused() -> None:
    """Neither is filled up in silence."""
    with pytest.raises(InvalidParameter):
        sm4.gcm_encrypt(KEY, bytes(16), b"")
    with pytest.raises(InvalidParameter):
        sm4.encrypt_block(KEY, bytes(15))


def test_old_errors_of_openssl_do_not_change_the_answer() -> None:
    """An error that other code left in this thread's OpenSSL queue does not turn a wrong tag into another error."""
    memory = lib.BIO_new_mem_buf(b"no certificate", 14)
    assert lib.d2i_X509_bio(memory, ffi.NULL) == ffi.NULL
    lib.BIO_free(memory)
    assert lib.ERR_peek_error()

    try:
        with pytest.raises(DecryptionFailed):
            sm4.gcm_decrypt(KEY, NONCE, bytes(20))
    finally:
        lib.ERR_clear_error()
