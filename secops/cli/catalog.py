"""``secops catalog``: the catalogue without any store.

Document shapes are stable and described in ``controls/schema``; they may grow, not change. A plain text
key is Chinese, the same key with ``_en`` English; a pair is ``{"zh", "en"}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from secops.cli.output import BAD_INPUT, JsonFlag, answer, fail, say, t, table

if TYPE_CHECKING:
    from controls.catalog import AssessmentUnit, Catalog, Framework, RequirementItem, Text
    from controls.terms import LevelProfile, Scope


Framework_ = Annotated[str, typer.Option("--framework", help="标准标识，如 gbt-22239-2019 / Framework id")]
Level = Annotated[int | None, typer.Option("--level", help="等级 1–4 / Level 1 to 4")]
Profile = Annotated[str | None, typer.Option("--profile", help="如 S2A3G3 / Such as S2A3G3")]
Extensions = Annotated[
    list[str] | None, typer.Option("--ext", help="cloud | mobile | iot | ics，可重复 / may be repeated")
]
OneScope = Annotated[str | None, typer.Option("--scope", help="只看此范围 / Only this scope")]


def register(app: typer.Typer) -> None:
    """Add the group ``catalog``."""
    group = typer.Typer(
        help=t(
            "标准目录：框架、要求项、测评单元、级差、映射。",
            "The catalogue: frameworks, items, units, differences, mappings.",
        ),
        no_args_is_help=True,
    )
    group.command("frameworks", help=t("列出全部框架。", "List all frameworks."))(frameworks)
    group.command("items", help=t("列出要求项。", "List requirement items."))(items)
    group.command("units", help=t("列出测评单元。", "List assessment units."))(units)
    group.command("diff", help=t("两个等级之间的变化。", "What changes between two levels."))(diff)
    group.command("map", help=t("两个框架之间的映射。", "Mappings between two frameworks."))(map_)
    app.add_typer(group, name="catalog")


def pair(text: Text) -> dict[str, str]:
    """Give a text as ``{"zh", "en"}``."""
    return {"zh": text.zh, "en": text.en}


# --- frameworks -------------------------------------------------------------------------------------------


def frameworks(json_: JsonFlag = False) -> None:
    from controls.loader import load_with_plugins

    catalog, broken = load_with_plugins()
    document: dict[str, Any] = {"frameworks": [_framework(one) for one in catalog.frameworks]}
    document["broken_plugins"] = [{"name": one.name, "error": one.error} for one in broken]

    def text() -> None:
        rows = [
            (one.id, t(one.title.zh, one.title.en), ", ".join(map(str, one.levels)) or "–", _total(one))
            for one in catalog.frameworks
        ]
        table(
            [t("标识", "id"), t("名称", "title"), t("等级", "levels"), t("项 / 单元", "items / units")], rows
        )
        for one in catalog.frameworks:
            if one.matrix is not None:
                columns = [t(column.name.zh, column.name.en) for column in one.matrix.columns]
                say("", "")
                table(
                    [t(one.title.zh, one.title.en), *columns],
                    [
                        (
                            t(row.name.zh, row.name.en),
                            *(one.matrix.cell(row, column) for column in one.matrix.columns),
                        )
                        for row in one.matrix.rows
                    ],
                )

    answer(document, text)


def _framework(one: Framework) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": pair(one.title),
        "edition": one.edition,
        "levels": list(one.levels),
        "counts": {
            str(level): {
                scope.value: {"items": counts[0], "units": counts[1]} for scope, counts in scopes.items()
            }
            for level, scopes in one.counts.items()
        },
        "official": one.official,
        "publisher": pair(one.publisher),
        "text_policy": pair(one.text_policy),
        "scopes": [scope.value for scope in one.scopes],
        "matrix": _matrix(one),
        "references": [
            {"id": reference.id, "summary": pair(reference.summary)} for reference in one.references
        ],
    }


def _matrix(one: Framework) -> dict[str, Any] | None:
    """Rows and columns of a framework that is a matrix, such as the three layers; None for the others."""
    if one.matrix is None:
        return None
    return {
        "rows": [{"code": row.code, "name": pair(row.name)} for row in one.matrix.rows],
        "columns": [{"code": column.code, "name": pair(column.name)} for column in one.matrix.columns],
    }


def _total(one: Framework) -> str:
    found = [counts for scopes in one.counts.values() for counts in scopes.values()]
    return f"{sum(counts[0] for counts in found)} / {sum(counts[1] for counts in found)}"


# --- items and units --------------------------------------------------------------------------------------


def items(
    framework: Framework_ = "gbt-22239-2019",
    level: Level = None,
    profile: Profile = None,
    ext: Extensions = None,
    scope: OneScope = None,
    json_: JsonFlag = False,
) -> None:
    from controls.loader import load_catalog

    catalog = load_catalog()
    found = _chosen_items(catalog, framework, level, profile, ext or [], scope)
    if not found:
        nothing()
    rows = [_item(one) for one in found]

    def text() -> None:
        table(
            [t("条款", "id"), t("控制点", "control point"), "S/A/G", t("摘要", "summary")],
            [
                (
                    one.id,
                    t(one.control_point.name.zh, one.control_point.name.en),
                    one.mark.value,
                    t(one.summary.zh, one.summary.en),
                )
                for one in found
            ],
        )

    answer({"framework": framework, "count": len(rows), "items": rows}, text)


def units(
    framework: Framework_ = "gbt-28448-2019",
    level: Level = None,
    profile: Profile = None,
    ext: Extensions = None,
    scope: OneScope = None,
    json_: JsonFlag = False,
) -> None:
    from controls.loader import load_catalog

    catalog = load_catalog()
    found = _chosen_units(catalog, framework, level, profile, ext or [], scope)
    if not found:
        nothing()

    def text() -> None:
        table(
            [
                t("单元", "unit"),
                t("条款", "clause"),
                t("控制点", "control point"),
                t("步骤", "steps"),
                t("摘要", "summary"),
            ],
            [
                (
                    one.id.number,
                    one.item or "–",
                    t(one.control_point.name.zh, one.control_point.name.en),
                    len(one.steps),
                    t(one.summary.zh, one.summary.en),
                )
                for one in found
            ],
        )

    answer({"framework": framework, "count": len(found), "units": [_unit(one) for one in found]}, text)


def nothing() -> None:
    fail("没有适用的要求项，请检查等级与扩展。", "Nothing applies; check level and extensions.", BAD_INPUT)


def _chosen_items(
    catalog: Catalog,
    framework: str,
    level: int | None,
    profile: str | None,
    ext: list[str],
    scope: str | None,
) -> tuple[RequirementItem, ...]:
    wanted = _wanted(catalog, framework, level, profile, ext, scope)
    if wanted is None:
        return catalog.items(framework, _known_level(catalog, framework, level))
    from controls.applicability import select

    chosen = select(catalog, wanted[0], wanted[1]).items
    return tuple(one for one in chosen if wanted[2] in (None, one.scope))


def _chosen_units(
    catalog: Catalog,
    framework: str,
    level: int | None,
    profile: str | None,
    ext: list[str],
    scope: str | None,
) -> tuple[AssessmentUnit, ...]:
    wanted = _wanted(catalog, framework, level, profile, ext, scope)
    if wanted is None:
        return catalog.units(framework, _known_level(catalog, framework, level))
    from controls.applicability import select

    chosen = select(catalog, wanted[0], wanted[1]).units
    return tuple(one for one in chosen if wanted[2] in (None, one.scope))


def _known_level(catalog: Catalog, framework: str, level: int | None) -> int | None:
    head = catalog.framework(framework)
    if level is None and head.levels:
        fail(f"{framework} 分等级，请给出 --level。", f"{framework} has levels; give --level.", BAD_INPUT)
    return level


def _wanted(
    catalog: Catalog,
    framework: str,
    level: int | None,
    profile: str | None,
    ext: list[str],
    scope: str | None,
) -> tuple[LevelProfile, tuple[Scope, ...], Scope | None] | None:
    """Read the selection of an MLPS framework; ``None`` for a framework without profile and extensions."""
    from controls.catalog import MLPS_EVALUATION, MLPS_REQUIREMENTS
    from controls.terms import LevelProfile

    head = catalog.framework(framework)
    if framework not in (MLPS_REQUIREMENTS, MLPS_EVALUATION):
        if profile or ext or scope not in (None, "general"):
            fail(
                f"{framework} 没有 --profile、--ext 与 --scope。",
                f"{framework} knows no --profile, --ext or --scope.",
                BAD_INPUT,
            )
        return None
    levels = LevelProfile.parse(profile) if profile else None
    if level is None:
        level = levels.g if levels else _known_level(catalog, framework, None)
    if level is not None and level not in head.levels:
        raise head.lacks_level(level)
    levels = levels or LevelProfile.of_level(level or 0)
    if levels.g != level:
        fail(
            f"{levels} 的 G 与等级 {level} 不一致。",
            f"The G of {levels} differs from level {level}.",
            BAD_INPUT,
        )
    only = _scope(scope) if scope else None
    chosen = extensions_of([*ext, *([scope] if scope else [])])
    return levels, chosen, only


def _scope(text: str) -> Scope:
    from controls.terms import Scope

    try:
        return Scope(text)
    except ValueError:
        known = ", ".join(Scope)
        fail(
            f"范围须为 {known} 之一，而不是 {text!r}。",
            f"A scope is one of {known}, not {text!r}.",
            BAD_INPUT,
        )


def extensions_of(texts: list[str]) -> tuple[Scope, ...]:
    from controls.applicability import extensions_for

    return extensions_for(_scope(text) for text in texts)


def _item(one: RequirementItem) -> dict[str, Any]:
    return {
        "id": one.id,
        "clause": one.clause.clause if one.clause else None,
        "letter": one.letter,
        "class": one.class_code,
        "control_point": one.control_point.name.zh,
        "control_point_en": one.control_point.name.en,
        "scope": one.scope.value,
        "mark": one.mark.value,
        "layer": one.layer.value,
        "family": one.family,
        "level": one.level,
        "units": [unit.number for unit in one.units],
        "summary": pair(one.summary),
        "importance": one.importance.value,
        "importance_origin": one.importance_origin.value,
    }


def _unit(one: AssessmentUnit) -> dict[str, Any]:
    from controls.catalog import MLPS_EVALUATION

    is_mlps = one.framework == MLPS_EVALUATION
    clause = one.clause.clause if one.clause else None
    item_clause = one.item_clause.clause if one.item_clause else None
    document: dict[str, Any] = {
        "id": one.id.number,
        "clause_28448": clause if is_mlps else None,
        "clause_22239": item_clause if is_mlps else None,
        "letter": one.item_clause.letter if one.item_clause else "",
        "class": one.class_code,
        "scope": one.scope.value,
        "control_point": one.control_point.name.zh,
        "control_point_en": one.control_point.name.en,
        "methods": "".join(one.methods),
        "steps": len(one.steps),
        "rule": one.rule.as_data(),
        "partial_possible": one.partial_possible,
        "targets": [kind.value for kind in one.targets],
        "key": one.id,
        "clause": clause,
        "item": one.item,
        "level": one.level,
        "layer": one.layer.value,
        "family": one.family,
        "summary": pair(one.summary),
        "step_texts": [pair(step.text) for step in one.steps],
        "note": one.note,
    }
    if one.crypto:
        document["strength"] = one.crypto.strength.value
        document["weights"] = {edition: float(weight) for edition, weight in one.crypto.weights.items()}
    return document


# --- differences and mappings -----------------------------------------------------------------------------


def diff(
    from_: Annotated[int, typer.Option("--from", help="原等级 / From level")],
    to: Annotated[int, typer.Option("--to", help="新等级 / To level")],
    framework: Framework_ = "gbt-22239-2019",
    ext: Extensions = None,
    json_: JsonFlag = False,
) -> None:
    from controls.catalog import MLPS_EVALUATION, LevelDiff
    from controls.loader import load_catalog
    from controls.terms import Scope

    catalog = load_catalog()
    by_units = framework == MLPS_EVALUATION
    has_extensions = len(catalog.framework(framework).scopes) > 1
    if ext and not has_extensions:
        fail(f"{framework} 没有扩展要求。", f"{framework} has no extensions.", BAD_INPUT)
    found: list[LevelDiff[Any]] = []
    for scope in (Scope.GENERAL, *extensions_of(ext or [])):
        compare = catalog.diff_units if by_units else catalog.diff
        found.append(compare(framework, from_, to, scope))
    document = {
        "framework": framework,
        "from": from_,
        "to": to,
        "added": [_short(one) for part in found for one in part.added],
        "changed": [{"from": _short(old), "to": _short(new)} for part in found for old, new in part.changed],
        "removed": [_short(one) for part in found for one in part.removed],
    }

    def text() -> None:
        rows = [
            (t("新增", "added"), "", _short(one), t(one.summary.zh, one.summary.en))
            for part in found
            for one in part.added
        ]
        rows += [
            (t("变化", "changed"), _short(old), _short(new), t(new.summary.zh, new.summary.en))
            for part in found
            for old, new in part.changed
        ]
        rows += [
            (t("取消", "removed"), _short(one), "", t(one.summary.zh, one.summary.en))
            for part in found
            for one in part.removed
        ]
        table([t("变化", "change"), t("原", "from"), t("新", "to"), t("摘要", "summary")], rows)

    answer(document, text)


def _short(one: RequirementItem | AssessmentUnit) -> str:
    from controls.ids import UnitId

    return one.id.number if isinstance(one.id, UnitId) else str(one.id)


def map_(
    from_: Annotated[str, typer.Option("--from", help="起始框架 / From framework")],
    to: Annotated[str, typer.Option("--to", help="目标框架 / To framework")],
    item: Annotated[str | None, typer.Option("--id", help="只看此项 / Only this item")] = None,
    level: Level = None,
    json_: JsonFlag = False,
) -> None:
    from controls.crosswalk import coverage, find_crosswalk
    from controls.ids import ItemId
    from controls.loader import load_catalog

    catalog = load_catalog()
    left, right = catalog.framework(from_), catalog.framework(to)
    item_id = catalog.item(item, left.items_in or left.id).id if item else None
    crosswalk = find_crosswalk(left.items_in or left.id, right.items_in or right.id)
    if crosswalk is None:
        fail(f"{from_} 与 {to} 之间没有映射。", f"There is no mapping from {from_} to {to}.", BAD_INPUT)
    covered = coverage(catalog, crosswalk, level, ItemId(item_id) if item_id else None)
    document = {
        "from": from_,
        "to": to,
        "version": crosswalk.version,
        "origin": crosswalk.origin.value,
        "via": list(crosswalk.via),
        "pairs": [
            {
                "from": one.left.id,
                "to": one.right.id,
                "relation": one.relation.value,
                "rationale": one.rationale.zh,
                "rationale_en": one.rationale.en,
            }
            for one in covered.pairs
        ],
        "uncovered_from": [one.id for one in covered.uncovered_left],
        "uncovered_to": [one.id for one in covered.uncovered_right],
        "note": pair(crosswalk.note),
        "unmapped_from": [{"end": one.end, "reason": pair(one.reason)} for one in crosswalk.unmapped_left],
        "unmapped_to": [{"end": one.end, "reason": pair(one.reason)} for one in crosswalk.unmapped_right],
    }

    def text() -> None:
        if crosswalk.note.zh:
            say(crosswalk.note.zh, crosswalk.note.en)
        table(
            [t("从", "from"), t("关系", "relation"), t("到", "to"), t("理由", "rationale")],
            [
                (
                    one.left.id,
                    t(one.relation.zh, one.relation.en),
                    one.right.id,
                    t(one.rationale.zh, one.rationale.en),
                )
                for one in covered.pairs
            ],
        )
        unmapped = [*crosswalk.unmapped_left, *crosswalk.unmapped_right]
        if unmapped and item is None:
            say("", "")
            table(
                [t("没有对应", "maps to nothing"), t("原因", "why")],
                [(one.end, t(one.reason.zh, one.reason.en)) for one in unmapped],
            )

    answer(document, text)


# --- high-risk cases --------------------------------------------------------------------------------------
