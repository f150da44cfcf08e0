"""The TLS probe against loopback peers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.sm_crypto.certificates import Check, KeyKind, load_der
from scanners.tls.probe import MAX_CONNECTIONS, TlsProbe
from scanners.tls.records import build_record
from scanners.tls.result import NationalAnswer, TlsResult, Trust, VersionAnswer
from scanners.tls.suites import WEAK_SUITES
from tests.support.peers.certificates import NOW, Identity, make_identity, make_sm2_identity
from tests.support.peers.old_tls import OldTls, legacy_flight
from tests.support.peers.rfc8998_server import rfc8998_handler
from tests.support.peers.tcp import HOSTILE, Handler, Peer, endless, resets_after, sends_then_closes
from tests.support.services import free_port, require_tool

CONTEXT = ProbeContext(timeout_s=20)
SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
AES_GCM, AES_CBC, RC4, DES3, EXPORT, NULL = 0xC02F, 0x002F, 0x0005, 0x000A, 0x0003, 0x0001
CA = make_identity("Test root", is_ca=True)
LEAF = make_identity("localhost", issuer=CA)


def _probe(**options: object) -> TlsProbe:
    return TlsProbe(**{"anchors": [CA.certificate], "clock": lambda: NOW, "per_connection_s": 2.0, **options})  # type: ignore[arg-type]


def _look(server: OldTls, **options: object) -> TlsResult:
    with Peer(server) as peer:
        attempt = _probe(**options).run(peer.target, CONTEXT)
        assert peer.connections <= MAX_CONNECTIONS
    assert isinstance(attempt, Completed), attempt
    assert attempt.result.connections == peer.connections
    return attempt.result


def _answers(result: TlsResult) -> dict[str, VersionAnswer]:
    return {report.version: report.answer for report in result.versions}


CHAIN = (LEAF.der, CA.der)


def _server(**changes: object) -> OldTls:
    return OldTls(**{"accepts": {TLS12: [AES_GCM]}, "certificates": CHAIN, **changes})  # type: ignore[arg-type]


def test_a_sound_server_is_seen_as_it_is() -> None:
    """Two versions are accepted, three refused, nothing weak is chosen, the chain is trusted."""
    result = _look(_server(accepts={TLS12: [AES_GCM, AES_CBC], TLS13: [0x1301]}))

    assert _answers(result) == {
        "TLS 1.3": VersionAnswer.ACCEPTED,
        "TLS 1.2": VersionAnswer.ACCEPTED,
        "TLS 1.1": VersionAnswer.REFUSED,
        "TLS 1.0": VersionAnswer.REFUSED,
        "SSL 3.0": VersionAnswer.REFUSED,
    }
    newest, older = result.versions[:2]
    assert (newest.suite, newest.group) == ("TLS_AES_128_GCM_SHA256", "x25519")
    assert (older.suite, older.group) == ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "secp256r1")
    assert (result.weak_suites, result.weak_complete) == ((), True)
    assert result.national.answer is NationalAnswer.REFUSED
    (chain,) = result.chains
    assert (chain.trust, chain.name_matches, chain.source) == (Trust.TRUSTED, True, "TLS 1.2")


@pytest.mark.parametrize(
    ("version", "name"), [(TLS12, "TLS 1.2"), (TLS11, "TLS 1.1"), (TLS10, "TLS 1.0"), (SSL3, "SSL 3.0")]
)
def test_a_version_that_stands_alone_is_found(version: int, name: str) -> None:
    """Versions that the local OpenSSL refuses are seen all the same; newer hellos come back downgraded."""
    result = _look(_server(accepts={version: [AES_CBC]}))

    assert [n for n, answer in _answers(result).items() if answer is VersionAnswer.ACCEPTED] == [name]
    report = result.version(name)
    assert report is not None
    assert (report.suite, report.forward_secrecy) == ("TLS_RSA_WITH_AES_128_CBC_SHA", False)
    newer = [r.detail for r in result.versions if r.version not in (name, "TLS 1.3") and r.version > name]
    assert all(detail == f"answered with {name}" for detail in newer)


@pytest.mark.parametrize(
    ("suite", "why"),
    [(RC4, "rc4"), (DES3, "3des"), (EXPORT, "export"), (NULL, "no-encryption"), (0x0018, "anonymous")],
)
def test_a_weak_suite_behind_good_ones_is_found(suite: int, why: str) -> None:
    """A server that prefers good suites is asked again without them."""
    result = _look(_server(accepts={TLS12: [AES_GCM, suite]}))

    assert [(weak.number, weak.why, weak.version) for weak in result.weak_suites] == [(suite, why, "TLS 1.2")]
    assert result.weak_complete


def test_weak_suites_of_an_old_version_alone_are_found() -> None:
    """The newest and the oldest accepted version are both asked for weak suites."""
    result = _look(_server(accepts={TLS12: [AES_GCM], TLS10: [AES_CBC, DES3, RC4]}))

    assert {(weak.number, weak.version) for weak in result.weak_suites} == {
        (DES3, "TLS 1.0"),
        (RC4, "TLS 1.0"),
    }


def test_the_search_for_weak_suites_is_bounded() -> None:
    """A server that takes every weak suite ends the search by the cap, and the result says so."""
    result = _look(_server(accepts={TLS12: [AES_GCM, *WEAK_SUITES]}))

    assert len(result.weak_suites) >= 8
    assert not result.weak_complete


def test_a_small_group_is_measured() -> None:
    """Finite-field groups are reported with their size."""
    result = _look(_server(accepts={TLS12: [0x009E]}, dh_bits=1024))

    report = result.version("TLS 1.2")
    assert report is not None
    assert (report.suite, report.dh_bits) == ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 1024)


@pytest.mark.parametrize("way", ["close", "reset"])
def test_silence_is_a_refusal_only_when_the_port_still_answers(way: str) -> None:
    """A server that ends without an alert is asked its good hello again before anything is concluded."""
    result = _look(_server(refuses_by=way))

    assert _answers(result)["TLS 1.0"] is VersionAnswer.REFUSED
    assert result.weak_complete


def test_silence_after_a_port_went_away_stays_unclear() -> None:
    """When the good hello is not answered any more, the silence before it says nothing."""
    server = _server()

    def handle(connection: object) -> None:
        if not server.hellos:
            server(connection)  # type: ignore[arg-type]
        else:
            connection.recv(65536)  # type: ignore[attr-defined]

    with Peer(handle) as peer:
        attempt = _probe().run(peer.target, CONTEXT)

    assert isinstance(attempt, Completed), attempt
    answers = _answers(attempt.result)
    assert answers["TLS 1.2"] is VersionAnswer.ACCEPTED
    assert answers["TLS 1.0"] is VersionAnswer.UNCLEAR
    assert attempt.result.national.answer is NationalAnswer.UNCLEAR
    assert not attempt.result.weak_complete


def test_a_server_that_wants_a_name_is_not_called_refusing() -> None:
    """Alert 112 asks for a server name; it says nothing about versions."""
    result = _look(_server(accepts={}, alert=112))

    assert set(_answers(result).values()) == {VersionAnswer.UNCLEAR}


def test_an_alert_alone_does_not_prove_a_refusal() -> None:
    """A port that answers every hello with handshake_failure may lack a common suite; nothing is claimed."""
    result = _look(_server(accepts={}, alert=40))

    assert set(_answers(result).values()) == {VersionAnswer.UNCLEAR}
    assert not result.weak_complete


def test_national_suites_with_national_exchange() -> None:
    """A retry that names SM4-GCM-SM3 and curveSM2 is the full answer of RFC 8998."""
    result = _look(_server(accepts={TLS13: [0x00C6]}, retry_group=41))

    assert (result.national.answer, result.national.suite, result.national.group) == (
        NationalAnswer.FULL,
        "TLS_SM4_GCM_SM3",
        "curveSM2",
    )
    assert result.blind_spots == ("certificates-national",)


def test_national_suite_over_a_foreign_curve_is_partial() -> None:
    """SM4 over x25519 is reported as partial."""
    result = _look(_server(accepts={TLS13: [0x1301, 0x00C6]}, retry_group=29))

    assert (result.national.answer, result.national.group) == (NationalAnswer.PARTIAL, "x25519")


@pytest.mark.parametrize(
    ("groups", "answer", "group"),
    [
        ("", NationalAnswer.FULL, "curveSM2"),
        ("curveSM2", NationalAnswer.FULL, "curveSM2"),
        ("X25519", NationalAnswer.PARTIAL, "x25519"),
    ],
)
def test_a_real_server_of_rfc_8998(tmp_path: Path, groups: str, answer: NationalAnswer, group: str) -> None:
    """OpenSSL's own national suites are found, and its SM2 certificates are read and trusted."""
    identity = make_sm2_identity()
    with Peer(rfc8998_handler(identity, str(tmp_path), groups=groups)) as peer:
        attempt = _probe(anchors=[load_der(identity.root)], server_name="localhost").run(peer.target, CONTEXT)

    assert isinstance(attempt, Completed), attempt
    result = attempt.result
    assert (result.national.answer, result.national.suite, result.national.group) == (
        answer,
        "TLS_SM4_GCM_SM3",
        group,
    )
    (chain,) = result.chains
    assert (chain.source, chain.trust, chain.name_matches) == ("RFC 8998", Trust.TRUSTED, True)
    assert {facts.key.kind for facts in chain.certificates} == {KeyKind.SM2}
    assert result.blind_spots == ()


