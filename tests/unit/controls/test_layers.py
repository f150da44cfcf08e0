"""The plan's three layers: each a matrix whose cells are filled, in our own words, and marked as such."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from controls.build_plain import build_plain
from controls.catalog import Catalog, Group, Matrix, Text
from controls.errors import DataError
from controls.loader import load_catalog
from controls.registry import FrameworkSource
from controls.sources import Sources
from controls.terms import Layer

FOUR_VIEWS = "MGT TEC OPS SUP"
# Layer, letter of its ids, rows, columns, items, items with steps of their own.
LAYERS = [
    ("data-layer", Layer.DATA, "D", "COL TRA STO USE EXC DES", FOUR_VIEWS, 50, 5),
    ("application-layer", Layer.APPLICATION, "A", "REQ DES DEV TST REL OPS RET", FOUR_VIEWS, 59, 3),
    ("management-layer", Layer.MANAGEMENT, "M", "DES EXE SUP", "ORG PER POL CMP RSP", 49, 2),
]
IDS = [layer[0] for layer in LAYERS]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def matrix_of(catalog: Catalog, framework: str) -> Matrix:
    found = catalog.framework(framework).matrix
    assert found is not None
    return found


@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
def test_rows_and_columns(catalog: Catalog, layer: tuple[str, Layer, str, str, str, int, int]) -> None:
    """Rows and columns are those of the plan, in its order, and the groups are the cells row by row."""
    framework, _, _, rows, columns, _, _ = layer

    matrix = matrix_of(catalog, framework)

    assert [row.code for row in matrix.rows] == rows.split()
    assert [column.code for column in matrix.columns] == columns.split()
    assert [group.code for group in catalog.framework(framework).groups] == [
        f"{row}-{column}" for row in rows.split() for column in columns.split()
    ]


@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
def test_cells_are_filled(catalog: Catalog, layer: tuple[str, Layer, str, str, str, int, int]) -> None:
    """Every cell holds two to four items, numbered from 1 in their cell and filed under it."""
    framework, own_layer, letter, _, _, count, _ = layer
    items = catalog.items(framework)

    per_cell = Counter(item.class_code for item in items)

    assert len(items) == count
    assert set(per_cell) == {group.code for group in catalog.framework(framework).groups}
    assert set(per_cell.values()) <= {2, 3, 4}
    expected = [f"{letter}-{cell}-{n}" for cell, found in per_cell.items() for n in range(1, found + 1)]
    assert [item.id for item in items] == expected
    assert {item.layer for item in items} == {own_layer}
    assert {item.level for item in items} == {0}


@pytest.mark.parametrize("framework", IDS)
def test_marked_as_our_own(catalog: Catalog, framework: str) -> None:
    """A layer is not official, and says in both languages that it is a reading of a plan."""
    head = catalog.framework(framework)

    assert not head.official
    assert "解读" in head.publisher.zh
    assert "Our own reading" in head.publisher.en
    assert "不是任何机构发布的标准" in head.text_policy.zh


@pytest.mark.parametrize("framework", IDS)
def test_every_hint_is_there(catalog: Catalog, framework: str) -> None:
    """Each item says what is true, what convinces, who holds it, what is usually missing, and on what targets."""
    for item in catalog.items(framework):
        family = catalog.family(item.family)
        texts = (item.control_point.name, item.summary, family.evidence, family.holder, family.gaps)
        for text in texts:
            assert re.search("[\u4e00-\u9fff]", text.zh), item.id
            assert re.search("[A-Za-z]", text.en), item.id
            assert not re.search("[\u4e00-\u9fff]", text.en), item.id
        assert family.targets, item.id
        assert len(item.summary.zh) <= 120, item.id
        assert not re.match("应(?!急|用)", item.summary.zh), item.id


@pytest.mark.parametrize("framework", IDS)
def test_texts_stand_once(catalog: Catalog, framework: str) -> None:
    """No two items of a layer share a name, a summary, an evidence hint or a gap."""
    for read in (
        lambda item: item.control_point.name,
        lambda item: item.summary,
        lambda item: catalog.family(item.family).evidence,
        lambda item: catalog.family(item.family).gaps,
    ):
        for language in ("zh", "en"):
            texts = Counter(getattr(read(item), language) for item in catalog.items(framework))
            assert [text for text, times in texts.items() if times > 1] == []


@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
def test_units(catalog: Catalog, layer: tuple[str, Layer, str, str, str, int, int]) -> None:
    """The few items with steps of their own make one unit each, named after framework and item."""
    framework, _, _, _, _, _, count = layer
    units = catalog.units(framework)

    assert len(units) == count
    assert [unit.id for unit in units] == [f"{framework}/{unit.item}" for unit in units]
    assert all(unit.methods and unit.targets for unit in units)


# --- the matrix in a framework file -----------------------------------------------------------------------

HEAD = """\
id: my-matrix
kind: items
title: {zh: 矩阵, en: Matrix}
edition: "1"
publisher: {zh: 本单位, en: We}
official: false
text_policy: {zh: 自行编写, en: Our own}
levels: []
scopes: [general]
"""
MATRIX = """\
matrix:
  rows:
  - {code: A, name: {zh: 甲, en: First}}
  - {code: B, name: {zh: 乙, en: Second}}
  columns:
  - {code: X, name: {zh: 左, en: Left}}
"""
ITEMS = """\
items:
- id: one
  group: B-X
  name: {zh: 一项, en: One}
  layer: data
  summary: {zh: 成立, en: It holds}
  evidence: {zh: 记录, en: Records}
"""


def build(folder: Path, text: str) -> Catalog:
    (folder / "framework.yaml").write_text(text, encoding="utf-8")
    built = build_plain(FrameworkSource("my-matrix", "", Sources(folder), ""))
    return Catalog(built.frameworks, built.items, built.units, built.families)


def test_cells_become_groups(tmp_path: Path) -> None:
    """A matrix makes one group per cell, named after its row and column."""
    found = build(tmp_path, HEAD + MATRIX + ITEMS)

    assert found.framework("my-matrix").groups == (
        Group("A-X", Text("甲 · 左", "First · Left")),
        Group("B-X", Text("乙 · 左", "Second · Left")),
    )
    assert found.group_of(found.item("one", "my-matrix")).name.en == "Second · Left"


def test_a_list_of_groups_is_no_matrix(tmp_path: Path) -> None:
    """A framework with groups of its own has no matrix."""
    groups = "groups:\n- {code: B-X, name: {zh: 组, en: Group}}\n"

    assert build(tmp_path, HEAD + groups + ITEMS).framework("my-matrix").matrix is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            HEAD + MATRIX + "groups:\n- {code: A, name: {zh: 组, en: Group}}\n" + ITEMS,
            "follow from the matrix",
        ),
        (HEAD + MATRIX.replace("code: B", "code: A") + ITEMS, "A stands twice"),
        (HEAD + MATRIX + ITEMS.replace("B-X", "B-Y"), "is not one of A-X, B-X"),
        (HEAD + MATRIX + "  depth: []\n" + ITEMS, "is not a known key"),
        (HEAD + "matrix:\n  rows:\n  - {code: A, name: {zh: 甲, en: First}}\n" + ITEMS, "is missing"),
        (HEAD + ITEMS, "is missing"),
    ],
)
def test_wrong_matrix(tmp_path: Path, text: str, problem: str) -> None:
    """Groups beside a matrix, a doubled row, an unknown cell, an unknown or missing key: named with their place."""
    with pytest.raises(DataError, match=problem):
        build(tmp_path, text)
