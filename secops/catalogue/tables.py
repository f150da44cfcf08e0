"""The list of the catalogue."""

from __future__ import annotations

from typing import Any

from controls.catalog import CRYPTO, MLPS_EVALUATION
from controls.loader import load_catalog
from controls.terms import Mark, Scope, SecurityClass
from secops.catalogue.queries import UnitRow, unit_rows
from secops.catalogue.rows import RowChoice, RowTable
from secops.catalogue.words import clause_words, level_words, term, terms
from secops.web.labels import label
from secops.web.lang import pick, t
from secops.web.links import link
from secops.web.tables import Column


def _levels(session: Any) -> list[tuple[str, str]]:
    return [(str(level), level_words(level)) for level in (1, 2, 3, 4)]


def _frameworks(session: Any) -> list[tuple[str, str]]:
    catalog = load_catalog()
    return [(name, pick(catalog.framework(name).title)) for name in (MLPS_EVALUATION, CRYPTO)]


def _classes(session: Any) -> list[tuple[str, str]]:
    mlps = [(one.value, term(one)) for one in SecurityClass]
    crypto = {
        row.unit.class_code: pick(row.class_name) for row in unit_rows() if row.unit.framework == CRYPTO
    }
    return mlps + [(code, t(f"密码应用：{name}", f"Crypto: {name}")) for code, name in crypto.items()]


def _scopes(session: Any) -> list[tuple[str, str]]:
    return [(one.value, term(one)) for one in Scope]


def _marks(session: Any) -> list[tuple[str, str]]:
    return [(one.value, f"{one.value} · {term(one)}") for one in Mark]


def _means(session: Any) -> list[tuple[str, str]]:
    return [
        ("rules", t("有自动检查规则", "Rules can evidence it")),
        ("none", t("只能由人核查", "People only")),
    ]


def _class(row: UnitRow) -> str:
    return pick(row.class_name)


CATALOGUE = RowTable(
    "catalogue",
    (
        Column("unit", "测评单元", "Unit", lambda r: str(r.unit.id), sort=lambda r: r.position, note=lambda r: clause_words(r.unit), kind="code", width="fit"),
        Column("level", "等级", "Level", lambda r: level_words(r.unit.level), sort=lambda r: r.unit.level, width="fit"),
        Column("summary", "要求（平台摘要）", "Requirement (our summary)", lambda r: pick(r.unit.summary), note=lambda r: f"{pick(r.unit.control_point.name)} · {_class(r)}", width="wide"),
        Column("mark", "标识", "Mark", lambda r: r.unit.mark.value, sort=lambda r: r.unit.mark.value, width="fit"),
        Column("layer", "安全层面", "Layer", lambda r: label("layer", r.unit.layer).text, sort=lambda r: r.unit.layer.value, width="fit"),
        Column("rules", "检查规则", "Rules", lambda r: r.rules, sort=lambda r: r.rules, kind="number", width="fit"),
        Column("cases", "高风险判例", "High-risk cases", lambda r: r.cases, sort=lambda r: r.cases, kind="number", width="fit"),
        Column("point", "控制点", "Control point", lambda r: pick(r.unit.control_point.name), sort=lambda r: pick(r.unit.control_point.name), shown=False),
        Column("class", "安全类", "Class", _class, sort=_class, shown=False),
        Column("scope", "范围", "Scope", lambda r: term(r.unit.scope), sort=lambda r: r.unit.scope.value, shown=False),
        Column("clause", "条款", "Clause", lambda r: clause_words(r.unit), shown=False),
        Column("methods", "测评方法", "Methods", lambda r: terms(r.unit.methods), shown=False),
        Column("targets", "测评对象", "Targets", lambda r: terms(r.unit.targets), shown=False, width="wide"),
        Column("steps", "步骤数", "Steps", lambda r: len(r.unit.steps), sort=lambda r: len(r.unit.steps), kind="number", shown=False),
        Column("family", "要求族", "Family", lambda r: r.unit.family, sort=lambda r: r.unit.family, kind="code", shown=False),
        Column("framework", "标准", "Framework", lambda r: pick(load_catalog().framework(r.unit.framework).title), shown=False),
    ),
    filters=(
        RowChoice("framework", "标准", "Framework", options=_frameworks, of=lambda r: str(r.unit.framework)),
        RowChoice("level", "等级", "Level", options=_levels, of=lambda r: str(r.unit.level)),
        RowChoice("class", "安全类", "Class", options=_classes, of=lambda r: str(r.unit.class_code)),
        RowChoice("scope", "范围", "Scope", options=_scopes, of=lambda r: r.unit.scope.value),
        RowChoice("layer", "安全层面", "Layer", label="layer", of=lambda r: r.unit.layer.value),
        RowChoice("mark", "标识", "Mark", options=_marks, of=lambda r: r.unit.mark.value),
        RowChoice("means", "取证方式", "Evidence", options=_means, of=lambda r: "rules" if r.rules else "none"),
    ),
    search=(lambda r: r.text,),
    default_sort="unit",
    row_url=lambda r: link("CatalogView.item", unit_id=str(r.unit.id)),
    search_hint=("编号、条款、控制点、关键词", "Id, clause, control point, words"),
)  # fmt: skip
