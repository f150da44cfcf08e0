"""From the verdicts of an assessment to the items a formula counts.

Records are per unit, scoring counts requirement items: the one unit without an item is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controls.applicability import Selection
from controls.ids import ItemId, UnitId
from controls.scoring.model import ScoreItem
from controls.terms import Importance, Origin, SecurityClass, Verdict

__all__ = ["Collected", "collect_items"]


@dataclass(frozen=True, slots=True)
class Collected:
    """Items ready to be scored.

    ``not_examined`` names applicable items without any verdict: they are in no formula, so a score over
    the rest is provisional. ``recorded_only`` names units that are never counted. ``importance_origins``
    says which origins the weights have; anything but official is shown beside the score.
    """

    items: tuple[ScoreItem, ...]
    not_examined: tuple[ItemId, ...]
    recorded_only: tuple[UnitId, ...]
    importance_origins: frozenset[Origin]


def collect_items(
    selection: Selection,
    verdicts: Mapping[UnitId, Sequence[Verdict | None]],
    importance: Mapping[ItemId, Importance] | None = None,
) -> Collected:
    """Collect the items of a selection with the verdicts on their objects.

    Args:
        verdicts: Unit → verdicts over its objects; ``None`` is an object nobody examined.
        importance: The organisation's own weights, which go before those of the catalogue.

    An item with an object that nobody examined counts as not examined: half a look is no verdict.
    """
    own = importance or {}
    found: list[ScoreItem] = []
    open_items: list[ItemId] = []
    origins: set[Origin] = set()
    for item in selection.items:
        objects = [one for unit in item.units for one in verdicts.get(unit, ())]
        decided = tuple(one for one in objects if one is not None)
        if not objects or len(decided) != len(objects):
            open_items.append(item.id)
            continue
        origins.add(Origin.ORGANISATION if item.id in own else item.importance_origin)
        found.append(
            ScoreItem(
                id=item.id,
                security_class=SecurityClass(item.class_code),
                importance=own.get(item.id, item.importance),
                objects=decided,
                control_point=item.clause.clause if item.clause else item.control_point.key,
            )
        )
    recorded = tuple(unit.id for unit in selection.units if unit.item is None)
    return Collected(tuple(found), tuple(open_items), recorded, frozenset(origins))
