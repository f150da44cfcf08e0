"""What an organisation lays over a framework: own weights, own text of the standard, own items.

Rows come from a CSV file or, read by the application, from a spreadsheet. Every wrong cell is named with its
row and column; nothing of a table with a wrong cell is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from controls.catalog import Catalog, RequirementItem
from controls.errors import ControlsError, UnknownItem
from controls.ids import ItemId
from controls.loader import build_catalog
from controls.registry import FrameworkSource
from controls.sources import Sources
from controls.terms import Importance, Layer, Origin, TargetKind

__all__ = [
    "FRAMEWORK_COLUMNS",
    "OVERLAY_COLUMNS",
    "Overlay",
    "Row",
    "RowError",
    "WrongRows",
    "apply_overlay",
    "framework_from_rows",
    "overlay_from_rows",
]

OVERLAY_COLUMNS = ("item", "importance", "text")
FRAMEWORK_COLUMNS = (
    "id",
    "group",
    "name_zh",
    "name_en",
    "layer",
    "targets",
    "summary_zh",
    "summary_en",
    "evidence_zh",
    "evidence_en",
    "steps_zh",
    "steps_en",
    "importance",
)
_NEEDED = (
    "id",
    "group",
    "name_zh",
    "name_en",
    "layer",
    "summary_zh",
    "summary_en",
    "evidence_zh",
    "evidence_en",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table with the number the person sees, and its cells by column."""

    number: int
    cells: Mapping[str, str]

    def cell(self, column: str) -> str:
        """Give a cell without surrounding blanks, ``""`` when it is empty or absent."""
        return self.cells.get(column, "").strip()


@dataclass(frozen=True, slots=True)
class RowError:
    """One wrong cell."""

    row: int
    column: str
    problem: str
    problem_zh: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.problem}"


class WrongRows(ControlsError):
    """A table with wrong cells, all of them listed."""

    def __init__(self, errors: tuple[RowError, ...]) -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return "; ".join(map(str, self.errors))

    @property
    def zh(self) -> str:
        return "；".join(f"第 {one.row} 行 {one.column}：{one.problem_zh}" for one in self.errors)


@dataclass(frozen=True, slots=True)
class Overlay:
    """Own importance and own text per item of one framework. The text stays with the organisation."""

    framework: str
    importance: Mapping[ItemId, Importance] = field(default_factory=dict)
    texts: Mapping[ItemId, str] = field(default_factory=dict)


def overlay_from_rows(catalog: Catalog, framework: str, rows: Iterable[Row]) -> Overlay:
    """Read rows with the columns ``item``, ``importance``, ``text``; empty cells leave things as they are.

    Raises:
        WrongRows: an unknown item, an item that stands twice, or an unknown importance.
    """
    errors: list[RowError] = []
    importance: dict[ItemId, Importance] = {}
    texts: dict[ItemId, str] = {}
    seen: set[ItemId] = set()
    for row in rows:
        item = _known_item(catalog, framework, row, errors)
        if item is None:
            continue
        if item in seen:
            errors.append(RowError(row.number, "item", f"{item} stands twice", f"{item} 出现两次"))
        seen.add(item)
        weight = row.cell("importance")
        found = next((one for one in Importance if weight in (one.value, one.zh, one.en)), None)
        if found is not None:
            importance[item] = found
        elif weight:
            known = ", ".join(f"{one} ({one.zh})" for one in Importance)
            errors.append(RowError(row.number, "importance", f"is not one of {known}", f"不是 {known} 之一"))
        if row.cell("text"):
            texts[item] = row.cell("text")
    if errors:
        raise WrongRows(tuple(errors))
    return Overlay(framework, importance, texts)


def _known_item(catalog: Catalog, framework: str, row: Row, errors: list[RowError]) -> ItemId | None:
    text = row.cell("item")
    try:
        return catalog.item(text, framework).id
    except UnknownItem:
        errors.append(
            RowError(
                row.number, "item", f"no item {text!r} in {framework}", f"{framework} 没有要求项 {text!r}"
            )
        )
        return None


def apply_overlay(items: Iterable[RequirementItem], overlay: Overlay) -> tuple[RequirementItem, ...]:
    """Give the items with the organisation's weights, marked as such."""
    return tuple(
        replace(item, importance=overlay.importance[item.id], importance_origin=Origin.ORGANISATION)
        if item.framework == overlay.framework and item.id in overlay.importance
        else item
        for item in items
    )


