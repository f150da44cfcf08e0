"""Facts and rules to outcomes. Pure: the same input gives the same output, in the order of the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scanners.baseline.judging import Judged, Operand, ParamRef
from scanners.baseline.model import (
    PROFILES,
    Bilingual,
    Fact,
    FactInfo,
    Facts,
    FactState,
    FactValue,
    Gap,
    Outcome,
    OutcomeKind,
)
from scanners.baseline.platforms import platforms
from scanners.baseline.rule import Rule
from scanners.errors import UnknownProfile

_MAX_ITEMS = 50
_MAX_TEXT = 300
_NOT_THERE = Fact(FactState.NOT_COLLECTED, gap=Gap.MISSING_SECTION)


def evaluate(
    rules: Iterable[Rule],
    facts: Facts,
    profile: str = "level-3",
    params: Mapping[str, FactValue] | None = None,
) -> list[Outcome]:
    """Judge one target by many rules.

    Args:
        rules: Rules for other platforms than that of *facts* are passed over.
        profile: ``level-2``, ``level-3``, ``level-4`` or ``strict``.
        params: An organisation's own values, by name of the parameter; they win over the profile.

    Returns:
        One outcome per rule, in the order given.

    Raises:
        UnknownProfile: a wrong name must never mean "defaults".
    """
    if profile not in PROFILES:
        raise UnknownProfile(profile, PROFILES)
    labels = platforms()[facts.platform].facts
    return [
        _evaluate_one(rule, _View(facts, labels, rule, profile, params or {}))
        for rule in rules
        if facts.platform in rule.platforms
    ]


@dataclass(frozen=True, slots=True)
class _View:
    facts: Facts
    labels: Mapping[str, FactInfo]
    rule: Rule
    profile: str
    params: Mapping[str, FactValue]

    def fact(self, fact_id: str) -> Fact:
        return self.facts.facts.get(fact_id, _NOT_THERE)

    def label(self, fact_id: str) -> Bilingual:
        return self.labels[fact_id].label

    def value(self, operand: Operand) -> FactValue:
        if isinstance(operand, ParamRef):
            if operand.name in self.params:
                return self.params[operand.name]
            return self.rule.params[operand.name].value(self.profile)
        return operand


def _evaluate_one(rule: Rule, view: _View) -> Outcome:
    kind, reason = _decide(rule, view)
    ids = rule.expect.fact_ids()
    if rule.applies_when is not None:
        ids = tuple(dict.fromkeys((*rule.applies_when.fact_ids(), *ids)))
    return Outcome(
        rule=rule.id,
        check=rule.check,
        outcome=kind,
        reason=reason,
        facts={fact_id: _observed(view.fact(fact_id)) for fact_id in ids},
        answers=tuple(spec.answer(kind) for spec in rule.answers),
        severity=rule.severity,
        high_risk_cases=rule.high_risk_cases,
    )


def _decide(rule: Rule, view: _View) -> tuple[OutcomeKind, Bilingual]:
    if rule.applies_when is not None:
        applies = rule.applies_when.judge(view)
        if applies.verdict is Judged.UNKNOWN:
            return OutcomeKind.ERROR, applies.reason
        if applies.verdict is Judged.PERSON:
            return OutcomeKind.MANUAL, applies.reason
        if applies.verdict is Judged.NOT_MET:
            return OutcomeKind.NA, _join(rule.na_reason, applies.reason)
    judgement = rule.expect.judge(view)
    if judgement.verdict is Judged.MET:
        return OutcomeKind.PASS, judgement.reason
    if judgement.verdict is Judged.UNKNOWN:
        return OutcomeKind.ERROR, judgement.reason
    if judgement.verdict is Judged.PERSON or rule.otherwise_manual:
        return OutcomeKind.MANUAL, _join(rule.manual_reason, judgement.reason)
    if rule.manual_if is not None:
        bearable = rule.manual_if.judge(view)
        if bearable.verdict is Judged.UNKNOWN:
            # what would excuse it was not looked at, so it can be called neither a fault nor bearable
            return OutcomeKind.ERROR, _both(judgement.reason, bearable.reason)
        if bearable.verdict is not Judged.NOT_MET:
            return OutcomeKind.MANUAL, _join(rule.manual_reason, judgement.reason)
    return OutcomeKind.FAIL, judgement.reason


def _join(first: Bilingual | None, second: Bilingual) -> Bilingual:
    if first is None:
        return second
    return Bilingual(f"{first.zh}（{second.zh}）", f"{first.en} ({second.en})")


def _both(first: Bilingual, second: Bilingual) -> Bilingual:
    return Bilingual(f"{first.zh}；{second.zh}", f"{first.en}; {second.en}")


def _observed(fact: Fact) -> FactValue:
    if fact.state is FactState.NOT_COLLECTED:
        return {"not-collected": f"{fact.gap}: {fact.detail}" if fact.detail else str(fact.gap)}
    return _cut(fact.value)


def _cut(value: FactValue) -> FactValue:
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else value[:_MAX_TEXT] + "…"
    if isinstance(value, Mapping):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        cut = [_cut(item) for item in value[:_MAX_ITEMS]]
        return cut if len(value) <= _MAX_ITEMS else [*cut, f"… +{len(value) - _MAX_ITEMS}"]
    return value
