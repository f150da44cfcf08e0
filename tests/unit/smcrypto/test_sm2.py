"""SM2: the vectors, and each fault of the library underneath closed."""

from __future__ import annotations

import copy
import json
import pickle
import random
from importlib import resources

import pytest
from gmssl import func
from gmssl.sm2 import CryptSM2
from hypothesis import given, settings
from hypothesis import strategies as st

from smcrypto import _curve, der, sm2
from smcrypto.errors import DecryptionFailed, DerError, InvalidKey, InvalidParameter
from smcrypto.sm2 import KeyPair, PrivateKey, PublicKey

VECTORS = json.loads((resources.files("smcrypto") / "vectors" / "sm2.json").read_text())
SIGNATURE = {
    name: text if name == "source" else bytes.fromhex(text) for name, text in VECTORS["signature"].items()
}
N = _curve.N


def test_signature_vector() -> None:
    """Z, e, r and s of the standard come out with the nonce of the standard."""
    key = PrivateKey.from_bytes(SIGNATURE["private"])
    digest = sm2.message_digest(key.public, SIGNATURE["message"], id=SIGNATURE["id"])

    pair = sm2._sign_with_nonce(key, digest, int.from_bytes(SIGNATURE["nonce"], "big"))

    assert sm2.identity_digest(key.public, id=SIGNATURE["id"]) == SIGNATURE["identity_digest"]
    assert digest == SIGNATURE["digest"]
    assert pair == (int.from_bytes(SIGNATURE["r"], "big"), int.from_bytes(SIGNATURE["s"], "big"))


def test_encryption_vector() -> None:
    """C1, C3 and C2 of the standard come out, in the standard's order, and are decrypted again."""
    vector = VECTORS["encryption"]
    key = PrivateKey.from_bytes(bytes.fromhex(vector["private"]))
    message = bytes.fromhex(vector["message"])

    parts = sm2._encrypt_with_nonce(key.public, message, int(vector["nonce"], 16))

    assert parts is not None
    assert parts.to_raw().hex().upper() == vector["c1"] + vector["c3"] + vector["c2"]
    assert sm2.decrypt(key, sm2.Ciphertext.from_raw(parts.to_raw()).to_der()) == message


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_signatures_verify_and_only_as_they_are(key_pair: KeyPair, message: bytes, identity: bytes) -> None:
    """A signature fits its message, its key and its identity, and nothing else."""
    signature = sm2.sign(key_pair.private, message, id=identity)

    assert sm2.verify(key_pair.public, message, signature, id=identity)
    assert not sm2.verify(key_pair.public, message + b"\0", signature, id=identity)
    assert not sm2.verify(key_pair.public, message, signature, id=identity + b"\0")


def test_gmssl_verifies_our_signature_and_we_its(key_pair: KeyPair) -> None:
    """Both implementations agree, in both directions, with the default identity."""
    public = key_pair.public.to_bytes()[1:].hex()
    other = CryptSM2(private_key=key_pair.private.secret_bytes().hex(), public_key=public)
    # its constructor strips leading 0 and 4
    other.public_key = public
    message = "测评报告".encode()

    ours = sm2.decode_signature(sm2.sign(key_pair.private, message))
    theirs = other.sign_with_sm3(message, f"{12345:064x}")

    assert other.verify_with_sm3(f"{ours[0]:064x}{ours[1]:064x}", message)
    encoded = sm2.encode_signature(int(theirs[:64], 16), int(theirs[64:], 16))
    assert sm2.verify(key_pair.public, message, encoded)


