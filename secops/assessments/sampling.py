"""Which assets are looked at: importance, exposure, sharing and coverage, each choice with its reason.

Source: the sampling principles of GB/T 28449-2018 (importance, security, sharing, coverage, suitability); the
numbers per kind are this platform's own setting and are shown as such.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# How many of one kind at least, by level: coverage grows with the level.
AT_LEAST: Mapping[int, int] = {1: 1, 2: 2, 3: 3, 4: 4}
_BORDER = frozenset({"network-device", "security-device"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """One asset with the first rule that chose it; ``rule`` "" when none did."""

    asset: Any
    rule: str
    zh: str = ""
    en: str = ""


def sample(
    assets: Sequence[Any], level: int, *, internet_facing: bool = False, shared: Collection[int] = ()
) -> list[Chosen]:
    """Propose the targets of an assessment. Every kind is covered from level 3 on.

    Args:
        assets: rows with ``id, kind, importance, sampled, group_name``.
        shared: ids of those that other systems use as well.
    """
    wanted = AT_LEAST.get(level, AT_LEAST[3])
    taken: dict[str, int] = {}
    seen_groups: set[tuple[str, str]] = set()
    rules = {asset.id: _rule(asset, internet_facing, asset.id in shared) for asset in assets}
    for asset in assets:
        if rules[asset.id]:
            taken[asset.kind] = taken.get(asset.kind, 0) + 1
            seen_groups.add((asset.kind, asset.group_name))
    for asset in assets:
        # Members of one group are alike: one of each group first, then up to the number.
        group = (asset.kind, asset.group_name)
        if rules[asset.id] is None and group not in seen_groups:
            rules[asset.id] = (
                "coverage",
                "覆盖性：该类对象中每组至少一个",
                "coverage: one of each group of its kind",
            )
            seen_groups.add(group)
            taken[asset.kind] = taken.get(asset.kind, 0) + 1
    for asset in assets:
        if rules[asset.id] is None and taken.get(asset.kind, 0) < wanted:
            rules[asset.id] = (
                "number", f"数量：第 {level} 级每类至少 {wanted} 个（平台设定）",
                f"number: at least {wanted} of a kind at level {level} (setting of this platform)",
            )  # fmt: skip
            taken[asset.kind] = taken.get(asset.kind, 0) + 1
    return [Chosen(asset, *(rules[asset.id] or ("",))) for asset in assets]


def _rule(asset: Any, internet_facing: bool, shared: bool) -> tuple[str, str, str] | None:
    if asset.sampled:
        return "marked", "登记时标为必测", "marked in the register"
    if str(asset.importance) == "key":
        return "importance", "重要性：关键对象", "importance: a key target"
    if internet_facing and asset.kind in _BORDER:
        return "exposure", "安全性：暴露在互联网边界", "exposure: stands at the border to the internet"
    if shared:
        return "sharing", "共享性：与其他系统共用", "sharing: other systems use it as well"
    return None
