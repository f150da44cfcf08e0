"""What one port answered in TLCP, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scanners.sm_crypto.certificates import ChainReport
from scanners.sm_crypto.hints import DakHint
from scanners.sm_crypto.pairs import PairCheck, Role
from scanners.tls.result import VersionAnswer


@dataclass(frozen=True, slots=True)
class TlcpSuite:
    """A suite that the server chose; ``finished`` when a whole handshake was done with it."""

    number: int
    name: str
    exchange: str
    finished: bool


@dataclass(frozen=True, slots=True)
class TlcpCertificate:
    """One certificate as sent. ``role`` follows from the place in the list (signing, encryption, then the
    chain), ``stated_role`` from the key usage; ``key`` is kind and bits such as ``sm2-256``.
    """

    role: Role
    stated_role: Role
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key: str
    key_usage: tuple[str, ...] | None
    signature_algorithm: str
    names: tuple[str, ...]
    fingerprint_sm3: str


@dataclass(frozen=True, slots=True)
class TlcpResult:
    """Answer of one port.

    ``detected`` is True only after a ServerHello of version 0x0101. ``grade`` says how much was proven:
    0 nothing, 1 the ServerHello, 2 the signature over the key exchange (the server holds the signing key),
    3 the Finished message (it holds the encryption key too, and records are really SM4 and SM3).
    ``chain_verified`` is ``None`` when no anchors were given or an issuer is missing. ``refusal`` is what
    came in place of a ServerHello. ``suites_complete`` is False when the enumeration ended before the
    server refused what was left. ``ordinary_tls`` says whether the same port also speaks TLS.
    """

    detected: bool
    grade: int
    suites: tuple[TlcpSuite, ...] = ()
    suites_complete: bool = False
    certificates: tuple[TlcpCertificate, ...] = ()
    pair: tuple[PairCheck, ...] = ()
    chain_verified: bool | None = None
    chains: tuple[ChainReport, ...] = ()
    name_matches: bool | None = None
    asks_client_certificate: bool | None = None
    ordinary_tls: VersionAnswer = VersionAnswer.UNCLEAR
    refusal: str = ""
    server_name: str = ""
    connections: int = 0
    problems: tuple[str, ...] = ()
    hint: DakHint | None = None
