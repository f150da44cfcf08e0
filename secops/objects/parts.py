"""Pieces that the pages of systems and the dashboard share: verdict bars, flags, rows for charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app
from markupsafe import Markup

from controls.terms import SecurityClass
from reports.read_model import STATES, CountRow, Counts, Layer, Text
from secops.objects.models import System
from secops.objects.queries import units_of
from secops.posture.catalogue import selection_for
from secops.posture.services import counts_of
from secops.reporting.posture_model import label_text
from secops.web.labels import Label, label
from secops.web.lang import listed, t

Part = tuple[str, str, int, str]

FLAGS: dict[str, Label] = {
    "lost": Label("失去维护", "Lost maintainer", "bad", "person-x"),
    "elsewhere": Label("他方运行", "Run elsewhere", "info", "box-arrow-up-right"),
    "internet": Label("面向互联网", "Internet-facing", "warn", "globe2"),
    "example": Label("示例", "Example"),
}
SYSTEM_STATES: dict[str, Label] = {
    "planned": Label("规划中", "Planned", "mute", "pencil-square"),
    "running": Label("运行中", "Running", "good"),
    "retired": Label("已停用", "Retired", "mute", "archive"),
}
LAYERS = tuple(layer.value for layer in Layer)


def macro(name: str, *values: Any, **named: Any) -> Markup:
    """One of the shared macros as markup, for a cell of a table."""
    module: Any = current_app.jinja_env.get_template("secops/_macros.html").module
    return Markup(str(getattr(module, name)(*values, **named)).strip())  # the macro has escaped its values


def flags_of(system: System) -> list[str]:
    """Keys of :data:`FLAGS` that hold for *system*."""
    held = {
        "lost": system.lost_maintainer,
        "elsewhere": system.run_elsewhere,
        "internet": system.internet_facing,
        "example": system.is_example,
    }
    return [key for key in FLAGS if held[key]]


def flag_badges(system: System) -> Markup:
    return Markup("").join(_flag_list(system))


def _flag_list(system: System) -> list[Markup]:
    return [macro("example") if key == "example" else macro("badge", FLAGS[key]) for key in flags_of(system)]


def flag_words(system: System) -> str:
    return listed(FLAGS[key].text for key in flags_of(system))


def verdict_parts(counts: Counts, where: Callable[[str], str] | None = None) -> list[Part]:
    """Parts for the macros ``stack`` and ``legend``, in the order of the states."""
    return [
        (
            label("verdict", state).tone,
            label("verdict", state).text,
            counts.of(state),
            where(state) if where else "",
        )
        for state in STATES
    ]


def summary_counts(row: Any) -> Counts | None:
    """Counts of a row that carries the five numbers of a summary; None for a system without one."""
    if row is None or row.compliant is None:
        return None
    return Counts(row.compliant, row.partial, row.non_compliant, row.na, row.not_examined)


def row_counts(row: Any) -> Counts | None:
    """Counts of a row of the list: a classified system whose posture was never worked out has nothing examined."""
    found = summary_counts(row)
    if found is None and row.System.profile:
        return Counts(not_examined=len(units_of(row.System)))
    return found


def open_groups(profile: str, extensions: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """By class and by layer: the items that bind such a system, none of them examined."""
    units = selection_for(profile, extensions).units if profile else ()
    by_class = Counter(str(unit.class_code) for unit in units)
    by_layer = Counter(unit.layer.value for unit in units)
    return (
        {code: {"not_examined": number} for code, number in by_class.items()},
        {layer: {"not_examined": number} for layer, number in by_layer.items()},
    )


def class_rows(by_class: Mapping[str, Any]) -> list[CountRow]:
    """Rows for the chart per class, in the order of the standard."""
    return [
        CountRow.of(
            member.value, Text(member.label("zh"), member.label("en")), counts_of(by_class[member.value])
        )
        for member in SecurityClass
        if member.value in by_class
    ]


def layer_rows(by_layer: Mapping[str, Any]) -> list[CountRow]:
    """Rows for the chart per layer."""
    return [
        CountRow.of(layer, label_text("layer", layer), counts_of(by_layer[layer]))
        for layer in LAYERS
        if layer in by_layer
    ]


def summed(groups: list[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Add up the groups of many summaries."""
    total: dict[str, dict[str, int]] = {}
    for group in groups:
        for code, numbers in group.items():
            into = total.setdefault(code, dict.fromkeys(STATES, 0))
            for state in STATES:
                into[state] += int(numbers.get(state, 0))
    return total


def share_text(part: int, whole: int) -> str:
    """``62.5 %``; a dash when there is nothing to divide by."""
    from reports.read_model import percent

    found = percent(part, whole)
    return "—" if found is None else f"{found.normalize():f}%" if found in (0, 100) else f"{found}%"


def count_words(number: int, zh: str, en: str) -> str:
    return t(f"{number:,} {zh}", f"{number:,} {en}")
