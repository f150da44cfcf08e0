"""The cheapest set of fixes that reaches a wanted conclusion.

Exact: a search over (gain, cost) pairs in which dominated ones are dropped at every step.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from controls.catalog import Text
from controls.errors import InvalidInput
from controls.scoring.combine import loss_function
from controls.scoring.mlps import FACTORS, conclude_rate, conclude_score, judged_value, score_mlps
from controls.scoring.model import (
    Edition,
    RateEdge,
    Risks,
    ScoreInput,
    ScoreItem,
    ScoreResult,
    ThresholdBasis,
)
from controls.terms import Conclusion, Verdict

__all__ = ["Fix", "Plan", "apply_fixes", "cheapest_plan"]


@dataclass(frozen=True, slots=True)
class Fix:
    """One thing that can be done.

    Every applicable object of ``items`` becomes compliant, and that many risks go. ``cost`` is in any one
    unit (money, days), 0 or more.
    """

    id: str
    items: tuple[str, ...]
    cost: Decimal
    high: int = 0
    medium: int = 0
    major: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do; ``reached`` False means that even all fixes together do not get there.

    ``result`` is the score with the plan carried out. ``note`` says what the plan speaks of.
    """

    fixes: tuple[str, ...]
    cost: Decimal
    reached: bool
    result: ScoreResult
    note: Text


_THRESHOLDS = {Conclusion.EXCELLENT: 90, Conclusion.GOOD: 80, Conclusion.FAIR: 70, Conclusion.POOR: 0}
_RATES = {Conclusion.CONFORMING: 90, Conclusion.BASICALLY_CONFORMING: 60, Conclusion.NOT_CONFORMING: 0}
_NEXT = Text(
    "重大风险隐患按整改前计数，本方案针对下一次测评",
    "major risks count as found before rectification: this plan speaks of the next evaluation",
)
_THIS = Text("针对本次测评整改后的结果", "speaks of this evaluation after rectification")


def cheapest_plan(edition: Edition, given: ScoreInput, fixes: Sequence[Fix], wanted: Conclusion) -> Plan:
    """Find the cheapest set of fixes that reaches at least *wanted*.

    Fixes must not share items. Under 2025 the plan speaks of the next evaluation.

    Raises:
        InvalidInput: the 2019 or a crypto edition (no evaluation to come uses it), a conclusion the edition
            does not know, fixes that share an item, name an unknown one, cost less than 0, or remove
            more risks than there are.
        NothingApplies: nothing to score.
    """
    _check(edition, given, fixes, wanted)
    forced, free = _split(edition, given, fixes, wanted)
    base = apply_fixes(given, forced)
    chosen = _search(edition, base, free, wanted)
    plan = [*forced, *(chosen if chosen is not None else free)]
    if chosen is None or not _reaches(edition, apply_fixes(given, plan), wanted):
        everything = apply_fixes(given, fixes)
        total = sum((fix.cost for fix in fixes), Decimal(0))
        return Plan(tuple(f.id for f in fixes), total, False, score_mlps(edition, everything), _note(edition))
    order = {fix.id: place for place, fix in enumerate(fixes)}
    ids = tuple(sorted((fix.id for fix in plan), key=order.__getitem__))
    cost = sum((fix.cost for fix in plan), Decimal(0))
    return Plan(ids, cost, True, score_mlps(edition, apply_fixes(given, plan)), _note(edition))


def _note(edition: Edition) -> Text:
    return _NEXT if edition is Edition.MLPS_2025 else _THIS


def apply_fixes(given: ScoreInput, fixes: Iterable[Fix]) -> ScoreInput:
    """Give the input as it would be with the fixes carried out."""
    chosen = tuple(fixes)
    fixed = {item for fix in chosen for item in fix.items}
    risks = Risks(
        high=given.risks.high - sum(fix.high for fix in chosen),
        medium=given.risks.medium - sum(fix.medium for fix in chosen),
        major=(major := given.risks.major - sum(fix.major for fix in chosen)),
        major_fixed=min(given.risks.major_fixed, major),
    )
    items = tuple(
        replace(item, objects=tuple(one if one is Verdict.NA else Verdict.COMPLIANT for one in item.objects))
        if item.id in fixed
        else item
        for item in given.items
    )
    return replace(given, items=items, risks=risks)


