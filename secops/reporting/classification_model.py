"""Build the read model of a classification report from the newest record of the wizard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controls.grading import (
    GRADING_RULE_SETS,
    Deciding,
    DutyDates,
    GradingRuleSet,
    classify,
    grading_rule_set,
    minimum_levels,
    next_dates,
)
from controls.terms import Degree, HarmObject, Origin, Scope
from reports.classification.model import (
    Alternative,
    AssetCount,
    ClassificationReport,
    Earlier,
    Harm,
    KindLine,
    MatrixRow,
    Minimum,
    NextStep,
    Record,
    Side,
)
from reports.read_model import RuleSet, Text
from secops.objects.models import Asset, Classification, System
from secops.reporting.paper_model import Asked, added, examined, meta, people, subject
from secops.reporting.posture_model import label_text

TITLE = Text("网络安全等级保护定级报告", "Classification report")
_NOTE = Text(
    "定级矩阵与期限由平台整理，标准和法规原文以正式出版物为准。",
    "Matrix and dates were put together by this platform; the published standards and rules prevail.",
)
_SIDES = {
    "business": ("S", Text("业务信息安全", "Business information")),
    "service": ("A", Text("系统服务安全", "System service")),
}


def build(session: Session, asked: Asked) -> ClassificationReport:
    """The present classification with those before it; six queries."""
    system = asked.system
    if system is None:
        raise ValueError("a classification report is of one system")
    rows = session.scalars(
        select(Classification).where(Classification.system_id == system.id).order_by(Classification.id.desc())
    ).all()
    names = people(session, (row.decided_by for row in rows), asked.language)
    record = _record(rows[0], names, asked) if rows else None
    return ClassificationReport(
        meta=meta(asked, TITLE, notes=(_NOTE,), rule_sets=_rule_sets(record)),
        subject=subject(session, asked, [system]),
        counts=added(examined(session, [system]).values()),
        hosting=label_text("hosting", system.hosting.value),
        business=system.business,
        boundary=system.boundary,
        users=system.users,
        data_kinds=system.data_kinds,
        responsible=system.responsible,
        networks=tuple(system.networks),
        extensions=tuple(Text(Scope(one).zh, Scope(one).en) for one in system.extensions),
        internet_facing=system.internet_facing,
        in_operation_on=system.in_operation_on,
        assets=tuple(_assets(session, system)),
        record=record,
        next_steps=tuple(_next(system, rows[0], asked)) if rows else (),
        earlier=tuple(
            Earlier(
                row.decided_at.astimezone(asked.local.tzinfo), row.profile, row.rule_set, names[row.decided_by], row.reason
            )
            for row in rows[1:]
        ),
    )  # fmt: skip


def _assets(session: Session, system: System) -> list[AssetCount]:
    query = (
        select(Asset.kind, func.count())
        .where(Asset.system_id == system.id)
        .group_by(Asset.kind)
        .order_by(Asset.kind)
    )
    return [AssetCount(label_text("asset_kind", kind), number) for kind, number in session.execute(query)]


def _rule_sets(record: Record | None) -> list[RuleSet]:
    return [] if record is None else [RuleSet(record.rule_set, record.version, record.is_official)]


def _record(row: Classification, names: Mapping[str, str], asked: Asked) -> Record:
    rule_id = row.rule_set.partition("@")[0]
    rules = grading_rule_set(rule_id)
    pairs = {
        "business": [(one[0], one[1]) for one in row.business],
        "service": [(one[0], one[1]) for one in row.service],
    }
    result = classify(rule_id, pairs["business"], pairs["service"])
    levels = {"business": (row.s_level, result.business), "service": (row.a_level, result.service)}
    others = [key for key in GRADING_RULE_SETS if key != rule_id]
    given = [classify(key, pairs["business"], pairs["service"]) for key in others]
    return Record(
        rule_set=Text(rules.title.zh, rules.title.en), version=row.rule_set.partition("@")[2] or rules.version,
        source=Text(rules.source.zh, rules.source.en), note=Text(rules.note.zh, rules.note.en), is_official=rules.origin is Origin.OFFICIAL,
        degrees=tuple(Text(one.zh, one.en) for one in Degree), matrix=tuple(_matrix(rules)),
        sides=tuple(_side(side, row, rules, *levels[side]) for side in _SIDES), profile=row.profile, level=row.level,
        procedure=Text(result.procedure.zh, result.procedure.en), minimums=tuple(_minimums(row)),
        alternatives=tuple(Alternative(Text(one.rule_set.title.zh, one.rule_set.title.en), str(one.profile), one.level) for one in given),
        reason=row.reason, expert=str(row.detail.get("expert", "")), approval=str(row.detail.get("approval", "")),
        decided_by=names[row.decided_by], decided_at=row.decided_at.astimezone(asked.local.tzinfo),
    )  # fmt: skip


def _matrix(rules: GradingRuleSet) -> list[MatrixRow]:
    return [
        MatrixRow(
            Text(rules.objects[harm].zh, rules.objects[harm].en),
            tuple(rules.matrix[harm][degree] for degree in Degree),
        )
        for harm in HarmObject
    ]


def _side(side: str, row: Classification, rules: GradingRuleSet, level: int, deciding: Deciding) -> Side:
    code, name = _SIDES[side]
    named: Iterable[tuple[str, Iterable[tuple[str, str]]]] = [
        (str(one["name"]), one["degrees"].items()) for one in row.detail.get(side, ())
    ]
    kinds = list(named) or [("", [(one[0], one[1]) for one in getattr(row, side)])]
    return Side(
        code,
        name,
        level,
        _harm(rules, deciding.object.value, deciding.degree.value),
        tuple(KindLine(words, tuple(_harm(rules, *pair) for pair in pairs)) for words, pairs in kinds),
    )


def _harm(rules: GradingRuleSet, harm: str, degree: str) -> Harm:
    who, how = HarmObject(harm), Degree(degree)
    words = rules.objects[who]
    return Harm(Text(words.zh, words.en), Text(how.zh, how.en), rules.matrix[who][how])


def _minimums(row: Classification) -> list[Minimum]:
    stored = {one["key"]: one for one in row.detail.get("minimums", ())}
    carried = [int(stored["carried"]["level"])] if "carried" in stored else []
    known: Any = minimum_levels(
        row.level, carried_levels=carried, big_data_public_service="big-data" in stored
    )
    return [
        Minimum(
            Text(one.text.zh, one.text.en),
            Text(one.source.zh, one.source.en),
            int(stored[one.key]["level"]),
            bool(stored[one.key]["met"]),
        )
        for one in known
    ]


def _next(system: System, row: Classification, asked: Asked) -> list[NextStep]:
    dates = DutyDates(
        level_fixed=row.decided_at.astimezone(asked.local.tzinfo).date(),
        in_operation=system.in_operation_on,
        filed=system.filed_on,
        last_evaluation=system.last_evaluation_on,
    )
    return [
        NextStep(
            Text(one.title.zh, one.title.en),
            Text(one.rule.zh, one.rule.en),
            Text(one.source.zh, one.source.en),
            one.due,
        )
        for one in next_dates(row.level, dates)
    ]
