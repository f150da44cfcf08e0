"""The self-test that runs at every start: vectors of the standards, and two implementations against each other.

Takes well under a second. A failed test is a result, not an exception: the caller refuses to start and can say why.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gmssl import sm3 as gmssl_sm3
from gmssl.sm4 import SM4_ENCRYPT, CryptSM4

from smcrypto import sm2, sm3, sm4
from smcrypto.errors import DecryptionFailed, SmCryptoError

CROSS_CHECK_MESSAGES = 1_000
"""Random messages compared between the implementations at a start."""


@dataclass(frozen=True, slots=True)
class SelfTestCase:
    """One test: its name, the clause or the other implementation it was held against, and what went wrong ("" if nothing)."""

    name: str
    against: str
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing went wrong."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """All tests of one run, in order."""

    cases: tuple[SelfTestCase, ...]

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(case.passed for case in self.cases)

    @property
    def failures(self) -> tuple[SelfTestCase, ...]:
        """The tests that did not pass."""
        return tuple(case for case in self.cases if not case.passed)


def run_self_test(*, messages: int = CROSS_CHECK_MESSAGES, million_rounds: bool = False) -> SelfTestResult:
    """Test SM2, SM3 and SM4.

    Args:
        messages: Random messages for the cross-checks of SM3 and SM4, each 0 to 99 bytes long.
        million_rounds: Also run the vector of one million SM4 encryptions, about a second.
    """
    cases = [*_sm3_cases(), *_sm4_cases(million_rounds), *_sm2_cases()]
    cases.append(_run("SM3 of random messages", "gmssl", lambda: _cross_check_sm3(messages, _gmssl_sm3)))
    if "sm3" in hashlib.algorithms_available:
        cases.append(
            _run("SM3 of random messages", "hashlib", lambda: _cross_check_sm3(messages, _hashlib_sm3))
        )
    cases.append(_run("SM4 of random blocks", "gmssl", lambda: _cross_check_sm4(messages)))
    return SelfTestResult(tuple(cases))


def _vectors(name: str) -> Any:
    return json.loads((resources.files("smcrypto") / "vectors" / f"{name}.json").read_text(encoding="utf-8"))


class _Mismatch(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _run(name: str, against: str, test: Callable[[], None]) -> SelfTestCase:
    try:
        test()
    except _Mismatch as mismatch:
        return SelfTestCase(name, against, mismatch.what)
    except (SmCryptoError, ValueError, ArithmeticError) as error:
        return SelfTestCase(name, against, f"{type(error).__name__}: {error}")
    return SelfTestCase(name, against)


def _same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise _Mismatch(f"{what} differs")


def _sm3_cases() -> Iterable[SelfTestCase]:
    for vector in _vectors("sm3"):
        message, wanted = bytes.fromhex(vector["message"]), bytes.fromhex(vector["digest"])
        yield _run(
            "SM3 vector",
            vector["source"],
            lambda message=message, wanted=wanted: _same(sm3.digest(message), wanted, "digest"),  # type: ignore[misc]
        )


def _sm4_cases(million_rounds: bool) -> Iterable[SelfTestCase]:
    vectors = _vectors("sm4")
    yield _run("SM4 block", vectors["block"]["source"], lambda: _check_block(vectors["block"]))
    yield _run("SM4-GCM", vectors["gcm"]["source"], lambda: _check_gcm(vectors["gcm"]))
    if million_rounds:
        yield _run(
            "SM4 million rounds", vectors["million"]["source"], lambda: _check_million(vectors["million"])
        )


def _check_block(vector: dict[str, str]) -> None:
    key, plain = bytes.fromhex(vector["key"]), bytes.fromhex(vector["plain"])
    _same(sm4.encrypt_block(key, plain), bytes.fromhex(vector["cipher"]), "block")


def _check_million(vector: dict[str, Any]) -> None:
    encryptor = Cipher(algorithms.SM4(bytes.fromhex(vector["key"])), modes.ECB()).encryptor()
    block = bytes.fromhex(vector["plain"])
    for _ in range(vector["rounds"]):
        block = encryptor.update(block)
    _same(block, bytes.fromhex(vector["cipher"]), "block")


def _check_gcm(vector: dict[str, str]) -> None:
    key, nonce, aad, plain, cipher, tag = (
        bytes.fromhex(vector[name]) for name in ("key", "nonce", "aad", "plain", "cipher", "tag")
    )
    _same(sm4.gcm_encrypt(key, nonce, plain, aad), cipher + tag, "cipher text")
    _same(sm4.gcm_decrypt(key, nonce, cipher + tag, aad), plain, "plain text")
    altered = bytes((cipher[0] ^ 1,)) + cipher[1:] + tag
    try:
        sm4.gcm_decrypt(key, nonce, altered, aad)
    except DecryptionFailed:
        return
    raise _Mismatch("an altered cipher text was accepted; tag check")


def _sm2_cases() -> Iterable[SelfTestCase]:
    vectors = _vectors("sm2")
    yield _run("SM2 signature", vectors["signature"]["source"], lambda: _check_sm2_sign(vectors["signature"]))
    yield _run(
        "SM2 encryption", vectors["encryption"]["source"], lambda: _check_sm2_encrypt(vectors["encryption"])
    )
    yield _run("SM2 sign and verify", "itself, fresh key", _check_sm2_pairwise)


def _check_sm2_sign(vector: dict[str, str]) -> None:
    key = sm2.PrivateKey.from_bytes(bytes.fromhex(vector["private"]))
    message, identity = bytes.fromhex(vector["message"]), bytes.fromhex(vector["id"])
    _same(key.public.to_bytes()[1:], bytes.fromhex(vector["public"]), "public key")
    _same(
        sm2.identity_digest(key.public, id=identity),
        bytes.fromhex(vector["identity_digest"]),
        "identity digest",
    )
    digest = sm2.message_digest(key.public, message, id=identity)
    _same(digest, bytes.fromhex(vector["digest"]), "message digest")
    pair = sm2._sign_with_nonce(key, digest, int(vector["nonce"], 16))
    _same(pair, (int(vector["r"], 16), int(vector["s"], 16)), "signature")
    signature = sm2.encode_signature(int(vector["r"], 16), int(vector["s"], 16))
    _same(sm2.verify(key.public, message, signature, id=identity), True, "verification")


def _check_sm2_encrypt(vector: dict[str, str]) -> None:
    key = sm2.PrivateKey.from_bytes(bytes.fromhex(vector["private"]))
    message = bytes.fromhex(vector["message"])
    raw = bytes.fromhex(vector["c1"] + vector["c3"] + vector["c2"])
    parts = sm2._encrypt_with_nonce(key.public, message, int(vector["nonce"], 16))
    _same(parts and parts.to_raw(), raw, "cipher text")
    _same(sm2.decrypt(key, sm2.Ciphertext.from_raw(raw).to_der()), message, "plain text")


def _check_sm2_pairwise() -> None:
    key, message = sm2.generate_key(), secrets.token_bytes(48)
    signature = sm2.sign(key.private, message)
    _same(sm2.verify(key.public, message, signature), True, "verification")
    _same(sm2.verify(key.public, message + b"\0", signature), False, "verification of another message")


def _gmssl_sm3(message: bytes) -> str:
    # a fresh list, since gmssl appends its padding to the one it is given
    digest: str = gmssl_sm3.sm3_hash(list(message))
    return digest


def _hashlib_sm3(message: bytes) -> str:
    return hashlib.new("sm3", message).hexdigest()


def _cross_check_sm3(messages: int, other: Callable[[bytes], str]) -> None:
    for number in range(messages):
        message = secrets.token_bytes(number % 100)
        _same(sm3.hexdigest(message), other(message), f"digest of {message.hex() or 'nothing'}")


def _cross_check_sm4(messages: int) -> None:
    for _ in range(messages):
        key, block = secrets.token_bytes(sm4.KEY_SIZE), secrets.token_bytes(sm4.BLOCK_SIZE)
        other = CryptSM4()
        other.set_key(key, SM4_ENCRYPT)
        _same(sm4.encrypt_block(key, block), bytes(other.one_round(other.sk, list(block))), "block")
