"""The self-test of the implementations."""

from __future__ import annotations

import pytest

from scanners.sm_crypto.selftest import Question, Unavailable, VectorOutcome, answer, run_self_test


def test_every_implementation_gives_the_values_of_the_standards() -> None:
    """All vectors pass on this machine, the million rounds too."""
    report = run_self_test(thorough=True)

    assert report.failed == ()
    assert {entry.implementation for entry in report.entries} == {
        "cryptography",
        "hashlib",
        "gmssl",
        "smcrypto",
    }
    vectors = {entry.vector.split()[0] for entry in report.entries}
    assert vectors == {"SM2", "SM3", "SM4", "SM4-GCM"}
    assert all(entry.source for entry in report.entries)


def _unavailable() -> bool:
    raise Unavailable


def _broken() -> bool:
    raise ValueError("no such mode")


@pytest.mark.parametrize(
    ("holds", "outcome"),
    [
        (lambda: True, VectorOutcome.PASS),
        (lambda: False, VectorOutcome.FAIL),
        (_broken, VectorOutcome.FAIL),
        (_unavailable, VectorOutcome.UNAVAILABLE),
    ],
)
def test_outcomes(holds: object, outcome: VectorOutcome) -> None:
    """A wrong value and a raised error both fail; a missing algorithm is neither pass nor fail."""
    assert answer(Question("smcrypto", "x", "y", holds)).outcome is outcome  # type: ignore[arg-type]
