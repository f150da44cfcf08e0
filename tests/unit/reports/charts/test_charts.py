"""Charts are clean, self-contained SVG whose numbers, titles and links are those they were given."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from reports import charts
from reports.charts import MatrixRow
from reports.charts._canvas import UnsafeLink
from reports.posture.figures import count_findings
from reports.read_model import STATES, CountRow, Counts, Layer, Severity, Text, TrendPoint
from tests.unit.reports.builders import HOSTILE, typical_report

SVG = "{http://www.w3.org/2000/svg}"
REPORT = typical_report()
ROWS = REPORT.summary.by_class
MATRIX = [MatrixRow(f"L3-CES1-{n:02}", "身份鉴别", STATES[n % 5], (*STATES, "")) for n in range(8)]

Draw = Callable[..., str]
CHARTS: dict[str, Draw] = {
    "verdict_bars": lambda **more: charts.verdict_bars(ROWS, **more),
    "verdict_donut": lambda **more: charts.verdict_donut(REPORT.summary.total.counts, **more),
    "conformity_radar": lambda **more: charts.conformity_radar(ROWS, **more),
    "trend_lines": lambda **more: charts.trend_lines(REPORT.trend, **more),
    "finding_bars": lambda **more: charts.finding_bars(count_findings(REPORT.findings), **more),
    "verdict_matrix": lambda **more: charts.verdict_matrix(
        MATRIX, ["T1", "T2", "T3", "T4", "T5", "T6"], **more
    ),
}
EMPTY: dict[str, Draw] = {
    "verdict_bars": lambda **more: charts.verdict_bars([], **more),
    "verdict_donut": lambda **more: charts.verdict_donut(Counts(), **more),
    "conformity_radar": lambda **more: charts.conformity_radar([], **more),
    "trend_lines": lambda **more: charts.trend_lines([], **more),
    "finding_bars": lambda **more: charts.finding_bars({}, **more),
    "verdict_matrix": lambda **more: charts.verdict_matrix([], [], **more),
}
ALLOWED = {
    *("svg", "title", "desc", "defs", "pattern", "g", "a", "rect", "circle", "path", "text"),
}


def parse(svg: str) -> ET.Element:
    """Read a chart as XML."""
    return ET.fromstring(svg)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("standalone", [True, False])
@pytest.mark.parametrize("name", sorted(CHARTS))
def test_only_harmless_elements_and_attributes(name: str, standalone: bool, language: str) -> None:
    """No script, style sheet, inline style, handler or outside resource, so any policy lets it through."""
    root = parse(
        CHARTS[name](language=language, standalone=standalone, link=lambda group, state: "/x?a=1&b=2")
    )

    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ALLOWED
        for attribute, value in element.attrib.items():
            assert not attribute.lower().startswith("on")
            assert attribute != "style"
            assert "//" not in value
            assert "url(" not in value or value.startswith("url(#")


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_the_same_data_gives_the_same_drawing(name: str) -> None:
    """No date, random id or order of a set gets in."""
    assert CHARTS[name](standalone=True) == CHARTS[name](standalone=True)


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_ids_are_unique_and_references_resolve(name: str) -> None:
    """Every pattern that is used exists in the same drawing."""
    svg = CHARTS[name]()
    ids = re.findall(r'\bid="([^"]+)"', svg)

    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids)


def test_two_charts_on_one_page_share_no_id() -> None:
    """Prefixes differ as soon as the data differ."""
    all_ids = [each for name in CHARTS for each in re.findall(r'\bid="([^"]+)"', CHARTS[name]())]

    assert len(all_ids) == len(set(all_ids))


@pytest.mark.parametrize("name", sorted(EMPTY))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_data_is_a_drawing_too(name: str, language: str) -> None:
    """Nothing to show gives a sound drawing instead of an error."""
    root = parse(EMPTY[name](language=language, standalone=True))

    assert root.find(f"{SVG}title") is not None


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_every_label_lies_inside(name: str) -> None:
    """By the estimate of its width no text leaves the drawing, in either language."""
    from reports.text import width_em

    for language in ("zh", "en"):
        root = parse(CHARTS[name](language=language))
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        base = float(root.attrib["font-size"])
        for text in root.iter(f"{SVG}text"):
            size = float(text.get("font-size", base))
            long = width_em(text.text or "") * size
            left = (
                float(text.attrib["x"])
                - {"start": 0, "middle": long / 2, "end": long}[text.attrib["text-anchor"]]
            )
            assert left >= -2, text.text
            assert left + long <= width + 2, text.text
            assert size * 0.5 <= float(text.attrib["y"]) <= height, text.text


def test_bars_name_group_state_and_number() -> None:
    """Every part of a bar has a title, and its link leads to the group and state."""
    root = parse(charts.verdict_bars(ROWS, link=lambda group, state: f"/items?class={group}&state={state}"))
    titles = [each.findtext(f"{SVG}title") or "" for each in root.iter(f"{SVG}g")]
    links = [each.attrib["href"] for each in root.iter(f"{SVG}a")]
    parts = [(row.code, state) for row in ROWS for state in STATES if row.counts.of(state)]

    assert len(titles) == len(parts)
    assert titles[0].startswith(f"安全物理环境 · 符合 {ROWS[0].counts.compliant} (")
    assert links == [f"/items?class={code}&state={state}" for code, state in parts]


def test_bars_are_as_long_as_their_numbers() -> None:
    """Widths are in proportion over all rows."""
    rows = [
        CountRow.of("a", Text.same("a"), Counts(compliant=10, not_examined=30)),
        CountRow.of("b", Text.same("b"), Counts(compliant=20)),
    ]
    root = parse(charts.verdict_bars(rows))
    widths = [
        float(each.attrib["width"])
        for each in root.iter(f"{SVG}rect")
        if each.get("class") == "chart-compliant"
    ]

    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)


def test_states_differ_without_colour() -> None:
    """Apart from one solid state every state has its own pattern."""
    row = CountRow.of("a", Text.same("a"), Counts(5, 5, 5, 5, 5))
    root = parse(charts.verdict_bars([row]))
    fills = {
        each.attrib["class"]: each.attrib["fill"]
        for each in root.iter(f"{SVG}rect")
        if "chart-" in each.get("class", "")
    }
    fills.pop("chart-plate")

    assert len(set(fills.values())) == 5
    assert sum(fill.startswith("url(#") for fill in fills.values()) == 4


def test_a_full_ring_is_drawn() -> None:
    """A single state fills the whole ring instead of vanishing."""
    root = parse(charts.verdict_donut(Counts(compliant=3)))
    (ring,) = [each for each in root.iter(f"{SVG}path") if each.get("class") == "chart-compliant"]

    start, *_ = re.findall(r"M([\d.]+) ([\d.]+)", ring.attrib["d"])
    end = re.findall(r"A[\d. ]+? 0 1 1 ([\d.]+) ([\d.]+)", ring.attrib["d"])[0]
    assert start != end


def test_a_class_without_result_has_no_point() -> None:
    """The radar leaves a gap; it never draws a zero for what nobody looked at."""
    rows = [
        CountRow.of("a", Text.same("a"), Counts(compliant=1)),
        CountRow.of("b", Text.same("b"), Counts(na=4)),
        CountRow.of("c", Text.same("c"), Counts(non_compliant=1)),
        CountRow.of("d", Text.same("d"), Counts(compliant=1)),
    ]
    root = parse(charts.conformity_radar(rows))
    dots = [
        each.findtext(f"{SVG}title") or ""
        for each in root.iter(f"{SVG}g")
        if each.find(f"{SVG}circle") is not None
    ]

    assert [dot.split(" ")[0] for dot in dots] == ["a", "c", "d"]
    assert "（无判定）" in {text.text for text in root.iter(f"{SVG}text")}


def test_radar_spokes_run_clockwise_from_the_top() -> None:
    """The second class lies to the right of the first."""
    rows = [CountRow.of(c, Text.same(c), Counts(compliant=1)) for c in "abcd"]
    root = parse(charts.conformity_radar(rows))
    dots = {
        (each.findtext(f"{SVG}title") or "")[0]: each.find(f"{SVG}circle")
        for each in root.iter(f"{SVG}g")
        if each.find(f"{SVG}circle") is not None
    }
    spots = {
        name: (float(dot.attrib["cx"]), float(dot.attrib["cy"]))
        for name, dot in dots.items()
        if dot is not None
    }

    assert spots["a"][1] < spots["b"][1] < spots["c"][1]
    assert spots["b"][0] > spots["a"][0] > spots["d"][0]
    assert spots["b"][0] - spots["a"][0] == pytest.approx(spots["c"][1] - spots["b"][1], abs=0.1)


def test_a_gap_in_the_trend_stays_a_gap() -> None:
    """A day without a rate has no point and lifts the pen."""
    points = [
        TrendPoint(date(2026, 1, day), Decimal(day), None if day == 3 else Decimal(50), 10 - day)
        for day in (1, 2, 3, 8, 9)
    ]
    root = parse(charts.trend_lines(points))
    titles = [each.findtext(f"{SVG}title") or "" for each in root.iter(f"{SVG}g")]
    lines = [each.attrib["d"] for each in root.iter(f"{SVG}path") if each.get("stroke-width") == "2"]

    assert sum("符合率" in title for title in titles) == 4
    assert [line.count("M") for line in lines] == [1, 2, 1]


def test_the_trend_keeps_distances_in_time() -> None:
    """Five days take five times the way of one."""
    points = [TrendPoint(date(2026, 1, day), Decimal(0), Decimal(0), 0) for day in (1, 2, 7)]
    root = parse(charts.trend_lines(points))
    (first, second, third) = [
        float(m[0])
        for m in re.findall(
            r"[ML]([\d.]+) ",
            next(
                each.attrib["d"] for each in root.iter(f"{SVG}path") if each.get("stroke-width") == "2"
            ).replace("M", "M"),
        )
        for m in [[m]]
    ]

    assert third - second == pytest.approx(5 * (second - first), rel=0.02)


def test_unsorted_and_doubled_days_are_put_in_order() -> None:
    """The later entry of one day counts."""
    points = [
        TrendPoint(date(2026, 1, 2), Decimal(20), Decimal(20), 1),
        TrendPoint(date(2026, 1, 1), Decimal(10), Decimal(10), 1),
        TrendPoint(date(2026, 1, 2), Decimal(30), Decimal(30), 1),
    ]
    svg = charts.trend_lines(points)

    assert svg.index("2026-01-01 · ") < svg.index("2026-01-02 · ")
    assert "30.0" in svg
    assert "20.0" not in svg


def test_findings_show_rare_severities_only_when_they_occur() -> None:
    """Critical and info are in the legend when some finding has them."""
    with_critical = charts.finding_bars({Layer.DATA: {Severity.CRITICAL: 1}}, language="en")
    without = charts.finding_bars({Layer.DATA: {Severity.HIGH: 1}}, language="en")

    assert "Critical" in with_critical
    assert "Critical" not in without


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example/x", " JavaScript:x"]
)
def test_links_to_code_or_other_hosts_are_refused(address: str) -> None:
    """A chart links to pages of this site or to plain web addresses."""
    with pytest.raises(UnsafeLink):
        charts.verdict_donut(Counts(compliant=1), link=lambda group, state: address)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_labels_come_out_as_text(name: str) -> None:
    """Markup in a label is text, and what cannot be shown does not break the drawing."""
    words = HOSTILE[name]
    rows = [CountRow.of(words, Text.same(words), Counts(compliant=2, partial=1)) for _ in range(3)]

    for svg in (charts.verdict_bars(rows), charts.conformity_radar(rows)):
        root = parse(svg)
        assert {each.tag.removeprefix(SVG) for each in root.iter()} <= ALLOWED


def test_a_compact_matrix_is_a_few_shapes() -> None:
    """Without marks the size does not grow with an element per cell."""
    rows = [MatrixRow(f"L3-{n}", "x", STATES[n % 5], STATES * 6) for n in range(100)]
    codes = [f"T{n}" for n in range(30)]

    compact = parse(charts.verdict_matrix(rows, codes, marks=False))
    full = parse(charts.verdict_matrix(rows, codes))

    assert sum(1 for each in compact.iter() if (each.get("class") or "").startswith("chart-")) < 450
    assert sum(1 for each in full.iter(f"{SVG}g")) == 100 * 31


def test_a_standalone_chart_is_a_file() -> None:
    """It names its size and font; the inline one leaves both to the page."""
    alone = charts.verdict_donut(Counts(compliant=1), standalone=True)
    inline = charts.verdict_donut(Counts(compliant=1))

    assert alone.startswith("<?xml")
    assert parse(alone).attrib["width"] == "470"
    assert inline.startswith("<svg")
    assert "font-family" not in parse(inline).attrib
