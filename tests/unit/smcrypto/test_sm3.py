"""SM3 and HMAC-SM3."""

from __future__ import annotations

import hmac
import io
import json
from importlib import resources

import pytest
from gmssl import sm3 as gmssl_sm3
from hypothesis import given
from hypothesis import strategies as st

from smcrypto import sm3

VECTORS = json.loads((resources.files("smcrypto") / "vectors" / "sm3.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["source"])
def test_vectors_of_the_standard(vector: dict[str, str]) -> None:
    """The digests printed in the standard come out."""
    assert sm3.hexdigest(bytes.fromhex(vector["message"])) == vector["digest"].lower()


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_pieces_hash_like_the_whole(pieces: list[bytes]) -> None:
    """It makes no difference in which pieces data arrives, nor that the digest is read in between."""
    hasher = sm3.Hasher()
    for piece in pieces:
        hasher.update(piece)
        hasher.digest()

    assert hasher.digest() == sm3.digest(b"".join(pieces))
    assert sm3.hash_stream(io.BytesIO(b"".join(pieces))) == hasher.digest()


def test_copies_go_on_independently() -> None:
    """A branch of a hasher does not touch the other."""
    trunk = sm3.Hasher(b"common")
    branch = trunk.copy()
    branch.update(b" branch")

    assert trunk.hexdigest() == sm3.hexdigest(b"common")
    assert branch.hexdigest() == sm3.hexdigest(b"common branch")


def _plain_hmac(key: bytes, message: bytes) -> str:
    """HMAC by its definition, over gmssl's SM3."""

    def digest(data: bytes) -> bytes:
        return bytes.fromhex(gmssl_sm3.sm3_hash(list(data)))

    block = (digest(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner = digest(bytes(byte ^ 0x36 for byte in block) + message)
    return digest(bytes(byte ^ 0x5C for byte in block) + inner).hex()


@pytest.mark.parametrize("key_size", [0, 16, 64, 65, 200])
def test_hmac_equals_its_definition(key_size: int) -> None:
    """HMAC-SM3 is what the definition gives over another SM3, for keys shorter and longer than a block."""
    key, message = bytes(range(key_size)), "等级保护".encode()

    assert hmac.compare_digest(sm3.hmac_sm3(key, message).hex(), _plain_hmac(key, message))
