"""Where a system stands: verdicts of units on targets, rolled up.

Pure counting; "not examined" is counted beside the verdicts and never taken for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from controls.catalog import AssessmentUnit
from controls.ids import UnitId
from controls.rounding import percent
from controls.terms import Layer, Verdict

__all__ = ["Counts", "Posture", "UnitPosture", "combine_set", "count", "roll_up"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many units stand where."""

    compliant: int = 0
    partial: int = 0
    non_compliant: int = 0
    na: int = 0
    not_examined: int = 0

    @property
    def total(self) -> int:
        """All units."""
        return self.applicable + self.na

    @property
    def examined(self) -> int:
        """Applicable units with a verdict."""
        return self.compliant + self.partial + self.non_compliant

    @property
    def applicable(self) -> int:
        """Units that are not ``na``, examined or not."""
        return self.examined + self.not_examined

    @property
    def examined_share(self) -> Decimal | None:
        """Examined share of the applicable units in percent, 2 decimals; ``None`` without any."""
        return percent(self.examined, self.applicable)

    @property
    def rate_over_examined(self) -> Decimal | None:
        """符合率 over what was looked at, in percent, 2 decimals; ``None`` when nothing was."""
        return percent(self.compliant, self.examined)

    @property
    def rate_over_applicable(self) -> Decimal | None:
        """符合率 over everything that applies, in percent, 2 decimals; ``None`` without any."""
        return percent(self.compliant, self.applicable)


@dataclass(frozen=True, slots=True)
class UnitPosture:
    """One unit over its targets.

    ``verdict`` follows the multi-object rule ``set`` over the targets that were examined; ``None`` when
    none was. ``complete`` is False while a target is still open, so the verdict can yet change.
    """

    unit: UnitId
    verdict: Verdict | None
    targets: Counts
    complete: bool


@dataclass(frozen=True, slots=True)
class Posture:
    """The roll-up; every count is of units."""

    units: Mapping[UnitId, UnitPosture]
    total: Counts
    by_class: Mapping[str, Counts]
    by_layer: Mapping[Layer, Counts]


def combine_set(counts: Counts) -> Verdict | None:
    """Combine targets by the rule ``set``: all alike give that verdict, anything mixed is partial.

    Targets that are ``na`` or not examined are left out; all ``na`` gives ``na``.
    """
    examined = counts.examined
    if examined == 0:
        return Verdict.NA if counts.na and not counts.not_examined else None
    if counts.compliant == examined:
        return Verdict.COMPLIANT
    return Verdict.NON_COMPLIANT if counts.non_compliant == examined else Verdict.PARTIAL


def roll_up(
    units: Iterable[AssessmentUnit], verdicts: Mapping[UnitId, Mapping[str, Verdict | None]]
) -> Posture:
    """Roll up the verdicts of one system.

    Args:
        units: The applicable units; verdicts of other units are ignored.
        verdicts: Unit → target id → verdict, ``None`` for a target nobody examined. A unit that is
            absent or has no target counts as not examined.

    While a target is open, a unit whose other targets are all compliant counts as not examined;
    a gap that was found shows at once.
    """
    found: dict[UnitId, UnitPosture] = {}
    total: list[Verdict | None] = []
    by_class: dict[str, list[Verdict | None]] = {}
    by_layer: dict[Layer, list[Verdict | None]] = {}
    for unit in units:
        cells = verdicts.get(unit.id) or {}
        targets = count(cells.values())
        verdict = combine_set(targets)
        complete = targets.not_examined == 0 and bool(cells)
        if verdict is Verdict.COMPLIANT and not complete:
            verdict = None
        found[unit.id] = UnitPosture(unit.id, verdict, targets, complete)
        total.append(verdict)
        by_class.setdefault(unit.class_code, []).append(verdict)
        by_layer.setdefault(unit.layer, []).append(verdict)
    return Posture(
        units=found,
        total=count(total),
        by_class={key: count(values) for key, values in by_class.items()},
        by_layer={key: count(values) for key, values in by_layer.items()},
    )


def count(verdicts: Iterable[Verdict | None]) -> Counts:
    """Count verdicts, ``None`` meaning not examined."""
    values = list(verdicts)
    return Counts(
        compliant=values.count(Verdict.COMPLIANT),
        partial=values.count(Verdict.PARTIAL),
        non_compliant=values.count(Verdict.NON_COMPLIANT),
        na=values.count(Verdict.NA),
        not_examined=values.count(None),
    )