def framework_from_rows(
    head: Mapping[str, Any], groups: Mapping[str, tuple[str, str]], rows: Iterable[Row]
) -> Catalog:
    """Make a framework of its own from a table.

    Args:
        head: What ``framework.yaml`` says above its groups and items: id, title, edition, publisher, …
        groups: Code → (Chinese name, English name).
        rows: With the columns ``FRAMEWORK_COLUMNS``. ``targets`` are joined by blanks; steps stand one per
            line in their cell, as many in Chinese as in English.

    Returns:
        A catalogue with this one framework.

    Raises:
        WrongRows: cells are wrong.
        DataError: the head is wrong.
    """
    errors: list[RowError] = []
    items = [_framework_item(row, groups, errors) for row in rows]
    numbers: dict[str, int] = {}
    for row_item in items:
        first = numbers.setdefault(row_item["id"], row_item["_row"])
        if first != row_item["_row"]:
            problem = f"{row_item['id']} stands in row {first} too"
            errors.append(RowError(row_item["_row"], "id", problem, f"{row_item['id']} 与第 {first} 行重复"))
    if errors:
        raise WrongRows(tuple(sorted(errors, key=lambda one: one.row)))
    for row_item in items:
        del row_item["_row"]
    document = {
        **head,
        "kind": "items",
        "groups": [{"code": code, "name": {"zh": zh, "en": en}} for code, (zh, en) in groups.items()],
        "items": items,
    }
    sources = Sources(Path(), {"framework.yaml": document})
    return build_catalog([FrameworkSource(str(head["id"]), "", sources, "")])


def _framework_item(
    row: Row, groups: Mapping[str, tuple[str, str]], errors: list[RowError]
) -> dict[str, Any]:
    def wrong(column: str, problem: str, problem_zh: str) -> None:
        errors.append(RowError(row.number, column, problem, problem_zh))

    for column in _NEEDED:
        if not row.cell(column):
            wrong(column, "is empty", "为空")
    for column in ("name", "summary", "evidence"):
        if row.cell(f"{column}_zh").isascii() and row.cell(f"{column}_zh"):
            wrong(f"{column}_zh", "must be Chinese", "应为中文")
        if any("\u4e00" <= letter <= "\u9fff" for letter in row.cell(f"{column}_en")):
            wrong(f"{column}_en", "must not contain Chinese", "不应含中文")
    if row.cell("id"):
        try:
            ItemId.parse(row.cell("id"))
        except ValueError as error:
            wrong("id", str(error), "不是有效的编号")
    if row.cell("group") and row.cell("group") not in groups:
        wrong("group", "is not one of " + ", ".join(groups), "不是已定义的分组")
    if row.cell("layer") and row.cell("layer") not in list(Layer):
        wrong("layer", "is not one of " + ", ".join(Layer), "不是 " + "、".join(Layer) + " 之一")
    for kind in row.cell("targets").split():
        if kind not in list(TargetKind):
            wrong("targets", f"{kind} is no kind of target", f"{kind} 不是测评对象类型")
    if row.cell("importance") and row.cell("importance") not in list(Importance):
        wrong(
            "importance", "is not one of " + ", ".join(Importance), "不是 " + "、".join(Importance) + " 之一"
        )
    steps_zh = [line.strip() for line in row.cell("steps_zh").splitlines() if line.strip()]
    steps_en = [line.strip() for line in row.cell("steps_en").splitlines() if line.strip()]
    if len(steps_zh) != len(steps_en):
        wrong("steps_en", f"has {len(steps_en)} steps, steps_zh has {len(steps_zh)}", "步骤数与中文不一致")
    return _as_item(row, list(zip(steps_zh, steps_en, strict=False)))


def _as_item(row: Row, steps: list[tuple[str, str]]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "_row": row.number,
        "id": row.cell("id"),
        "group": row.cell("group"),
        "layer": row.cell("layer"),
    }
    for key in ("name", "summary", "evidence"):
        item[key] = {"zh": row.cell(f"{key}_zh"), "en": row.cell(f"{key}_en")}
    if row.cell("targets"):
        item["targets"] = row.cell("targets").split()
    if row.cell("importance"):
        item["importance"] = row.cell("importance")
    if steps:
        item["steps"] = [{"zh": zh, "en": en} for zh, en in steps]
    return item
