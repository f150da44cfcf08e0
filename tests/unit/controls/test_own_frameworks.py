"""Frameworks, weights and texts an organisation brings itself, from YAML and from tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from controls.editions import compare_editions, migrate, unit_digest
from controls.errors import DataError
from controls.ids import UnitId
from controls.loader import build_catalog, load_catalog
from controls.overlay import (
    FRAMEWORK_COLUMNS,
    OVERLAY_COLUMNS,
    Row,
    WrongRows,
    apply_overlay,
    framework_from_rows,
    overlay_from_rows,
)
from controls.registry import find_frameworks
from controls.sources import Sources
from controls.terms import Importance, Layer, Origin, Verdict

EXAMPLE = Path(__file__).parent / "own_framework"
HEAD = {
    "id": "acme-rules",
    "title": {"zh": "本单位安全规定", "en": "House rules"},
    "edition": "2026",
    "publisher": {"zh": "本单位", "en": "The organisation"},
    "official": False,
    "text_policy": {"zh": "自行编写", "en": "Written in house"},
    "levels": [],
    "scopes": ["general"],
}
GROUPS = {"login": ("登录", "Login")}
CELLS = {
    "id": "login-1",
    "group": "login",
    "name_zh": "口令",
    "name_en": "Passwords",
    "layer": "infrastructure",
    "targets": "server database",
    "summary_zh": "口令不少于十二位。",
    "summary_en": "Passwords have twelve characters or more.",
    "evidence_zh": "配置截图。",
    "evidence_en": "The settings.",
    "steps_zh": "查看配置\n尝试短口令",
    "steps_en": "Read the settings\nTry a short one",
    "importance": "key",
}


def row(number: int, **cells: str) -> Row:
    return Row(number, {**CELLS, **cells})


def test_example_of_the_docs() -> None:
    """The framework shown in the docs loads as it stands there."""
    sources, _ = find_frameworks(Sources(EXAMPLE), ())

    catalog = build_catalog(sources)

    (framework,) = catalog.frameworks
    assert (framework.id, framework.official, framework.levels) == ("acme-house-rules-2026", False, ())
    items = catalog.items(framework.id)
    assert [item.id for item in items] == ["account-leavers", "backup-restore-test"]
    unit = catalog.unit("acme-house-rules-2026/account-leavers")
    assert (len(unit.steps), unit.partial_possible, unit.item) == (2, True, "account-leavers")
    assert items[1].units == ()
    assert items[0].importance_origin is Origin.ORGANISATION


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("group: backup", "group: nowhere", "group: is not one of accounts, backup"),
        ("id: backup-restore-test", "id: account-leavers", "account-leavers stands twice"),
        ("id: backup-restore-test", 'id: "-"', "is not an item id"),
        ("layer: data", "layer: cloudy", "'cloudy' is not one of data"),
        ("expected_items: 2", "expected_items: 3", "there are 2 items"),
        ("code: backup", "code: accounts", "accounts stands twice"),
        ("kind: items", "kind: item", "must be one of"),
        ("levels: []", "levels: [x]", "must be a list of whole numbers"),
    ],
)
def test_wrong_framework_file(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A wrong framework file is refused with line and key."""
    text = (EXAMPLE / "frameworks" / "acme-house-rules-2026" / "framework.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "frameworks" / "acme-house-rules-2026"
    folder.mkdir(parents=True)
    assert old in text
    (folder / "framework.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DataError, match=problem) as caught:
        build_catalog(find_frameworks(Sources(tmp_path), ())[0])

    assert caught.value.line > 0


def test_framework_from_a_table() -> None:
    """A table makes a framework; steps stand one per line, targets are joined by blanks."""
    catalog = framework_from_rows(HEAD, GROUPS, [row(2), row(3, id="login-2", steps_zh="", steps_en="")])

    first, second = catalog.items("acme-rules")
    assert (first.layer, first.importance, second.units) == (Layer.INFRASTRUCTURE, Importance.KEY, ())
    assert [step.text.en for step in catalog.unit("acme-rules/login-1").steps] == [
        "Read the settings",
        "Try a short one",
    ]
    assert set(CELLS) == set(FRAMEWORK_COLUMNS)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"group": "other"}, "group"),
        ({"name_zh": "abc"}, "name_zh"),
        ({"summary_en": "有中文"}, "summary_en"),
        ({"layer": "cloudy"}, "layer"),
        ({"targets": "server toaster"}, "targets"),
        ({"importance": "huge"}, "importance"),
        ({"steps_en": "only one"}, "steps_en"),
    ],
)
def test_wrong_cells(cells: dict[str, str], column: str) -> None:
    """A wrong cell is named by the row the person sees and its column."""
    with pytest.raises(WrongRows) as caught:
        framework_from_rows(HEAD, GROUPS, [row(2, id="other-1"), row(7, **cells)])

    assert [(one.row, one.column) for one in caught.value.errors] == [(7, column)]
    assert f"第 7 行 {column}" in caught.value.zh


