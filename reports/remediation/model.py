"""All that a renderer may know of the remediation of a system, or of all systems somebody may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from reports.paper.model import Subject
from reports.read_model import Counts, Layer, ReportMeta, Severity, Text

__all__ = ["MeasureLine", "Problem", "RemediationReport", "Tally"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. ``state`` is its key, ``state_words`` what it is called.

    ``is_open``: somebody still has to do something. ``accepted``: its risk is borne. ``note`` is what was last said.
    """

    number: str
    system: str
    system_code: str
    title: Text
    severity: Severity
    layer: Layer
    target: str
    units: tuple[str, ...]
    state: str
    state_words: Text
    is_open: bool
    is_overdue: bool
    owner: str
    opened_on: date
    due_on: date | None
    closed_on: date | None
    measures: tuple[str, ...]
    advice: Text | None
    high_risk_case: str = ""


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure; ``findings`` are the numbers it is meant to close, ``closed`` how many of them are. Cost in CNY."""

    number: str
    system: str
    text: str
    owner: str
    due_on: date
    is_overdue: bool
    cost: int | None
    findings: tuple[str, ...]
    closed: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Findings counted; ``settled`` are those that need nothing more (closed, false alarm, risk borne, verified)."""

    total: int = 0
    open: int = 0
    high: int = 0
    overdue: int = 0
    submitted: int = 0
    settled: int = 0

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Tally:
        """Count these."""
        listed = list(problems)
        live = [one for one in listed if one.is_open]
        return cls(
            total=len(listed),
            open=len(live),
            high=sum(one.severity is Severity.HIGH for one in live),
            overdue=sum(one.is_overdue for one in live),
            submitted=sum(one.state == "submitted" for one in live),
            settled=len(listed) - len(live),
        )


@dataclass(frozen=True, slots=True)
class RemediationReport:
    """Findings with their owners, dates and measures, as they stood at ``meta.generated_at``.

    ``tally`` is what the pages show; :meth:`group` counts parts of the same list.
    """

    meta: ReportMeta
    subject: Subject
    counts: Counts
    tally: Tally
    problems: tuple[Problem, ...] = ()
    measures: tuple[MeasureLine, ...] = ()

    def group(self, key: Callable[[Problem], str]) -> dict[str, Tally]:
        """The same figures of each group, in the order in which the groups first come."""
        groups: dict[str, list[Problem]] = {}
        for one in self.problems:
            groups.setdefault(key(one), []).append(one)
        return {name: Tally.of(listed) for name, listed in groups.items()}
