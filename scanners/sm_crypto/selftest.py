"""Do the SM2, SM3 and SM4 implementations on this machine give the values of the standards?

Each library that could be used is asked by itself, so that a result names what it is about. A library
that lacks an algorithm is "unavailable", which is neither pass nor fail. The values and the clauses they
come from are the data files of ``smcrypto``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import resources
from importlib.metadata import version
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gmssl import sm2 as gmssl_sm2
from gmssl import sm3 as gmssl_sm3
from gmssl import sm4 as gmssl_sm4

from smcrypto import sm2, sm3, sm4
from smcrypto.errors import SmCryptoError


class VectorOutcome(StrEnum):
    """Answer of one implementation to one vector."""

    PASS = "pass"
    FAIL = "fail"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class SelfTestEntry:
    """One implementation, one vector; ``vector`` names algorithm and operation, ``source`` the clause."""

    implementation: str
    version: str
    vector: str
    source: str
    outcome: VectorOutcome


@dataclass(frozen=True, slots=True)
class SelfTestReport:
    """All entries in a fixed order; ``failed`` names implementation and vector of those that failed."""

    entries: tuple[SelfTestEntry, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one implementation; ``holds`` computes and compares."""

    implementation: str
    vector: str
    source: str
    holds: Callable[[], bool]


class Unavailable(Exception):
    """The implementation does not offer the algorithm."""


def run_self_test(*, thorough: bool = False) -> SelfTestReport:
    """Ask every implementation every vector that it should know.

    Args:
        thorough: Also the million SM4 rounds of the standard, about a second.
    """
    entries = tuple(answer(question) for question in questions(thorough=thorough))
    failed = tuple(f"{e.implementation} {e.vector}" for e in entries if e.outcome is VectorOutcome.FAIL)
    return SelfTestReport(entries, failed)


def answer(question: Question) -> SelfTestEntry:
    """Ask one question."""
    try:
        outcome = VectorOutcome.PASS if question.holds() else VectorOutcome.FAIL
    except Unavailable:
        outcome = VectorOutcome.UNAVAILABLE
    except (SmCryptoError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError):
        # a library that is broken may raise any of these in place of a value
        outcome = VectorOutcome.FAIL
    name = question.implementation
    return SelfTestEntry(name, _version_of(name), question.vector, question.source, outcome)


def _version_of(implementation: str) -> str:
    if implementation == "cryptography":
        return f"{version('cryptography')} ({backend.openssl_version_text()})"
    if implementation == "gmssl":
        return version("gmssl")
    return version("secops") if implementation == "smcrypto" else ""


def _vectors(name: str) -> Any:
    return json.loads((resources.files("smcrypto") / "vectors" / f"{name}.json").read_text(encoding="utf-8"))


def questions(*, thorough: bool) -> Iterator[Question]:
    """Give everything that is asked, grouped by algorithm."""
    yield from _sm3_questions()
    yield from _sm4_questions(thorough)
    yield from _sm2_questions()


# -- SM3 --------------------------------------------------------------------------------------------------


def _sm3_questions() -> Iterator[Question]:
    for vector in _vectors("sm3"):
        message, wanted = bytes.fromhex(vector["message"]), vector["digest"].lower()
        for implementation, digest in _SM3_DIGESTS.items():
            holds = partial(_gives, digest, message, wanted)
            yield Question(implementation, f"SM3 digest of {len(message)} bytes", vector["source"], holds)


def _gives(digest: Callable[[bytes], str], message: bytes, wanted: str) -> bool:
    return digest(message) == wanted


def _sm3_cryptography(message: bytes) -> str:
    try:
        digest = hashes.Hash(hashes.SM3())
    except UnsupportedAlgorithm:
        raise Unavailable from None
    digest.update(message)
    return digest.finalize().hex()


def _sm3_hashlib(message: bytes) -> str:
    if "sm3" not in hashlib.algorithms_available:
        raise Unavailable
    return hashlib.new("sm3", message).hexdigest()


def _sm3_gmssl(message: bytes) -> str:
    # the function pads the list that it is given
    return str(gmssl_sm3.sm3_hash(list(message)))


_SM3_DIGESTS: Mapping[str, Callable[[bytes], str]] = {
    "cryptography": _sm3_cryptography,
    "hashlib": _sm3_hashlib,
    "gmssl": _sm3_gmssl,
    "smcrypto": sm3.hexdigest,
}


# -- SM4 --------------------------------------------------------------------------------------------------


