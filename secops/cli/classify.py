"""``secops highrisk`` and ``secops classify``: the high-risk guide and the classification without any store.

Document shapes are stable and described in ``controls/schema``; they may grow, not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from secops.cli.catalog import Extensions, extensions_of, nothing, pair
from secops.cli.output import BAD_INPUT, JsonFlag, answer, fail, t, table

if TYPE_CHECKING:
    from controls.grading import Classification, MinimumLevel, NextDate
    from controls.highrisk import HighRiskCase


def register(app: typer.Typer) -> None:
    """Add the commands ``highrisk`` and ``classify``."""
    app.command("highrisk", help=t("列出高风险判定案例。", "List the high-risk cases."))(highrisk)
    app.command("classify", help=t("按受侵害客体与程度定级。", "Classify by object and degree of harm."))(
        classify
    )


def highrisk(
    level: Annotated[int, typer.Option("--level", help="等级 2–4 / Level 2 to 4")],
    ext: Extensions = None,
    json_: JsonFlag = False,
) -> None:
    from controls.highrisk import high_risk_guide

    guide = high_risk_guide()
    if not 1 <= level <= 4:
        fail("等级须为 1 到 4。", "The level is 1 to 4.", BAD_INPUT)
    cases = guide.for_system(level, extensions_of(ext or []))
    if not cases:
        nothing()
    document = {
        "guide": guide.id,
        "version": guide.version,
        "origin": guide.origin.value,
        "count": len(cases),
        "cases": [_case(one, level) for one in cases],
    }

    def text() -> None:
        table(
            [
                t("案例", "case"),
                t("名称", "title"),
                t("单元", "units"),
                t("可降级", "lowered"),
                t("重大", "major"),
            ],
            [
                (
                    one.id,
                    t(one.title.zh, one.title.en),
                    " ".join(one.units.get(level, ())),
                    one.downgradable.value,
                    one.major_risk_trigger or "",
                )
                for one in cases
            ],
        )

    answer(document, text)


def _case(one: HighRiskCase, level: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title.zh,
        "title_en": one.title.en,
        "min_level": one.min_level,
        "scope": one.scope.value,
        "condition": one.condition.zh,
        "condition_en": one.condition.en,
        "condition_scope": one.condition_scope,
        "control_point": one.control_point,
        "units": list(one.units.get(level, ())),
        "downgradable": one.downgradable.value,
        "major_risk_trigger": one.major_risk_trigger,
        "situations": [
            {
                "text": pair(situation.text),
                "mitigation": pair(situation.mitigation) if situation.mitigation else None,
                "limits": dict(situation.limits),
            }
            for situation in one.situations
        ],
        "note": pair(one.note) if one.note else None,
    }


# --- classification ---------------------------------------------------------------------------------------


def classify(
    business: Annotated[
        list[str],
        typer.Option("--business", help="OBJECT:DEGREE，业务信息，可重复 / business information, repeatable"),
    ],
    service: Annotated[
        list[str],
        typer.Option("--service", help="OBJECT:DEGREE，系统服务，可重复 / system service, repeatable"),
    ],
    rule_set: Annotated[
        str, typer.Option("--rule-set", help="gbt-22240-2020 | filing-form-2025")
    ] = "gbt-22240-2020",
    carries: Annotated[
        list[int] | None,
        typer.Option("--carries", help="承载对象的等级，可重复 / Level of what it carries, repeatable"),
    ] = None,
    big_data: Annotated[
        bool,
        typer.Option(
            "--big-data",
            help="含大量个人信息的公共服务大数据平台 / Public big-data platform with much personal data",
        ),
    ] = False,
    json_: JsonFlag = False,
) -> None:
    from controls.grading import classify as decide

    result = decide(
        rule_set,
        business=[_harm(text, "--business") for text in business],
        service=[_harm(text, "--service") for text in service],
        carried_levels=carries or (),
        big_data_public_service=big_data,
    )

    def text() -> None:
        print(t(f"第 {result.level} 级  {result.profile}", f"Level {result.level}  {result.profile}"))
        print(t(result.rule_set.title.zh, result.rule_set.title.en))
        table(
            [t("事项", "what"), t("规则", "rule"), t("依据", "source")],
            [
                (t(one.title.zh, one.title.en), t(one.rule.zh, one.rule.en), t(one.source.zh, one.source.en))
                for one in result.next_dates
            ],
        )

    answer(_classification(result), text)


def _harm(text: str, option: str) -> tuple[str, str]:
    harm, colon, degree = text.partition(":")
    if not colon:
        fail(
            f"{option} 的形式为 客体:程度，例如 public:severe，而不是 {text!r}。",
            f"{option} has the form OBJECT:DEGREE, such as public:severe, not {text!r}.",
            BAD_INPUT,
        )
    return harm, degree


def _classification(result: Classification) -> dict[str, Any]:
    return {
        "s": result.s,
        "a": result.a,
        "level": result.level,
        "profile": str(result.profile),
        "rule_set": result.rule_set.id,
        "rule_set_version": result.rule_set.version,
        "origin": result.rule_set.origin.value,
        "source": pair(result.rule_set.source),
        "note": pair(result.rule_set.note),
        "deciding": {
            side: {"object": one.object.value, "degree": one.degree.value, "level": one.level}
            for side, one in (("business", result.business), ("service", result.service))
        },
        "procedure": pair(result.procedure),
        "minimums": [_minimum(one) for one in result.minimums],
        "next_dates": [_date(one) for one in result.next_dates],
    }


def _minimum(one: MinimumLevel) -> dict[str, Any]:
    return {
        "key": one.key,
        "level": one.level,
        "met": one.met,
        "text": pair(one.text),
        "source": pair(one.source),
    }


def _date(one: NextDate) -> dict[str, Any]:
    return {
        "key": one.key,
        "title": pair(one.title),
        "rule": pair(one.rule),
        "after": one.after,
        "period": one.period,
        "due": one.due.isoformat() if one.due else None,
        "source": pair(one.source),
        "origin": one.origin.value,
        "rule_set": one.rule_set,
    }
