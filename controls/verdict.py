"""Evidence → suggested verdict of one unit on one target.

A machine only suggests; a person decides. ``error`` and ``manual`` mean that nobody looked, so they
never become a verdict. Verdicts rank non_compliant < partial < (none) < compliant: turning a failed
outcome into a passed one never lowers a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from controls.catalog import AssessmentUnit, Text
from controls.errors import ForeignEvidence
from controls.ids import UnitId
from controls.terms import TargetKind, Verdict

__all__ = ["Evidence", "StepState", "StepStatus", "Suggestion", "Verdict", "suggest"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one rule says about one step of one unit on one target.

    ``step`` counts from 1. ``source`` says where it was seen (scan run, upload), ``observed`` what;
    ``observed_en`` are its English words where they differ.
    """

    rule_id: str
    unit_id: UnitId
    target_id: str
    target_kind: TargetKind
    step: int
    strength: Literal["decides", "part", "hint", "document"]
    outcome: Literal["pass", "fail", "na", "manual", "error"]
    source: str
    observed: str
    observed_en: str = ""


class StepStatus(StrEnum):
    """What is known of one step; ``open`` means that nobody settled it."""

    PASSED = "passed"
    FAILED = "failed"
    PARTLY_FAILED = "partly_failed"
    NA = "na"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class StepState:
    """One step with what is known of it and the rules that spoke to it."""

    number: int
    status: StepStatus
    text: Text
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the machine proposes.

    ``verdict`` is ``None`` when it proposes nothing; then ``not_examined`` says why. It can also be set
    beside a verdict, naming the steps that are still open. ``reasons`` holds one text per finding.
    """

    verdict: Verdict | None
    steps: tuple[StepState, ...]
    reasons: tuple[Text, ...]
    not_examined: Text | None

    @property
    def open_steps(self) -> tuple[int, ...]:
        """Numbers of the steps nobody settled."""
        return tuple(step.number for step in self.steps if step.status is StepStatus.OPEN)


def suggest(unit: AssessmentUnit, evidences: Sequence[Evidence]) -> Suggestion:
    """Suggest a verdict from the evidence of one unit on one target.

    - compliant: only when outcomes that decide fulfil the unit's verdict rule;
    - non_compliant: the rule can no longer be fulfilled, and every settled step failed;
    - partial: the same with a mixed result, if the unit knows it, else non_compliant;
    - na: every step was found not applicable by an outcome that decides;
    - none: everything else. Outcomes that are part, hint or document never propose compliant.

    Raises:
        ForeignEvidence: evidence of another unit, or of a step the unit does not have.
    """
    by_step: dict[int, list[Evidence]] = {step.number: [] for step in unit.steps}
    for evidence in evidences:
        if evidence.unit_id != unit.id or evidence.step not in by_step:
            raise ForeignEvidence(unit.id, evidence.unit_id, evidence.step)
        by_step[evidence.step].append(evidence)
    states = tuple(
        StepState(step.number, _status(found), step.text, tuple(dict.fromkeys(e.rule_id for e in found)))
        for step in unit.steps
        for found in (by_step[step.number],)
    )
    verdict = _verdict(unit, states)
    reasons = tuple(_reason(evidence) for evidence in evidences if evidence.outcome == "fail")
    return Suggestion(verdict, states, reasons, _not_examined(verdict, states, evidences))


def _status(found: Iterable[Evidence]) -> StepStatus:
    deciding = [evidence.outcome for evidence in found if evidence.strength == "decides"]
    if "fail" in deciding:
        return StepStatus.FAILED
    if any(evidence.strength == "part" and evidence.outcome == "fail" for evidence in found):
        return StepStatus.PARTLY_FAILED
    if "error" in deciding or "manual" in deciding:
        return StepStatus.OPEN
    if "pass" in deciding:
        return StepStatus.PASSED
    return StepStatus.NA if deciding else StepStatus.OPEN


_BLOCKING = (StepStatus.FAILED, StepStatus.PARTLY_FAILED)


def _verdict(unit: AssessmentUnit, states: Sequence[StepState]) -> Verdict | None:
    status = {state.number: state.status for state in states}
    alternatives = unit.rule.expanded(len(states))
    if any(all(status[n] is StepStatus.PASSED for n in steps) for steps in alternatives):
        return Verdict.COMPLIANT
    if all(one is StepStatus.NA for one in status.values()):
        return Verdict.NA
    if not all(any(status[n] in _BLOCKING for n in steps) for steps in alternatives):
        return None
    found = set(status.values())
    mixed = StepStatus.PASSED in found or StepStatus.FAILED not in found
    return Verdict.PARTIAL if mixed and unit.partial_possible else Verdict.NON_COMPLIANT


_STRENGTH_ZH = {
    "decides": "",
    "part": "（仅覆盖该步骤的一部分）",
    "hint": "（仅为线索）",
    "document": "（文档说明）",
}
_STRENGTH_EN = {
    "decides": "",
    "part": " (sees only a part of the step)",
    "hint": " (only a hint)",
    "document": " (by document)",
}


def _reason(evidence: Evidence) -> Text:
    zh = f"步骤 {evidence.step}：规则 {evidence.rule_id} 在 {evidence.target_id} 上未通过"
    en = f"step {evidence.step}: rule {evidence.rule_id} failed on {evidence.target_id}"
    zh += _STRENGTH_ZH[evidence.strength]
    en += _STRENGTH_EN[evidence.strength]
    if evidence.observed:
        zh += f"，实际：{evidence.observed}"
        en += f", observed: {evidence.observed_en or evidence.observed}"
    return Text(zh, en)


def _not_examined(
    verdict: Verdict | None, states: Sequence[StepState], evidences: Sequence[Evidence]
) -> Text | None:
    missing = [state.number for state in states if state.status is StepStatus.OPEN]
    if verdict in (Verdict.COMPLIANT, Verdict.NA) or (verdict is not None and not missing):
        return None
    parts_zh: list[str] = []
    parts_en: list[str] = []
    for number in missing:
        zh, en = _why_open([evidence for evidence in evidences if evidence.step == number])
        parts_zh.append(f"步骤 {number} {zh}")
        parts_en.append(f"step {number} {en}")
    if verdict is None:
        for state in states:
            if state.status is StepStatus.NA:
                parts_zh.append(f"步骤 {state.number} 经规则判断不适用，需人工确认")
                parts_en.append(
                    f"step {state.number} was found not applicable by a rule, a person confirms it"
                )
    return Text("；".join(parts_zh), "; ".join(parts_en))


def _why_open(found: Sequence[Evidence]) -> tuple[str, str]:
    if not found:
        return "尚未检查", "has not been examined"
    errors = [evidence for evidence in found if evidence.outcome == "error"]
    if errors:
        detail = f"：{errors[0].observed}" if errors[0].observed else ""
        detail_en = f": {errors[0].observed}" if errors[0].observed else ""
        return f"未能检查{detail}", f"could not be examined{detail_en}"
    if any(evidence.outcome == "manual" for evidence in found):
        return "需人工核查", "needs a person"
    return "只有不足以判定的证据", "has only evidence that does not decide"
