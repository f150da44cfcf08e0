"""Units down, targets across: which cells there are. Pure; the frozen scope of an assessment goes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from controls.catalog import CRYPTO, AssessmentUnit
from controls.loader import load_catalog

SYSTEM = "system"
PROVIDER = "provider"


def clause_number(unit: AssessmentUnit) -> str:
    """``6.1.1`` of ``L3-6.1.1``: what the crypto rules call a unit."""
    return str(unit.id).partition("-")[2] or str(unit.id)


def asks_dak(unit: AssessmentUnit) -> bool:
    """Whether a unit is judged by D, A and K: the technical ones of the crypto framework."""
    return unit.framework == CRYPTO and not clause_number(unit).startswith("7.")


def dak_verdict(crypto: Mapping[str, Any]) -> str | None:
    """The verdict that D, A and K make together; None until all three are answered.

    Without D nothing is met, with all three everything is. Source: GM/T 0115-2021 as the crypto rules score it.
    """
    if any(key not in crypto for key in ("d", "a", "k")):
        return None
    if not crypto["d"]:
        return "non_compliant"
    return "compliant" if crypto["a"] and crypto["k"] else "partial"


@dataclass(frozen=True, slots=True)
class Target:
    """One column of the grid. ``kind`` is a kind of asset, ``system`` for the whole, or ``provider``."""

    id: int
    kind: str
    name: str
    asset_id: int | None = None
    position: int = 0
    address: str = ""


@dataclass(frozen=True)
class Frame:
    """The cells of one assessment.

    Args:
        excluded: unit → why it does not apply (approved before the start).
        inherited: unit → ``{responsibility, provider, verdict, report, expires}``.
    """

    units: tuple[AssessmentUnit, ...]
    targets: tuple[Target, ...]
    excluded: Mapping[str, Any] = field(default_factory=dict)
    inherited: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[Target, ...]]:
        found: dict[str, list[Target]] = {}
        for target in self.targets:
            found.setdefault(target.kind, []).append(target)
        return {kind: tuple(targets) for kind, targets in found.items()}

    @cached_property
    def whole(self) -> Target:
        return self.by_kind[SYSTEM][0]

    @cached_property
    def places(self) -> Mapping[str, tuple[Target, ...]]:
        """Unit → the targets it is judged on, in the order of the columns."""
        return {str(unit.id): tuple(self._targets(unit)) for unit in self.units}

    @cached_property
    def unit_of(self) -> Mapping[str, AssessmentUnit]:
        return {str(unit.id): unit for unit in self.units}

    @cached_property
    def target_of(self) -> Mapping[int, Target]:
        return {target.id: target for target in self.targets}

    @cached_property
    def count(self) -> int:
        return sum(len(targets) for targets in self.places.values())

    def applies(self, unit_id: str, target_id: int) -> bool:
        return any(one.id == target_id for one in self.places.get(unit_id, ()))

    def cells(self) -> Iterator[tuple[str, int]]:
        for unit_id, targets in self.places.items():
            for target in targets:
                yield unit_id, target.id

    def without_target(self) -> list[AssessmentUnit]:
        """Units judged on the system as a whole because no target of their kinds was chosen."""
        return [
            unit
            for unit in self.units
            if str(unit.id) not in self.excluded
            and self.inherited.get(str(unit.id), {}).get("responsibility") not in ("inherited", "theirs")
            and not any(kind.value in self.by_kind for kind in unit.targets)
        ]

    def _targets(self, unit: AssessmentUnit) -> Iterator[Target]:
        unit_id = str(unit.id)
        if unit_id in self.excluded:
            yield self.whole
            return
        given = self.inherited.get(unit_id)
        if given is None or given["responsibility"] == "shared":
            kinds = {kind.value for kind in unit.targets}
            own = [target for target in self.targets if target.kind in kinds]
            yield from own or [self.whole]
        if given is not None:
            yield from (one for one in self.by_kind.get(PROVIDER, ()) if one.name == given["provider"])


def frame_of(scope: Mapping[str, Any], targets: Sequence[Target]) -> Frame:
    """Build the frame from what an assessment froze. A unit the catalogue no longer holds is left out."""
    catalog = load_catalog()
    units = tuple(catalog.unit(one) for one in scope["units"] if catalog.has_unit(one))
    return Frame(units, tuple(targets), scope.get("excluded", {}), scope.get("inherited", {}))
