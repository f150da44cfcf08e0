"""All that a renderer may know of a district: every system somebody may see, with the figures of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reports.paper.model import Subject
from reports.read_model import CountRow, Counts, Layer, ReportMeta, Text

__all__ = [
    "DateLine",
    "DepartmentLine",
    "DistrictReport",
    "LayerFindings",
    "LevelLine",
    "SystemLine",
    "Totals",
]


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of the dashboard; ``of_platform`` open findings are those of this platform itself."""

    systems: int
    unclassified: int
    filed: int
    to_file: int
    evaluated: int
    evaluation_overdue: int
    never_evaluated: int
    internet: int
    lost: int
    cloud: int
    open: int
    high: int
    overdue: int
    submitted: int
    closed: int
    of_platform: int


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One system. ``filing``: ``filed``, ``open`` (to be filed) or ``none``; ``evaluation`` its state in words."""

    code: str
    name: str
    department: str
    level: int | None
    profile: str
    hosting: Text
    filing: str
    evaluation: str
    evaluation_words: Text
    last_evaluation: date | None
    evaluation_due: date | None
    internet: bool
    lost: bool
    is_example: bool
    counts: Counts
    open: int
    high: int
    overdue: int


@dataclass(frozen=True, slots=True)
class LevelLine:
    """Systems of one level, ``None`` for those without."""

    level: int | None
    systems: int
    filed: int
    to_file: int
    evaluated: int
    evaluation_overdue: int
    never_evaluated: int


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """What one department has to do."""

    name: str
    systems: int
    to_file: int
    evaluation_overdue: int
    counts: Counts
    open: int
    high: int
    overdue: int


@dataclass(frozen=True, slots=True)
class LayerFindings:
    """Open findings of one layer by severity."""

    layer: Layer
    high: int
    medium: int
    low: int


@dataclass(frozen=True, slots=True)
class DateLine:
    """A date of one system that comes or has passed."""

    due: date
    is_late: bool
    what: Text
    system: str
    department: str


@dataclass(frozen=True, slots=True)
class DistrictReport:
    """One moment of a district."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    totals: Totals
    classes: tuple[CountRow, ...]
    layers: tuple[LayerFindings, ...]
    levels: tuple[LevelLine, ...]
    departments: tuple[DepartmentLine, ...]
    systems: tuple[SystemLine, ...]
    dates: tuple[DateLine, ...]
