"""The drawings of the PDF: charts of the summary, and the matrix cut into pages."""

from __future__ import annotations

from dataclasses import dataclass

from reports import charts
from reports.posture.figures import count_findings
from reports.posture.shapes import View
from reports.posture.words import word
from reports.read_model import Language, PostureReport

#: Columns of targets that fit beside the item on a landscape page, and rows on the first and on later pages.
_COLUMNS = 30
_FIRST_ROWS = 30
_ROWS = 36


@dataclass(frozen=True, slots=True)
class MatrixPart:
    """The matrix for one block of targets: its first and last code, and a drawing per page."""

    first: str
    last: str
    files: tuple[str, ...]
    alt: str


def draw_charts(report: PostureReport, language: Language) -> dict[str, bytes]:
    """Draw the charts by the file names that the template uses."""
    summary, lang = report.summary, language.value
    drawings = {
        "donut.svg": charts.verdict_donut(summary.total.counts, language=lang, standalone=True),
        "classes.svg": charts.verdict_bars(summary.by_class, language=lang, standalone=True),
        "radar.svg": charts.conformity_radar(summary.by_class, language=lang, standalone=True),
        "layers.svg": charts.verdict_bars(summary.by_layer, language=lang, standalone=True),
        "trend.svg": charts.trend_lines(report.trend, language=lang, standalone=True),
        "findings.svg": charts.finding_bars(count_findings(report.findings), language=lang, standalone=True),
    }
    return {name: drawing.encode() for name, drawing in drawings.items()}


def draw_matrix(view: View, language: Language) -> tuple[list[MatrixPart], dict[str, bytes]]:
    """Draw the matrix, block by block of targets and page by page of items."""
    if not view.matrix_fits:
        return [], {}
    items = [item for group in view.items for item in group.items]
    codes = [target.code for target in view.targets]
    parts: list[MatrixPart] = []
    drawings: dict[str, bytes] = {}
    for left in range(0, len(codes), _COLUMNS):
        columns = codes[left : left + _COLUMNS]
        names = []
        start = 0
        while start < len(items):
            end = start + (_FIRST_ROWS if start == 0 else _ROWS)
            rows = [
                charts.MatrixRow(item.unit, item.point, item.state, item.signs[left : left + _COLUMNS])
                for item in items[start:end]
            ]
            name = f"matrix-{left}-{start}.svg"
            drawing = charts.verdict_matrix(
                rows, columns, language=language.value, standalone=True, marks=False
            )
            drawings[name] = drawing.encode()
            names.append(name)
            start = end
        alt = word("cap_matrix", language, first=columns[0], last=columns[-1])
        parts.append(MatrixPart(columns[0], columns[-1], tuple(names), alt))
    return parts, drawings
