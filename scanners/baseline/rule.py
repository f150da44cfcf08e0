"""A rule after reading: what ought to be, for whom, and what it speaks to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanners.baseline.judging import Predicate
from scanners.baseline.model import AnswerSpec, Bilingual, Parameter, Sample, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One check as written in ``policies/rules/<platform>/<id>.yaml``.

    ``check`` is the row of the table of checks that it implements. ``min_level`` is the lowest level (1-4)
    at which one of its units exists. ``applies_when`` not met makes the outcome ``na``. When ``expect`` is
    not met the outcome is ``fail``, unless ``manual_if`` is met or ``otherwise_manual`` is set.
    """

    id: str
    check: str
    title: Bilingual
    rationale: Bilingual
    severity: Severity
    platforms: tuple[str, ...]
    min_level: int
    answers: tuple[AnswerSpec, ...]
    high_risk_cases: tuple[str, ...]
    params: Mapping[str, Parameter]
    applies_when: Predicate | None
    na_reason: Bilingual | None
    expect: Predicate
    manual_if: Predicate | None
    manual_reason: Bilingual | None
    otherwise_manual: bool
    remediation: Bilingual
    references: tuple[str, ...]
    samples: tuple[Sample, ...]
    path: str
