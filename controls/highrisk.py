"""The high-risk guide: cases a matched situation of which makes a risk high.

Cases are data and not exhaustive; a person decides. Source: letter 2391 of 2025 (trial).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from controls.build_head import member
from controls.catalog import Text
from controls.errors import UnknownCase, UnknownRuleSet
from controls.ids import UnitId
from controls.reader import Cursor
from controls.sources import builtin_sources
from controls.terms import Downgradable, Origin, Scope

__all__ = [
    "DEFAULT_GUIDE",
    "HighRiskCase",
    "HighRiskGuide",
    "Limit",
    "Situation",
    "Trigger",
    "high_risk_guide",
]

DEFAULT_GUIDE = "highrisk-guide-2025"
Limit = int | str | bool


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation that makes the case.

    ``mitigation`` ``None`` means that nothing lowers it. ``limits`` are the figures a machine can hold
    against what it saw (``password_length_below: 6``); months count from the day of the assessment.
    """

    text: Text
    mitigation: Text | None
    limits: Mapping[str, Limit]


@dataclass(frozen=True, slots=True)
class HighRiskCase:
    """One case of the guide.

    ``units`` maps a level to the units it concerns there. ``condition_scope`` narrows the systems it is
    meant for (business continuity, key industries, which side of a cloud), ``None`` for all.
    ``major_risk_trigger`` is the entry of the major-risk table with the same subject.
    """

    id: str
    title: Text
    scope: Scope
    min_level: int
    condition_scope: str | None
    control_point: str
    units: Mapping[int, tuple[UnitId, ...]]
    situations: tuple[Situation, ...]
    downgradable: Downgradable
    major_risk_trigger: str | None
    note: Text | None

    @property
    def condition(self) -> Text:
        """All situations in one text; any one of them is enough."""
        return Text(
            "；或".join(one.text.zh.rstrip("。") for one in self.situations) + "。",
            "; or: ".join(one.text.en.rstrip(".") for one in self.situations) + ".",
        )

    def applies_at(self, level: int, extensions: Collection[Scope]) -> bool:
        """Say whether the case is one for systems of this level with these extensions."""
        return level >= self.min_level and (self.scope is Scope.GENERAL or self.scope in extensions)

    def stays_high(self, matched: Collection[int], mitigated: Collection[int] = ()) -> bool:
        """Say whether the risk is high.

        Args:
            matched: Places in ``situations``, from 0, that were found.
            mitigated: Those of them whose mitigation a person accepted; one without a mitigation in the
                guide stays high whatever is accepted.
        """
        return any(place not in mitigated or self.situations[place].mitigation is None for place in matched)


@dataclass(frozen=True, slots=True)
class Trigger:
    """An entry of the major-risk table that is no case of the guide."""

    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class HighRiskGuide:
    """One edition of the guide."""

    id: str
    version: str
    title: Text
    source: Text
    origin: Origin
    text_policy: Text
    cases: tuple[HighRiskCase, ...]
    condition_scopes: Mapping[str, Text]
    further_triggers: tuple[Trigger, ...]

    def case(self, case_id: str) -> HighRiskCase:
        """Give one case.

        Raises:
            UnknownCase: the guide has no such number.
        """
        for one in self.cases:
            if one.id == case_id:
                return one
        raise UnknownCase(case_id, f"not in {self.id}")

    def for_system(self, level: int, extensions: Iterable[Scope] = ()) -> tuple[HighRiskCase, ...]:
        """Give the cases for a level with extensions, conditional ones included."""
        chosen = frozenset(extensions)
        return tuple(one for one in self.cases if one.applies_at(level, chosen))

    def for_unit(self, unit_id: UnitId) -> tuple[HighRiskCase, ...]:
        """Give the cases that concern a unit."""
        return tuple(one for one in self.cases if any(unit_id in units for units in one.units.values()))


@cache
def high_risk_guide(guide_id: str = DEFAULT_GUIDE) -> HighRiskGuide:
    """Load a guide.

    Raises:
        UnknownRuleSet: no such guide.
        DataError: its file is wrong.
    """
    sources = builtin_sources()
    known = [name.removeprefix("highrisk/").removesuffix(".yaml") for name in sources.names("highrisk")]
    if guide_id not in known:
        raise UnknownRuleSet(guide_id, "known: " + ", ".join(known))
    root = sources.document(f"highrisk/{guide_id}.yaml").cursor()
    scopes = {key: text.text() for key, text in root.at("condition_scopes").entries()}
    return HighRiskGuide(
        id=root.at("id").string(),
        version=root.at("version").string(),
        title=root.at("title").text(),
        source=root.at("source").text(),
        origin=member(root.at("origin"), Origin),
        text_policy=root.at("text_policy").text(),
        cases=tuple(_case(cursor, scopes) for cursor in root.at("cases").each()),
        condition_scopes=MappingProxyType(scopes),
        further_triggers=tuple(
            Trigger(cursor.at("id").string(), cursor.at("title").text())
            for cursor in root.at("further_triggers").each()
        ),
    )


_CASE_KEYS = (
    "id",
    "title",
    "scope",
    "min_level",
    "condition_scope",
    "control_point",
    "units",
    "downgradable",
    "major_risk_trigger",
    "situations",
    "note",
)


def _case(cursor: Cursor, scopes: Mapping[str, Text]) -> HighRiskCase:
    cursor.only(*_CASE_KEYS)
    situations = tuple(_situation(one) for one in cursor.at("situations").each())
    downgradable = member(cursor.at("downgradable"), Downgradable)
    if downgradable is not _computed(situations):
        cursor.at("downgradable").fail(
            f"must be {_computed(situations)} by the mitigations of its situations"
        )
    narrowed = cursor.at("condition_scope").string() if cursor.has("condition_scope") else None
    if narrowed is not None and narrowed not in scopes:
        cursor.at("condition_scope").fail("is not one of " + ", ".join(scopes))
    return HighRiskCase(
        id=cursor.at("id").string(),
        title=cursor.at("title").text(),
        scope=member(cursor.at("scope"), Scope),
        min_level=cursor.at("min_level").integer(),
        condition_scope=narrowed,
        control_point=cursor.at("control_point").string(),
        units=MappingProxyType(
            {
                int(level): tuple(UnitId.parse(unit) for unit in units.strings())
                for level, units in cursor.at("units").entries()
            }
        ),
        situations=situations,
        downgradable=downgradable,
        major_risk_trigger=cursor.at("major_risk_trigger").string()
        if cursor.has("major_risk_trigger")
        else None,
        note=cursor.at("note").text() if cursor.has("note") else None,
    )


def _situation(cursor: Cursor) -> Situation:
    cursor.only("text", "mitigation", "limits")
    limits: dict[str, Limit] = {}
    if cursor.has("limits"):
        for key, value in cursor.at("limits").entries():
            if not isinstance(value.value, (int, str, bool)):
                value.fail("must be a whole number, a text, or true or false")
            limits[key] = value.value
    mitigation = cursor.at("mitigation").text() if cursor.has("mitigation") else None
    return Situation(cursor.at("text").text(), mitigation, MappingProxyType(limits))


def _computed(situations: Iterable[Situation]) -> Downgradable:
    kinds = {one.mitigation is not None for one in situations}
    if kinds == {True}:
        return Downgradable.YES
    return Downgradable.NO if kinds == {False} else Downgradable.PART
