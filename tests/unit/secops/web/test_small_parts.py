"""Forms, drawings, icons, labels and return addresses."""

from __future__ import annotations

from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from reports.charts import verdict_donut
from reports.read_model import Counts
from secops.errors import BadInput
from secops.web.filters import UnknownIcon, UnsafeDrawing, drawing, file_size, icon, thousands
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.paths import safe_next


def test_form_keeps_what_was_typed_and_the_first_error() -> None:
    """Values come back as typed; of two errors of one field the first stays."""
    form = Form(MultiDict([("name", "  x  "), ("many", "a"), ("many", "b")]))
    assert form.text("name", required=True, least=2) == "x"
    form.fail("name", "另一个", "another")
    form.take(BadInput("总的错误。", "overall", ""))
    assert form.value("name") == "  x  "
    assert form.error("name") == "至少 2 个字符。"
    assert form.error("") == "总的错误。"
    assert form.values("many") == ["a", "b"]
    assert not form.ok


def test_form_checks_each_kind() -> None:
    """Choices come from the list, numbers from the range, dates from the calendar."""
    form = Form({"level": "9", "count": "3.5", "until": "2026-02-30", "role": "", "long": "x" * 11})
    assert form.choice("level", {"2", "3"}) == ""
    assert form.number("count", least=1, most=5) is None
    assert form.day("until") is None
    form.choice("role", {"a"})
    form.text("long", limit=10)
    assert set(form.errors) == {"level", "count", "until", "role", "long"}
    good = Form({"count": "5", "until": "2026-02-28", "empty": ""})
    assert good.number("count", least=1, most=5) == 5
    assert good.day("until", after=date(2026, 2, 27)) == date(2026, 2, 28)
    assert good.number("empty", least=1, most=5, required=False) is None
    assert good.ok


def test_form_starts_with_given_values() -> None:
    """An untouched form shows its start values and no error."""
    form = Form(level=3, ext=("cloud",), note=None)
    assert (form.value("level"), form.values("ext"), form.value("note")) == ("3", ["cloud"], "")
    assert form.ok


@pytest.mark.parametrize(
    "bad",
    [
        "<p>no</p>",
        "<svg><script>x</script></svg>",
        '<svg onload="x"></svg>',
        '<svg><a href="https://example.org/"/></svg>',
        '<svg><a xlink:href="javascript:x"/></svg>',
        '<svg><rect style="fill:red"/></svg>',
        "<svg><style>*{}</style></svg>",
        "<svg><foreignObject/></svg>",
        "<svg></svg><script></script>",
    ],
)
def test_drawings_with_anything_active_are_refused(bad: str) -> None:
    """Only an SVG without script, style, handlers and outside addresses becomes part of a page."""
    with pytest.raises(UnsafeDrawing):
        drawing(bad)


def test_real_charts_pass() -> None:
    """A chart with links to pages of ours is let through unchanged."""
    svg = verdict_donut(Counts(1, 2, 3, 4, 5), link=lambda code, state: f"/systems/?verdict={state}")
    assert drawing(svg) == svg


def test_icons_are_drawn_or_refused() -> None:
    """An icon's title is escaped and read aloud; an unknown name fails where it is written."""
    assert 'aria-hidden="true"' in icon("check2")
    assert 'aria-label="&lt;b&gt;"' in icon("check2", "<b>")
    with pytest.raises(UnknownIcon):
        icon("no-such-icon")


def test_unknown_values_show_as_themselves() -> None:
    """A value that no list knows is shown, not hidden."""
    assert (label("verdict", "odd").text, label("verdict", "odd").tone, label("verdict", None).text) == (
        "odd",
        "plain",
        "",
    )


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "users/",
        "//evil.example/x",
        "/\\evil.example",
        "https://evil.example/",
        "/x\r\nSet-Cookie: a=b",
        "javascript:x",
        "/\t/evil.example",
    ],
)
def test_return_addresses_stay_at_home(target: str | None) -> None:
    """Anything but a plain path of ours leads to the first page."""
    assert safe_next(target) == "/"
    assert safe_next("/users/?q=a&page=2") == "/users/?q=a&page=2"


def test_numbers_read_well() -> None:
    """Sizes take the nearest unit, numbers a comma per thousand."""
    assert (file_size(812), file_size(3_565_158), file_size(None)) == ("812 B", "3.4 MB", "0 B")
    assert (thousands(12408), thousands(None)) == ("12,408", "")
