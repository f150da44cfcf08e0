"""Small models of every kind of paper; *words* stand wherever a person types."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from reports.paper.model import Subject
from reports.read_model import Counts, Layer, ReportMeta, Severity, Text
from reports.remediation.model import MeasureLine, Problem, RemediationReport, Tally

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=timezone(timedelta(hours=8)))
USUAL = "核查配置并复测"


def meta(title: str) -> ReportMeta:
    """The head of a paper."""
    return ReportMeta(Text(title, f"{title} en"), "SYS-20261125-01", NOW, "secops 0.1.0", "GB/T 28448-2019")


def subject(words: str = "行政审批系统", *, district: bool = False) -> Subject:
    """One system, or three of them."""
    if district:
        return Subject(Text("3 个系统", "3 systems"), "", words[:80] or "x", systems=3)
    return Subject(Text.same(words[:80] or "x"), "SYS", "政务服务局", 3, "S3A3G3", "44060010001-26001")


def counts(examined: int = 60) -> Counts:
    """A hundred items, so many of them examined and compliant."""
    return Counts(compliant=examined, not_examined=100 - examined)


def remediation(
    words: str = USUAL, *, examined: int = 60, district: bool = False, many: int = 6
) -> RemediationReport:
    """Findings of all severities and layers, open and settled."""
    states = (
        ("open", "待处理", "Open"),
        ("submitted", "已提交", "Submitted"),
        ("closed", "已关闭", "Closed"),
    )
    levels, layers = (Severity.HIGH, Severity.MEDIUM, Severity.LOW), tuple(Layer)
    problems = tuple(
        Problem(
            f"P-{n:05}", "行政审批系统", "SYS", Text.same(words), levels[n % 3], layers[n % 4], words, ("L3-CES1-01",), states[n // 2 % 3][0], Text(*states[n // 2 % 3][1:]),
            n // 2 % 3 < 2, n % 4 == 0 and n // 2 % 3 < 2, words, date(2026, 10, 1), date(2026, 11, 1), None if n // 2 % 3 < 2 else date(2026, 11, 2), (words,) if n % 2 else (),
            Text.same(words) if n % 3 else None,
        )
        for n in range(many)
    )  # fmt: skip
    measures = (
        MeasureLine("M-00001", "行政审批系统", words, words, date(2026, 12, 1), False, 1200, ("P-00001",), 0),
    )
    return RemediationReport(
        meta("整改计划"), subject(words if words != USUAL else "行政审批系统", district=district), counts(examined), Tally.of(problems), problems, measures if many else (),
    )  # fmt: skip