def _sm4_questions(thorough: bool) -> Iterator[Question]:
    vectors = _vectors("sm4")
    block, gcm, million = vectors["block"], vectors["gcm"], vectors["million"]
    source = block["source"]
    yield Question("cryptography", "SM4 block", source, partial(_sm4_cryptography, block, 1))
    yield Question("gmssl", "SM4 block", source, partial(_sm4_gmssl, block))
    yield Question("smcrypto", "SM4 block", source, partial(_sm4_smcrypto, block))
    yield Question("cryptography", "SM4-GCM", gcm["source"], partial(_gcm_cryptography, gcm))
    yield Question("smcrypto", "SM4-GCM", gcm["source"], partial(_gcm_smcrypto, gcm))
    if thorough:
        rounds = partial(_sm4_cryptography, million, million["rounds"])
        yield Question("cryptography", "SM4 million rounds", million["source"], rounds)


def _bytes(vector: Mapping[str, str], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(vector[name]) for name in names)


def _sm4_cryptography(vector: Mapping[str, str], rounds: int) -> bool:
    key, block, wanted = _bytes(vector, "key", "plain", "cipher")
    try:
        encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
    except UnsupportedAlgorithm:
        raise Unavailable from None
    for _ in range(rounds):
        block = encryptor.update(block)
    return block == wanted


def _sm4_gmssl(vector: Mapping[str, str]) -> bool:
    key, block, wanted = _bytes(vector, "key", "plain", "cipher")
    engine = gmssl_sm4.CryptSM4()
    engine.set_key(key, gmssl_sm4.SM4_ENCRYPT)
    return bytes(engine.one_round(engine.sk, list(block))) == wanted


def _sm4_smcrypto(vector: Mapping[str, str]) -> bool:
    key, block, wanted = _bytes(vector, "key", "plain", "cipher")
    return sm4.encrypt_block(key, block) == wanted


def _gcm_cryptography(vector: Mapping[str, str]) -> bool:
    key, nonce, aad, plain, cipher, tag = _bytes(vector, "key", "nonce", "aad", "plain", "cipher", "tag")
    try:
        encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    except UnsupportedAlgorithm:
        raise Unavailable from None
    encryptor.authenticate_additional_data(aad)
    return (encryptor.update(plain) + encryptor.finalize(), encryptor.tag) == (cipher, tag)


def _gcm_smcrypto(vector: Mapping[str, str]) -> bool:
    key, nonce, aad, plain, cipher, tag = _bytes(vector, "key", "nonce", "aad", "plain", "cipher", "tag")
    sealed = sm4.gcm_encrypt(key, nonce, plain, aad)
    return sealed == cipher + tag and sm4.gcm_decrypt(key, nonce, sealed, aad) == plain


# -- SM2 --------------------------------------------------------------------------------------------------


def _sm2_questions() -> Iterator[Question]:
    vectors = _vectors("sm2")
    sign, encrypt = vectors["signature"], vectors["encryption"]
    source = sign["source"]
    yield Question("gmssl", "SM2 signature", source, partial(_sign_gmssl, sign))
    yield Question("gmssl", "SM2 verification", source, partial(_verify_gmssl, sign))
    yield Question("smcrypto", "SM2 verification", source, partial(_verify_smcrypto, sign, b"", True))
    yield Question(
        "smcrypto", "SM2 altered message refused", source, partial(_verify_smcrypto, sign, b".", False)
    )
    yield Question("smcrypto", "SM2 decryption", encrypt["source"], partial(_decrypt_smcrypto, encrypt))


def _gmssl_engine(vector: Mapping[str, str]) -> gmssl_sm2.CryptSM2:
    return gmssl_sm2.CryptSM2(private_key=vector["private"].lower(), public_key=vector["public"].lower())


def _sign_gmssl(vector: Mapping[str, str]) -> bool:
    engine = _gmssl_engine(vector)
    digest = engine._sm3_z(bytes.fromhex(vector["message"]))
    return str(engine.sign(bytes.fromhex(digest), vector["nonce"])).upper() == vector["r"] + vector["s"]


def _verify_gmssl(vector: Mapping[str, str]) -> bool:
    signature = (vector["r"] + vector["s"]).lower()
    return bool(_gmssl_engine(vector).verify_with_sm3(signature, bytes.fromhex(vector["message"])))


def _verify_smcrypto(vector: Mapping[str, str], added: bytes, wanted: bool) -> bool:
    signature = sm2.encode_signature(int(vector["r"], 16), int(vector["s"], 16))
    public = sm2.PublicKey.from_bytes(bytes.fromhex(vector["public"]))
    return sm2.verify(public, bytes.fromhex(vector["message"]) + added, signature) is wanted


def _decrypt_smcrypto(vector: Mapping[str, str]) -> bool:
    sealed = sm2.Ciphertext.from_raw(bytes.fromhex(vector["c1"] + vector["c3"] + vector["c2"])).to_der()
    key = sm2.PrivateKey.from_bytes(bytes.fromhex(vector["private"]))
    return sm2.decrypt(key, sealed) == bytes.fromhex(vector["message"])
