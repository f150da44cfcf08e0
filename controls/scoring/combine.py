"""Several objects of one item → how much of the item is lost.

Losses are whole numbers of half points over the number of objects, so nothing is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from controls.scoring.model import MultiObjectRule
from controls.terms import Verdict

__all__ = ["HALVES_LOST", "Loss", "item_verdict", "loss_function", "object_loss"]

HALVES_LOST = {Verdict.COMPLIANT: 0, Verdict.PARTIAL: 1, Verdict.NON_COMPLIANT: 2}

Loss = tuple[int, int]
"""(halves lost, over how many): a loss of (3, 4) is 3/2/4 of the item."""

_SINGLE: dict[Verdict, Loss | None] = {
    Verdict.COMPLIANT: (0, 1),
    Verdict.PARTIAL: (1, 1),
    Verdict.NON_COMPLIANT: (2, 1),
    Verdict.NA: None,
}


def _set_loss(objects: Sequence[Verdict]) -> Loss | None:
    count = len(objects) - objects.count(Verdict.NA)
    if count == 0:
        return None
    if objects.count(Verdict.COMPLIANT) == count:
        return 0, 1
    return (2, 1) if objects.count(Verdict.NON_COMPLIANT) == count else (1, 1)


def object_loss(objects: Sequence[Verdict]) -> Loss | None:
    """Give the halves lost over all objects together, and their number; ``None`` when all are na."""
    if len(objects) == 1:
        return _SINGLE[objects[0]]
    count = len(objects) - objects.count(Verdict.NA)
    if count == 0:
        return None
    return 2 * objects.count(Verdict.NON_COMPLIANT) + objects.count(Verdict.PARTIAL), count


def _min_loss(objects: Sequence[Verdict]) -> Loss | None:
    if Verdict.NON_COMPLIANT in objects:
        return 2, 1
    if Verdict.PARTIAL in objects:
        return 1, 1
    return (0, 1) if Verdict.COMPLIANT in objects else None


_RULES: dict[MultiObjectRule, Callable[[Sequence[Verdict]], Loss | None]] = {
    MultiObjectRule.SET: _set_loss,
    MultiObjectRule.MEAN: object_loss,
    MultiObjectRule.MIN: _min_loss,
}


def loss_function(rule: MultiObjectRule) -> Callable[[Sequence[Verdict]], Loss | None]:
    """Give the function of a rule; it returns ``None`` for an item that is na on every object."""
    combine = _RULES[rule]

    def lose(objects: Sequence[Verdict]) -> Loss | None:
        return _SINGLE[objects[0]] if len(objects) == 1 else combine(objects)

    return lose


def item_verdict(loss: Loss | None) -> Verdict:
    """Give the verdict of an item from its loss."""
    if loss is None:
        return Verdict.NA
    lost = Fraction(loss[0], 2 * loss[1])
    if lost == 0:
        return Verdict.COMPLIANT
    return Verdict.NON_COMPLIANT if lost == 1 else Verdict.PARTIAL
