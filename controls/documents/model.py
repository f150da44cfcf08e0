"""Kinds of documents, and the records of documents that were given. Frozen values, no file, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, Literal

from controls.catalog import Text
from controls.documents.terms import (
    Field,
    FreshnessRule,
    Holder,
    Judged,
    LinkRule,
    PeriodOrigin,
    ReviewState,
    Trait,
)
from controls.ids import UnitId
from controls.terms import TargetKind

__all__ = [
    "ABSENT",
    "Absent",
    "Answer",
    "DocumentKind",
    "DocumentRecord",
    "Freshness",
    "Limit",
    "Link",
    "Period",
    "Stated",
    "Topic",
]


class Absent(Enum):
    """The type of ``ABSENT``."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""Somebody looked, and it does not stand on the document. ``None`` says that nobody looked."""

_Absent = Literal[Absent.ABSENT]


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day that a document covers."""

    start: date
    end: date


Stated = str | date | int | Period | _Absent | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A step of a unit that a document or a look speaks to; ``step`` counts from 1."""

    unit: UnitId
    step: int


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that the documents of a kind must cover together, ticked by whoever takes them in.

    Below ``from_level`` no requirement asks for it.
    """

    key: str
    name: Text
    from_level: int = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of months, and where it comes from."""

    months: int
    origin: PeriodOrigin


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a document may be.

    ``of`` is the date that counts (date, last review, last day covered, or validity), ``None`` for what does
    not age. What was never reviewed since it was made counts from its date. ``limit`` is ``None`` where the
    document itself says how long it holds. ``limits_at`` holds levels with another limit. ``counts_from`` is
    the earliest day from which months of validity run. ``note`` says what the number rests on.
    """

    rule: FreshnessRule
    of: Field | None
    limit: Limit | None
    limits_at: Mapping[int, Limit]
    note: Text
    counts_from: date | None = None

    def limit_for(self, level: int) -> Limit | None:
        """Give the limit that holds at a level."""
        return self.limits_at.get(level, self.limit)


@dataclass(frozen=True, slots=True)
class Link:
    """How a document must agree with one of another kind; ``months`` is set for ``within`` only."""

    kind: str
    rule: LinkRule
    months: int | None
    text: Text


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of document.

    ``high_risk_cases`` names cases of the high-risk guide whose condition it helps to judge. ``when`` empty:
    every system has it; else systems with at least one of these traits. ``checks`` names
    rows of the table of checks. ``approver`` says who approves, ``None`` where nobody has to.
    """

    id: str
    checks: tuple[str, ...]
    high_risk_cases: tuple[str, ...]
    name: Text
    description: Text
    file_names: tuple[str, ...]
    target: TargetKind
    holder: Holder
    answers: tuple[Answer, ...]
    when: tuple[Trait, ...]
    requires: tuple[Field, ...]
    approver: Text | None
    judged: Judged
    topics: tuple[Topic, ...]
    freshness: Freshness
    links: tuple[Link, ...]
    looks_at: Text

    def topics_at(self, level: int) -> tuple[Topic, ...]:
        """Give what the documents must cover at a level."""
        return tuple(topic for topic in self.topics if topic.from_level <= level)


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What was read off one document, and where it stands in review.

    Every value has three states: what stands there, ``ABSENT`` (somebody looked, it does not stand there),
    ``None`` (nobody looked). ``approver`` means a name with signature or seal. ``refers_to`` holds numbers
    or record ids of other documents, ``topics`` the keys that the document covers; ``None`` for both means
    that nobody said. A record that declares absence with topics speaks of these only.
    """

    id: str
    kind: str
    review: ReviewState
    number: str | _Absent | None = None
    version: str | _Absent | None = None
    issuer: str | _Absent | None = None
    approver: str | _Absent | None = None
    dated: date | _Absent | None = None
    reviewed_on: date | _Absent | None = None
    period: Period | _Absent | None = None
    valid_until: date | _Absent | None = None
    review_interval_months: int | _Absent | None = None
    participants: str | _Absent | None = None
    counterparty: str | _Absent | None = None
    qualification: str | _Absent | None = None
    topics: frozenset[str] | None = None
    refers_to: tuple[str, ...] | None = None

    def stated(self, field: Field) -> Stated:
        """Give the value of one field."""
        value: Stated = getattr(self, _ATTRIBUTES[field])
        return value

    @property
    def day(self) -> date | _Absent | None:
        """The day that places the document in time: its date, else the last day it covers."""
        if isinstance(self.dated, date):
            return self.dated
        if isinstance(self.period, Period):
            return self.period.end
        return self.period if self.dated is None else self.dated


_ATTRIBUTES: Mapping[Field, str] = {
    Field.NUMBER: "number",
    Field.VERSION: "version",
    Field.ISSUER: "issuer",
    Field.APPROVER: "approver",
    Field.DATE: "dated",
    Field.REVIEWED: "reviewed_on",
    Field.PERIOD: "period",
    Field.VALID_UNTIL: "valid_until",
    Field.REVIEW_INTERVAL: "review_interval_months",
    Field.PARTICIPANTS: "participants",
    Field.COUNTERPARTY: "counterparty",
    Field.QUALIFICATION: "qualification",
}
