"""MLPS scores under the report templates of 2019, 2021 and 2025.

Whole numbers inside, one division at the end; thresholds are held against the exact value.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from controls.catalog import Text
from controls.errors import InvalidInput, NothingApplies
from controls.rounding import percent, round_half_up
from controls.scoring.combine import HALVES_LOST, Loss, item_verdict, loss_function, object_loss
from controls.scoring.model import (
    ClassResult,
    Deduction,
    Edition,
    Explanation,
    PointResult,
    RateEdge,
    ScoreInput,
    ScoreItem,
    ScoreResult,
    ThresholdBasis,
)
from controls.scoring.outlook import outlook_for
from controls.scoring.rulesets import rule_sets_for
from controls.terms import Conclusion, Importance, SecurityClass, Verdict

__all__ = ["FACTORS", "conclude_rate", "conclude_score", "judged_value", "score_mlps"]

FACTORS = {Importance.KEY: 3, Importance.IMPORTANT: 2, Importance.NORMAL: 1}
_TENTHS_2019 = {Importance.KEY: 10, Importance.IMPORTANT: 7, Importance.NORMAL: 4}
_NO_ITEM = "every item is na, there is nothing to score"


def score_mlps(edition: Edition, given: ScoreInput) -> ScoreResult:
    """Score under one edition.

    Raises:
        InvalidInput: a crypto edition.
        NothingApplies: no item, or every item is na.

    Source: report templates 2019, 2021, 2025 (see the rule sets in the result for what is unconfirmed).
    """
    if edition is Edition.MLPS_2019:
        return _score_2019(given)
    if edition is Edition.MLPS_2021:
        return _score_2021(given)
    if edition is Edition.MLPS_2025:
        return _score_2025(given)
    raise InvalidInput("edition", "2019, 2021 or 2025", "2019、2021 或 2025")


def _score_2021(given: ScoreInput) -> ScoreResult:
    technical, management, applicable, compliant = _deductions(given)
    base = Fraction(100, 2 * applicable)
    y = Fraction(given.y)
    vt = max(Fraction(0), 100 * y - technical * base)
    vm = max(Fraction(0), 100 * (1 - y) - management * base)
    exact = vt + vm
    value = judged_value(exact, given.threshold_basis)
    conclusion = conclude_score(value, given)

    def explain() -> Explanation:
        clamped = (100 * y < technical * base, 100 * (1 - y) < management * base)
        deductions = _explain_points(given, Fraction(100, applicable))
        return Explanation(deductions, outlook_for(Edition.MLPS_2021, given, value, conclusion, clamped))

    return ScoreResult(
        edition=Edition.MLPS_2021,
        technical=round_half_up(vt, 2),
        management=round_half_up(vm, 2),
        score=round_half_up(exact, 2),
        rate=percent(compliant, applicable),
        conclusion=conclusion,
        exact=exact,
        applicable=applicable,
        rule_sets=rule_sets_for(Edition.MLPS_2021, given),
        _explain=explain,
        _points=lambda: _points(given),
        _classes=lambda: _classes(given),
    )


def _deductions(given: ScoreInput) -> tuple[Fraction | int, Fraction | int, int, int]:
    """Sum factor × halves lost for both sides; also count applicable and compliant items."""
    lose = loss_function(given.multi_object_rule)
    sums: dict[tuple[bool, int], int] = {}
    applicable = compliant = 0
    technical = {one: one.is_technical for one in SecurityClass}
    for item in given.items:
        loss = lose(item.objects)
        if loss is None:
            continue
        applicable += 1
        halves, over = loss
        if halves == 0:
            compliant += 1
            continue
        side = (technical[item.security_class], over)
        sums[side] = sums.get(side, 0) + halves * FACTORS[item.importance]
    if not applicable:
        raise NothingApplies(_NO_ITEM)
    sides: dict[bool, Fraction | int] = {True: 0, False: 0}
    for (side_technical, over), halves in sums.items():
        sides[side_technical] += halves if over == 1 else Fraction(halves, over)
    return sides[True], sides[False], applicable, compliant


def _explain_points(given: ScoreInput, base: Fraction) -> tuple[Deduction, ...]:
    found: list[tuple[Fraction, Deduction]] = []
    for item, loss in _losses(given):
        if loss is None or loss[0] == 0:
            continue
        cost = FACTORS[item.importance] * Fraction(loss[0], 2 * loss[1]) * base
        found.append((cost, _deduction(item, loss, cost)))
    found.sort(key=lambda entry: -entry[0])
    return tuple(deduction for _, deduction in found)


def _deduction(item: ScoreItem, loss: Loss, cost: Fraction) -> Deduction:
    verdict = item_verdict(loss)
    zh = f"{item.importance.zh}项，{verdict.zh}"
    en = f"{item.importance.en} item, {verdict.en.lower()}"
    if len(item.objects) > 1:
        compliant = item.objects.count(Verdict.COMPLIANT)
        count = len(item.objects) - item.objects.count(Verdict.NA)
        zh += f"（{count} 个对象中 {compliant} 个符合）"
        en += f" ({compliant} of {count} objects compliant)"
    return Deduction(item.id, round_half_up(cost, 4), Text(zh, en))


def _losses(given: ScoreInput) -> Iterator[tuple[ScoreItem, Loss | None]]:
    lose = loss_function(given.multi_object_rule)
    for item in given.items:
        yield item, lose(item.objects)


def judged_value(exact: Fraction, basis: ThresholdBasis) -> Fraction:
    """Give the value that is held against the thresholds."""
    return exact if basis is ThresholdBasis.EXACT else Fraction(round_half_up(exact, 2))


def conclude_score(value: Fraction, given: ScoreInput) -> Conclusion:
    """Conclude under the templates of 2019 and 2021."""
    risks = given.risks
    if risks.high or value < 70:
        return Conclusion.POOR
    if value >= 90 and not risks.medium:
        return Conclusion.EXCELLENT
    return Conclusion.GOOD if value >= 80 else Conclusion.FAIR


def conclude_rate(rate: Fraction, given: ScoreInput) -> Conclusion:
    """Conclude under the 2025 template; *rate* in percent, major risks as found before rectification."""
    inclusive = given.rate_edge is RateEdge.INCLUSIVE
    if rate < 60 or (rate == 60 and not inclusive):
        return Conclusion.NOT_CONFORMING
    high = rate > 90 or (rate == 90 and inclusive)
    return Conclusion.CONFORMING if high and not given.risks.major else Conclusion.BASICALLY_CONFORMING


def _score_2025(given: ScoreInput) -> ScoreResult:
    lose = loss_function(given.multi_object_rule)
    losses = [loss for item in given.items if (loss := lose(item.objects)) is not None]
    if not losses:
        raise NothingApplies(_NO_ITEM)
    applicable = len(losses)
    compliant = sum(1 for loss in losses if loss[0] == 0)
    exact = Fraction(100 * compliant, applicable)
    value = judged_value(exact, given.threshold_basis)
    conclusion = conclude_rate(value, given)

    def explain() -> Explanation:
        cost = Fraction(100, applicable)
        deductions = tuple(
            _deduction(item, loss, cost) for item, loss in _losses(given) if loss is not None and loss[0]
        )
        return Explanation(
            deductions, outlook_for(Edition.MLPS_2025, given, value, conclusion, (False, False))
        )

    return ScoreResult(
        edition=Edition.MLPS_2025,
        technical=None,
        management=None,
        score=None,
        rate=round_half_up(exact, 2),
        conclusion=conclusion,
        exact=exact,
        applicable=applicable,
        rule_sets=rule_sets_for(Edition.MLPS_2025, given),
        _explain=explain,
        _points=lambda: _points(given),
        _classes=lambda: _classes(given),
    )


def _score_2019(given: ScoreInput) -> ScoreResult:
    """Mean over the classes of a weighted loss; every object counts by itself."""
    lost: dict[SecurityClass, int] = {}
    weight: dict[SecurityClass, int] = {}
    applicable = 0
    for item in given.items:
        loss = object_loss(item.objects)
        if loss is None:
            continue
        applicable += 1
        tenths = _TENTHS_2019[item.importance]
        lost[item.security_class] = lost.get(item.security_class, 0) + tenths * loss[0]
        weight[item.security_class] = weight.get(item.security_class, 0) + tenths * loss[1]
    if not applicable:
        raise NothingApplies(_NO_ITEM)
    shares = {one: Fraction(lost[one], 2 * weight[one]) for one in weight}
    exact = 100 - Fraction(100, len(shares)) * sum(shares.values(), Fraction(0))
    value = judged_value(exact, given.threshold_basis)
    conclusion = conclude_score(value, given)

    def explain() -> Explanation:
        found: list[tuple[Fraction, Deduction]] = []
        for item in given.items:
            loss = object_loss(item.objects)
            if loss is None or loss[0] == 0:
                continue
            share = Fraction(_TENTHS_2019[item.importance] * loss[0], 2 * weight[item.security_class])
            cost = Fraction(100, len(shares)) * share
            found.append((cost, _deduction(item, loss, cost)))
        found.sort(key=lambda entry: -entry[0])
        deductions = tuple(deduction for _, deduction in found)
        return Explanation(
            deductions, outlook_for(Edition.MLPS_2019, given, value, conclusion, (False, False))
        )

    return ScoreResult(
        edition=Edition.MLPS_2019,
        technical=None,
        management=None,
        score=round_half_up(exact, 2),
        rate=None,
        conclusion=conclusion,
        exact=exact,
        applicable=applicable,
        rule_sets=rule_sets_for(Edition.MLPS_2019, given),
        _explain=explain,
        _points=lambda: _points(given),
        _classes=lambda: _classes(given),
    )


def _points(given: ScoreInput) -> tuple[PointResult, ...]:
    groups: dict[tuple[SecurityClass, str], list[ScoreItem]] = {}
    for item in given.items:
        groups.setdefault((item.security_class, item.point), []).append(item)
    lose = loss_function(given.multi_object_rule)
    found: list[PointResult] = []
    for (security_class, point), items in groups.items():
        verdicts = [item_verdict(lose(item.objects)) for item in items]
        found.append(PointResult(point, security_class, _point_verdict(verdicts), _point_score(items)))
    return tuple(found)


def _point_verdict(verdicts: list[Verdict]) -> Verdict:
    """Combine item verdicts. Source: GB/T 28449-2018, 8.2.2."""
    kinds = {verdict for verdict in verdicts if verdict is not Verdict.NA}
    if not kinds:
        return Verdict.NA
    return kinds.pop() if len(kinds) == 1 else Verdict.PARTIAL


def _point_score(items: list[ScoreItem]) -> Decimal | None:
    """Give the mean over objects, weighted by importance, times 10; na is left out."""
    gained, weights = Fraction(0), 0
    for item in items:
        halves = [2 - HALVES_LOST[one] for one in item.objects if one is not Verdict.NA]
        if halves:
            gained += FACTORS[item.importance] * Fraction(sum(halves), 2 * len(halves))
            weights += FACTORS[item.importance]
    return round_half_up(gained * 10 / weights, 2) if weights else None


def _classes(given: ScoreInput) -> tuple[ClassResult, ...]:
    counts: dict[SecurityClass, list[int]] = {}
    for item, loss in _losses(given):
        seen = counts.setdefault(item.security_class, [0, 0])
        if loss is not None:
            seen[0] += 1
            seen[1] += loss[0] == 0
    return tuple(
        ClassResult(one, counts[one][0], counts[one][1], percent(counts[one][1], counts[one][0]))
        for one in SecurityClass
        if one in counts
    )
