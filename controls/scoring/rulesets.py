"""The named rule sets of MLPS scoring, each with its version and how official it is."""

from __future__ import annotations

from controls.catalog import Text
from controls.scoring.model import Edition, RuleSetUse, ScoreInput
from controls.terms import Origin

__all__ = ["rule_sets_for"]

_FORMULAS = {
    Edition.MLPS_2019: RuleSetUse(
        "mlps-report-2019",
        "1",
        Origin.SINGLE_SOURCE,
        Text(
            "2019 版模板：各安全类加权损失的平均；权重 1 / 0.7 / 0.4 未见官方文本",
            "2019 template: mean over the classes of a weighted loss; the weights 1, 0.7, 0.4 are not confirmed",
        ),
    ),
    Edition.MLPS_2021: RuleSetUse(
        "mlps-report-2021",
        "1",
        Origin.SINGLE_SOURCE,
        Text(
            "2021 版模板：缺陷扣分法，权重 3 / 2 / 1；公式结构有旁证，细节未见官方文本",
            "2021 template: deduction method with weights 3, 2, 1; its shape is confirmed, details are not",
        ),
    ),
    Edition.MLPS_2025: RuleSetUse(
        "mlps-report-2025",
        "1",
        Origin.SINGLE_SOURCE,
        Text(
            "2025 版模板：按符合率与重大风险隐患得出结论；符合率按要求项计数，官方定义未见",
            "2025 template: conclusion from the rate of compliance and major risks; the rate counts items, "
            "its official definition was not seen",
        ),
    ),
}


def rule_sets_for(edition: Edition, given: ScoreInput) -> dict[str, RuleSetUse]:
    """Give all rule sets that a result of this edition rests on, by role."""
    used = {"formula": _FORMULAS[edition]}
    if edition is not Edition.MLPS_2019:
        used["multi_object_rule"] = RuleSetUse(
            given.multi_object_rule,
            "1",
            Origin.DEFAULT,
            Text("多对象合并规则（可设置，非官方）", "how several objects combine; a setting, not official"),
        )
    if edition is Edition.MLPS_2025:
        used["rate_edge"] = RuleSetUse(
            given.rate_edge,
            "1",
            Origin.DEFAULT,
            Text(
                "恰为 90% 与 60% 时的归属（可设置，非官方）",
                "where exactly 90 % and 60 % belong; a setting, not official",
            ),
        )
    used["threshold"] = RuleSetUse(
        given.threshold_basis,
        "1",
        Origin.DEFAULT,
        Text(
            "阈值按精确值判断，输出再四舍五入（可设置，非官方）"
            if given.threshold_basis == "exact"
            else "阈值按四舍五入后的值判断（可设置，非官方）",
            "thresholds are held against the exact value, the output is rounded; a setting, not official"
            if given.threshold_basis == "exact"
            else "thresholds are held against the rounded value; a setting, not official",
        ),
    )
    return used
