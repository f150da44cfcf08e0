"""Words of the closed lists of the read model, in both languages, and how each state is drawn.

A state is never told by colour alone: every one has a word, a sign and a pattern too.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.read_model import (
    NOT_EXAMINED,
    CountBasis,
    Importance,
    Layer,
    Severity,
    Text,
    Verdict,
    VerdictOrigin,
)

#: Words for the five states of :data:`reports.read_model.STATES`.
STATE_NAMES: dict[str, Text] = {
    **{verdict.value: Text(verdict.zh, verdict.en) for verdict in Verdict},
    NOT_EXAMINED: Text("未检查", "Not examined"),
}

LAYER_NAMES: dict[Layer, Text] = {layer: Text(layer.zh, layer.en) for layer in Layer}

SEVERITY_NAMES: dict[Severity, Text] = {
    Severity.CRITICAL: Text("严重", "Critical"),
    Severity.HIGH: Text("高", "High"),
    Severity.MEDIUM: Text("中", "Medium"),
    Severity.LOW: Text("低", "Low"),
    Severity.INFO: Text("提示", "Info"),
}

IMPORTANCE_NAMES: dict[Importance, Text] = {
    Importance.KEY: Text("关键", "Key"),
    Importance.IMPORTANT: Text("重要", "Important"),
    Importance.NORMAL: Text("一般", "Normal"),
}

ORIGIN_NAMES: dict[VerdictOrigin, Text] = {
    VerdictOrigin.SUGGESTED: Text("系统建议", "suggested"),
    VerdictOrigin.DECIDED: Text("人工判定", "decided"),
    VerdictOrigin.INHERITED: Text("继承", "inherited"),
}

BASIS_NAMES: dict[CountBasis, Text] = {
    CountBasis.ITEM: Text("要求项", "requirement items"),
    CountBasis.CELL: Text("检查点（要求项×对象）", "checks (one item on one target)"),
}

LEVEL_NAMES: dict[int, Text] = {
    1: Text("第一级", "Level 1"),
    2: Text("第二级", "Level 2"),
    3: Text("第三级", "Level 3"),
    4: Text("第四级", "Level 4"),
    5: Text("第五级", "Level 5"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is drawn: ``colour`` fills, ``ink`` is readable on ``tint``, ``sign`` stands for it alone.

    ``pattern`` is one of ``solid``, ``stripes``, ``hatch``, ``dots``, ``open``. Colours are ``#rrggbb``.
    """

    colour: str
    ink: str
    tint: str
    sign: str
    pattern: str


STATE_LOOKS: dict[str, Look] = {
    "compliant": Look("#2f7d5b", "#1d5f43", "#e3f1ea", "●", "solid"),
    "partial": Look("#d99a1c", "#8a5a00", "#fbf0d9", "◐", "stripes"),
    "non_compliant": Look("#b83a2e", "#9c2a20", "#f8e3e0", "×", "hatch"),
    "na": Look("#7c8aa0", "#4c586b", "#eceff4", "－", "dots"),
    NOT_EXAMINED: Look("#c3cad6", "#5b6678", "#f6f7f9", "○", "open"),
}

SEVERITY_LOOKS: dict[Severity, Look] = {
    Severity.CRITICAL: Look("#7c1d14", "#7c1d14", "#f3d9d6", "‼", "hatch"),
    Severity.HIGH: Look("#b83a2e", "#9c2a20", "#f8e3e0", "▲", "solid"),
    Severity.MEDIUM: Look("#d99a1c", "#8a5a00", "#fbf0d9", "◆", "stripes"),
    Severity.LOW: Look("#3f7cac", "#2b5c84", "#e3eef6", "▽", "dots"),
    Severity.INFO: Look("#c3cad6", "#5b6678", "#f6f7f9", "·", "open"),
}

#: Looks of everything a cell of a table may tell by a sign.
CELL_LOOKS: dict[str, Look] = {**STATE_LOOKS, **{each.value: look for each, look in SEVERITY_LOOKS.items()}}
