"""Which steps of which assessment units rules can answer, and what outcomes say about each step.

Pure: the units are given, because this package does not know the catalogue. A step answered for one kind
of target never counts for another, so everything here is about one platform at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanners.baseline.model import Outcome, OutcomeKind, Strength
from scanners.baseline.rule import Rule
from scanners.baseline.steps import Combination


class StepClass(StrEnum):
    """How far rules can settle a step.

    ``decided``: both ways. ``refutable``: rules can show that it is not met, not that it is.
    """

    DECIDED = "decided"
    REFUTABLE = "refutable"
    PART = "part"
    HINT = "hint"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class UnitShape:
    """What must be known of a unit here: its number such as ``L3-CES1-01`` and how many steps it has."""

    id: str
    steps: int


@dataclass(frozen=True, slots=True)
class StepCoverage:
    """One step and the rules that speak to it, ordered by id."""

    step: int
    coverage: StepClass
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitCoverage:
    """One unit with all its steps, in order."""

    id: str
    steps: tuple[StepCoverage, ...]

    @property
    def steps_decided(self) -> int:
        """How many steps rules can decide both ways."""
        return sum(1 for step in self.steps if step.coverage is StepClass.DECIDED)

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules that speak to the unit, each once."""
        return tuple(sorted({rule for step in self.steps for rule in step.rules}))


def coverage(
    units: Iterable[UnitShape], rules: Iterable[Rule], combinations: Iterable[Combination] = ()
) -> list[UnitCoverage]:
    """Say for every step of *units* how far *rules* can settle it.

    Returns:
        One entry per unit, in the order given.
    """
    by_step: dict[tuple[str, int], list[tuple[Rule, Strength, Strength]]] = {}
    for rule in rules:
        for spec in rule.answers:
            by_step.setdefault((spec.unit, spec.step), []).append((rule, spec.strength, spec.on_fail))
    combined = {(one.unit, one.step): one for one in combinations}
    found = []
    for unit in units:
        steps = []
        for step in range(1, unit.steps + 1):
            speaking = by_step.get((unit.id, step), [])
            names = {rule.id for rule, _, _ in speaking}
            combination = combined.get((unit.id, step))
            complete = combination is not None and names.issuperset(combination.rules)
            steps.append(StepCoverage(step, _classify(speaking, complete), tuple(sorted(names))))
        found.append(UnitCoverage(unit.id, tuple(steps)))
    return found


def _classify(speaking: Sequence[tuple[Rule, Strength, Strength]], combination_complete: bool) -> StepClass:
    strengths = {strength for _, strength, _ in speaking}
    if combination_complete or Strength.DECIDES in strengths:
        return StepClass.DECIDED
    if any(on_fail is Strength.DECIDES for _, _, on_fail in speaking):
        return StepClass.REFUTABLE
    if Strength.PART in strengths:
        return StepClass.PART
    return StepClass.HINT if strengths else StepClass.NONE


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What the outcomes of one target say about one step.

    ``outcome`` is ``pass`` or ``fail`` only when ``decided``; a step that is not decided is ``manual`` (a
    person must complete it), ``error`` (something was not examined) or ``na``.
    ``because`` are the rules that made it so.
    """

    unit: str
    step: int
    outcome: OutcomeKind
    decided: bool
    because: tuple[str, ...]


def answer_steps(outcomes: Iterable[Outcome], combinations: Iterable[Combination] = ()) -> list[StepAnswer]:
    """Bring the outcomes of one target together, step by step.

    Returns:
        One answer for every step that any outcome speaks to, ordered by unit and step.
    """
    by_step: dict[tuple[str, int], list[tuple[Outcome, Strength]]] = {}
    for outcome in outcomes:
        for answer in outcome.answers:
            by_step.setdefault((answer.unit, answer.step), []).append((outcome, answer.strength))
    combined = {(one.unit, one.step): one for one in combinations}
    return [
        _answer(unit, step, speaking, combined.get((unit, step)))
        for (unit, step), speaking in sorted(by_step.items(), key=lambda item: item[0])
    ]


def _answer(
    unit: str, step: int, speaking: Sequence[tuple[Outcome, Strength]], combination: Combination | None
) -> StepAnswer:
    def named(*kinds: OutcomeKind) -> tuple[str, ...]:
        return tuple(outcome.rule for outcome, _ in speaking if outcome.outcome in kinds)

    refuted = [
        outcome.rule
        for outcome, strength in speaking
        if outcome.outcome is OutcomeKind.FAIL and strength is Strength.DECIDES
    ]
    if refuted:
        return StepAnswer(unit, step, OutcomeKind.FAIL, True, tuple(refuted))
    proving = _proving(speaking, combination)
    kinds = {outcome.outcome for outcome in proving.values()}
    if OutcomeKind.PASS in kinds and kinds <= {OutcomeKind.PASS, OutcomeKind.NA}:
        opposed = [outcome.rule for outcome, strength in speaking if _opposes(outcome, strength)]
        if not opposed:
            return StepAnswer(unit, step, OutcomeKind.PASS, True, tuple(proving))
        return StepAnswer(unit, step, OutcomeKind.MANUAL, False, tuple(opposed))
    everything = {outcome.outcome for outcome, _ in speaking}
    if everything == {OutcomeKind.NA}:
        return StepAnswer(unit, step, OutcomeKind.NA, False, named(OutcomeKind.NA))
    if OutcomeKind.ERROR in (kinds or everything):
        return StepAnswer(unit, step, OutcomeKind.ERROR, False, named(OutcomeKind.ERROR))
    return StepAnswer(
        unit, step, OutcomeKind.MANUAL, False, named(OutcomeKind.MANUAL, OutcomeKind.FAIL, OutcomeKind.PASS)
    )


def _proving(
    speaking: Sequence[tuple[Outcome, Strength]], combination: Combination | None
) -> Mapping[str, Outcome]:
    """Give the outcomes whose passing would settle the step; none when some of them are not there."""
    if combination is not None:
        here = {outcome.rule: outcome for outcome, _ in speaking}
        if not here.keys() >= set(combination.rules):
            return {}
        return {rule: here[rule] for rule in combination.rules}
    return {outcome.rule: outcome for outcome, strength in speaking if strength is Strength.DECIDES}


def _opposes(outcome: Outcome, strength: Strength) -> bool:
    return outcome.outcome is OutcomeKind.FAIL and strength is not Strength.HINT
