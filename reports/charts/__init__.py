"""Charts as SVG text, drawn on the server, the same for a web page, a PDF and a Word file.

``standalone=False`` gives an element to put inside HTML: no script, no ``<style>``, no ``style=`` attribute, no
handler, no outside resource, so a strict content security policy has nothing to refuse; colours are presentation
attributes, and the classes ``chart-…`` let a page's own style sheet override them.
``standalone=True`` gives a file of its own, with size and font named.
"""

from reports.charts.bars import Segment, StackRow, finding_bars, stacked_bars, verdict_bars
from reports.charts.donut import verdict_donut
from reports.charts.matrix import MatrixRow, verdict_matrix
from reports.charts.radar import conformity_radar
from reports.charts.trend import trend_lines

__all__ = [
    "MatrixRow",
    "Segment",
    "StackRow",
    "conformity_radar",
    "finding_bars",
    "stacked_bars",
    "trend_lines",
    "verdict_bars",
    "verdict_donut",
    "verdict_matrix",
]
