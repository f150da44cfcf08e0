"""Which kinds of documents one system should have, and the steps they count for there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controls.applicability import Selection
from controls.catalog import AssessmentUnit, Catalog, Text
from controls.documents.model import Answer, DocumentKind
from controls.documents.terms import Trait
from controls.ids import UnitId

__all__ = ["DocumentScope", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A step that binds one system; ``step`` counts from 1."""

    unit: UnitId
    step: int


@dataclass(frozen=True, slots=True)
class DocumentScope:
    """One system as far as documents and on-site looks are concerned.

    ``selection`` holds the units that bind it, exclusions taken out. A trait that is not in ``traits`` is
    unknown: what depends on it is asked for, with the remark that it may not exist.
    """

    selection: Selection
    catalog: Catalog
    traits: Mapping[Trait, bool] = field(default_factory=dict)

    @property
    def level(self) -> int:
        """Level of the system."""
        return self.selection.profile.g

    def places(self, answers: Iterable[Answer]) -> tuple[Place, ...]:
        """Give the steps that answers count for here, each once, in the order of *answers*.

        The same requirement has another number at another level, and sometimes other steps: an answer
        counts for a step of the same family with the same words.
        """
        found: dict[Place, None] = {}
        for answer in answers:
            source = self.catalog.unit(answer.unit)
            words = source.steps[answer.step - 1].text
            for unit in self._of_family(source):
                if unit.id == source.id:
                    found[Place(unit.id, answer.step)] = None
                    continue
                found |= {Place(unit.id, step.number): None for step in unit.steps if step.text == words}
        return tuple(found)

    def _of_family(self, source: AssessmentUnit) -> Iterable[AssessmentUnit]:
        chosen = self.selection.unit_ids
        for unit_id in self.catalog.family(source.family).units:
            if unit_id in chosen:
                yield self.catalog.unit(unit_id)

    def has(self, traits: Iterable[Trait]) -> bool | None:
        """Say whether the system has one of these traits; ``None`` when that is not known.

        No traits at all means that every system has it.
        """
        known = [self.traits.get(trait) for trait in traits]
        if not known or True in known:
            return True
        return None if None in known else False

    def wanted(self, kinds: Iterable[DocumentKind]) -> tuple[DocumentKind, ...]:
        """Give the kinds that the system should have: they answer a step here, and no trait rules them out."""
        return tuple(kind for kind in kinds if self.has(kind.when) is not False and self.places(kind.answers))

    def not_wanted(self, kinds: Iterable[DocumentKind]) -> tuple[tuple[DocumentKind, Text], ...]:
        """Give the other kinds, each with the reason."""
        found: list[tuple[DocumentKind, Text]] = []
        for kind in kinds:
            if not self.places(kind.answers):
                found.append(
                    (
                        kind,
                        Text(
                            "该系统适用的要求项都用不到它", "no requirement that binds the system asks for it"
                        ),
                    )
                )
            elif self.has(kind.when) is False:
                zh = "、".join(trait.zh for trait in kind.when)
                en = " or ".join(trait.en for trait in kind.when)
                found.append((kind, Text(f"该系统没有：{zh}", f"the system has no {en}")))
        return tuple(found)

    def condition(self, traits: Iterable[Trait]) -> Text | None:
        """Give the remark for something that may not exist here; ``None`` when it is known to."""
        named = tuple(traits)
        if self.has(named) is not None:
            return None
        zh = "、".join(trait.zh for trait in named)
        en = " or ".join(trait.en for trait in named)
        return Text(
            f"仅在有下列情形时需要：{zh}；没有的，请注明。",
            f"Needed only with {en}; if that is not the case, say so.",
        )
