"""What would change a conclusion, in words."""

from __future__ import annotations

import math
from fractions import Fraction

from controls.catalog import Text
from controls.rounding import round_half_up
from controls.scoring.combine import loss_function
from controls.scoring.model import Edition, RateEdge, ScoreInput
from controls.terms import Conclusion

__all__ = ["items_needed", "outlook_for"]

_SCORE_STEPS = ((Conclusion.FAIR, 70), (Conclusion.GOOD, 80), (Conclusion.EXCELLENT, 90))
_RATE_STEPS = ((Conclusion.BASICALLY_CONFORMING, 60), (Conclusion.CONFORMING, 90))


def outlook_for(
    edition: Edition, given: ScoreInput, value: Fraction, conclusion: Conclusion, clamped: tuple[bool, bool]
) -> tuple[Text, ...]:
    """Say what stands between the conclusion and the better ones, and what is peculiar to it.

    Args:
        value: Score or rate that was held against the thresholds.
        clamped: Whether the technical and the management side lost more than they hold.
    """
    if edition is Edition.MLPS_2025:
        return _rate_outlook(given, value, conclusion)
    return _score_outlook(given, value, clamped)


def _score_outlook(given: ScoreInput, value: Fraction, clamped: tuple[bool, bool]) -> tuple[Text, ...]:
    found: list[Text] = []
    if given.risks.high:
        found.append(
            Text(
                f"存在 {given.risks.high} 个高风险，无论得分多少结论均为差",
                f"{given.risks.high} high risks are left: the conclusion is 差 whatever the score",
            )
        )
    if given.risks.medium and value >= 90 and not given.risks.high:
        found.append(
            Text(
                f"存在 {given.risks.medium} 个中风险，得分达到 90 仍不能为优",
                f"{given.risks.medium} medium risks are left: no 优 although the score reaches 90",
            )
        )
    for side, is_clamped in zip((("技术", "technical"), ("管理", "management")), clamped, strict=True):
        if is_clamped:
            found.append(
                Text(
                    f"{side[0]}部分扣分已超过该部分满分，按 0 分计",
                    f"the {side[1]} side lost more than it holds and counts as 0",
                )
            )
    for step, threshold in _SCORE_STEPS:
        if value < threshold:
            lack = round_half_up(threshold - value, 2)
            found.append(
                Text(
                    f"距{step.zh}（{threshold} 分）还差 {lack} 分",
                    f"{lack} points short of {step} ({threshold})",
                )
            )
            break
    return tuple(found)


def items_needed(applicable: int, compliant: int, threshold: int, edge: RateEdge) -> int:
    """Say how many more items must become compliant to reach a rate; 0 when it is reached.

    More than there are left means out of reach (an exclusive edge of 100 would be).
    """
    wanted = Fraction(threshold * applicable, 100)
    least = math.ceil(wanted) if edge is RateEdge.INCLUSIVE else math.floor(wanted) + 1
    return max(0, least - compliant)


def _rate_outlook(given: ScoreInput, value: Fraction, conclusion: Conclusion) -> tuple[Text, ...]:
    found: list[Text] = []
    lose = loss_function(given.multi_object_rule)
    losses = [loss for item in given.items if (loss := lose(item.objects)) is not None]
    compliant = sum(1 for loss in losses if loss[0] == 0)
    for step, threshold in _RATE_STEPS:
        if value > threshold or (value == threshold and given.rate_edge is RateEdge.INCLUSIVE):
            continue
        needed = items_needed(len(losses), compliant, threshold, given.rate_edge)
        if needed:
            found.append(
                Text(
                    f"再有 {needed} 个要求项符合，符合率即达到{step.zh}所需的 {threshold}%",
                    f"compliant items still needed for the {threshold} % of {step}: {needed}",
                )
            )
            break
    risks = given.risks
    if risks.major and conclusion is not Conclusion.NOT_CONFORMING:
        found.append(
            Text(
                f"发现重大风险隐患 {risks.major} 个（已整改 {risks.major_fixed} 个）；"
                "结论按整改前计数，整改只影响下一次测评",
                f"{risks.major} major risks were found ({risks.major_fixed} fixed since); the conclusion counts "
                "them as found before rectification, so fixing them changes the next evaluation only",
            )
        )
    return tuple(found)
