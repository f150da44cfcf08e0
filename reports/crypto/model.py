"""All that a renderer may know of a crypto self-assessment. Figures come from the scoring and are only printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from reports.paper.model import Subject
from reports.read_model import CountRow, Counts, ReportMeta, Text, Verdict

__all__ = ["CryptoReport", "CryptoUnit", "Judged", "RuleResult"]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule makes of the records. ``is_chosen``: the assessment was begun under this one, else for comparison.

    ``score`` None: ``why_none`` says why. ``layers`` follow those of the report.
    """

    edition: Text
    year: str
    is_chosen: bool
    score: Decimal | None
    technical: Decimal | None
    management: Decimal | None
    conclusion: Text | None
    why_none: Text | None
    layers: tuple[Decimal | None, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One unit on one target. ``d`` effective use, ``a`` algorithm, ``k`` key management; None where not answered or not asked."""

    target: Text
    verdict: Verdict | None
    d: bool | None
    a: bool | None
    k: bool | None
    ra: str
    rk: str
    compensated_by: str
    text: str
    assessor: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CryptoUnit:
    """One unit of the framework; ``scores``, ``weights`` and ``costs`` have one entry per rule of the report.

    ``cost`` is what the unit takes from the total of 100. ``verdict`` None: some target was not examined.
    """

    number: str
    layer: str
    name: Text
    summary: Text
    is_technical: bool
    verdict: Verdict | None
    weights: tuple[Decimal, ...]
    scores: tuple[Decimal | None, ...]
    costs: tuple[Decimal | None, ...]
    judged: tuple[Judged, ...]
    risk: Text | None
    analysis: str


@dataclass(frozen=True, slots=True)
class CryptoReport:
    """One crypto self-assessment as it stood; ``layers`` count units by state."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    number: str
    title: str
    begins_on: date
    closed_at: datetime | None
    lead: str
    high_risks: int
    rules: tuple[RuleResult, ...]
    layers: tuple[CountRow, ...]
    units: tuple[CryptoUnit, ...]
