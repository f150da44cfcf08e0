"""Real TLS connections by OpenSSL, over our own bounded wire.

OpenSSL's state machine runs on memory buffers, so that time, bytes and cancel stay ours. Nothing is
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
_CHUNK_BYTES = 16 * 1024


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


class TlsStream:
    """A TLS client over a wire: send and receive like the wire itself."""

    def __init__(self, wire: Wire, context: SSL.Context, server_name: str) -> None:
        self._wire = wire
        self._connection = SSL.Connection(context, None)
        if server_name:
            self._connection.set_tlsext_host_name(server_name.encode("ascii"))
        self._connection.set_connect_state()

    def shake_hands(self) -> None:
        """Do the handshake.

        Raises:
            HandshakeFailed: the two did not agree, or what came was malformed.
            WireError: see :mod:`scanners.tls.transport`.
        """
        for _ in range(_MAX_TURNS):
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                self._flush()
                data = self._wire.receive()
                if not data:
                    raise WireError(Ending.CLOSED, "during the handshake") from None
                self._connection.bio_write(data)
            except SSL.Error as problem:
                raise HandshakeFailed(_reason(problem)) from None
            else:
                self._flush()
                return
        raise HandshakeFailed("too many turns")

    def session(self) -> Session:
        """Tell what the handshake showed.

        Raises:
            HandshakeFailed: the certificates cannot be read.
        """
        try:
            chain = self._connection.get_peer_cert_chain(as_cryptography=True) or []
            ders = tuple(certificate.public_bytes(Encoding.DER) for certificate in chain[:_MAX_CERTIFICATES])
        except (ValueError, x509.InvalidVersion) as problem:
            raise HandshakeFailed(f"certificates cannot be read: {printable(str(problem), 120)}") from None
        suite = self._connection.get_cipher_name() or ""
        return Session(ders, suite, printable(self._connection.get_group_name() or "", 64))

    def send(self, data: bytes) -> None:
        """Send a short message.

        Raises:
            HandshakeFailed, WireError: the connection broke.
        """
        try:
            self._connection.sendall(data)
        except SSL.Error as problem:
            raise HandshakeFailed(_reason(problem)) from None
        self._flush()

    def receive(self) -> bytes:
        """Give the next bytes, at least one; ``b""`` when the other side is done.

        Raises:
            HandshakeFailed, WireError: the connection broke.
        """
        while True:
            try:
                return self._connection.recv(_CHUNK_BYTES)
            except SSL.WantReadError:
                self._flush()
                data = self._wire.receive()
                if not data:
                    return b""
                self._connection.bio_write(data)
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as problem:
                raise HandshakeFailed(_reason(problem)) from None

    def _flush(self) -> None:
        while True:
            try:
                self._wire.send(self._connection.bio_read(_CHUNK_BYTES))
            except SSL.WantReadError:
                return


def client_context() -> SSL.Context:
    """Give a client that accepts every version and suite that OpenSSL has, and every certificate."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    return context


def shake_hands(
    target: Target, budget: Budget, *, server_name: str, national: bool, per_connection_s: float
) -> Session:
    """Do one TLS 1.3 handshake and close.

    Args:
        national: Offer the suites of RFC 8998 only.

    Raises:
        HandshakeFailed, WireError: see :class:`TlsStream`.
    """
    context = client_context()
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    if national:
        context.set_tls13_ciphersuites(NATIONAL_SUITES)
    with connect(target, budget, per_connection_s=per_connection_s) as wire:
        stream = TlsStream(wire, context, server_name)
        stream.shake_hands()
        return stream.session()


def _reason(problem: SSL.Error) -> str:
    parts = problem.args[0] if problem.args and isinstance(problem.args[0], list) else []
    words = [str(entry[2]) for entry in parts if len(entry) == 3]
    return printable("; ".join(words) or type(problem).__name__, 160)