def test_all_wrong_cells_at_once() -> None:
    """All faults of a table come together, doubled ids with both rows."""
    with pytest.raises(WrongRows) as caught:
        framework_from_rows(HEAD, GROUPS, [row(2), row(3), row(4, id="x", layer="", group="other")])

    assert [(one.row, one.column) for one in caught.value.errors] == [(3, "id"), (4, "layer"), (4, "group")]
    assert "row 2 too" in str(caught.value)


def test_overlay() -> None:
    """Own weights are marked as the organisation's, own text is kept beside the catalogue."""
    catalog = load_catalog()
    rows = [
        Row(2, dict(zip(OVERLAY_COLUMNS, ("8.1.4.1.a", "关键", "标准原文"), strict=True))),
        Row(3, {"item": "8.1.4.1.b", "importance": "normal"}),
        Row(4, {"item": "8.1.4.1.c"}),
    ]

    overlay = overlay_from_rows(catalog, "gbt-22239-2019", rows)
    items = {item.id: item for item in apply_overlay(catalog.items("gbt-22239-2019", 3), overlay)}

    assert (items["8.1.4.1.a"].importance, items["8.1.4.1.b"].importance) == (
        Importance.KEY,
        Importance.NORMAL,
    )
    assert items["8.1.4.1.a"].importance_origin is Origin.ORGANISATION
    assert items["8.1.4.1.c"].importance_origin is Origin.DEFAULT
    assert overlay.texts == {"8.1.4.1.a": "标准原文"}


def test_wrong_overlay() -> None:
    """Unknown items, doubled items and unknown weights are listed with their rows."""
    rows = [
        Row(2, {"item": "9.9.9.9", "importance": "key"}),
        Row(3, {"item": "8.1.4.1.a", "importance": "huge"}),
        Row(4, {"item": "8.1.4.1.a", "importance": "key"}),
    ]

    with pytest.raises(WrongRows) as caught:
        overlay_from_rows(load_catalog(), "gbt-22239-2019", rows)

    assert [(one.row, one.column) for one in caught.value.errors] == [
        (2, "item"),
        (3, "importance"),
        (4, "item"),
    ]


def test_next_edition_keeps_answers_whose_content_is_the_same() -> None:
    """Moving to a new edition keeps what did not change, also under a new number, and asks for the rest again."""
    old = framework_from_rows(
        HEAD, GROUPS, [row(n, id=f"login-{n}", summary_zh=f"内容{n}。") for n in range(1, 5)]
    )
    new = framework_from_rows(
        HEAD,
        GROUPS,
        [
            row(1, id="login-1", summary_zh="内容1。", evidence_zh="新的提示。"),
            row(2, id="login-2", summary_zh="改过。"),
            row(3, id="login-33", summary_zh="内容3。"),
            row(5, id="login-5", summary_zh="内容5。"),
        ],
    )
    answers = {UnitId(f"acme-rules/login-{n}"): Verdict.COMPLIANT for n in range(1, 5)}

    diff = compare_editions(old, new, "acme-rules")
    moved = migrate(answers, diff)

    assert diff.renamed == (("acme-rules/login-3", "acme-rules/login-33"),)
    assert (diff.changed, diff.added) == (("acme-rules/login-2",), ("acme-rules/login-5",))
    assert diff.removed == ("acme-rules/login-4",)
    assert set(moved.kept) == {"acme-rules/login-1", "acme-rules/login-33"}
    assert set(moved.to_review) == {"acme-rules/login-2", "acme-rules/login-5"}
    assert set(moved.dropped) == {"acme-rules/login-2", "acme-rules/login-4"}


def test_an_edition_does_not_differ_from_itself() -> None:
    """Every unit of the same edition is the same."""
    catalog = load_catalog()

    diff = compare_editions(catalog, catalog, "gbt-28448-2019")

    assert (len(diff.same), diff.changed, diff.added, diff.removed) == (944, (), (), ())
    assert unit_digest(catalog.unit("L3-CES1-01")) != unit_digest(catalog.unit("L3-CES1-02"))
