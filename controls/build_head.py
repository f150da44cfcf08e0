"""What all kinds of frameworks share: the head file, verdict rules, closed lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from controls.catalog import (
    ALL_STEPS,
    AssessmentStep,
    AssessmentUnit,
    Family,
    Framework,
    Group,
    Matrix,
    Reference,
    RequirementItem,
    VerdictRule,
)
from controls.ids import FrameworkId
from controls.reader import Cursor
from controls.registry import FrameworkSource
from controls.terms import Scope, Term

__all__ = [
    "Built",
    "HEAD_KEYS",
    "count_places",
    "head_cursor",
    "make_head",
    "member",
    "read_rule",
    "read_steps",
]

TermT = TypeVar("TermT", bound=Term)
ValueT = TypeVar("ValueT")

HEAD_KEYS = (
    "id",
    "kind",
    "title",
    "edition",
    "publisher",
    "official",
    "text_policy",
    "levels",
    "scopes",
    "advice",
)


@dataclass(slots=True)
class Built:
    """What a builder gives to the loader; ``missing`` names what is not written yet."""

    frameworks: list[Framework] = field(default_factory=list)
    items: list[RequirementItem] = field(default_factory=list)
    units: list[AssessmentUnit] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(self, other: Built) -> None:
        """Take in what another builder gave."""
        self.frameworks += other.frameworks
        self.items += other.items
        self.units += other.units
        self.families += other.families
        self.missing += other.missing


Counts = dict[int, dict[Scope, tuple[int, int]]]


def count_places(items: Iterable[RequirementItem], units: Iterable[AssessmentUnit]) -> Counts:
    """Count (items, units) per level and scope."""
    counts: Counts = {}
    for item in items:
        at_level = counts.setdefault(item.level, {})
        found = at_level.get(item.scope, (0, 0))
        at_level[item.scope] = (found[0] + 1, found[1])
    for unit in units:
        at_level = counts.setdefault(unit.level, {})
        found = at_level.get(unit.scope, (0, 0))
        at_level[unit.scope] = (found[0], found[1] + 1)
    return counts


def head_cursor(source: FrameworkSource) -> Cursor:
    """Open the head of a framework."""
    name = f"{source.folder}/framework.yaml" if source.folder else "framework.yaml"
    return source.sources.document(name).cursor()


def make_head(
    cursor: Cursor,
    groups: Iterable[Group],
    counts: Counts,
    references: tuple[Reference, ...] = (),
    matrix: Matrix | None = None,
) -> Framework:
    """Make the frozen head from a ``framework.yaml``."""
    advice = {
        int(level): text.text()
        for level, text in (cursor.at("advice").entries() if cursor.has("advice") else ())
    }
    levels = cursor.at("levels").value
    if not isinstance(levels, list) or not all(isinstance(level, int) for level in levels):
        cursor.at("levels").fail("must be a list of whole numbers, empty for a framework without levels")
    return Framework(
        id=checked(cursor.at("id"), FrameworkId.parse),
        title=cursor.at("title").text(),
        edition=cursor.at("edition").string(),
        publisher=cursor.at("publisher").text(),
        text_policy=cursor.at("text_policy").text(),
        levels=tuple(levels),
        scopes=tuple(member(scope, Scope) for scope in cursor.at("scopes").each()),
        groups=tuple(groups),
        official=cursor.at("official").boolean(),
        units_in=FrameworkId(cursor.at("units_in").string()) if cursor.has("units_in") else None,
        items_in=FrameworkId(cursor.at("items_in").string()) if cursor.has("items_in") else None,
        advice=advice,
        counts=counts,
        references=references,
        matrix=matrix,
    )


def checked(cursor: Cursor, parse: Callable[[str], ValueT]) -> ValueT:
    """Read a text through a parser, turning its ValueError into one with file and line."""
    text = cursor.string()
    try:
        return parse(text)
    except ValueError as error:
        cursor.fail(str(error))


def member(cursor: Cursor, kind: type[TermT]) -> TermT:
    """Read a member of a closed list."""
    try:
        return kind(cursor.value)
    except ValueError:
        cursor.fail(f"{cursor.value!r} is not one of " + ", ".join(str(one) for one in kind))


def read_rule(cursor: Cursor, step_count: int) -> VerdictRule:
    """Read ``all`` or a list of alternatives over step numbers written as texts."""
    if cursor.value == "all":
        return ALL_STEPS
    known = {str(number) for number in range(1, step_count + 1)}
    alternatives: list[tuple[int, ...]] = []
    for alternative in cursor.each():
        numbers = alternative.strings()
        if not known.issuperset(numbers) or len(set(numbers)) != len(numbers):
            alternative.fail(f"must name steps 1 to {step_count} as texts, each once")
        alternatives.append(tuple(int(number) for number in numbers))
    return VerdictRule(tuple(alternatives))


def read_steps(cursor: Cursor) -> tuple[AssessmentStep, ...]:
    """Read a list of steps, numbered from 1."""
    return tuple(AssessmentStep(number, step.text()) for number, step in enumerate(cursor.each(), start=1))
