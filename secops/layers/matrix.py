"""The layer frameworks with the MLPS requirements that each of their items speaks to, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from controls.catalog import Matrix, RequirementItem
from controls.crosswalk import find_crosswalk
from controls.loader import load_catalog

MLPS = "gbt-22239-2019"
LAYERS = {"data": "data-layer", "application": "application-layer", "management": "management-layer"}


@dataclass(frozen=True, slots=True)
class LayerItem:
    """One item of a layer with the requirement families that its evidence comes from; none: judged by hand only."""

    item: RequirementItem
    row: str
    column: str
    families: frozenset[str]


@dataclass(frozen=True, slots=True)
class LayerMatrix:
    """One layer: its table and its items in order."""

    key: str
    framework: str
    matrix: Matrix
    items: tuple[LayerItem, ...]

    def cell(self, row: str, column: str) -> tuple[LayerItem, ...]:
        return tuple(one for one in self.items if (one.row, one.column) == (row, column))

    @property
    def families(self) -> frozenset[str]:
        return frozenset().union(*(one.families for one in self.items))


@cache
def layer_matrix(key: str) -> LayerMatrix:
    """Load one layer.

    Raises:
        KeyError: no such layer.
    """
    framework = LAYERS[key]
    catalog = load_catalog()
    matrix = catalog.framework(framework).matrix
    crosswalk = find_crosswalk(framework, MLPS)
    if matrix is None or crosswalk is None:
        raise LookupError(framework)
    families: dict[str, set[str]] = {}
    for pair in crosswalk.pairs:
        families.setdefault(pair.left, set()).add(pair.right)
    items = []
    for item in catalog.items(framework):
        row, _, column = str(item.class_code).partition("-")
        items.append(LayerItem(item, row, column, frozenset(families.get(str(item.id), ()))))
    return LayerMatrix(key, framework, matrix, tuple(items))


@cache
def units_by_family() -> dict[str, tuple[str, ...]]:
    """Unit numbers of every level by requirement family."""
    found: dict[str, list[str]] = {}
    for unit in load_catalog().units("gbt-28448-2019"):
        found.setdefault(unit.family, []).append(str(unit.id))
    return {family: tuple(units) for family, units in found.items()}


@cache
def family_of_unit() -> dict[str, str]:
    return {unit: family for family, units in units_by_family().items() for unit in units}
