"""The audit log on its way to a log server: in order, over TLS, resumed after the server was away."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.audit_log import syslog
from secops.audit_log.models import AuditEvent
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.config import BadSettings, Settings
from secops.platform import Platform
from tests.support.platforms import ClientAs


class Receiver:
    """A log server on loopback that keeps what it got; *context* makes it speak TLS."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.got = b""
        self._context = context
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(10)
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._server:
            plain, _ = self._server.accept()
            try:
                peer = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            except OSError:
                plain.close()
                return
            with peer:
                try:
                    while piece := peer.recv(65536):
                        self.got += piece
                    if isinstance(peer, ssl.SSLSocket):
                        peer.unwrap().close()
                except OSError:
                    return

    def messages(self) -> list[dict[str, Any]]:
        """Wait for the end, then give the records."""
        self._thread.join(10)
        found, rest = [], self.got
        while rest:
            length, _, rest = rest.partition(b" ")
            message, rest = rest[: int(length)], rest[int(length) :]
            head, _, body = message.partition("\ufeff".encode())
            assert head.startswith((b"<109>1 ", b"<108>1 "))
            found.append(json.loads(body))
        return found


@pytest.fixture
def served() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def start(context: ssl.SSLContext | None = None) -> Receiver:
        made.append(Receiver(context))
        return made[-1]

    yield start
    for one in made:
        one._thread.join(10)


def _towards(platform: Platform, address: str, ca: Path | None = None) -> Platform:
    settings = replace(platform.settings, audit_syslog=address, audit_syslog_ca=str(ca or ""))
    return replace(platform, settings=settings)


def _events(platform: Platform, count: int) -> int:
    for number in range(count):
        with platform.work("test:events") as session:
            record(session, "test.event", now=utc_now(), object_type="table", object_id=str(number))
    with platform.work("test:look") as session:
        return int(session.scalar(select(func.max(AuditEvent.seq))) or 0)


def test_every_record_goes_once_and_in_order(platform: Platform, served: Callable[..., Receiver]) -> None:
    """The whole log first, then only what is new; nothing new makes no connection."""
    last = _events(platform, 3)
    one = served()
    there = _towards(platform, f"tcp://127.0.0.1:{one.port}")
    assert syslog.ship_due(there, now=utc_now()) == last
    messages = one.messages()
    assert [row["seq"] for row in messages] == list(range(1, last + 1))
    assert all(row["hash"] and row["mac"] for row in messages)
    assert syslog.ship_due(there, now=utc_now()) == 0
    last = _events(platform, 2)
    two = served()
    there = _towards(platform, f"tcp://127.0.0.1:{two.port}")
    assert syslog.ship_due(there, now=utc_now()) == 2
    assert [row["seq"] for row in two.messages()] == [last - 1, last]


def test_a_server_that_is_away_loses_nothing(
    platform: Platform, client_as: ClientAs, served: Callable[..., Receiver]
) -> None:
    """The page says since when; afterwards everything follows."""
    _events(platform, 1)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    there = _towards(platform, f"tcp://127.0.0.1:{port}")
    now = utc_now()
    assert syslog.ship_due(there, now=now) == 0
    assert syslog.ship_due(there, now=now + timedelta(minutes=1)) == 0
    state = syslog.state_of(there)
    assert state is not None
    assert state.fault
    assert state.since == now.isoformat(timespec="seconds")
    client = client_as(Role.AUDIT_ADMIN)
    served_platform: Any = client.app.extensions["secops"]
    served_platform.settings = there.settings
    assert "日志服务器不可达" in client.get("/audit/").text
    back = served()
    there = _towards(platform, f"tcp://127.0.0.1:{back.port}")
    assert syslog.ship_due(there, now=now) > 0
    assert back.messages()[0]["seq"] == 1
    found = syslog.state_of(there)
    assert found is not None
    assert found.fault == ""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for ``localhost``, and the file that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, private)
    return context, ca


def test_over_tls_to_a_known_receiver_only(
    platform: Platform, served: Callable[..., Receiver], certificate: tuple[ssl.SSLContext, Path]
) -> None:
    """A certificate that the file vouches for is accepted; without it not one record leaves."""
    context, ca = certificate
    last = _events(platform, 2)
    stranger = served(context)
    assert syslog.ship_due(_towards(platform, f"tls://localhost:{stranger.port}"), now=utc_now()) == 0
    assert stranger.messages() == []
    known = served(context)
    assert syslog.ship_due(_towards(platform, f"tls://localhost:{known.port}", ca), now=utc_now()) == last
    assert [row["seq"] for row in known.messages()] == list(range(1, last + 1))


def test_without_a_receiver_nothing_is_noted(platform: Platform) -> None:
    """No setting, no state, no tile."""
    assert syslog.ship_due(platform, now=utc_now()) == 0
    assert syslog.state_of(platform) is None


@pytest.mark.parametrize("address", ["udp://h:1", "tls://", "host:6514", "tcp://h:99999"])
def test_wrong_addresses_are_refused(address: str) -> None:
    """Told at start, not at the first record."""
    with pytest.raises(BadSettings):
        Settings.from_env({"SECOPS_AUDIT_SYSLOG": address})
