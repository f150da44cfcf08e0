"""Small frozen values with defaults, for the tests of the catalogue package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from controls.catalog import AssessmentStep, AssessmentUnit, Text, VerdictRule
from controls.ids import UnitId
from controls.loader import load_catalog
from controls.scoring import ScoreItem
from controls.terms import Importance, SecurityClass, TargetKind, Verdict
from controls.verdict import Evidence

UNIT = UnitId("L3-CES1-01")
TECHNICAL = SecurityClass.COMPUTING_ENVIRONMENT
MANAGEMENT = SecurityClass.OPERATIONS


def unit(steps: int, alternatives: Sequence[Sequence[int]] = (), *, partial: bool = True) -> AssessmentUnit:
    """Make a unit with a number of steps and a verdict rule."""
    made = tuple(AssessmentStep(n, Text(f"第 {n} 步", f"step {n}")) for n in range(1, steps + 1))
    return replace(
        load_catalog().unit(UNIT),
        steps=made,
        rule=VerdictRule(tuple(map(tuple, alternatives))),
        partial_possible=partial,
    )


def evidence(
    step: int,
    outcome: Literal["pass", "fail", "na", "manual", "error"],
    strength: Literal["decides", "part", "hint", "document"] = "decides",
    *,
    rule: str = "rule-a",
    observed: str = "",
) -> Evidence:
    """Make one piece of evidence for the unit of these tests."""
    return Evidence(rule, UNIT, "host-1", TargetKind.SERVER, step, strength, outcome, "scan 1", observed)


def item(
    item_id: str,
    verdicts: Verdict | Iterable[Verdict],
    importance: Importance = Importance.IMPORTANT,
    security_class: SecurityClass = TECHNICAL,
) -> ScoreItem:
    """Make one item to score."""
    objects = (verdicts,) if isinstance(verdicts, Verdict) else tuple(verdicts)
    return ScoreItem(item_id, security_class, importance, objects)


def items(
    count: int,
    verdict: Verdict,
    importance: Importance = Importance.IMPORTANT,
    security_class: SecurityClass = TECHNICAL,
    prefix: str = "",
) -> list[ScoreItem]:
    """Make several items alike, with ids of their own."""
    stem = prefix or f"{security_class}-{importance}-{verdict}"
    return [item(f"{stem}-{n}", verdict, importance, security_class) for n in range(count)]


def dec(text: str) -> Decimal:
    """Shorten Decimal in tables."""
    return Decimal(text)
