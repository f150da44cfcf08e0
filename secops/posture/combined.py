"""Steps that several rules settle together: none decides alone, all of them passing does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scanners.baseline.coverage import answer_steps
from scanners.baseline.model import Answer, Bilingual, OutcomeKind, Strength
from scanners.baseline.model import Outcome as RuleOutcome
from scanners.baseline.steps import load_combinations
from secops.scans.judge import rules_by_id
from secops.scans.models import Outcome


def settled_together(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, dict[str, Any]]]:
    """Answers that only the outcomes of one service together give.

    Args:
        outcomes: current outcomes of one service of one asset.

    Yields:
        an outcome that took part, and the answer ``{unit, step, strength, outcome, rule}``; ``rule`` names all
        the rules that settled the step.
    """
    rules = rules_by_id()
    by_platform: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.rule_id in rules:
            by_platform.setdefault(rules[outcome.rule_id].platforms[0], []).append(outcome)
    for platform, found in by_platform.items():
        alone = {
            (answer["unit"], int(answer["step"]))
            for outcome in found
            for answer in outcome.answers
            if answer["strength"] == Strength.DECIDES.value
        }
        rows = {outcome.rule_id: outcome for outcome in found}
        for step in answer_steps([_as_rule_outcome(row) for row in found], load_combinations(platform)):
            if step.decided and step.outcome is OutcomeKind.PASS and (step.unit, step.step) not in alone:
                answer = {
                    "unit": step.unit,
                    "step": step.step,
                    "strength": Strength.DECIDES.value,
                    "outcome": OutcomeKind.PASS.value,
                    "rule": " + ".join(step.because),
                }
                yield rows[step.because[0]], answer


def _as_rule_outcome(row: Outcome) -> RuleOutcome:
    rule = rules_by_id()[row.rule_id]
    return RuleOutcome(
        rule=row.rule_id,
        check=row.check_id,
        outcome=OutcomeKind(row.outcome),
        reason=Bilingual(row.reason.get("zh", ""), row.reason.get("en", "")),
        facts=row.facts,
        answers=tuple(
            Answer(one["unit"], int(one["step"]), Strength(one["strength"])) for one in row.answers
        ),
        severity=rule.severity,
        high_risk_cases=rule.high_risk_cases,
    )
