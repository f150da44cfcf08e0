"""The self-test at start."""

from __future__ import annotations

import pytest

from smcrypto import selftest, sm2, sm3, sm4


def test_everything_passes() -> None:
    """All vectors and cross-checks pass, a thousand random messages each and the million rounds too."""
    result = selftest.run_self_test(messages=1000, million_rounds=True)

    assert result.passed, result.failures
    assert {case.name for case in result.cases} >= {
        "SM3 vector",
        "SM4 block",
        "SM4-GCM",
        "SM4 million rounds",
        "SM2 signature",
        "SM2 encryption",
        "SM2 sign and verify",
    }
    assert all(case.against for case in result.cases)


@pytest.mark.parametrize(
    ("module", "name", "broken", "expected"),
    [
        (sm3, "digest", lambda data: bytes(32), {"SM3 vector"}),
        (sm4, "encrypt_block", lambda key, block: bytes(16), {"SM4 block", "SM4 of random blocks"}),
        (sm4, "gcm_decrypt", lambda key, nonce, sealed, aad: sealed[:-16], {"SM4-GCM"}),
        (sm2, "verify", lambda *args, **named: True, {"SM2 sign and verify"}),
        (sm2, "verify", lambda *args, **named: False, {"SM2 signature", "SM2 sign and verify"}),
    ],
)
def test_a_broken_part_is_named(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, broken: object, expected: set[str]
) -> None:
    """When one function is wrong the result says which tests failed and raises nothing."""
    monkeypatch.setattr(module, name, broken)

    result = selftest.run_self_test(messages=3)

    assert not result.passed
    assert expected <= {case.name for case in result.failures}
    assert all(case.failure for case in result.failures)
