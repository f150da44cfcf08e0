"""One real TLS 1.3 handshake, to read the certificates that this version sends encrypted.

OpenSSL's state machine runs on memory buffers; bytes go over our own bounded connection. Nothing is
verified here, because a bad chain is what we want to see.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from scanners.base import Target
from scanners.tls.text import printable
from scanners.tls.transport import Budget, Ending, Wire, WireError, connect

NATIONAL_SUITES = b"TLS_SM4_GCM_SM3:TLS_SM4_CCM_SM3"
_MAX_CERTIFICATES = 16
_MAX_TURNS = 64


class HandshakeFailed(Exception):
    """OpenSSL gave up; *detail* is its own short reason."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Session:
    """What a finished handshake showed: DER certificates leaf first, the suite and the group."""

    certificates: tuple[bytes, ...]
    suite: str
    group: str


def shake_hands(
    target: Target, budget: Budget, *, server_name: str, national: bool, per_connection_s: float
) -> Session:
    """Do one TLS 1.3 handshake and close.

    Args:
        national: Offer the suites of RFC 8998 only.

    Raises:
        HandshakeFailed: the two did not agree, or what came was malformed.
        WireError: see :mod:`scanners.tls.transport`.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    if national:
        context.set_tls13_ciphersuites(NATIONAL_SUITES)
    connection = SSL.Connection(context, None)
    if server_name:
        connection.set_tlsext_host_name(server_name.encode("ascii"))
    connection.set_connect_state()
    with connect(target, budget, per_connection_s=per_connection_s) as wire:
        _drive(connection, wire)
    try:
        chain = connection.get_peer_cert_chain(as_cryptography=True) or []
        certificates = tuple(
            certificate.public_bytes(Encoding.DER) for certificate in chain[:_MAX_CERTIFICATES]
        )
    except (ValueError, x509.InvalidVersion) as problem:
        raise HandshakeFailed(f"certificates cannot be read: {printable(str(problem), 120)}") from None
    return Session(
        certificates,
        connection.get_cipher_name() or "",
        printable(connection.get_group_name() or "", 64),
    )


def _drive(connection: SSL.Connection, wire: Wire) -> None:
    for _ in range(_MAX_TURNS):
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            _flush(connection, wire)
            data = wire.receive()
            if not data:
                raise WireError(Ending.CLOSED, "during the handshake") from None
            connection.bio_write(data)
        except SSL.Error as problem:
            raise HandshakeFailed(_reason(problem)) from None
        else:
            return
    raise HandshakeFailed("too many turns")


def _flush(connection: SSL.Connection, wire: Wire) -> None:
    while True:
        try:
            wire.send(connection.bio_read(16 * 1024))
        except SSL.WantReadError:
            return


def _reason(problem: SSL.Error) -> str:
    parts = problem.args[0] if problem.args and isinstance(problem.args[0], list) else []
    words = [str(entry[2]) for entry in parts if len(entry) == 3]
    return printable("; ".join(words) or type(problem).__name__, 160)
