"""``secops coverage``: which units and steps of a level the shipped rules answer, and what is left to people.

No store. A step answered for one kind of target never counts for another: a unit is *decided* only where one
kind has rules for all of its steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secops.cli.output import JsonFlag, answer, say, t, table

if TYPE_CHECKING:
    from controls.catalog import AssessmentUnit, Catalog
    from scanners.baseline.coverage import StepCoverage, UnitCoverage

    # kind of target → number of a unit → what the rules for that kind say about it
    ByKind = Mapping[str, Mapping[str, UnitCoverage]]

EVALUATION = "gbt-28448-2019"
COMPUTING = "CES"
_Rows = Sequence[Sequence[object]]
_Tables = Callable[[Sequence[str], _Rows], None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "coverage",
        help=t(
            "各测评单元由规则、文档还是现场取证。",
            "How each assessment unit is answered: rules, documents, on site.",
        ),
    )(coverage)


def coverage(
    level: Annotated[int, typer.Option("--level", help="等级 1–4 / Level 1 to 4")] = 3,
    units: Annotated[bool, typer.Option("--units", help="列出每个单元 / List every unit")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="以 Markdown 输出 / Tables in Markdown")
    ] = False,
    json_: JsonFlag = False,
) -> None:
    document = coverage_document(level)
    answer(document, lambda: _print(document, units=units, markdown=markdown))


def coverage_document(level: int) -> dict[str, Any]:
    """Work out the answer of the command, as described in ``scanners/schema/coverage.schema.json``.

    Raises:
        LevelNotCatalogued: the standard has no such level.
    """
    from controls.loader import load_catalog
    from controls.terms import Scope

    catalog = load_catalog()
    units = catalog.units(EVALUATION, level, Scope.GENERAL)
    by_kind = _by_kind(catalog)
    documents = _documents()
    rows = [_unit(catalog, unit, by_kind, documents) for unit in units]
    return {"level": level, "framework": EVALUATION, "units": rows, "totals": _totals(rows, by_kind)}


# --- one unit ---------------------------------------------------------------------------------------------


def _by_kind(catalog: Catalog) -> ByKind:
    """Ask the rules of every kind about every unit that they name."""
    from scanners.baseline.coverage import UnitShape
    from scanners.baseline.coverage import coverage as ask
    from scanners.baseline.loader import load_rules
    from scanners.baseline.platforms import platforms
    from scanners.baseline.steps import load_combinations

    found = {}
    for kind in sorted(platforms()):
        rules = load_rules(kind)
        cited = sorted({spec.unit for rule in rules for spec in rule.answers})
        shapes = [UnitShape(unit, len(catalog.unit(unit).steps)) for unit in cited]
        found[kind] = {unit.id: unit for unit in ask(shapes, rules, load_combinations(kind))}
    return found


def _documents() -> dict[tuple[str, int], list[str]]:
    """Kinds of documents and on-site sheets by the step that they speak to."""
    from controls.documents import load_kinds, load_sheets

    named = [(kind.id, kind.answers) for kind in load_kinds()]
    named += [(sheet.id, question.answers) for sheet in load_sheets() for question in sheet.questions]
    found: dict[tuple[str, int], list[str]] = {}
    for name, answers in named:
        for one in answers:
            found.setdefault((str(one.unit), one.step), []).append(name)
    return found


def _places(catalog: Catalog, unit: AssessmentUnit, number: int) -> list[tuple[str, int]]:
    """Give the steps whose answers count for this one: itself, and those of its family with the same words."""
    words = unit.steps[number - 1].text
    found = [(str(unit.id), number)]
    for other_id in catalog.family(unit.family).units:
        if other_id != unit.id:
            steps = catalog.unit(other_id).steps
            found += [(str(other_id), step.number) for step in steps if step.text == words]
    return found


def _unit(
    catalog: Catalog,
    unit: AssessmentUnit,
    by_kind: ByKind,
    documents: Mapping[tuple[str, int], Sequence[str]],
) -> dict[str, Any]:
    from controls.coverage import UnitClass, evidence_paths
    from scanners.baseline.coverage import StepClass

    places = [_places(catalog, unit, step.number) for step in unit.steps]
    speaking: dict[str, list[list[StepCoverage]]] = {}
    for kind, asked in by_kind.items():
        steps = [[asked[u].steps[n - 1] for u, n in where if u in asked] for where in places]
        if any(one.rules for found in steps for one in found):
            speaking[kind] = steps
    decided = {
        kind: [any(one.coverage is StepClass.DECIDED for one in found) for found in steps]
        for kind, steps in speaking.items()
    }
    path = evidence_paths()[unit.family]
    classes = [
        _step_class([one for steps in speaking.values() for one in steps[n]])
        or UnitClass.by_hand(path.by_hand)
        for n in range(len(places))
    ]
    if any(all(steps) for steps in decided.values()):
        unit_class = UnitClass.DECIDED
    elif {UnitClass.DECIDED, UnitClass.PART} & set(classes):
        unit_class = UnitClass.PART
    else:
        unit_class = UnitClass.by_hand(path.by_hand)
    return {
        "id": str(unit.id),
        "class": unit_class.value,
        "steps": len(places),
        "steps_decided": classes.count(UnitClass.DECIDED),
        "rules": _rule_ids(one for steps in speaking.values() for found in steps for one in found),
        "domain": unit.class_code,
        "control_point": {"zh": unit.control_point.name.zh, "en": unit.control_point.name.en},
        "step_classes": [one.value for one in classes],
        "kinds": {
            kind: {
                "steps_decided": sum(decided[kind]),
                "rules": _rule_ids(one for found in steps for one in found),
            }
            for kind, steps in speaking.items()
        },
        "missing": [one.value for one in path.missing(speaking)],
        "documents": sorted(
            {name for where in places for place in where for name in documents.get(place, ())}
        ),
    }


def _rule_ids(steps: Iterable[StepCoverage]) -> list[str]:
    return sorted({rule for step in steps for rule in step.rules})


def _step_class(found: Iterable[StepCoverage]) -> Any:
    """Give the class of a step, ``None`` where rules say nothing or give a hint at most."""
    from controls.coverage import UnitClass
    from scanners.baseline.coverage import StepClass

    seen = {one.coverage for one in found}
    if StepClass.DECIDED in seen:
        return UnitClass.DECIDED
    return UnitClass.PART if {StepClass.REFUTABLE, StepClass.PART} & seen else None


# --- all of them ------------------------------------------------------------------------------------------


def _totals(rows: Sequence[dict[str, Any]], by_kind: ByKind) -> dict[str, Any]:
    domains = dict.fromkeys(row["domain"] for row in rows)
    return {
        **_sums(rows),
        "domains": {code: _sums([row for row in rows if row["domain"] == code]) for code in domains},
        "kinds": {kind: _kind(rows, kind) for kind in by_kind},
        "missing": _missing(rows),
    }


def _sums(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    from controls.coverage import UnitClass

    units = Counter(row["class"] for row in rows)
    steps = Counter(step for row in rows for step in row["step_classes"])
    return {
        "units": len(rows),
        "steps": sum(row["steps"] for row in rows),
        "steps_decided": sum(row["steps_decided"] for row in rows),
        "classes": {one.value: units[one.value] for one in UnitClass},
        "step_classes": {one.value: steps[one.value] for one in UnitClass},
    }


def _kind(rows: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    """What the rules for one kind of target answer; every unit is counted once for each kind."""
    own = [(row, row["kinds"][kind]) for row in rows if kind in row["kinds"]]
    return {
        "rules": len({rule for _, found in own for rule in found["rules"]}),
        "units": len(own),
        "units_decided": sum(found["steps_decided"] == row["steps"] for row, found in own),
        "steps_decided": sum(found["steps_decided"] for _, found in own),
        "computing_steps_decided": sum(
            found["steps_decided"] for row, found in own if row["domain"] == COMPUTING
        ),
    }


def _missing(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many units of each domain would gain from each input that nothing reads there."""
    from controls.coverage import Input

    found: dict[str, dict[str, int]] = {}
    for one in Input:
        domains = Counter(row["domain"] for row in rows if one.value in row["missing"])
        if domains:
            found[one.value] = dict(domains)
    return found


