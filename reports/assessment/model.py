"""All that a renderer may know of an assessment. Frozen values; figures come from the scoring and are only printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from reports.read_model import Counts, Importance, Layer, ReportMeta, SystemInfo, Text, Verdict, percent

__all__ = [
    "AssessmentReport",
    "ClassLine",
    "Conclusion",
    "Gap",
    "Given",
    "MadeGood",
    "PointLine",
    "Record",
    "Target",
]


@dataclass(frozen=True, slots=True)
class Target:
    """A target of testing and evaluation; ``code`` is what records refer to, ``reason`` why it was chosen."""

    code: str
    name: Text
    kind: Text
    address: str
    importance: Importance | None
    reason: Text


@dataclass(frozen=True, slots=True)
class Record:
    """One unit on one target. ``verdict`` None: not examined. ``text`` is what the assessor wrote."""

    target: str
    unit: str
    clause: str
    class_code: str
    point: Text
    summary: Text
    verdict: Verdict | None
    effective: Verdict | None
    text: str
    is_draft: bool
    methods: tuple[Text, ...]
    evidence: tuple[str, ...]
    assessor: str


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One class (or layer of the crypto framework): cells by verdict, and the official figure where there is one."""

    code: str
    name: Text
    counts: Counts
    figure: Decimal | None
    figure_is_rate: bool


@dataclass(frozen=True, slots=True)
class PointLine:
    """One control point. Source: GB/T 28449-2018, 8.2.2."""

    class_name: Text
    clause: str
    name: Text
    verdict: Verdict
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class Gap:
    """One unit that is not met, with its risk. ``level`` None: nobody has analysed it. ``cost`` in CNY."""

    unit: str
    point: Text
    summary: Text
    layer: Layer
    targets: tuple[str, ...]
    worst: Verdict
    level: Text | None
    cases: tuple[str, ...]
    major: bool
    fixed: bool
    analysis: str
    cost: int | None


@dataclass(frozen=True, slots=True)
class MadeGood:
    """A shortfall made good elsewhere. Source: GB/T 28448-2019, chapter 11."""

    unit: str
    target: str
    by_unit: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Given:
    """A unit settled before the start: excluded, or inherited from a provider."""

    unit: str
    words: Text


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The figures of the conclusion page; None where the edition knows none, or nothing can be concluded yet."""

    edition: Text
    conclusion: str
    rate: Decimal | None
    score: Decimal | None
    high: int
    medium: int
    major: int
    major_fixed: int
    why_none: Text | None
    outlook: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class AssessmentReport:
    """One assessment, as it stood when the report was asked for; frozen for good once it is closed."""

    meta: ReportMeta
    system: SystemInfo
    number: str
    title: str
    begins_on: date
    ends_on: date | None
    closed_at: datetime | None
    lead: str
    assessors: tuple[str, ...]
    units: int
    conclusion: Conclusion
    counts: Counts
    classes: tuple[ClassLine, ...]
    points: tuple[PointLine, ...]
    targets: tuple[Target, ...]
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...]
    made_good: tuple[MadeGood, ...]
    given: tuple[Given, ...]
    items_not_examined: int
    before: tuple[Text, ...] = ()
    scans: tuple[Text, ...] = ()

    @property
    def examined_percent(self) -> Decimal | None:
        """Share of the cells that somebody judged, percent 0–100."""
        return percent(self.counts.examined, self.counts.total)

    @property
    def is_draft(self) -> bool:
        """Not closed, or more than half unexamined: the report is headed 草稿."""
        return self.closed_at is None or self.counts.not_examined * 2 > self.counts.total
