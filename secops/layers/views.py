"""Pages of the three layers: the matrix, one cell, and the items, evidence and findings behind it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose

from controls.catalog import Group
from controls.ids import UnitId
from controls.loader import load_catalog
from secops.catalogue.words import clause_words
from secops.errors import NotFound
from secops.inventory.notes import note_for
from secops.layers.matrix import LAYERS, LayerMatrix, layer_matrix, units_by_family
from secops.layers.queries import CellState, Facts, Where, cell_state, facts
from secops.objects.models import Department, System
from secops.objects.parts import share_text, verdict_parts
from secops.objects.queries import units_of
from secops.objects.tables import today
from secops.web.base import PageView
from secops.web.labels import Label, label
from secops.web.lang import pick, t
from secops.web.links import LINKS, link
from secops.web.scope_filters import asked_system, scoped_departments

WORDS = {
    "data": (
        "大数据安全体系", "Data security",
        "数据的六个生命周期阶段 × 管理、技术、运营、监管四个视角。", "Six stages of the life of data by four views.",
    ),
    "application": (
        "应用安全体系", "Application security",
        "软件生命周期各阶段 × 管理、技术、运营、监管四个视角。", "Stages of the life of software by four views.",
    ),
    "management": (
        "网络安全管理体系", "Security management",
        "设计、执行、监督三个维度 × 组织、人员、制度、合规、响应。", "Design, execution and supervision by organisation, people, policy, compliance, response.",
    ),
}  # fmt: skip
TONES = (
    Label("有不符合或高风险问题", "A gap or a high finding", "bad"),
    Label("有部分符合或未关闭问题", "Partly compliant or open findings", "warn"),
    Label("已检查部分无缺口", "No gap in what is examined", "info"),
    Label("全部检查且符合", "All examined and compliant", "good"),
    Label("未检查", "Not examined", "open"),
)


class LayerView(PageView):
    """The layers of the plan, for a system, a department or the whole scope."""

    route_base = "/layers"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        return self._matrix("data")

    @expose("/<string:key>/")
    def matrix(self, key: str) -> str:
        if key not in LAYERS:
            raise NotFound
        return self._matrix(key)

    def _where(self) -> Where:
        system = asked_system(self.db, request.args.get("system"))
        text = request.args.get("department", "")
        department = None
        if system is None and text.isdigit() and any(text == one for one, _ in scoped_departments(self.db)):
            department = self.db.get(Department, int(text))
        return Where(system, department)

    def _matrix(self, key: str) -> str:
        layer, where = layer_matrix(key), self._where()
        found = facts(self.db, layer, where, today())
        rows = [_row(layer, row, found, where) for row in layer.matrix.rows]
        whole = cell_state(layer.items, found)
        return self.page(
            "layer.html",
            **self._frame(key, where),
            corner=t("阶段 / 视角", "Stage / view")
            if key != "management"
            else t("维度 / 方面", "Dimension / aspect"),
            heads=[pick(column.name) for column in layer.matrix.columns],
            groups=[{"title": "", "rows": rows}],
            whole=whole,
            parts=verdict_parts(whole.counts),
            share=share_text(whole.counts.examined, whole.counts.total),
            tones=[(one.tone, one.text, "") for one in TONES],
        )

    def _frame(self, key: str, where: Where) -> dict[str, Any]:
        words = WORDS[key]
        return {
            "key": key,
            "title": t(words[0], words[1]),
            "lead": t(words[2], words[3]),
            "where": where,
            "tabs": [
                {
                    "text": t(WORDS[one][0], WORDS[one][1]),
                    "url": url_for("LayerView.matrix", key=one, **where.arguments),
                    "active": one == key,
                }
                for one in LAYERS
            ],
            "departments": scoped_departments(self.db),
            **LINKS,
        }

    @expose("/<string:key>/<string:row>/<string:column>")
    def cell(self, key: str, row: str, column: str) -> str:
        """One cell: each item with the requirements it rests on and how they stand."""
        if key not in LAYERS:
            raise NotFound
        layer, where = layer_matrix(key), self._where()
        found = facts(self.db, layer, where, today())
        items = layer.cell(row, column)
        heads = [one for one in (*layer.matrix.rows, *layer.matrix.columns) if one.code in (row, column)]
        if not items or len(heads) < 2:
            raise NotFound
        binding = {str(unit.id): unit for unit in units_of(where.system)} if where.system else {}
        return self.page(
            "layer_cell.html",
            **self._frame(key, where),
            cell_title=" · ".join(pick(one.name) for one in heads),
            state=cell_state(items, found),
            items=[self._item(one, found, where.system, binding) for one in items],
        )

    def _item(self, one: Any, found: Facts, system: System | None, binding: dict[str, Any]) -> dict[str, Any]:
        state = cell_state([one], found)
        return {
            "id": str(one.item.id),
            "summary": pick(one.item.summary),
            "name": pick(one.item.control_point.name) if hasattr(one.item.control_point, "name") else "",
            "state": state,
            "parts": verdict_parts(state.counts),
            "rests": [_requirement(family, found, system, binding) for family in sorted(one.families)],
            "notes": self._notes(one.families, system, binding),
        }

    def _notes(self, families: frozenset[str], system: System | None, binding: dict[str, Any]) -> list[Any]:
        if system is None:
            return []
        units = [unit for unit in binding.values() if unit.family in families]
        found = [note_for(self.db, system, unit, today()) for unit in units]
        return [note for note in found if note is not None]


def _requirement(family: str, found: Facts, system: System | None, binding: dict[str, Any]) -> dict[str, Any]:
    """One MLPS requirement behind an item; of one system its own unit, else the one of the highest level."""
    units = units_by_family().get(family, ())
    mine = [unit for unit in units if unit in binding]
    unit_id = mine[0] if mine else units[-1]
    unit = load_catalog().unit(UnitId(unit_id))
    counts = found.counts([family])
    findings = found.findings.get(family, Counter())
    evidence = found.evidence.get(family, (0, 0, None))
    url = (
        link("SystemView.item", system_id=system.id, unit_id=unit_id)
        if system is not None and mine
        else link("CatalogView.item", unit_id=unit_id)
    )
    return {
        "unit": unit_id,
        "clause": clause_words(unit),
        "summary": pick(unit.summary),
        "url": url,
        "parts": verdict_parts(counts),
        "verdict": label("verdict", _worst(counts)),
        "binds": bool(mine) or system is None,
        "findings": findings["all"],
        "evidence": evidence[0],
        "newest": evidence[2],
    }


def _worst(counts: Any) -> str:
    for state in ("non_compliant", "partial"):
        if getattr(counts, state):
            return state
    if counts.compliant and not counts.not_examined:
        return "compliant"
    return "not_examined" if counts.not_examined or not counts.na else "na"


def _row(layer: LayerMatrix, row: Group, found: Facts, where: Where) -> dict[str, Any]:
    cells: list[tuple[str, str, str] | None] = []
    for column in layer.matrix.columns:
        items = layer.cell(row.code, column.code)
        if not items:
            cells.append(None)
            continue
        state = cell_state(items, found)
        url = url_for("LayerView.cell", key=layer.key, row=row.code, column=column.code, **where.arguments)
        cells.append((state.tone, _cell_words(state), url))
    return {"title": pick(row.name), "note": "", "url": "", "cells": cells}


def _cell_words(state: CellState) -> str:
    """Examined share, open findings and evidence, short enough for a cell."""
    share = share_text(state.counts.examined, state.counts.total)
    parts = [t(f"检查 {share}", f"{share} seen") if state.counts.total else t("人工判定", "by hand")]
    if state.findings:
        parts.append(t(f"问题 {state.findings}", f"{state.findings} findings"))
    if state.evidence:
        parts.append(t(f"证据 {state.evidence}", f"{state.evidence} evidence"))
    return " · ".join(parts)


VIEWS: tuple[type, ...] = (LayerView,)
