"""A TLS 1.3 server with national suites, made of the OpenSSL inside ``cryptography``."""

from __future__ import annotations

import contextlib
import socket

from OpenSSL import SSL
from OpenSSL._util import lib

from smcrypto.certificates import encode_certificate_pem
from smcrypto.sm2_files import encode_pkcs8_pem
from tests.support.peers.certificates import Sm2Identity
from tests.support.peers.tcp import Handler


def rfc8998_handler(identity: Sm2Identity, folder: str, *, groups: str = "") -> Handler:
    """Serve TLS_SM4_GCM_SM3 and TLS_SM4_CCM_SM3 with an SM2 certificate; *groups* pins the key exchange."""
    with open(f"{folder}/chain.pem", "wb") as file:
        file.write(encode_certificate_pem(identity.sign) + encode_certificate_pem(identity.root))
    with open(f"{folder}/key.pem", "wb") as file:
        file.write(encode_pkcs8_pem(identity.sign_key))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(b"TLS_SM4_GCM_SM3:TLS_SM4_CCM_SM3")
    context.use_certificate_chain_file(f"{folder}/chain.pem")
    context.use_privatekey_file(f"{folder}/key.pem")
    if groups:
        assert lib.SSL_CTX_set1_curves_list(context._context, groups.encode()) == 1  # type: ignore[attr-defined]

    def handle(connection: socket.socket) -> None:
        session = SSL.Connection(context, None)
        session.set_accept_state()
        with contextlib.suppress(SSL.Error):
            while True:
                try:
                    session.do_handshake()
                except SSL.WantReadError:
                    _flush(session, connection)
                    data = connection.recv(65536)
                    if not data:
                        return
                    session.bio_write(data)
                else:
                    break
        _flush(session, connection)
        connection.recv(65536)

    return handle


def _flush(session: SSL.Connection, connection: socket.socket) -> None:
    with contextlib.suppress(SSL.WantReadError):
        while True:
            connection.sendall(session.bio_read(65536))
