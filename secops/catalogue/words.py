"""Words of the catalogue: levels, clauses, classes, methods, verdict rules and the strength of rules."""

from __future__ import annotations

from collections.abc import Iterable

from controls.catalog import AssessmentUnit, Text
from controls.loader import load_catalog
from controls.terms import EvidenceStrength, Term
from secops.web.lang import language, t

_NUMERALS = {1: "一", 2: "二", 3: "三", 4: "四", 5: "五"}


def term(value: Term) -> str:
    """The words of a closed-list value of the catalogue."""
    return value.label("en" if language() == "en" else "zh")


def terms(values: Iterable[Term]) -> str:
    return t("、", ", ").join(term(value) for value in values)


def level_words(level: int | None) -> str:
    """``第三级``, ``Level 3``; says so when there is none."""
    if not level:
        return t("未定级", "Unclassified")
    return t(f"第{_NUMERALS.get(level, level)}级", f"Level {level}")


def clause_words(unit: AssessmentUnit) -> str:
    """Clause of the requirement: ``8.1.4.1 a)``; "" for a unit without one."""
    clause = unit.item_clause
    if clause is None:
        return ""
    return f"{clause.clause} {clause.letter})" if clause.letter else clause.clause


def class_name(unit: AssessmentUnit) -> Text:
    """Name of the class, or of the layer in the crypto framework."""
    return load_catalog().group_of(unit).name


def rule_words(unit: AssessmentUnit) -> str:
    """When the unit is met, in words."""
    count = len(unit.steps)
    if not unit.rule.alternatives:
        if count == 1:
            met = t("唯一的步骤成立即为符合", "Met when its only step holds")
        else:
            met = t(f"全部 {count} 个步骤成立才为符合", f"Met when all {count} steps hold")
    else:
        zh = "；或".join("步骤 " + "、".join(map(str, steps)) for steps in unit.rule.alternatives)
        en = "; or ".join("steps " + ", ".join(map(str, steps)) for steps in unit.rule.alternatives)
        met = t(f"以下任一组步骤成立即为符合：{zh}", f"Met when any of these holds: {en}")
    if unit.partial_possible:
        return met + t("；只有一部分成立时为部分符合。", "; partially compliant when only some of it holds.")
    return met + t("；没有“部分符合”，不成立即为不符合。", "; it is never partial, else non-compliant.")


def strength_words(strength: str) -> str:
    return term(EvidenceStrength(strength))