# --- for people -------------------------------------------------------------------------------------------


def _print(document: dict[str, Any], *, units: bool, markdown: bool) -> None:
    show: _Tables = _markdown_table if markdown else table
    show(*_domain_table(document["totals"]))
    print()
    show(*_kind_table(document["totals"]))
    print()
    show(*_missing_table(document["totals"]))
    if units:
        print()
        show(*_unit_table(document["units"]))
    if not markdown:
        say(
            "“自动判定”指至少一种对象的全部步骤都由规则判定；“文档”“现场”为人工取证，分类为本项目自行判断。",
            "Decided: rules decide every step for at least one kind of target. Document and on site are left to "
            "people; that split is our own reading.",
        )


def _markdown_table(headers: Sequence[str], rows: _Rows) -> None:
    for row in (headers, ["---"] * len(headers), *rows):
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def _domain_table(totals: dict[str, Any]) -> tuple[list[str], _Rows]:
    from controls.coverage import UnitClass
    from controls.terms import SecurityClass

    def row(name: str, sums: dict[str, Any]) -> list[object]:
        return [name, sums["units"], *sums["classes"].values(), sums["steps"], sums["steps_decided"]]

    rows = [
        row(f"{code} {SecurityClass(code).label(_lang())}", sums) for code, sums in totals["domains"].items()
    ]
    headers = [
        t("类", "class"),
        t("单元", "units"),
        *(one.label(_lang()).lower() for one in UnitClass),
        t("步骤", "steps"),
        t("判定步骤", "steps decided"),
    ]
    return headers, [*rows, row(t("合计", "all"), totals)]


def _kind_table(totals: dict[str, Any]) -> tuple[list[str], _Rows]:
    headers = [
        t("对象种类", "kind of target"),
        t("规则", "rules"),
        t("涉及单元", "units spoken to"),
        t("判定单元", "units decided"),
        t("判定步骤", "steps decided"),
        t("其中计算环境", "of these in CES"),
    ]
    return headers, [[kind, *sums.values()] for kind, sums in totals["kinds"].items()]


def _missing_table(totals: dict[str, Any]) -> tuple[list[str], _Rows]:
    from controls.coverage import Input

    rows = [
        [
            Input(name).label(_lang()),
            sum(domains.values()),
            ", ".join(f"{code} {n}" for code, n in domains.items()),
        ]
        for name, domains in totals["missing"].items()
    ]
    return [t("尚缺的输入", "input not read yet"), t("单元", "units"), t("分布", "where")], rows


def _unit_table(rows: Sequence[dict[str, Any]]) -> tuple[list[str], _Rows]:
    from controls.coverage import UnitClass

    lines = [
        [
            row["id"],
            t(row["control_point"]["zh"], row["control_point"]["en"]),
            UnitClass(row["class"]).label(_lang()),
            f"{row['steps_decided']}/{row['steps']}",
            " ".join(row["kinds"]),
            len(row["rules"]),
        ]
        for row in rows
    ]
    headers = [
        t("单元", "unit"),
        t("控制点", "control point"),
        t("取证方式", "class"),
        t("判定步骤", "steps decided"),
        t("对象种类", "kinds"),
        t("规则", "rules"),
    ]
    return headers, lines


def _lang() -> Any:
    return t("zh", "en")