def _check(edition: Edition, given: ScoreInput, fixes: Sequence[Fix], wanted: Conclusion) -> None:
    known = {Edition.MLPS_2021: _THRESHOLDS, Edition.MLPS_2025: _RATES}.get(edition)
    if known is None:
        raise InvalidInput(
            "edition",
            "2021 or 2025; no evaluation to come uses another one",
            "2021 或 2025；今后的测评不再使用其他版本",
        )
    if wanted not in known:
        raise InvalidInput("wanted", "one of " + ", ".join(known), ", ".join(known) + " 之一")
    ids = {item.id for item in given.items}
    seen: set[str] = set()
    for place, fix in enumerate(fixes):
        path = f"$.fixes[{place}]"
        if not fix.cost.is_finite() or fix.cost < 0:
            raise InvalidInput(f"{path}.cost", "a number, 0 or more", "不小于 0 的数")
        for item in fix.items:
            if item not in ids:
                raise InvalidInput(
                    f"{path}.items", f"items of the input, {item} is none", f"输入中的要求项，{item} 不是"
                )
            if item in seen:
                raise InvalidInput(
                    f"{path}.items",
                    f"each item in one fix, {item} stands twice",
                    f"只属于一项整改的要求项，{item} 出现两次",
                )
            seen.add(item)
    for name in ("high", "medium", "major"):
        if sum(getattr(fix, name) for fix in fixes) > getattr(given.risks, name):
            raise InvalidInput(
                "$.fixes", f"no more {name} risks than the input has", f"不多于输入中的 {name} 风险数"
            )


def _split(
    edition: Edition, given: ScoreInput, fixes: Sequence[Fix], wanted: Conclusion
) -> tuple[list[Fix], list[Fix]]:
    """Part the fixes that risks make unavoidable from those to choose among."""

    def is_forced(fix: Fix) -> bool:
        if edition is Edition.MLPS_2025:
            return wanted is Conclusion.CONFORMING and fix.major > 0
        if wanted is Conclusion.POOR:
            return False
        return fix.high > 0 or (wanted is Conclusion.EXCELLENT and fix.medium > 0)

    return [fix for fix in fixes if is_forced(fix)], [fix for fix in fixes if not is_forced(fix)]


def _reaches(edition: Edition, given: ScoreInput, wanted: Conclusion) -> bool:
    value = judged_value(score_mlps(edition, given).exact, given.threshold_basis)
    if edition is Edition.MLPS_2025:
        return _RATES[conclude_rate(value, given)] >= _RATES[wanted]
    return _THRESHOLDS[conclude_score(value, given)] >= _THRESHOLDS[wanted]


Gain = tuple[Fraction, Fraction]
State = tuple[Fraction, Fraction, Decimal, tuple[int, ...]]
"""Gain on the technical and the management side, cost, and the places of the fixes chosen."""


def _search(edition: Edition, base: ScoreInput, free: Sequence[Fix], wanted: Conclusion) -> list[Fix] | None:
    """Choose among the free fixes; ``None`` when not even all of them suffice.

    Fixes that touch one side only are searched side by side; the few that touch both are combined with
    the best of either side.
    """
    gains = _gains(edition, base)
    parts: dict[str, list[State]] = {"technical": [], "management": [], "both": []}
    for place, fix in enumerate(free):
        technical = sum((gains[item][0] for item in fix.items), Fraction(0))
        management = sum((gains[item][1] for item in fix.items), Fraction(0))
        if technical or management:
            side = "both" if technical and management else ("technical" if technical else "management")
            parts[side].append((technical, management, fix.cost, (place,)))
    reached = _goal(edition, base, wanted)
    technical_front = _front(parts["technical"])
    management_front = _front(parts["management"])
    best: State | None = None
    for both in _front(parts["both"]):
        for one in technical_front:
            state = _joined(both, one)
            if best is not None and state[2] >= best[2]:
                break
            other = _least(management_front, _completing(reached, state))
            if other is not None:
                state = _joined(state, other)
                if best is None or state[2] < best[2]:
                    best = state
    return None if best is None else [free[place] for place in best[3]]


def _completing(reached: Callable[[Fraction, Fraction], bool], state: State) -> Callable[[Fraction], bool]:
    """Give a test whether a management gain on top of a state is enough."""
    return lambda gain: reached(state[0], state[1] + gain)


