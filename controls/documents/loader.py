"""``policies/documents/*.yaml`` → kinds of documents. Errors name file, line and key; nothing is left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from controls.build_head import checked, member
from controls.documents.model import Answer, DocumentKind, Freshness, Limit, Link, Topic
from controls.documents.terms import (
    Field,
    FreshnessRule,
    Holder,
    Judged,
    LinkRule,
    PeriodOrigin,
    Trait,
)
from controls.errors import UnknownId
from controls.ids import UnitId
from controls.reader import Cursor, read_yaml
from controls.terms import TargetKind

__all__ = [
    "DocumentKinds",
    "UnknownDocumentKind",
    "load_kinds",
    "load_kinds_from",
    "read_answers",
    "read_cases",
    "read_checks",
    "read_day",
    "read_months",
    "read_traits",
]

_ID_RE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CHECK_RE = re.compile(r"DOC-[A-Z]{2}-[0-9]{3}")
_CASE_RE = re.compile(r"[67](\.[0-9]{1,2}){3}")
_KEYS = (
    *("id", "checks", "high_risk_cases", "name", "description", "file_names", "target", "holder", "answers"),
    *("when", "requires", "approver", "judged", "topics", "freshness", "cross_references", "looks_at"),
    "samples",
)


class UnknownDocumentKind(UnknownId):
    """No kind of document has this id."""

    kind = "kind of document"
    kind_zh = "文档种类"


class DocumentKinds:
    """All kinds, in the order of their ids."""

    def __init__(self, kinds: Iterable[DocumentKind]) -> None:
        self._kinds = {kind.id: kind for kind in sorted(kinds, key=lambda kind: kind.id)}

    def __iter__(self) -> Iterator[DocumentKind]:
        return iter(self._kinds.values())

    def __len__(self) -> int:
        return len(self._kinds)

    def kind(self, kind_id: str) -> DocumentKind:
        """Give one kind.

        Raises:
            UnknownDocumentKind: there is none with this id.
        """
        try:
            return self._kinds[kind_id]
        except KeyError:
            raise UnknownDocumentKind(kind_id) from None

    def has(self, kind_id: str) -> bool:
        """Say whether there is a kind with this id."""
        return kind_id in self._kinds

    def for_unit(self, unit_id: UnitId) -> tuple[DocumentKind, ...]:
        """Give the kinds that name a unit."""
        return tuple(kind for kind in self if any(answer.unit == unit_id for answer in kind.answers))

    def guess(self, file_name: str) -> tuple[DocumentKind, ...]:
        """Guess the kinds of a file by its name, the longest matching hint first; a person confirms."""
        name = file_name.casefold()
        hits = [
            (-max(len(hint) for hint in found), kind.id)
            for kind in self
            if (found := [hint for hint in kind.file_names if hint.casefold() in name])
        ]
        return tuple(self.kind(kind_id) for _, kind_id in sorted(hits))


@cache
def load_kinds() -> DocumentKinds:
    """Load the shipped kinds, once per process.

    Raises:
        DataError: a file is wrong.
    """
    return load_kinds_from(Path(str(files("policies") / "documents")))


def load_kinds_from(root: Path) -> DocumentKinds:
    """Load the kinds from a folder laid out like the shipped one.

    Raises:
        DataError: a file is wrong, or a cross-reference leads nowhere.
    """
    cursors = {
        path.stem: read_yaml(path, f"documents/{path.name}").cursor() for path in sorted(root.glob("*.yaml"))
    }
    found = {stem: _kind(cursor, stem) for stem, cursor in cursors.items()}
    for stem, cursor in cursors.items():
        _check_links(cursor, found[stem], found)
    return DocumentKinds(found.values())


def read_answers(cursor: Cursor) -> tuple[Answer, ...]:
    """Read a list of units with their steps: ``{unit: L3-PSS1-01, steps: [1]}``."""
    found: list[Answer] = []
    for entry in cursor.each():
        entry.only("unit", "steps")
        unit = checked(entry.at("unit"), UnitId.parse)
        for step in entry.at("steps").each():
            if step.integer() < 1:
                step.fail("must be the number of a step, from 1")
            found.append(Answer(unit, step.integer()))
    if len(set(found)) != len(found):
        cursor.fail("names a step twice")
    return tuple(found)


def _kind(cursor: Cursor, stem: str) -> DocumentKind:
    cursor.only(*_KEYS)
    kind_id = cursor.at("id").string()
    if kind_id != stem or not _ID_RE.fullmatch(kind_id):
        cursor.at("id").fail(f"must equal the file's name {stem}, in small letters, digits and hyphens")
    target = member(cursor.at("target"), TargetKind)
    if target is not TargetKind.DOCUMENT:
        cursor.at("target").fail("must be document")
    requires = tuple(member(one, Field) for one in cursor.at("requires").each())
    approver = cursor.at("approver").text() if cursor.has("approver") else None
    if (approver is None) is (Field.APPROVER in requires):
        cursor.fail("approver must say who approves if, and only if, an approver is required")
    return DocumentKind(
        id=kind_id,
        checks=read_checks(cursor),
        high_risk_cases=read_cases(cursor),
        name=cursor.at("name").text(),
        description=cursor.at("description").text(),
        file_names=cursor.at("file_names").strings(),
        target=target,
        holder=member(cursor.at("holder"), Holder),
        answers=read_answers(cursor.at("answers")),
        when=read_traits(cursor),
        requires=requires,
        approver=approver,
        judged=member(cursor.at("judged"), Judged),
        topics=tuple(_topic(one) for one in cursor.at("topics").each()) if cursor.has("topics") else (),
        freshness=_freshness(cursor.at("freshness"), requires),
        links=tuple(_link(one) for one in cursor.at("cross_references").each())
        if cursor.has("cross_references")
        else (),
        looks_at=cursor.at("looks_at").text(),
    )


def read_checks(cursor: Cursor) -> tuple[str, ...]:
    """Read the rows of the table of checks that something stands for; there may be none."""
    if not cursor.has("checks"):
        return ()
    found = cursor.at("checks").strings()
    for name in found:
        if not _CHECK_RE.fullmatch(name):
            cursor.at("checks").fail(f"{name} is not of the form DOC-PS-001")
    return found


def read_cases(cursor: Cursor) -> tuple[str, ...]:
    """Read the cases of the high-risk guide that something helps to judge; there may be none."""
    if not cursor.has("high_risk_cases"):
        return ()
    found = cursor.at("high_risk_cases").strings()
    for name in found:
        if not _CASE_RE.fullmatch(name):
            cursor.at("high_risk_cases").fail(f"{name} is not of the form 6.10.1.1")
    return found


def read_traits(cursor: Cursor) -> tuple[Trait, ...]:
    """Read the traits that something depends on; none means that every system has it."""
    return tuple(member(one, Trait) for one in cursor.at("when").each()) if cursor.has("when") else ()


def _topic(cursor: Cursor) -> Topic:
    cursor.only("key", "name", "from_level")
    key = cursor.at("key").string()
    if not _ID_RE.fullmatch(key):
        cursor.at("key").fail("must be small letters, digits and hyphens")
    level = cursor.at("from_level").integer() if cursor.has("from_level") else 1
    if not 1 <= level <= 4:
        cursor.at("from_level").fail("must be a level, 1 to 4")
    return Topic(key, cursor.at("name").text(), level)


_DATES = {
    FreshnessRule.AGE: (Field.DATE, Field.REVIEWED, Field.PERIOD),
    FreshnessRule.RHYTHM: (Field.DATE, Field.PERIOD),
    FreshnessRule.VALIDITY: (Field.VALID_UNTIL,),
}


def _freshness(cursor: Cursor, requires: tuple[Field, ...]) -> Freshness:
    rule = member(cursor.at("rule"), FreshnessRule)
    note = cursor.at("note").text()
    if rule is FreshnessRule.ONCE:
        cursor.only("rule", "note")
        return Freshness(rule, None, None, MappingProxyType({}), note)
    cursor.only("rule", "of", "months", "origin", "months_at", "counts_from", "note")
    of = member(cursor.at("of"), Field)
    if of not in _DATES[rule] or of not in requires:
        cursor.at("of").fail("must be a required one of " + ", ".join(_DATES[rule]))
    limit = _limit(cursor) if cursor.has("months") or rule is not FreshnessRule.VALIDITY else None
    if limit is None and cursor.has("origin"):
        cursor.at("origin").fail("says where months come from, and there are none")
    at_levels: dict[int, Limit] = {}
    if cursor.has("months_at"):
        for level, value in cursor.at("months_at").entries():
            if level not in ("1", "2", "3", "4"):
                value.fail("must stand under a level, 1 to 4")
            value.only("months", "origin")
            at_levels[int(level)] = _limit(value)
    counts_from = None
    if cursor.has("counts_from"):
        if limit is None or rule is not FreshnessRule.VALIDITY:
            cursor.at("counts_from").fail("stands with a validity of so many months only")
        counts_from = read_day(cursor.at("counts_from"))
    return Freshness(rule, of, limit, MappingProxyType(at_levels), note, counts_from)


def _limit(cursor: Cursor) -> Limit:
    return Limit(read_months(cursor.at("months")), member(cursor.at("origin"), PeriodOrigin))


def read_day(cursor: Cursor) -> date:
    """Read a day such as 2025-06-30."""
    if type(cursor.value) is not date:
        cursor.fail("must be a day such as 2025-06-30")
    return date.fromisoformat(cursor.value.isoformat())


def read_months(cursor: Cursor) -> int:
    """Read a number of months, 1 to 120."""
    if not 1 <= cursor.integer() <= 120:
        cursor.fail("must be 1 to 120 months")
    return cursor.integer()


def _link(cursor: Cursor) -> Link:
    cursor.only("kind", "rule", "months", "text")
    rule = member(cursor.at("rule"), LinkRule)
    if cursor.has("months") is not (rule is LinkRule.WITHIN):
        cursor.fail("months must stand with within, and only there")
    months = read_months(cursor.at("months")) if cursor.has("months") else None
    return Link(cursor.at("kind").string(), rule, months, cursor.at("text").text())


_NEEDS: Mapping[LinkRule, tuple[tuple[Field, ...], tuple[Field, ...]]] = {
    LinkRule.EXISTS: ((), ()),
    LinkRule.NAMES: ((), (Field.NUMBER,)),
    LinkRule.NOT_BEFORE: ((Field.DATE, Field.PERIOD), (Field.DATE, Field.PERIOD)),
    LinkRule.WITHIN: ((Field.DATE, Field.PERIOD), (Field.DATE, Field.PERIOD)),
    LinkRule.SAME_PARTY: ((Field.COUNTERPARTY,), (Field.COUNTERPARTY,)),
}


def _check_links(cursor: Cursor, kind: DocumentKind, kinds: Mapping[str, DocumentKind]) -> None:
    """Refuse a cross-reference to nothing, to itself, or over values that one side does not carry."""
    for entry, link in zip(
        cursor.at("cross_references").each() if kind.links else (), kind.links, strict=True
    ):
        other = kinds.get(link.kind)
        if other is None or other is kind:
            entry.at("kind").fail(f"there is no other kind {link.kind}")
        for side, needed in zip((kind, other), _NEEDS[link.rule], strict=True):
            if needed and not set(needed) & set(side.requires):
                entry.at("rule").fail(f"{side.id} does not require " + " or ".join(needed))
