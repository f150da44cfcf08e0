"""A TLCP server in Python for tests, with switches for everything that can be wrong.

It shares key derivation and record protection with the probe; that these are right is shown by the tests
against another implementation.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from scanners.tlcp.keys import Protection, connection_keys, master_secret, verify_data
from scanners.tlcp.records import SUITES, Exchange
from scanners.tls.records import ContentType, RecordReader, Version, build_message, build_record
from smcrypto import sm2
from smcrypto.errors import DecryptionFailed
from tests.support.peers.certificates import Sm2Identity
from tests.support.peers.old_tls import ClientHello, certificates_message, read_client_hello
from tests.support.peers.tcp import wait_for_close


@dataclass(slots=True)
class TlcpServer:
    """A server: what it accepts, first one wins, and what it does wrong.

    ``signs_with`` is ``sign``, ``encrypt`` or ``noise``; ``stops_after`` names the message after which the
    server goes silent with alert 80; ``finished`` False sends a wrong Finished message.
    """

    identity: Sm2Identity
    suites: Sequence[int] = (0xE013, 0xE053, 0xE011, 0xE051)
    certificates: Sequence[bytes] | None = None
    signs_with: str = "sign"
    covers: bytes | None = None
    asks_client_certificate: bool = False
    stops_after: str = ""
    finished: bool = True
    kills_extensions: bool = False
    refuses_by: str = "alert"
    alert: int = 40
    hellos: list[ClientHello] = field(default_factory=list)
    handshakes: int = 0

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        first = connection.recv(65536, socket.MSG_PEEK)
        hello = read_client_hello(connection)
        self.hellos.append(hello)
        # record head 5, message head 4, version 2
        client_random = first[11:43]
        transcript = first[5 : 5 + int.from_bytes(first[3:5], "big")]
        suite = next((number for number in self.suites if number in hello.suites), None)
        if suite is None or hello.version != Version.TLCP or (self.kills_extensions and hello.extensions):
            self._refuse(connection)
            return
        server_random = secrets.token_bytes(32)
        flight = self._flight(suite, client_random, server_random)
        connection.sendall(build_record(ContentType.HANDSHAKE, Version.TLCP, b"".join(flight)))
        if self.stops_after:
            connection.sendall(build_record(ContentType.ALERT, Version.TLCP, b"\x02\x50"))
            wait_for_close(connection)
            return
        self._finish(connection, suite, client_random, server_random, transcript + b"".join(flight))

    def _refuse(self, connection: socket.socket) -> None:
        if self.refuses_by == "alert":
            connection.sendall(build_record(ContentType.ALERT, Version.TLCP, bytes([2, self.alert])))
        else:
            connection.shutdown(socket.SHUT_WR)
        wait_for_close(connection)

    def _flight(self, suite: int, client_random: bytes, server_random: bytes) -> list[bytes]:
        body = b"\x01\x01" + server_random + b"\x00" + suite.to_bytes(2, "big") + b"\x00"
        shown = self.certificates or (self.identity.sign, self.identity.encrypt, self.identity.root)
        messages = [("hello", build_message(2, body)), ("certificate", certificates_message(shown))]
        messages.append(("key-exchange", self._key_exchange(suite, client_random + server_random)))
        if self.asks_client_certificate or SUITES[suite].exchange is Exchange.ECDHE:
            messages.append(("request", build_message(13, b"\x01\x40\x00\x00")))
        messages.append(("done", build_message(14, b"")))
        names = [name for name, _ in messages]
        count = names.index(self.stops_after) + 1 if self.stops_after else len(names)
        return [raw for _, raw in messages[:count]]

    def _key_exchange(self, suite: int, randoms: bytes) -> bytes:
        parameters = b""
        if SUITES[suite].exchange is Exchange.ECDHE:
            parameters = b"\x03\x00\x29\x41" + sm2.generate_key().public.to_bytes()
        covered = self.covers or self.identity.encrypt
        signed = randoms + (parameters or len(covered).to_bytes(3, "big") + covered)
        key = self.identity.encrypt_key if self.signs_with == "encrypt" else self.identity.sign_key
        signature = sm2.sign(key, b"something else" if self.signs_with == "noise" else signed)
        return build_message(12, parameters + len(signature).to_bytes(2, "big") + signature)

    def _finish(
        self,
        connection: socket.socket,
        suite: int,
        client_random: bytes,
        server_random: bytes,
        transcript: bytes,
    ) -> None:
        reader, clear, protected = RecordReader(frozenset({Version.TLCP})), b"", None
        while protected is None:
            data = connection.recv(65536)
            if not data:
                return
            for record in reader.feed(data):
                if record.content_type is ContentType.HANDSHAKE and clear:
                    protected = record.payload
                elif record.content_type is ContentType.HANDSHAKE:
                    clear = record.payload
        exchange = clear[7:] if clear[0] == 11 else clear
        size = int.from_bytes(exchange[4:6], "big")
        try:
            pre_master = sm2.decrypt(self.identity.encrypt_key, exchange[6 : 6 + size])
        except DecryptionFailed:
            connection.sendall(build_record(ContentType.ALERT, Version.TLCP, b"\x02\x33"))
            wait_for_close(connection)
            return
        master = master_secret(pre_master, client_random, server_random)
        is_gcm = SUITES[suite].is_gcm
        theirs, ours = connection_keys(master, client_random, server_random, is_gcm=is_gcm)
        finished = Protection(theirs).open(ContentType.HANDSHAKE, protected)
        assert finished[4:] == verify_data(master, transcript + clear, by_client=True)
        answer = verify_data(master, transcript + clear + finished, by_client=False)
        if not self.finished:
            answer = bytes(len(answer))
        sealed = Protection(ours).seal(
            ContentType.HANDSHAKE, build_message(20, answer), secrets.token_bytes(16)
        )
        connection.sendall(
            build_record(ContentType.CHANGE_CIPHER_SPEC, Version.TLCP, b"\x01")
            + build_record(ContentType.HANDSHAKE, Version.TLCP, sealed)
        )
        self.handshakes += 1
        wait_for_close(connection)
