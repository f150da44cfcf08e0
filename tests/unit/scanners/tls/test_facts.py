"""TLS and TLCP results as facts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanners.base import Completed, ProbeContext
from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.baseline.model import FactState, Gap, OutcomeKind
from scanners.sm_crypto.certificates import load_der
from scanners.tlcp import facts as tlcp_facts
from scanners.tlcp.probe import TlcpProbe
from scanners.tls import facts as tls_facts
from scanners.tls.probe import TlsProbe
from tests.support.peers.certificates import NOW, make_identity, make_sm2_identity
from tests.support.peers.old_tls import OldTls
from tests.support.peers.tcp import Peer
from tests.support.peers.tlcp_server import TlcpServer

CONTEXT = ProbeContext(timeout_s=20)
CA = make_identity("Test root", is_ca=True)
LEAF = make_identity("localhost", issuer=CA)


def _tls(server: OldTls) -> tls_facts.Facts:
    with Peer(server) as peer:
        attempt = TlsProbe(anchors=[CA.certificate], clock=lambda: NOW).run(peer.target, CONTEXT)
    assert isinstance(attempt, Completed), attempt
    return tls_facts.facts_from_result(attempt.result, NOW)


def _outcomes(platform: str, facts: tls_facts.Facts) -> dict[str, OutcomeKind]:
    return {outcome.rule: outcome.outcome for outcome in evaluate(load_rules(platform), facts)}


def test_a_sound_port_passes_every_rule() -> None:
    """From bytes on the wire to outcomes without a fault."""
    outcomes = _outcomes("tls", _tls(OldTls({0x0303: [0xC02F], 0x0304: [0x1301]}, [LEAF.der, CA.der])))

    assert set(outcomes.values()) == {OutcomeKind.PASS}


def test_a_poor_port_fails_what_it_should() -> None:
    """Old versions, weak suites, a small group and a bad certificate each fail their own rule."""
    bad = make_identity("other", names=("other",), addresses=(), start=NOW - timedelta(days=9), days=5)
    outcomes = _outcomes("tls", _tls(OldTls({0x0301: [0x0033, 0x000A]}, [bad.der], dh_bits=1024)))

    assert {rule for rule, outcome in outcomes.items() if outcome is OutcomeKind.FAIL} == {
        "tls-versions",
        "tls-weak-suites",
        "tls-group-size",
        "tls-certificate-dates",
        "tls-port-encrypted",
    }
    assert outcomes["tls-certificate-trust"] is OutcomeKind.MANUAL


@pytest.mark.parametrize(
    ("left", "days"), [(timedelta(days=30), 30), (timedelta(hours=23), 0), (timedelta(hours=-1), -1)]
)
def test_days_left_are_whole_days(left: timedelta, days: int) -> None:
    """A certificate that ends within the day has none left, one that ended has less than none."""
    leaf = make_identity("x", issuer=CA, start=NOW + left - timedelta(days=90), days=90)
    facts = _tls(OldTls({0x0303: [0xC02F]}, [leaf.der])).facts

    assert facts["tls.days_left"].value == days


def _tlcp(**changes: object) -> tls_facts.Facts:
    identity = make_sm2_identity()
    anchors = [load_der(identity.root)]
    with Peer(TlcpServer(identity, **changes)) as peer:  # type: ignore[arg-type]
        attempt = TlcpProbe(anchors=anchors, clock=lambda: NOW).run(peer.target, CONTEXT)
    assert isinstance(attempt, Completed), attempt
    return tlcp_facts.facts_from_result(attempt.result, NOW)


def test_a_sound_tlcp_port_passes_every_rule() -> None:
    """From a whole handshake to outcomes without a fault."""
    assert set(_outcomes("sm", _tlcp()).values()) == {OutcomeKind.PASS}


def test_a_tlcp_port_that_proves_nothing_is_left_to_a_person() -> None:
    """A wrong signature is no pass, and no failure of MLPS by itself."""
    assert _outcomes("sm", _tlcp(signs_with="noise"))["sm-tlcp-offered"] is OutcomeKind.MANUAL


def test_no_tlcp_leaves_the_rest_unanswered() -> None:
    """Facts about a protocol that is not there are not collected."""
    facts = _tlcp(suites=()).facts

    assert (facts["tlcp.detected"].value, facts["tlcp.grade"].value) == (False, 0)
    assert (facts["tlcp.suites"].state, facts["tlcp.suites"].gap) == (FactState.NOT_COLLECTED, Gap.ABSENT)