def test_nonces_do_not_come_from_the_predictable_generator(
    key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signing and encrypting never ask ``random`` nor gmssl's own generator."""

    def refuse(*args: object, **kwargs: object) -> object:
        raise AssertionError("predictable generator was asked")

    for name in ("choice", "randint", "random", "getrandbits", "randrange", "randbytes"):
        monkeypatch.setattr(random, name, refuse)
    monkeypatch.setattr(func, "choice", refuse)
    monkeypatch.setattr(func, "random_hex", refuse)

    signature = sm2.sign(key_pair.private, b"message")
    sealed = sm2.encrypt(key_pair.public, b"secret")

    assert sm2.verify(key_pair.public, b"message", signature)
    assert sm2.decrypt(key_pair.private, sealed) == b"secret"


def test_same_seed_gives_other_signatures(key_pair: KeyPair) -> None:
    """Seeding the predictable generator twice does not repeat a signature, and no r comes twice."""
    signatures = []
    for _ in range(30):
        random.seed(1)
        signatures.append(sm2.decode_signature(sm2.sign(key_pair.private, b"message")))

    assert len({r for r, _ in signatures}) == 30


def test_public_key_that_begins_with_04_is_not_cut() -> None:
    """A key whose x begins with the digits 04 signs and verifies like any other."""
    key = PrivateKey.from_bytes(bytes.fromhex(VECTORS["signature"]["nonce"]))
    assert key.public.to_bytes()[1] == 0x04

    signature = sm2.sign(key, b"message")

    assert sm2.verify(key.public, b"message", signature)
    assert PublicKey.from_bytes(key.public.to_bytes()) == key.public
    assert PublicKey.from_bytes(key.public.to_bytes()[1:]) == key.public


def test_secret_scalars_are_never_multiplied_as_such(
    key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reaches the arithmetic, whose time depends on the scalar, is random each time."""
    seen: list[int] = []
    real = _curve.multiply
    monkeypatch.setattr(_curve, "multiply", lambda scalar, point: seen.append(scalar) or real(scalar, point))
    secret = int.from_bytes(key_pair.private.secret_bytes(), "big")
    digest = sm2.message_digest(key_pair.public, b"message")

    sm2._sign_with_nonce(key_pair.private, digest, 7)
    sm2._sign_with_nonce(key_pair.private, digest, 7)
    sm2.decrypt(key_pair.private, sm2.encrypt(key_pair.public, b"secret"))
    sm2.ecdh(key_pair.private, key_pair.public)
    PrivateKey(secret)

    assert secret not in seen
    assert 7 not in seen
    assert len(set(seen)) == len(seen) > 10


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 1), (1, 0), (N, 1), (1, N), (N + 1, 1), (1, N - 1), (2**300, 1), (1, 2**300)],
    ids=["r=0", "s=0", "r=n", "s=n", "r>n", "r+s=n", "huge r", "huge s"],
)
def test_signatures_out_of_range_are_false(key_pair: KeyPair, r: int, s: int) -> None:
    """r and s outside 1 … n − 1, or with r + s = n, are not verified but refused."""
    assert not sm2.verify(key_pair.public, b"message", sm2.encode_signature(r, s))


@pytest.mark.parametrize(
    "change",
    [
        lambda der_bytes: b"",
        lambda der_bytes: der_bytes[:-1],
        lambda der_bytes: der_bytes + b"\0",
        lambda der_bytes: b"\x31" + der_bytes[1:],
        lambda der_bytes: der.sequence(*([der.integer(1)] * 3)),
        lambda der_bytes: der.sequence(der.integer(1)),
        lambda der_bytes: bytes(64),
    ],
)
def test_malformed_signatures_are_false(key_pair: KeyPair, change) -> None:
    """What is not exactly DER of two integers is False, never an error."""
    signature = sm2.sign(key_pair.private, b"message")

    assert not sm2.verify(key_pair.public, b"message", change(signature))


def test_sum_at_infinity_is_false(key_pair: KeyPair) -> None:
    """A signature made so that sG + tP is at infinity is False; gmssl would fail on it."""
    secret = int.from_bytes(key_pair.private.secret_bytes(), "big")
    t = 12345
    s = -t * secret % N
    r = (t - s) % N

    assert not sm2.verify(key_pair.public, b"message", sm2.encode_signature(r, s))


def test_sum_of_equal_points_is_doubled(key_pair: KeyPair) -> None:
    """A signature made so that sG equals tP is computed by doubling and can be right."""
    secret = int.from_bytes(key_pair.private.secret_bytes(), "big")
    t = 12345
    s = t * secret % N
    r = (t - s) % N
    x, _ = _curve.to_numbers(_curve.multiply(2 * s % N, _curve.BASE))
    digest = ((r - x) % N).to_bytes(32, "big")

    assert sm2.verify_digest(key_pair.public, digest, sm2.encode_signature(r, s))
    assert not sm2.verify_digest(key_pair.public, bytes(32), sm2.encode_signature(r, s))


@pytest.mark.parametrize(
    ("x", "y"),
    [(0, 0), (1, 1), (_curve.GX, _curve.GY + 1), (_curve.P, 0), (_curve.GX + _curve.P, _curve.GY), (-1, 5)],
)
def test_points_off_the_curve_are_no_public_keys(x: int, y: int) -> None:
    """Off the curve, unreduced or negative: refused when made."""
    with pytest.raises(InvalidKey):
        PublicKey(x, y)


@pytest.mark.parametrize("number", [0, -1, N - 1, N, 2**256])
def test_private_keys_out_of_range_are_refused(number: int) -> None:
    """1 … n − 2, nothing else."""
    with pytest.raises(InvalidKey):
        PrivateKey(number)


@pytest.mark.parametrize("size", [0, 31, 33, 63, 64, 65])
def test_bytes_of_other_sizes_are_no_keys(size: int) -> None:
    """Neither key is read from a number of bytes that is not its own, nor from zeros."""
    with pytest.raises(InvalidKey):
        PrivateKey.from_bytes(bytes(size))
    with pytest.raises(InvalidKey):
        PublicKey.from_bytes(bytes(size))


def test_compressed_points(key_pair: KeyPair) -> None:
    """A compressed point gives the key back; an x without a y does not."""
    public = key_pair.public
    compressed = bytes((2 + (public.y & 1),)) + public.x.to_bytes(32, "big")
    other = bytes((3 - (public.y & 1),)) + public.x.to_bytes(32, "big")

    assert PublicKey.from_bytes(compressed) == public
    assert PublicKey.from_bytes(other).y == _curve.P - public.y
    # 5 of 8 tries at least hit an x that has no y
    refused = 0
    for x in range(1, 40):
        try:
            PublicKey.from_bytes(b"\x02" + x.to_bytes(32, "big"))
        except InvalidKey:
            refused += 1
    assert 0 < refused < 39


@settings(max_examples=8, deadline=None)
@given(st.binary(min_size=1, max_size=100))
def test_encryption_round_trip(key_pair: KeyPair, plain: bytes) -> None:
    """What was encrypted for a key is decrypted with it."""
    assert sm2.decrypt(key_pair.private, sm2.encrypt(key_pair.public, plain)) == plain


def test_altered_ciphertexts_are_refused(key_pair: KeyPair) -> None:
    """A change in C1, C3 or C2, or another key: an error, never another text."""
    parts = sm2.Ciphertext.from_der(sm2.encrypt(key_pair.public, b"data key"))
    negated = _curve.P - parts.y
    changed = [
        sm2.Ciphertext(parts.x, negated, parts.hash, parts.cipher),
        sm2.Ciphertext(parts.x ^ 1, parts.y, parts.hash, parts.cipher),
        sm2.Ciphertext(parts.x, parts.y, bytes((parts.hash[0] ^ 1,)) + parts.hash[1:], parts.cipher),
        sm2.Ciphertext(parts.x, parts.y, parts.hash, bytes((parts.cipher[0] ^ 1,)) + parts.cipher[1:]),
        sm2.Ciphertext(parts.x, parts.y, parts.hash, parts.cipher + b"\0"),
        sm2.Ciphertext(parts.x, parts.y, parts.hash, b""),
        sm2.Ciphertext(parts.x, parts.y, parts.hash[:-1], parts.cipher),
    ]

    for ciphertext in changed:
        with pytest.raises(DecryptionFailed):
            sm2.decrypt(key_pair.private, ciphertext.to_der())
    with pytest.raises(DecryptionFailed):
        sm2.decrypt(sm2.generate_key().private, parts.to_der())
    with pytest.raises(DecryptionFailed):
        sm2.decrypt(key_pair.private, parts.to_der()[:-1])


def test_nothing_is_not_encrypted(key_pair: KeyPair) -> None:
    """An empty text would have no C2."""
    with pytest.raises(InvalidParameter):
        sm2.encrypt(key_pair.public, b"")


def test_raw_ciphertexts_need_their_prefix(key_pair: KeyPair) -> None:
    """04 in front and at least one byte of C2, or it is not read."""
    raw = sm2.Ciphertext.from_der(sm2.encrypt(key_pair.public, b"x")).to_raw()

    for wrong in (raw[1:], raw[:97], b"\x03" + raw[1:]):
        with pytest.raises(DerError):
            sm2.Ciphertext.from_raw(wrong)


def test_both_sides_agree_on_a_secret(key_pair: KeyPair) -> None:
    """Key agreement gives both sides the same 32 bytes."""
    other = sm2.generate_key()

    assert sm2.ecdh(key_pair.private, other.public) == sm2.ecdh(other.private, key_pair.public)
    assert len(sm2.ecdh(key_pair.private, other.public)) == 32


def test_identity_has_a_limit(key_pair: KeyPair) -> None:
    """The length of an identity is written in bits with 16 bits."""
    assert sm2.identity_digest(key_pair.public, id=bytes(8191))
    with pytest.raises(InvalidParameter):
        sm2.identity_digest(key_pair.public, id=bytes(8192))


def test_digests_of_other_sizes_are_refused(key_pair: KeyPair) -> None:
    """The value e has 32 bytes."""
    with pytest.raises(InvalidParameter):
        sm2.sign_digest(key_pair.private, bytes(31))
    with pytest.raises(InvalidParameter):
        sm2.verify_digest(key_pair.public, bytes(33), b"")


def test_private_keys_do_not_show_themselves(key_pair: KeyPair) -> None:
    """Printed, formatted or pickled: the secret does not come out."""
    number = int.from_bytes(key_pair.private.secret_bytes(), "big")
    shown = f"{key_pair!r} {key_pair} {key_pair.private!r} {[key_pair.private]}"

    assert str(number) not in shown
    assert f"{number:x}" not in shown.lower()
    with pytest.raises(TypeError):
        pickle.dumps(key_pair)
    with pytest.raises(TypeError):
        copy.copy(key_pair.private)


@pytest.mark.parametrize("scalar", [0, N, N + 1, -1])
def test_scalars_out_of_range_never_reach_gmssl(scalar: int) -> None:
    """gmssl gives the point itself for 0 and drops high bits: such scalars are refused before."""
    with pytest.raises(ValueError, match="scalar"):
        _curve.multiply(scalar, _curve.BASE)
    with pytest.raises(ValueError, match="scalar"):
        _curve.multiply_secret(scalar, _curve.BASE)


def test_addition_knows_infinity_and_doubling() -> None:
    """P + (−P) is infinity, P + P is 2P, and (n − 1)G is −G."""
    negative = _curve.to_text(_curve.GX, _curve.P - _curve.GY)

    assert _curve.add(_curve.BASE, negative) is None
    assert _curve.add(_curve.BASE, _curve.BASE) == _curve.multiply(2, _curve.BASE)
    assert _curve.multiply(N - 1, _curve.BASE) == negative
