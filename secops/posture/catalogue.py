"""The bridge from a rule's level-3 unit to the unit of a system's own level, and the units that bind a system."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from controls.applicability import Selection, select
from controls.catalog import AssessmentUnit, Catalog
from controls.loader import load_catalog
from controls.terms import LevelProfile, Scope
from scanners.baseline.steps import load_combinations

EDITION = "gbt-28448-2019"


@lru_cache(maxsize=64)
def selection_for(profile: str, extensions: tuple[str, ...] = ()) -> Selection:
    """Items and units of one profile with its extensions, worked out once per process."""
    return select(
        load_catalog(),
        profile=LevelProfile.parse(profile),
        extensions=tuple(Scope(name) for name in extensions),
    )


@lru_cache(maxsize=64)
def _by_family(profile: str, extensions: tuple[str, ...]) -> dict[str, tuple[AssessmentUnit, ...]]:
    found: dict[str, list[AssessmentUnit]] = {}
    for unit in selection_for(profile, extensions).units:
        found.setdefault(unit.family, []).append(unit)
    return {family: tuple(units) for family, units in found.items()}


@lru_cache(maxsize=8192)
def translate(
    unit_id: str, step: int, profile: str, extensions: tuple[str, ...]
) -> tuple[tuple[str, int], ...]:
    """Where an answer to *step* of *unit_id* counts in a system of this profile.

    The same requirement at another level has another number and sometimes other steps: an answer counts only
    for a step with the same words. Empty when the system's level does not ask it.
    """
    catalog: Catalog = load_catalog()
    if not catalog.has_unit(unit_id):
        return ()
    source = catalog.unit(unit_id)
    words = next((one.text for one in source.steps if one.number == step), None)
    if words is None:
        return ()
    found: list[tuple[str, int]] = []
    for unit in _by_family(profile, extensions).get(source.family, ()):
        if unit.id == source.id:
            found.append((str(unit.id), step))
            continue
        found.extend((str(unit.id), one.number) for one in unit.steps if one.text == words)
    return tuple(found)


@lru_cache(maxsize=1)
def _rules_by_family() -> dict[str, frozenset[str]]:
    from secops.scans.judge import rules_by_id

    catalog = load_catalog()
    found: dict[str, set[str]] = {}
    rules = rules_by_id()
    for rule in rules.values():
        for answer in rule.answers:
            if catalog.has_unit(answer.unit):
                found.setdefault(catalog.unit(answer.unit).family, set()).add(rule.id)
    for platform in {rule.platforms[0] for rule in rules.values()}:
        for one in load_combinations(platform):
            if catalog.has_unit(one.unit):
                found.setdefault(catalog.unit(one.unit).family, set()).update(one.rules)
    return {family: frozenset(ids) for family, ids in found.items()}


def rules_speaking_to(units: Iterable[AssessmentUnit]) -> frozenset[str]:
    """Ids of the rules whose outcomes can count for these units, alone or together."""
    by_family = _rules_by_family()
    return frozenset().union(*(by_family.get(unit.family, frozenset()) for unit in units))
