"""The table of cipher suites."""

from __future__ import annotations

import pytest

from scanners.tls.suites import (
    LEGACY_SUITES,
    RFC8998_SUITES,
    SUITE_NAMES,
    TLS13_SUITES,
    WEAK_SUITES,
    has_forward_secrecy,
    suite_name,
    weakness_of,
)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (0x0001, "no-encryption"),
        (0xC010, "no-encryption"),
        (0x0018, "anonymous"),
        (0x0003, "export"),
        (0x0008, "export"),
        (0x0005, "rc4"),
        (0xC011, "rc4"),
        (0x0009, "des"),
        (0x000A, "3des"),
        (0xC012, "3des"),
        (0x0007, "64-bit-block"),
        (0x002F, None),
        (0xC02F, None),
        (0x1301, None),
        (0x00C6, None),
        (0xFFFF, None),
    ],
)
def test_weaknesses(number: int, why: str | None) -> None:
    """The worst weakness of a suite is named, and a sound or unknown one has none."""
    assert weakness_of(number) == why


@pytest.mark.parametrize(
    ("number", "fresh"), [(0xC02F, True), (0x009E, True), (0x1301, True), (0x002F, False), (0xC00E, False)]
)
def test_forward_secrecy(number: int, fresh: bool) -> None:
    """Ephemeral exchanges are told from static ones; static ECDH is not ephemeral."""
    assert has_forward_secrecy(number) is fresh


def test_nothing_is_claimed_of_unknown_suites() -> None:
    """A number outside the table is shown as a number and not called forward secret."""
    assert (suite_name(0xABCD), has_forward_secrecy(0xABCD)) == ("0xABCD", False)


def test_numbers_of_the_national_suites() -> None:
    """RFC 8998 gives SM4-GCM-SM3 and SM4-CCM-SM3 the numbers 00C6 and 00C7."""
    assert [suite_name(number) for number in RFC8998_SUITES] == ["TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3"]


def test_suites_of_old_and_new_versions_do_not_mix() -> None:
    """A hello of an old version offers no suite of TLS 1.3, and the table has no name twice."""
    assert not set(LEGACY_SUITES) & set(TLS13_SUITES + RFC8998_SUITES)
    assert len(set(SUITE_NAMES.values())) == len(SUITE_NAMES) == len(LEGACY_SUITES) + 7


def test_good_suites_are_offered_before_weak_ones() -> None:
    """A server that follows the client's order is offered what a client of today would want first."""
    assert suite_name(LEGACY_SUITES[0]).endswith(("GCM_SHA384", "GCM_SHA256", "POLY1305_SHA256"))
    assert LEGACY_SUITES[-len(WEAK_SUITES) :] == WEAK_SUITES
