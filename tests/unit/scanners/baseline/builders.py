"""Small facts and rules for the tests of the baseline engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanners.baseline.judging import Operand, ParamRef
from scanners.baseline.model import (
    Answer,
    Bilingual,
    Fact,
    FactState,
    Gap,
    Outcome,
    OutcomeKind,
    Severity,
    Strength,
)

RULE = """\
id: sample-rule
check: LNX-IA-001
title: {zh: 标题, en: Title}
rationale: {zh: 理由, en: Reason}
severity: high
platforms: [linux]
min_level: 1
answers:
  - {unit: L3-CES1-01, step: 3, strength: part, on_fail: decides}
params:
  longest:
    label: {zh: 最长, en: longest}
    unit: days
    default: 90
    profiles: {strict: 30}
expect: {kind: number, fact: login_defs.pass_max_days, min: 1, max: {param: longest}}
remediation: {zh: 办法, en: Way out}
references: [GB/T 22239-2019]
samples:
  - {name: good, outcome: pass, sections: {login_defs: {/etc/login.defs: "PASS_MAX_DAYS 60"}}}
  - {name: bad, outcome: fail, sections: {login_defs: {/etc/login.defs: "PASS_MAX_DAYS 99999"}}}
  - {name: not-there, outcome: error, sections: {}}
"""


class FakeView:
    """What a predicate sees, given by hand."""

    def __init__(self, facts: Mapping[str, Fact], params: Mapping[str, Any] | None = None) -> None:
        self._facts = facts
        self._params = params or {}

    def fact(self, fact_id: str) -> Fact:
        return self._facts[fact_id]

    def label(self, fact_id: str) -> Bilingual:
        return Bilingual(f"标签 {fact_id}", f"label {fact_id}")

    def value(self, operand: Operand) -> Any:
        return self._params[operand.name] if isinstance(operand, ParamRef) else operand


def seen(value: object, source: str = "") -> Fact:
    return Fact(FactState.SEEN, value, source)


def incomplete(value: object) -> Fact:
    return Fact(FactState.INCOMPLETE, value, gap=Gap.TRUNCATED, detail="2000")


def unseen(gap: Gap = Gap.NEEDS_ROOT) -> Fact:
    return Fact(FactState.NOT_COLLECTED, gap=gap, detail="/etc/x")


def outcome(rule: str, kind: OutcomeKind, *answers: tuple[str, int, Strength]) -> Outcome:
    return Outcome(
        rule,
        "LNX-IA-001",
        kind,
        Bilingual("理由", "reason"),
        {},
        tuple(Answer(*answer) for answer in answers),
        Severity.LOW,
    )
