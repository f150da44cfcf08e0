"""Counts the items of a posture into the summary that reports and pages show alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reports.read_model import (
    CountBasis,
    CountRow,
    Counts,
    FindingRow,
    ItemResult,
    Layer,
    Severity,
    Summary,
    Text,
    Verdict,
)
from reports.terms import LAYER_NAMES

ALL_LABEL = Text("合计", "All")


def verdicts_of(item: ItemResult, basis: CountBasis) -> tuple[Verdict | None, ...]:
    """Give what one item adds to a count: its roll-up, or one entry per target.

    An item without any target counts once in either case.
    """
    if basis is CountBasis.ITEM or not item.cells:
        return (item.verdict,)
    return tuple(cell.verdict for cell in item.cells)


def tally(items: Iterable[ItemResult], basis: CountBasis) -> Counts:
    """Count all states of some items."""
    return Counts.tally(verdict for item in items for verdict in verdicts_of(item, basis))


def summarise(items: Sequence[ItemResult], *, basis: CountBasis = CountBasis.CELL) -> Summary:
    """Make the summary of all items; classes in order of first appearance, layers in their fixed order."""
    classes: dict[str, list[ItemResult]] = {}
    for item in items:
        classes.setdefault(item.class_code, []).append(item)
    return Summary(
        basis,
        CountRow.of("all", ALL_LABEL, tally(items, basis)),
        tuple(CountRow.of(code, group[0].class_name, tally(group, basis)) for code, group in classes.items()),
        tuple(
            CountRow.of(layer.value, LAYER_NAMES[layer], tally((i for i in items if i.layer is layer), basis))
            for layer in Layer
        ),
    )


def count_findings(
    findings: Iterable[FindingRow], *, open_only: bool = True
) -> Mapping[Layer, Mapping[Severity, int]]:
    """Count findings by layer and severity, in the shape that :func:`reports.charts.finding_bars` takes."""
    counts: dict[Layer, dict[Severity, int]] = {layer: {} for layer in Layer}
    for finding in findings:
        if open_only and finding.is_closed:
            continue
        row = counts[finding.layer]
        row[finding.severity] = row.get(finding.severity, 0) + 1
    return counts
