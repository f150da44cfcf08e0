"""From one edition of a framework to the next: what differs, and which answers stay.

An edition is immutable once used. Running work moves to a new one by keeping every answer whose content
did not change; everything else goes back to a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from controls.catalog import AssessmentUnit, Catalog
from controls.ids import UnitId

__all__ = ["EditionDiff", "Migration", "compare_editions", "migrate", "unit_digest"]

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class EditionDiff:
    """Units of the new edition that are the same, other than before, or new; and those that are gone.

    ``renamed`` pairs a unit that is gone with a new one of the same content.
    """

    same: tuple[UnitId, ...]
    changed: tuple[UnitId, ...]
    added: tuple[UnitId, ...]
    removed: tuple[UnitId, ...]
    renamed: tuple[tuple[UnitId, UnitId], ...]


@dataclass(frozen=True, slots=True)
class Migration(Generic[AnswerT]):
    """Answers in the new edition's numbers, units a person must look at, and answers without a unit."""

    kept: Mapping[UnitId, AnswerT]
    to_review: tuple[UnitId, ...]
    dropped: Mapping[UnitId, AnswerT]


def unit_digest(unit: AssessmentUnit) -> str:
    """Give a digest over what an answer depends on: requirement, steps, verdict rule, whether partial exists.

    Hints, layers and numbering are not part of it.
    """
    content = [
        unit.level,
        unit.mark,
        unit.control_point.name.zh,
        [unit.summary.zh, unit.summary.en],
        [[step.text.zh, step.text.en] for step in unit.steps],
        unit.rule.as_data(),
        unit.partial_possible,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def compare_editions(
    old: Catalog, new: Catalog, framework: str, new_framework: str | None = None
) -> EditionDiff:
    """Compare the units of a framework in two catalogues.

    Args:
        new_framework: Its id in the new catalogue, when the edition is part of the id.

    Raises:
        UnknownFramework: one of the catalogues does not hold it.
    """
    before = {unit.id: unit_digest(unit) for unit in old.units(framework)}
    after = {unit.id: unit_digest(unit) for unit in new.units(new_framework or framework)}
    gone = {digest: unit for unit, digest in before.items() if unit not in after}
    renamed = tuple(
        (gone.pop(digest), unit) for unit, digest in after.items() if unit not in before and digest in gone
    )
    moved_to = {new_id for _, new_id in renamed}
    moved_from = {old_id for old_id, _ in renamed}
    return EditionDiff(
        same=tuple(unit for unit, digest in after.items() if before.get(unit) == digest),
        changed=tuple(unit for unit, digest in after.items() if unit in before and before[unit] != digest),
        added=tuple(unit for unit in after if unit not in before and unit not in moved_to),
        removed=tuple(unit for unit in before if unit not in after and unit not in moved_from),
        renamed=renamed,
    )


def migrate(answers: Mapping[UnitId, AnswerT], diff: EditionDiff) -> Migration[AnswerT]:
    """Carry answers over; an answer of a unit whose content changed is dropped and asked again."""
    kept = {unit: answers[unit] for unit in diff.same if unit in answers}
    kept |= {new: answers[old] for old, new in diff.renamed if old in answers}
    moved = {old for old, _ in diff.renamed}
    dropped = {unit: answer for unit, answer in answers.items() if unit not in kept and unit not in moved}
    return Migration(kept, (*diff.changed, *diff.added), dropped)
