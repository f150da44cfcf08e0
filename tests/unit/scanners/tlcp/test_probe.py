"""The TLCP probe against loopback peers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.sm_crypto.certificates import load_der
from scanners.sm_crypto.hints import Suggestion
from scanners.sm_crypto.pairs import Role
from scanners.tlcp.probe import MAX_CONNECTIONS, TlcpProbe
from scanners.tlcp.result import TlcpResult
from scanners.tls.records import build_message, build_record
from scanners.tls.result import VersionAnswer
from smcrypto.certificates import (
    ENCRYPTION_USAGE,
    SIGNING_USAGE,
    Validity,
    encode_certificate_pem,
)
from smcrypto.sm2_files import encode_pkcs8_pem
from tests.support.peers.certificates import (
    NOW,
    make_identity,
    make_sm2_certificate,
    make_sm2_identity,
)
from tests.support.peers.old_tls import OldTls, certificates_message
from tests.support.peers.tcp import HOSTILE, Handler, Peer, endless, resets_after, sends_then_closes
from tests.support.peers.tlcp_server import TlcpServer
from tests.support.services import free_port, require_module, require_tool

CONTEXT = ProbeContext(timeout_s=20)
IDENTITY = make_sm2_identity()
ROOT = load_der(IDENTITY.root)
ECC_CBC, ECC_GCM, ECDHE_CBC, ECDHE_GCM = 0xE013, 0xE053, 0xE011, 0xE051


def _probe(**options: object) -> TlcpProbe:
    return TlcpProbe(**{"anchors": [ROOT], "clock": lambda: NOW, "per_connection_s": 2.0, **options})  # type: ignore[arg-type]


def _look(handler: Handler, **options: object) -> TlcpResult:
    with Peer(handler) as peer:
        attempt = _probe(**options).run(peer.target, CONTEXT)
        assert peer.connections <= MAX_CONNECTIONS
    assert isinstance(attempt, Completed), attempt
    assert attempt.result.connections == peer.connections
    return attempt.result


def _server(**changes: object) -> TlcpServer:
    return TlcpServer(IDENTITY, **changes)  # type: ignore[arg-type]


def _failed(result: TlcpResult) -> set[str]:
    return {check.check_id for check in result.pair if check.passed is False}


def test_a_good_server_is_proven_to_the_end() -> None:
    """Grade 3: signature and Finished verified, all four suites listed, the pair sound, nothing beside it."""
    server = _server()
    result = _look(server)

    assert (result.detected, result.grade, result.problems, result.refusal) == (True, 3, (), "")
    assert [(suite.number, suite.finished) for suite in result.suites] == [
        (ECC_CBC, True),
        (ECC_GCM, False),
        (ECDHE_CBC, False),
        (ECDHE_GCM, False),
    ]
    assert result.suites_complete
    assert server.handshakes == 1
    assert _failed(result) == set()
    assert (result.chain_verified, result.name_matches, result.asks_client_certificate) == (
        True,
        False,
        False,
    )
    assert result.ordinary_tls is VersionAnswer.REFUSED
    assert result.hint is not None
    assert (result.hint.d, result.hint.a, result.hint.k) == (
        Suggestion.YES,
        Suggestion.YES,
        Suggestion.PERSON,
    )


def test_the_promised_fields_of_a_certificate() -> None:
    """Role, names, dates, key and usage are told for each certificate in order."""
    sign, encrypt, root = _look(_server()).certificates

    assert (sign.role, encrypt.role, root.role) == (Role.SIGN, Role.ENCRYPT, Role.CA)
    assert (sign.stated_role, encrypt.stated_role, root.stated_role) == (Role.SIGN, Role.ENCRYPT, Role.CA)
    assert sign.subject == "CN=localhost,O=Loopback,C=CN"
    assert sign.issuer == root.subject == "CN=Test root,O=Loopback,C=CN"
    assert (sign.key, sign.signature_algorithm) == ("sm2-256", "SM2-with-SM3")
    assert sign.key_usage == ("digitalSignature", "nonRepudiation")
    assert sign.not_before == NOW - timedelta(days=1)


@pytest.mark.parametrize("suite", [ECC_CBC, ECC_GCM])
def test_each_mode_of_protection_is_carried_to_the_end(suite: int) -> None:
    """CBC and GCM alone each give grade 3."""
    result = _look(_server(suites=(suite,)))

    assert (result.grade, [(s.number, s.finished) for s in result.suites]) == (3, [(suite, True)])


@pytest.mark.parametrize("suite", [ECDHE_CBC, ECDHE_GCM])
def test_a_server_that_wants_a_client_certificate_gives_grade_two(suite: int) -> None:
    """ECDHE needs a certificate of ours; the signature over its parameters is verified all the same."""
    result = _look(_server(suites=(suite,)))

    assert (result.grade, result.asks_client_certificate) == (2, True)
    assert result.hint is not None
    assert result.hint.d is Suggestion.UNKNOWN


def test_a_client_certificate_that_is_optional_does_not_stop_the_handshake() -> None:
    """An empty certificate list is sent where one is asked for."""
    result = _look(_server(suites=(ECC_CBC,), asks_client_certificate=True))

    assert (result.grade, result.asks_client_certificate) == (3, True)


@pytest.mark.parametrize(
    ("changes", "grade", "problem"),
    [
        ({"signs_with": "noise"}, 1, "signature of the key exchange is wrong"),
        ({"signs_with": "encrypt"}, 1, "signed with the key of the second certificate"),
        ({"covers": IDENTITY.sign}, 1, "signature of the key exchange is wrong"),
        ({"finished": False}, 2, "the server's Finished message is wrong"),
        ({"stops_after": "hello"}, 1, "no key exchange message"),
        ({"stops_after": "certificate"}, 1, "no key exchange message"),
        ({"stops_after": "key-exchange"}, 2, ""),
    ],
)
def test_what_is_not_proven_is_not_claimed(changes: dict[str, object], grade: int, problem: str) -> None:
    """A wrong signature, a wrong Finished and a server that breaks off each keep the grade down."""
    result = _look(_server(**changes))

    assert (result.detected, result.grade) == (True, grade)
    assert problem in (*result.problems, "")
    assert bool(problem) == bool(result.problems)
    assert result.hint is not None
    assert result.hint.d is Suggestion.UNKNOWN


def test_certificates_in_the_wrong_order_are_seen() -> None:
    """The signing key is then second, and the checks of order and usage fail."""
    result = _look(_server(certificates=(IDENTITY.encrypt, IDENTITY.sign)))

    assert {"order", "sign-usage", "encrypt-usage"} <= _failed(result)
    assert result.grade == 1
    assert "signed with the key of the second certificate" in result.problems


def _with_certificates(*certificates: bytes, **options: object) -> TlcpResult:
    return _look(_server(certificates=certificates), **options)


@pytest.mark.parametrize(
    ("certificates", "failed"),
    [
        ([IDENTITY.sign], {"two-certificates"}),
        ([IDENTITY.sign, IDENTITY.sign], {"distinct-certificates", "encrypt-usage"}),
        (
            [IDENTITY.sign, make_identity("localhost").der],
            {"sm2-keys", "sm2-with-sm3", "same-subject", "same-issuer", "encrypt-usage"},
        ),
    ],
)
def test_a_faulty_pair_is_named(certificates: list[bytes], failed: set[str]) -> None:
    """One certificate, one twice, and a foreign one are each seen."""
    assert _failed(_with_certificates(*certificates)) == failed


def test_expired_certificates_break_the_chain() -> None:
    """A certificate past its time is not verified, whatever its signature."""
    old = Validity(NOW - timedelta(days=9), NOW - timedelta(days=2))
    sign = make_sm2_certificate(IDENTITY.root_key, IDENTITY.sign_key.public, SIGNING_USAGE, validity=old)
    encrypt = make_sm2_certificate(
        IDENTITY.root_key, IDENTITY.encrypt_key.public, ENCRYPTION_USAGE, validity=old
    )
    result = _with_certificates(sign, encrypt)

    assert (result.chain_verified, _failed(result)) == (False, {"valid-now", "chains"})


@pytest.mark.parametrize(
    ("certificates", "anchors", "verified"),
    [
        ((IDENTITY.sign, IDENTITY.encrypt), [ROOT], True),
        ((IDENTITY.sign, IDENTITY.encrypt, IDENTITY.root), None, None),
        ((IDENTITY.sign, IDENTITY.encrypt), None, None),
        ((IDENTITY.sign, IDENTITY.encrypt, IDENTITY.root), [load_der(make_sm2_identity().root)], False),
        ((IDENTITY.sign, IDENTITY.encrypt), [make_identity("x", is_ca=True).certificate], None),
    ],
)
def test_trust(certificates: tuple[bytes, ...], anchors: object, verified: bool | None) -> None:
    """A root that the server sends is never trusted for that; a missing issuer leaves it open."""
    assert _with_certificates(*certificates, anchors=anchors).chain_verified is verified


def test_unreadable_certificates_leave_the_suite_known() -> None:
    """Garbage in place of certificates keeps grade 1."""
    result = _with_certificates(b"garbage", b"more garbage")

    assert (result.detected, result.grade, result.certificates) == (True, 1, ())
    assert any("cannot be read" in problem for problem in result.problems)


def test_foreign_suites_and_ordinary_tls_leave_compliance_open() -> None:
    """A port with a way round the national algorithms gets no suggestion for A."""
    tlcp = _server(suites=(ECC_CBC, 0xE019))
    tls = OldTls({0x0303: [0xC02F]}, [make_identity().der])

    def either(connection: object) -> None:
        import socket

        assert isinstance(connection, socket.socket)
        version = connection.recv(3, socket.MSG_PEEK)[1:3]
        (tlcp if version == b"\x01\x01" else tls)(connection)

    result = _look(either)

    assert result.ordinary_tls is VersionAnswer.ACCEPTED
    assert [suite.name for suite in result.suites] == ["ECC_SM4_CBC_SM3", "RSA_SM4_CBC_SM3"]
    assert result.hint is not None
    assert (result.hint.a, result.hint.reasons) == (
        Suggestion.UNKNOWN,
        ("grade-3", "foreign-suite", "ordinary-tls-open"),
    )


@pytest.mark.parametrize(
    ("alert", "words"), [(70, "protocol_version"), (40, "handshake_failure"), (71, "insufficient")]
)
def test_a_refusal_is_told_by_its_alert(alert: int, words: str) -> None:
    """An alert means not detected, and says why."""
    result = _look(_server(suites=(), alert=alert))

    assert (result.detected, result.grade, result.suites) == (False, 0, ())
    assert result.refusal == f"alert {alert} {result.refusal.split()[-1]}"
    assert words in result.refusal
    assert result.hint is None


def test_a_silent_close_is_a_refusal_where_the_port_speaks_tls() -> None:
    """Servers that know TLS alone may close without a word; that they know it is asked as well."""
    result = _look(OldTls({0x0303: [0xC02F]}, [make_identity().der], refuses_by="close"))

    assert (result.detected, result.refusal, result.ordinary_tls) == (False, "closed", VersionAnswer.ACCEPTED)


def test_a_tls_server_is_not_taken_for_tlcp() -> None:
    """A ServerHello of another version is told as what it is."""
    result = _look(OldTls({0x0301: [0x002F], 0x0303: [0xC02F]}, [make_identity().der]))

    assert (result.detected, result.ordinary_tls) == (False, VersionAnswer.ACCEPTED)


def test_suites_after_a_silent_end_are_complete_only_if_the_server_still_answers() -> None:
    """A close counts as refusal when an accepted suite is answered once more."""
    assert _look(_server(suites=(ECC_CBC,), refuses_by="close")).suites_complete


def test_a_server_that_dies_after_one_handshake_is_still_reported() -> None:
    """The whole handshake comes first; what could not be asked any more is marked."""
    server = _server(suites=(ECC_CBC,))

    def once(connection: object) -> None:
        if not server.hellos:
            server(connection)  # type: ignore[arg-type]

    result = _look(once)

    assert (result.grade, result.suites_complete, result.ordinary_tls) == (3, False, VersionAnswer.UNCLEAR)


def test_the_name_is_kept_back_until_it_is_needed() -> None:
    """A certificate that fits leaves every hello without extensions."""
    server = _server()
    result = _look(server, server_name="localhost")

    assert result.name_matches
    assert all(not hello.extensions for hello in server.hellos if hello.version == 0x0101)


def test_the_name_is_sent_when_the_certificate_is_for_another() -> None:
    """A server that kills extensions keeps its result, one that listens is asked with the name."""
    killer, listener = _server(kills_extensions=True), _server()

    assert _look(killer, server_name="other.cn").grade == 3
    assert _look(listener, server_name="other.cn").grade == 3
    assert any(0 in hello.extensions for hello in listener.hellos)


def test_the_result_survives_json() -> None:
    """What is stored can be read back without loss, and has the promised keys."""
    result = _look(_server())
    data = to_json(result)

    assert from_json(TlcpResult, data) == result
    assert isinstance(data, dict)
    assert {"detected", "grade", "suites", "certificates", "chain_verified", "refusal"} <= data.keys()


# -- peers that misbehave --------------------------------------------------------------------------------


def _attempt(handler: Handler, timeout_s: float = 3) -> Completed[TlcpResult] | Failed:
    with Peer(handler) as peer:
        attempt = _probe(per_connection_s=0.3).run(peer.target, ProbeContext(timeout_s=timeout_s))
        assert peer.connections <= MAX_CONNECTIONS
    return attempt


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_peers_give_a_failure(name: str) -> None:
    """Whatever a peer does instead of speaking TLCP or TLS ends in a named failure."""
    attempt = _attempt(HOSTILE[name])

    assert isinstance(attempt, Failed), attempt
    assert attempt.reason in {FailureReason.PROTOCOL, FailureReason.TIMED_OUT, FailureReason.RESOURCE_LIMIT}


HELLO = build_message(2, b"\x01\x01" + bytes(range(32)) + b"\x00\xe0\x13\x00")
FLIGHT = build_record(  # type: ignore[arg-type]
    22,
    0x0101,
    HELLO
    + certificates_message([b"x" * 20, b"y" * 20])
    + build_message(12, b"\x00\x04abcd")
    + build_message(14, b""),
)


@pytest.mark.parametrize("cut", range(1, len(FLIGHT)))
def test_a_reset_at_any_byte_proves_nothing(cut: int) -> None:
    """A flight in one record that is cut anywhere is a failure."""
    attempt = _attempt(resets_after(FLIGHT[:cut]))

    assert isinstance(attempt, Failed), attempt
    assert attempt.reason is FailureReason.PROTOCOL


@pytest.mark.parametrize(
    "position", [*range(0, 11), 43, 44, 46, *range(47, 58), 77, 100, 101, 102, 103, 104, 105]
)
def test_a_wrong_byte_is_never_more_than_grade_one(position: int) -> None:
    """Lengths, types and versions that lie never raise the grade and never break the probe."""
    broken = bytearray(FLIGHT)
    broken[min(position, len(FLIGHT) - 1)] ^= 0x5A
    attempt = _attempt(sends_then_closes(bytes(broken)))

    assert isinstance(attempt, Failed) or attempt.result.grade <= 1


@pytest.mark.parametrize(
    "noise",
    [
        build_record(22, 0x0101, HELLO),  # type: ignore[arg-type]
        build_record(22, 0x0101, b"\x0b\x01\x00\x00" + bytes(16000)),  # type: ignore[arg-type]
        build_record(22, 0x0101, b""),  # type: ignore[arg-type]
        build_record(21, 0x0101, b"\x01\x70"),  # type: ignore[arg-type]
        build_record(20, 0x0101, b"\x01"),  # type: ignore[arg-type]
        build_record(23, 0x0101, bytes(16000)),  # type: ignore[arg-type]
    ],
)
def test_endless_records_are_cut_off(noise: bytes) -> None:
    """Records that never end run into a bound."""
    attempt = _attempt(endless(noise))

    assert isinstance(attempt, Failed) or attempt.result.grade <= 1


def test_nobody_there_is_refused() -> None:
    """A closed port is told from one that refuses TLCP."""
    attempt = _probe().run(Target("127.0.0.1", free_port()), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.REFUSED


@pytest.mark.parametrize("host", ["localhost", "127.1", "127.0.0.1:443", "fe80::1%lo", "", "-oN"])
def test_only_address_literals_are_accepted(host: str) -> None:
    """Names and unusual spellings never reach the resolver."""
    attempt = _probe().run(Target(host, 443), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


# -- other implementations -------------------------------------------------------------------------------


@contextmanager
def _tongsuo(folder: Path, mode: str, ciphers: str = "") -> Iterator[int]:
    require_module("tongsuopy", "tongsuopy==1.0.1")
    (folder / "sign.pem").write_bytes(encode_certificate_pem(IDENTITY.sign))
    (folder / "enc.pem").write_bytes(encode_certificate_pem(IDENTITY.encrypt))
    (folder / "ca.pem").write_bytes(encode_certificate_pem(IDENTITY.root))
    (folder / "sign.key").write_bytes(encode_pkcs8_pem(IDENTITY.sign_key))
    (folder / "enc.key").write_bytes(encode_pkcs8_pem(IDENTITY.encrypt_key))
    other = make_identity(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    (folder / "rsa.pem").write_bytes(other.pem)
    (folder / "rsa.key").write_bytes(other.key_pem)
    command = [sys.executable, "-m", "tests.support.peers.tongsuo_server", str(folder), mode, ciphers]
    root = Path(__file__).parents[4]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the Tongsuo peer ended"
            yield int(line)
        finally:
            process.kill()


@pytest.mark.live
@pytest.mark.parametrize(
    ("ciphers", "grade", "suites"),
    [
        ("", 3, [ECC_CBC, ECC_GCM, ECDHE_CBC, ECDHE_GCM]),
        ("ECC-SM2-SM4-CBC-SM3", 3, [ECC_CBC]),
        ("ECC-SM2-SM4-GCM-SM3", 3, [ECC_GCM]),
        ("ECDHE-SM2-SM4-CBC-SM3", 2, [ECDHE_CBC]),
        ("ECDHE-SM2-SM4-GCM-SM3", 2, [ECDHE_GCM]),
    ],
)
def test_tongsuo_is_proven(tmp_path: Path, ciphers: str, grade: int, suites: Sequence[int]) -> None:
    """Another implementation's server gives the expected grade and suites, its chain verified."""
    with _tongsuo(tmp_path, "tlcp", ciphers) as port:
        attempt = _probe().run(Target("127.0.0.1", port), CONTEXT)

    assert isinstance(attempt, Completed), attempt
    result = attempt.result
    assert (result.detected, result.grade, result.problems) == (True, grade, ())
    assert [suite.number for suite in result.suites] == list(suites)
    assert (result.suites_complete, result.chain_verified, _failed(result)) == (True, True, set())
    assert result.ordinary_tls is VersionAnswer.REFUSED


