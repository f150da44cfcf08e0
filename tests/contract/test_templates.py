"""What every template keeps to: macros only, two languages, nothing that the content security policy refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import secops
from secops.web import filters
from secops.web.gate import permissions
from secops.web.labels import LABELS, TONE_ICONS

FOLDER = Path(secops.__file__).parent / "templates" / "secops"
STATIC = Path(secops.__file__).parent / "static" / "secops"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
PAGES = [path for path in TEMPLATES if not path.name.startswith("_")]
# The one place where a table may be written.
TABLE_FILE = "_table.html"

BANS = {
    "inline style": re.compile(r"\sstyle\s*=", re.I),
    "inline handler": re.compile(r"<[^>{]*\son[a-z]+\s*=", re.I),
    "script address": re.compile(r"javascript:", re.I),
    "outside address": re.compile(r"https?://|(?:src|href)\s*=\s*[\"']//", re.I),
    "unescaped data": re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\(", re.I),
    "style element": re.compile(r"<style|<link[^>]*stylesheet[^>]*(?!url_for)href=\"(?!\{\{)", re.I),
    "script without nonce or file": re.compile(
        r"<script(?![^>]*(?:nonce=\"\{\{ csp_nonce \}\}\"|src=\"\{\{ url_for))", re.I
    ),
}
# t("…", "…"), where each half may be one of two by a condition.
_HALF = r"""(?:"[^"]*"|'[^']*')(?:\s+if\s+[^"']+?\s+else\s+(?:"[^"]*"|'[^']*'))?"""
PAIR = re.compile(rf"\bt\(\s*{_HALF}\s*,\s*{_HALF}\s*\)")
# Words that are the same in both languages, or are no words.
SAME = {"EN", "Excel (.xlsx)", "CSV (UTF-8)", "MB"}


def _text(path: Path) -> str:
    """The template without its comments."""
    return re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("ban", BANS)
def test_template_holds_nothing_banned(path: Path, ban: str) -> None:
    """No template has inline style or handlers, outside addresses, or data that escapes escaping."""
    found = BANS[ban].search(_text(path))
    assert found is None, f"{path.name}: {ban}: {found.group(0) if found else ''}"


@pytest.mark.parametrize(
    "sample",
    [
        ("inline style", '<p style="color:red">'),
        ("inline handler", '<a href="#" onclick="go()">'),
        ("script address", '<a href="javascript:go()">'),
        ("outside address", '<img src="https://example.org/x.png">'),
        ("outside address", '<script src="//example.org/x.js">'),
        ("unescaped data", "{{ name | safe }}"),
        ("style element", "<style>p{}</style>"),
        ("script without nonce or file", "<script>go()</script>"),
    ],
    ids=lambda sample: sample[1],
)
def test_bans_find_what_they_are_for(sample: tuple[str, str]) -> None:
    """Each ban finds an example of what it forbids, so the checks above are not empty."""
    assert BANS[sample[0]].search(sample[1])


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if path.name != TABLE_FILE], ids=lambda path: path.name
)
def test_tables_come_from_the_macro(path: Path) -> None:
    """A table is written in the macro file only."""
    assert not re.search(r"<(table|thead|tbody|tr|td)\b", _text(path), re.I)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_words_come_in_pairs(path: Path) -> None:
    """Chinese stands only as the first half of a pair, and no English word stands without its Chinese."""
    text = PAIR.sub("", _text(path))
    # A language's own name is the same in every language.
    text = re.sub(r"[\"']中文[\"']", "", text)
    assert not re.search(r"[\u3400-\u9fff]", text), f"{path.name}: Chinese outside a pair"
    # The one macro that writes attributes alone.
    text = re.sub(r"\{% macro _about.*?\{%- endmacro %\}", "", text, flags=re.S)
    # What is left between tags, without expressions, is words that nobody can switch.
    left = re.sub(r"<script\b.*?</script>|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", "\n", text, flags=re.S)
    words = {line.strip() for line in left.splitlines() if re.search(r"[A-Za-z]{2}", line)}
    assert words <= SAME, f"{path.name}: {words - SAME}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_named_icons_and_endpoints_exist(path: Path) -> None:
    """An icon or an endpoint that a template names by hand exists."""
    text = _text(path)
    for name in re.findall(r"icon\(\s*\"([a-z0-9-]+)\"", text) + re.findall(r"symbol=\"([a-z0-9-]+)\"", text):
        assert filters.icon(name)
    known = {endpoint for endpoint, _ in permissions().rules}
    for endpoint in re.findall(r"url_for\(\s*[\"']([A-Za-z.]+)[\"']", text):
        assert endpoint in known, f"{path.name}: {endpoint} is not in permissions.yaml"


def test_label_icons_exist() -> None:
    """Every closed list's value has a tone with an icon that exists."""
    for kind, values in LABELS.items():
        for value, label in values.items():
            assert label.tone in TONE_ICONS, f"{kind}.{value}"
            assert label.zh, f"{kind}.{value}"
            assert label.en, f"{kind}.{value}"
            if label.symbol:
                assert filters.icon(label.symbol)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_stands_on_the_base(path: Path) -> None:
    """Each page extends the one base, at once or through a frame of its feature, and between them they fill its blocks."""
    if path.name == "base.html":
        return
    text = ""
    while path.name != "base.html":
        text += _text(path)
        parent = re.match(r"\s*{% extends \"secops/([a-z_]+\.html)\" %}", _text(path))
        assert parent, path.name
        path = FOLDER / parent.group(1)
    assert "{% block title %}" in text
    assert "{% block content %}" in text


def test_macros_are_documented_and_shown() -> None:
    """Every macro is named in the list on top of its file and shown on the component page."""
    source = (FOLDER / "_macros.html").read_text(encoding="utf-8")
    top = source.split("#}", 1)[0]
    shown = "".join(
        (FOLDER / name).read_text(encoding="utf-8")
        for name in ("components.html", "component.html", "component_progress.html")
    )
    for macro in Environment().parse(source).find_all(nodes.Macro):
        if macro.name.startswith("_"):
            continue
        assert re.search(rf"\b{macro.name}\b", top), f"{macro.name} is not in the list"
        assert f"ui.{macro.name}(" in shown, f"{macro.name} is not on the component page"


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours ``#rrggbb`` as WCAG 2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "mute", "open")),
        ("ink", "ground"),
        ("ink-2", "paper"),
        ("ink-2", "paper-2"),
        ("ink-3", "paper"),
        ("ink-3", "paper-2"),
        ("ink-3", "ground"),
        ("accent-ink", "accent-soft"),
        ("accent-ink", "paper"),
        ("side-ink", "side"),
        ("paper", "accent"),
        ("paper", "bad-fill"),
    ],
)
def test_colours_are_readable(ink: str, paper: str) -> None:
    """Each pair of text and ground that the style sheet uses has the contrast of level AA."""
    css = (STATIC / "app.css").read_text(encoding="utf-8")
    tokens = dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})\b", css))
    assert contrast(tokens[ink], tokens[paper]) >= 4.5


def test_own_files_reach_no_other_host() -> None:
    """Style sheet and script name no address of another host, and the script stays small."""
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(\s*[\"']?//|@import", text), path.name
    assert len((STATIC / "app.js").read_text(encoding="utf-8").splitlines()) < 500
    assert "innerHTML" not in re.sub(
        r"box\.innerHTML = fresh\.innerHTML", "", (STATIC / "app.js").read_text(encoding="utf-8")
    )