def _joined(one: State, other: State) -> State:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], (*one[3], *other[3])


def _least(front: Sequence[State], enough: Callable[[Fraction], bool]) -> State | None:
    """Find the cheapest state whose management gain is enough; the front rises in cost and gain."""
    place = bisect_left(front, True, key=lambda state: enough(state[1]))
    return front[place] if place < len(front) else None


def _front(steps: Iterable[State]) -> list[State]:
    """Give all sums of steps that no other sum beats, from the cheapest on."""
    states: list[State] = [(Fraction(0), Fraction(0), Decimal(0), ())]
    for step in steps:
        states = _undominated([*states, *(_joined(state, step) for state in states)])
    return states


def _undominated(states: list[State]) -> list[State]:
    """Drop every state that another one beats in both gains at no higher cost."""
    states.sort(key=lambda state: (state[2], -state[0], -state[1]))
    kept: list[State] = []
    front: list[Gain] = []
    for state in states:
        if any(one[0] >= state[0] and one[1] >= state[1] for one in front):
            continue
        front = [one for one in front if not (state[0] >= one[0] and state[1] >= one[1])]
        front.append((state[0], state[1]))
        kept.append(state)
    return kept


def _gains(edition: Edition, base: ScoreInput) -> dict[str, Gain]:
    """Say what making an item compliant gains on the technical and the management side.

    Under 2025, and under 2021 while no side is clamped, sides do not matter: all gain counts as technical,
    which keeps the search one-dimensional.
    """
    lose = loss_function(base.multi_object_rule)
    one_sided = edition is Edition.MLPS_2025 or not _clamp_acts(base)

    def gain(item: ScoreItem) -> Gain:
        loss = lose(item.objects)
        if loss is None or loss[0] == 0:
            return Fraction(0), Fraction(0)
        if edition is Edition.MLPS_2025:
            return Fraction(1), Fraction(0)
        value = FACTORS[item.importance] * Fraction(loss[0], loss[1])
        technical = one_sided or item.security_class.is_technical
        return (value, Fraction(0)) if technical else (Fraction(0), value)

    return {item.id: gain(item) for item in base.items}


def _clamp_acts(base: ScoreInput) -> bool:
    technical, management, count = _lost_sides(base)
    y = Fraction(base.y)
    return technical * 50 > 100 * y * count or management * 50 > 100 * (1 - y) * count


def _lost_sides(base: ScoreInput) -> tuple[Fraction, Fraction, int]:
    """Sum factor × halves lost per side, and count the applicable items."""
    lose = loss_function(base.multi_object_rule)
    technical, management, count = Fraction(0), Fraction(0), 0
    for item in base.items:
        loss = lose(item.objects)
        if loss is None:
            continue
        count += 1
        lost = FACTORS[item.importance] * Fraction(loss[0], loss[1])
        if item.security_class.is_technical:
            technical += lost
        else:
            management += lost
    return technical, management, count


def _goal(edition: Edition, base: ScoreInput, wanted: Conclusion) -> Callable[[Fraction, Fraction], bool]:
    """Give a test whether gains on both sides reach the wanted conclusion's threshold."""
    exact = score_mlps(edition, base).exact
    if edition is Edition.MLPS_2025:
        threshold = Fraction(_RATES[wanted])
        count = score_mlps(edition, base).applicable
        exclusive = base.rate_edge is RateEdge.EXCLUSIVE and wanted is not Conclusion.NOT_CONFORMING

        def reaches_rate(gain: Fraction, _: Fraction) -> bool:
            value = judged_value(exact + 100 * gain / count, base.threshold_basis)
            return value > threshold if exclusive else value >= threshold

        return reaches_rate
    technical, management, count = _lost_sides(base)
    y = Fraction(base.y)
    clamped = _clamp_acts(base)
    least = Fraction(_THRESHOLDS[wanted])
    if base.threshold_basis is ThresholdBasis.ROUNDED and least:
        least -= Fraction(1, 200)

    def reaches_score(gain_t: Fraction, gain_m: Fraction) -> bool:
        if not clamped:
            return exact + gain_t * 50 / count >= least
        vt = max(Fraction(0), 100 * y - (technical - gain_t) * 50 / count)
        vm = max(Fraction(0), 100 * (1 - y) - (management - gain_m) * 50 / count)
        return vt + vm >= least

    return reaches_score