@pytest.mark.live
def test_a_port_with_both_protocols(tmp_path: Path) -> None:
    """TLCP and ordinary TLS on one listener are both seen."""
    with _tongsuo(tmp_path, "dual") as port:
        attempt = _probe().run(Target("127.0.0.1", port), CONTEXT)

    assert isinstance(attempt, Completed), attempt
    assert (attempt.result.grade, attempt.result.ordinary_tls) == (3, VersionAnswer.ACCEPTED)


@pytest.mark.live
def test_openssl_is_not_detected(tmp_path: Path) -> None:
    """A server that knows TLS alone is seen as that."""
    openssl = require_tool("openssl", "openssl")
    identity = make_identity()
    (tmp_path / "c.pem").write_bytes(identity.pem)
    (tmp_path / "k.pem").write_bytes(identity.key_pem)
    port = free_port()
    command = [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "c.pem", "-key", "k.pem"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            while b"ACCEPT" not in (line := process.stdout.readline()):
                assert line, "openssl s_server ended"
            attempt = _probe().run(Target("127.0.0.1", port), CONTEXT)
        finally:
            process.kill()

    assert isinstance(attempt, Completed), attempt
    assert (attempt.result.detected, attempt.result.ordinary_tls) == (False, VersionAnswer.ACCEPTED)
