"""Refuses a posture that contradicts itself, before a document could print two different figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reports.errors import InvalidModel
from reports.posture.figures import tally
from reports.read_model import STATES, WHOLE_SYSTEM, CountRow, Counts, PostureReport, percent


def check(report: PostureReport) -> None:
    """Check references and sums.

    Raises:
        InvalidModel: naming the first place where something points to nothing, appears twice or does not add up.
    """
    for where, problem in _problems(report):
        raise InvalidModel(where, problem)


def _problems(report: PostureReport) -> Iterator[tuple[str, str]]:
    targets = {WHOLE_SYSTEM, *(target.id for target in report.targets)}
    yield from _twice("targets", (target.id for target in report.targets))
    yield from _twice("items", (item.unit_id for item in report.items))
    yield from _twice("findings", (finding.number for finding in report.findings))
    yield from _twice("evidence", (row.number for row in report.evidence))
    for item in report.items:
        where = f"items[{item.unit_id}]"
        yield from _twice(where, (cell.target_id for cell in item.cells))
        for cell in item.cells:
            if cell.target_id not in targets:
                yield where, f"unknown target {cell.target_id!r}"
    for finding in report.findings:
        if unknown := [each for each in finding.target_ids if each not in targets]:
            yield f"findings[{finding.number}]", f"unknown targets: {', '.join(unknown)}"
    yield from _sums(report)


def _twice(where: str, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    for key, times in Counter(ids).items():
        if times > 1:
            yield where, f"{key!r} appears {times} times"


def _sums(report: PostureReport) -> Iterator[tuple[str, str]]:
    summary = report.summary
    for row in (summary.total, *summary.by_class, *summary.by_layer):
        yield from _rates(row)
    for name, rows in (("by_class", summary.by_class), ("by_layer", summary.by_layer)):
        if rows and _added(rows) != summary.total.counts:
            yield f"summary.{name}", "the rows do not add up to the total"
    counted = tally(report.items, summary.basis)
    if counted != summary.total.counts:
        yield "summary.total", f"the items give {counted}, the summary says {summary.total.counts}"
    for row in summary.by_class:
        group = (item for item in report.items if item.class_code == row.code)
        if tally(group, summary.basis) != row.counts:
            yield f"summary.by_class[{row.code}]", "differs from its items"


def _rates(row: CountRow) -> Iterator[tuple[str, str]]:
    counts = row.counts
    if row.conformity_examined != percent(counts.compliant, counts.judged):
        yield f"summary[{row.code}].conformity_examined", "differs from its counts"
    if row.conformity_applicable != percent(counts.compliant, counts.applicable):
        yield f"summary[{row.code}].conformity_applicable", "differs from its counts"


def _added(rows: Iterable[CountRow]) -> Counts:
    listed = tuple(rows)
    return Counts(**{state: sum(row.counts.of(state) for row in listed) for state in STATES})
