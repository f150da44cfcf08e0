"""All that a renderer may know of the gaps of one system."""

from __future__ import annotations

from dataclasses import dataclass

from reports.paper.model import Subject
from reports.read_model import CountRow, Counts, Layer, ReportMeta, Text, Verdict

__all__ = ["GapItem", "GapReport", "MissingPaper", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """One target where an item is not met or nobody looked; ``name`` is None for the system as a whole."""

    name: Text
    verdict: Verdict | None
    reason: Text


@dataclass(frozen=True, slots=True)
class GapItem:
    """One requirement item; ``places`` are the targets that keep it from being met.

    ``evidence`` counts the pieces given for it, ``findings`` are the numbers of its open findings,
    ``cases`` those of the high-risk guide that concern it.
    """

    unit: str
    clause: str
    class_code: str
    class_name: Text
    point: Text
    summary: Text
    layer: Layer
    verdict: Verdict | None
    targets: int
    places: tuple[Place, ...]
    evidence: int
    findings: tuple[str, ...]
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MissingPaper:
    """A document to be given: who holds it, what to do, why, and which units wait for it.

    ``condition`` is set when it is not known whether the system has such a thing.
    """

    holder: Text
    name: Text
    action: Text
    why: tuple[Text, ...]
    condition: Text | None
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GapReport:
    """All items that bind the system with their state; figures are counted from these items."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    classes: tuple[CountRow, ...]
    layers: tuple[CountRow, ...]
    items: tuple[GapItem, ...] = ()
    papers: tuple[MissingPaper, ...] = ()

    def with_verdict(self, *verdicts: Verdict | None) -> tuple[GapItem, ...]:
        """Items in these states, None for those that nobody examined."""
        return tuple(one for one in self.items if one.verdict in verdicts)
