"""Figures are counted once, and a report that contradicts itself is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.errors import InvalidModel
from reports.posture.check import check
from reports.posture.figures import count_findings, summarise, tally
from reports.read_model import CountBasis, Counts, Layer, PostureReport, Severity
from tests.unit.reports.builders import (
    ITEMS_AT_LEVEL_3,
    empty_report,
    hostile_report,
    largest_report,
    typical_report,
)


@pytest.mark.parametrize("basis", list(CountBasis))
def test_classes_and_layers_add_up(basis: CountBasis) -> None:
    """Each item or cell is counted in one class and one layer."""
    report = typical_report()

    summary = summarise(report.items, basis=basis)

    for rows in (summary.by_class, summary.by_layer):
        assert sum(row.counts.total for row in rows) == summary.total.counts.total
    assert [row.code for row in summary.by_layer] == [layer.value for layer in Layer]


def test_items_are_counted_by_their_roll_up() -> None:
    """On the basis of items there are as many as the level has."""
    report = typical_report()

    assert tally(report.items, CountBasis.ITEM).total == ITEMS_AT_LEVEL_3


def test_an_item_without_target_counts_once() -> None:
    """It is not examined, and not lost."""
    report = typical_report()
    bare = [item for item in report.items if not item.cells]

    assert bare
    assert tally(bare, CountBasis.CELL) == Counts(not_examined=len(bare))


def test_closed_findings_are_left_out_of_open_counts() -> None:
    """The chart shows what is still to do."""
    findings = typical_report().findings

    still_open = count_findings(findings)
    everything = count_findings(findings, open_only=False)

    assert sum(map(sum, (row.values() for row in everything.values()))) == len(findings)
    assert sum(map(sum, (row.values() for row in still_open.values()))) == sum(
        not finding.is_closed for finding in findings
    )
    assert still_open[Layer.DATA].keys() <= set(Severity)


@pytest.mark.parametrize("make", [empty_report, typical_report, largest_report, hostile_report])
def test_sound_reports_pass(make: object) -> None:
    """The builders of the tests make sound reports."""
    check(make())  # type: ignore[operator]


def _with_target_gone(report: PostureReport) -> PostureReport:
    return replace(report, targets=report.targets[1:])


def _with_item_twice(report: PostureReport) -> PostureReport:
    return replace(report, items=(*report.items, report.items[0]))


def _with_item_gone(report: PostureReport) -> PostureReport:
    return replace(report, items=report.items[1:])


def _with_other_total(report: PostureReport) -> PostureReport:
    total = report.summary.total
    wrong = replace(total, counts=replace(total.counts, compliant=total.counts.compliant + 1))
    return replace(report, summary=replace(report.summary, total=wrong))


def _with_other_rate(report: PostureReport) -> PostureReport:
    wrong = replace(report.summary.total, conformity_examined=None)
    return replace(report, summary=replace(report.summary, total=wrong))


def _with_classes_swapped(report: PostureReport) -> PostureReport:
    rows = report.summary.by_class
    swapped = (replace(rows[0], code=rows[1].code), replace(rows[1], code=rows[0].code), *rows[2:])
    return replace(report, summary=replace(report.summary, by_class=swapped))


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (_with_target_gone, "items"),
        (_with_item_twice, "items"),
        (_with_item_gone, "summary.total"),
        (_with_other_total, "summary"),
        (_with_other_rate, "summary[all].conformity_examined"),
        (_with_classes_swapped, "summary.by_class"),
    ],
)
def test_a_contradiction_is_refused(damage: object, where: str) -> None:
    """The first place that does not fit is named."""
    with pytest.raises(InvalidModel) as caught:
        check(damage(typical_report()))  # type: ignore[operator]

    assert caught.value.where.startswith(where)