def _certificate_server(identity: Identity, *others: Identity) -> OldTls:
    return _server(certificates=[identity.der, *(other.der for other in others)])


def test_facts_of_a_certificate() -> None:
    """Names, dates, key and signature of the leaf are told as they are."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    leaf = make_identity("weak.example", key=key, digest=hashes.SHA256(), names=("weak.example",), days=30)
    (chain,) = _look(_certificate_server(leaf)).chains
    (facts,) = chain.certificates

    assert (facts.subject, facts.issuer) == ("CN=weak.example", "CN=weak.example")
    assert (facts.key.kind, facts.key.bits) == (KeyKind.RSA, 1024)
    assert facts.signature_algorithm == "RSA-with-SHA256"
    assert (facts.not_after - facts.not_before).days == 30
    assert facts.names == ("weak.example", "127.0.0.1")
    assert (facts.self_issued, facts.self_signed) == (True, Check.VALID)
    assert chain.trust is Trust.UNTRUSTED


@pytest.mark.parametrize(
    ("chain", "trust", "words"),
    [
        ([LEAF], Trust.TRUSTED, ""),
        ([make_identity("x")], Trust.UNTRUSTED, "self-signed"),
        ([make_identity("x", issuer=make_identity("Other", is_ca=True))], Trust.UNTRUSTED, "unable to get"),
        ([make_identity("x", issuer=CA, start=NOW - timedelta(days=10), days=5)], Trust.UNTRUSTED, "expired"),
        ([make_identity("x", issuer=CA, start=NOW + timedelta(days=1))], Trust.UNTRUSTED, "not yet valid"),
        ([make_identity("x", issuer=make_identity("No CA", issuer=CA))], Trust.UNTRUSTED, "unable to get"),
    ],
)
def test_trust_of_a_chain(chain: list[Identity], trust: Trust, words: str) -> None:
    """Only a chain that ends at an anchor and is valid now is trusted."""
    (found,) = _look(_certificate_server(*chain)).chains

    assert found.trust is trust
    assert words in found.trust_detail


def test_without_anchors_nothing_is_said_about_trust() -> None:
    """An empty list of anchors trusts nobody; that is a finding, not a lack of knowledge."""
    (chain,) = _look(_server(), anchors=[]).chains

    assert chain.trust is Trust.UNTRUSTED


def test_the_server_name_is_sent_and_compared() -> None:
    """A given name goes out as SNI and decides whether the certificate fits."""
    server = _server()
    result = _look(server, server_name="other.example")

    assert b"other.example" in server.hellos[0].extensions[0]
    assert (result.server_name, result.chains[0].name_matches) == ("other.example", False)


def test_an_address_is_never_sent_as_a_name() -> None:
    """Without a name there is no SNI, and the address is looked for in the certificate."""
    server = _server()
    _look(server)

    assert all(0 not in hello.extensions for hello in server.hellos)


@pytest.mark.parametrize("garbage", [b"\x30\x00", b"not DER at all", LEAF.der[:-1]])
def test_an_unreadable_certificate_is_a_blind_spot(garbage: bytes) -> None:
    """Bytes that are no certificate leave the versions known and the chain unknown."""
    result = _look(_server(certificates=[garbage]))

    assert _answers(result)["TLS 1.2"] is VersionAnswer.ACCEPTED
    assert (result.chains, result.blind_spots) == ((), ("certificates-unreadable",))


def test_the_result_survives_json() -> None:
    """What is stored can be read back without loss."""
    result = _look(_server(accepts={TLS12: [AES_GCM, DES3], TLS13: [0x1301]}))

    assert from_json(TlsResult, to_json(result)) == result


# -- peers that misbehave --------------------------------------------------------------------------------


def _fails(handler: Handler, timeout_s: float = 3) -> Failed:
    with Peer(handler) as peer:
        attempt = _probe(per_connection_s=0.3).run(peer.target, ProbeContext(timeout_s=timeout_s))
        assert peer.connections <= MAX_CONNECTIONS
    assert isinstance(attempt, Failed), attempt
    return attempt


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_peers_give_a_failure(name: str) -> None:
    """Whatever a peer does instead of speaking TLS ends in a named failure."""
    failure = _fails(HOSTILE[name])

    assert failure.reason in {FailureReason.PROTOCOL, FailureReason.TIMED_OUT, FailureReason.RESOURCE_LIMIT}


FLIGHT = legacy_flight(TLS12, AES_GCM, [b"x" * 40])


@pytest.mark.parametrize("cut", range(len(FLIGHT)))
def test_a_reset_at_any_byte_is_a_failure(cut: int) -> None:
    """A flight that is cut anywhere proves no version."""
    assert _fails(resets_after(FLIGHT[:cut])).reason is FailureReason.PROTOCOL


@pytest.mark.parametrize("position", [3, 4, 6, 7, 8, 43, 47, 48, 49, 50, 51])
def test_a_wrong_length_is_never_a_verdict(position: int) -> None:
    """A length field that lies makes the flight unusable."""
    broken = bytearray(FLIGHT)
    broken[position] ^= 0x7F

    failure = _fails(sends_then_closes(bytes(broken)))

    assert failure.reason in {FailureReason.PROTOCOL, FailureReason.TIMED_OUT}


@pytest.mark.parametrize(
    "noise",
    [
        build_record(22, TLS12, b"\x0b\x01\x00\x00" + bytes(16000)),  # type: ignore[arg-type]
        build_record(22, TLS12, b""),  # type: ignore[arg-type]
        build_record(21, TLS12, b"\x01\x70"),  # type: ignore[arg-type]
        build_record(20, TLS12, b"\x01"),  # type: ignore[arg-type]
        build_record(23, TLS12, bytes(16000)),  # type: ignore[arg-type]
        FLIGHT[:60],
    ],
)
def test_endless_records_are_cut_off(noise: bytes) -> None:
    """Records that never end, well formed or not, run into a bound."""
    failure = _fails(endless(noise))

    assert failure.reason in {FailureReason.PROTOCOL, FailureReason.RESOURCE_LIMIT}


def test_markup_in_a_certificate_stays_text() -> None:
    """Names in a certificate keep their characters but no control characters."""
    leaf = make_identity("<script>\x1b[2J\u202e", names=("<b>.example",), addresses=())
    (chain,) = _look(_certificate_server(leaf)).chains

    assert chain.certificates[0].subject == "CN=\\<script\\>\\x1b[2J\\u202e"


def test_nobody_there_is_refused() -> None:
    """A closed port is told from one that does not speak TLS."""
    attempt = _probe().run(Target("127.0.0.1", free_port()), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.REFUSED


@pytest.mark.parametrize("host", ["localhost", "127.1", "127.0.0.1:443", "fe80::1%lo", "", "-oN"])
def test_only_address_literals_are_accepted(host: str) -> None:
    """Names and unusual spellings never reach the resolver."""
    attempt = _probe().run(Target(host, 443), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


# -- real peers ------------------------------------------------------------------------------------------


@contextmanager
def _openssl(folder: Path, *options: str) -> Iterator[int]:
    binary = require_tool("openssl", "openssl")
    (folder / "leaf.pem").write_bytes(LEAF.pem)
    (folder / "key.pem").write_bytes(LEAF.key_pem)
    (folder / "chain.pem").write_bytes(CA.pem)
    port = free_port()
    files = ["-cert", folder / "leaf.pem", "-key", folder / "key.pem", "-cert_chain", folder / "chain.pem"]
    command = [binary, "s_server", "-accept", f"127.0.0.1:{port}", *map(str, files), *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            assert process.stdout is not None
            while b"ACCEPT" not in (line := process.stdout.readline()):
                assert line, "openssl s_server ended"
            yield port
        finally:
            process.kill()


@pytest.mark.live
@pytest.mark.parametrize(
    ("options", "accepted", "weak"),
    [
        ([], {"TLS 1.3", "TLS 1.2"}, False),
        (["-tls1_3"], {"TLS 1.3"}, False),
        (["-tls1_2"], {"TLS 1.2"}, False),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], {"TLS 1.1"}, True),
        (["-tls1", "-cipher", "ALL:eNULL:@SECLEVEL=0"], {"TLS 1.0"}, True),
        (["-no_tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0"], {"TLS 1.2", "TLS 1.1", "TLS 1.0"}, False),
    ],
)
def test_openssl_servers_are_seen_as_configured(
    tmp_path: Path, options: Sequence[str], accepted: set[str], weak: bool
) -> None:
    """Exactly the configured versions are accepted by a real server, with its chain trusted."""
    with _openssl(tmp_path, *options) as port:
        attempt = _probe().run(Target("127.0.0.1", port), CONTEXT)

    assert isinstance(attempt, Completed), attempt
    result = attempt.result
    assert {name for name, answer in _answers(result).items() if answer is VersionAnswer.ACCEPTED} == accepted
    assert VersionAnswer.UNCLEAR not in _answers(result).values()
    assert bool(result.weak_suites) is weak
    assert [chain.trust for chain in result.chains] == [Trust.TRUSTED]
