"""Reads of the catalogue's files, worked out once per process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from controls.catalog import CRYPTO, MLPS_EVALUATION, AssessmentUnit, Family, RequirementItem, Text
from controls.highrisk import HighRiskCase, high_risk_guide
from controls.loader import load_catalog
from scanners.baseline.rule import Rule
from secops.catalogue.words import class_name
from secops.errors import NotFound
from secops.scans.judge import rules_by_id


@dataclass(frozen=True)
class UnitRow:
    """One line of the catalogue."""

    unit: AssessmentUnit
    position: int
    rules: int
    cases: int

    @cached_property
    def class_name(self) -> Text:
        return class_name(self.unit)

    @cached_property
    def text(self) -> str:
        """Everything that a search looks into, in both languages."""
        unit = self.unit
        clause = unit.item_clause
        named = f"{clause.clause}.{clause.letter} {clause.clause} {clause.letter})" if clause else ""
        point = unit.control_point.name
        parts = (
            str(unit.id), named, str(unit.item or ""), unit.family, point.zh, point.en,
            self.class_name.zh, self.class_name.en, unit.summary.zh, unit.summary.en,
        )  # fmt: skip
        return "\n".join(parts).casefold()


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """A rule that can speak to a step, written for this unit or for the same step at another level."""

    rule: Rule
    step: int
    strength: str
    written_for: str


@lru_cache(maxsize=1)
def unit_rows() -> tuple[UnitRow, ...]:
    """Every unit of every framework in the order of the standards."""
    catalog = load_catalog()
    units = (*catalog.units(MLPS_EVALUATION), *catalog.units(CRYPTO))
    return tuple(
        UnitRow(unit, place, len({answer.rule.id for answer in answers_to(unit)}), len(cases_for(unit)))
        for place, unit in enumerate(units)
    )


@lru_cache(maxsize=1)
def _answers_by_family() -> dict[str, tuple[RuleAnswer, ...]]:
    catalog = load_catalog()
    found: dict[str, list[RuleAnswer]] = {}
    for rule in rules_by_id().values():
        for answer in rule.answers:
            if catalog.has_unit(answer.unit):
                family = catalog.unit(answer.unit).family
                found.setdefault(family, []).append(
                    RuleAnswer(rule, answer.step, answer.strength.value, answer.unit)
                )
    return {family: tuple(answers) for family, answers in found.items()}


def answers_to(unit: AssessmentUnit) -> list[RuleAnswer]:
    """Rules that can evidence a step of *unit*: a rule of another level counts for a step with the same words."""
    catalog = load_catalog()
    found: list[RuleAnswer] = []
    for answer in _answers_by_family().get(unit.family, ()):
        if answer.written_for == unit.id:
            found.append(answer)
            continue
        words = next(
            (s.text for s in catalog.unit(answer.written_for).steps if s.number == answer.step), None
        )
        places = [step.number for step in unit.steps if step.text == words]
        found.extend(
            RuleAnswer(answer.rule, number, answer.strength, answer.written_for) for number in places
        )
    return sorted(found, key=lambda one: (one.step, one.rule.id))


@lru_cache(maxsize=1)
def _cases_by_unit() -> dict[str, tuple[HighRiskCase, ...]]:
    found: dict[str, list[HighRiskCase]] = {}
    for case in high_risk_guide().cases:
        for unit_id in {unit for units in case.units.values() for unit in units}:
            found.setdefault(str(unit_id), []).append(case)
    return {unit: tuple(cases) for unit, cases in found.items()}


def cases_for(unit: AssessmentUnit) -> tuple[HighRiskCase, ...]:
    """High-risk cases that concern *unit*."""
    return _cases_by_unit().get(str(unit.id), ())


@dataclass(frozen=True, slots=True)
class FamilyLevel:
    """The same requirement at one level. ``change``: ``first``, ``same``, ``steps`` (same words, other steps) or ``more`` against the level before."""

    level: int
    units: Sequence[AssessmentUnit]
    change: str


def family_levels(family: Family) -> list[FamilyLevel]:
    """The requirement over the levels, each against the one below it."""
    catalog = load_catalog()
    by_level: dict[int, list[AssessmentUnit]] = {}
    for unit_id in family.units:
        unit = catalog.unit(unit_id)
        by_level.setdefault(unit.level, []).append(unit)
    found: list[FamilyLevel] = []
    before: list[AssessmentUnit] = []
    for level in sorted(by_level):
        found.append(FamilyLevel(level, by_level[level], _change(before, by_level[level])))
        before = by_level[level]
    return found


def _change(before: Sequence[AssessmentUnit], now: Sequence[AssessmentUnit]) -> str:
    if not before:
        return "first"
    if [unit.summary for unit in before] != [unit.summary for unit in now]:
        return "more"
    same = [(unit.steps, unit.rule) for unit in before] == [(unit.steps, unit.rule) for unit in now]
    return "same" if same else "steps"


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """What the page of one unit shows."""

    unit: AssessmentUnit
    item: RequirementItem | None
    family: Family
    class_name: Text
    levels: Sequence[FamilyLevel]
    siblings: Sequence[AssessmentUnit]
    answers: Sequence[RuleAnswer]
    cases: Sequence[HighRiskCase]


def catalogue_page(unit_id: str) -> CataloguePage:
    """Everything about one unit.

    Raises:
        NotFound: no framework has it.
    """
    catalog = load_catalog()
    if not catalog.has_unit(unit_id):
        raise NotFound("目录中没有这个测评单元。", "The catalogue has no such unit.")
    unit = catalog.unit(unit_id)
    head = catalog.framework(unit.framework)
    item = catalog.item(unit.item, head.items_in or head.id) if unit.item else None
    family = catalog.family(unit.family)
    return CataloguePage(
        unit=unit,
        item=item,
        family=family,
        class_name=class_name(unit),
        levels=family_levels(family),
        siblings=[catalog.unit(one) for one in item.units if one != unit.id] if item else [],
        answers=answers_to(unit),
        cases=cases_for(unit),
    )
