"""One-time codes: the vectors of the RFC, one spelling for each code, a window of one step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from secops.accounts import totp

_SEEDS = {
    "sha1": b"12345678901234567890",
    "sha256": b"12345678901234567890123456789012",
    "sha512": b"1234567890123456789012345678901234567890123456789012345678901234",
}
# RFC 6238, appendix B.
_VECTORS = [
    (59, "94287082", "sha1"), (59, "46119246", "sha256"), (59, "90693936", "sha512"),
    (1111111109, "07081804", "sha1"), (1111111109, "68084774", "sha256"), (1111111109, "25091201", "sha512"),
    (1111111111, "14050471", "sha1"), (1111111111, "67062674", "sha256"), (1111111111, "99943326", "sha512"),
    (1234567890, "89005924", "sha1"), (1234567890, "91819424", "sha256"), (1234567890, "93441116", "sha512"),
    (2000000000, "69279037", "sha1"), (2000000000, "90698825", "sha256"), (2000000000, "38618901", "sha512"),
    (20000000000, "65353130", "sha1"), (20000000000, "77737706", "sha256"), (20000000000, "47863826", "sha512"),
]  # fmt: skip
NOW = datetime(2026, 11, 25, 4, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "code", "algorithm"), _VECTORS)
def test_vectors_of_the_rfc(seconds: int, code: str, algorithm: str) -> None:
    """All eighteen codes of the appendix."""
    assert totp.code_at(_SEEDS[algorithm], seconds // 30, digits=8, algorithm=algorithm) == code


def test_the_window_is_one_step() -> None:
    """The present code, the one before and the one after; no other."""
    seed, present = totp.new_seed(), totp.step_of(NOW)

    found = {
        off: totp.matching_step(seed, totp.code_at(seed, present + off), NOW) for off in (-2, -1, 0, 1, 2)
    }

    assert found == {-2: None, -1: present - 1, 0: present, 1: present + 1, 2: None}


@pytest.mark.parametrize("spell", [" {} ", "{}\u3000", "full"], ids=["spaces", "wide space", "full width"])
def test_spellings_are_one_code(spell: str) -> None:
    """Spaces and full-width digits are the same code, so they are no second use of it either."""
    seed = totp.new_seed()
    code = totp.code_at(seed, totp.step_of(NOW))
    typed = "".join(chr(ord(digit) + 0xFEE0) for digit in code) if spell == "full" else spell.format(code)

    assert totp.matching_step(seed, typed, NOW) == totp.step_of(NOW)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "1e5000"])
def test_what_is_no_code(typed: str) -> None:
    """Anything but six plain digits is refused before it is compared."""
    assert totp.matching_step(totp.new_seed(), typed, NOW) is None


def test_the_address_for_the_app() -> None:
    """Issuer and name are escaped; the key can be typed in groups of four."""
    seed = b"12345678901234567890"

    assert totp.spelled(seed) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert totp.address(seed, "zhao min", "secops") == (
        "otpauth://totp/secops:zhao%20min?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=secops&digits=6&period=30"
    )
    assert totp.step_of(NOW + timedelta(seconds=30)) == totp.step_of(NOW) + 1
