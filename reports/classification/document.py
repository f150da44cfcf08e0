"""Classification report as blocks: the object, the two sides, the level, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

from reports.blocks import Block, Bullets, Document, Fact, Heading, Paragraph, Table
from reports.classification.model import ClassificationReport, Record, Side
from reports.paper.frame import Pen, lay_out
from reports.read_model import Language, Text
from reports.terms import LEVEL_NAMES
from reports.text import time_text

__all__ = ["build_document"]

_NATURE = Text(
    "本报告由定级向导的记录生成，是单位自主定级的材料；最终等级以专家评审、主管部门核准和公安机关备案审核的结果为准。",
    "This report is made from the record of the classification wizard: it is the organisation's own classification. Expert review, the competent authority and the filing check of the police decide on the final level.",
)


def build_document(report: ClassificationReport, language: Language) -> Document:
    """Lay the report out."""
    return lay_out(
        report,
        language,
        lambda pen: _blocks(report, pen),
        nature=_NATURE,
        facts=lambda pen: _facts(report, pen),
        counted=False,
        unfinished=_NO_RECORD if report.record is None else None,
    )


_NO_RECORD = Text(
    "没有定级记录：等级登记在台账中，但没有通过定级向导作出，依据无从说明。",
    "There is no record of a classification: the register names a level, but no wizard was used, so nothing tells what it rests on.",
)


def _facts(report: ClassificationReport, pen: Pen) -> Iterator[Fact]:
    if report.record is not None:
        at = time_text(report.record.decided_at, report.meta.zone)
        yield Fact(pen.t("定级时间", "Classified"), at)
        yield Fact(pen.t("定级人", "Classified by"), report.record.decided_by)


def _blocks(report: ClassificationReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield from _object(report, pen)
    yield Heading(1, t("安全保护等级的确定", "How the level was found"))
    if report.record is None:
        yield Paragraph(pen.of(_NO_RECORD), bold=True)
    else:
        for side in report.record.sides:
            yield from _side(pen, side)
        yield from _level(pen, report.record)
    yield from _after(report, pen)
    if report.record is not None:
        yield from _rules(pen, report.record)


def _object(report: ClassificationReport, pen: Pen) -> Iterator[Block]:
    t, subject = pen.t, report.subject
    none = t("未登记", "not registered")
    yield Heading(1, t("定级对象描述", "The object"))
    yield pen.facts(
        t("定级对象", "The object"),
        [
            (t("名称", "Name"), pen.of(subject.name)),
            (t("编码", "Code"), subject.code),
            (t("责任单位", "Responsible unit"), subject.unit),
            (t("责任人", "Person responsible"), report.responsible or none),
            (t("承载业务", "Business"), report.business or none),
            (t("边界", "Boundary"), report.boundary or none),
            (t("服务对象", "Users"), report.users or none),
            (t("数据种类", "Kinds of data"), report.data_kinds or none),
            (t("部署方式", "Hosting"), pen.of(report.hosting)),
            (t("面向互联网", "Internet-facing"), t("是", "yes") if report.internet_facing else t("否", "no")),
            (t("网段", "Networks"), pen.join(report.networks) or none),
            (t("新技术应用", "Extensions"), pen.join(pen.of(one) for one in report.extensions) or t("无", "none")),
            (t("投入运行日期", "In operation since"), pen.day(report.in_operation_on)),
            (t("备案证明编号", "Filing"), subject.filing or t("未备案或未登记", "not filed, or not registered")),
        ],
        sheet=t("定级对象", "Object"),
    )  # fmt: skip
    yield Table(
        t("对象构成（已登记的测评对象）", "What it is made of (registered targets)"),
        (t("类型", "Kind"), t("数量", "Number")), (3, 1), tuple((pen.of(one.kind), one.number) for one in report.assets),
        t("没有登记测评对象。", "No target is registered."), numbers=(1,), sheet=t("对象构成", "Targets"),
    )  # fmt: skip


def _named(pen: Pen, level: int) -> str:
    return pen.of(LEVEL_NAMES[level])


def _side(pen: Pen, side: Side) -> Iterator[Block]:
    t = pen.t
    name = pen.of(side.name)
    yield Heading(2, t(f"{name}保护等级（{side.code}）", f"{name} ({side.code})"))
    rows = tuple(
        (
            kind.name or t("未命名", "unnamed"),
            pen.of(harm.object),
            pen.of(harm.degree),
            _named(pen, harm.level),
        )
        for kind in side.kinds
        for harm in kind.harms
    )
    yield Table(
        t(f"{name}受到破坏时的侵害", f"Harm when {name.lower()} is damaged"),
        (t("业务信息", "Information") if side.code == "S" else t("系统服务", "Service"), t("受侵害的客体", "Interest harmed"), t("侵害程度", "Degree"), t("等级", "Level")),
        (2, 2.6, 1.4, 1), rows, pen.nothing(), sheet=f"{name}（{side.code}）" if pen.zh else f"{name} ({side.code})",
    )  # fmt: skip
    yield Paragraph(
        t(f"最高一项为“{pen.of(side.deciding.object)}”受到“{pen.of(side.deciding.degree)}”，{name}保护等级定为{_named(pen, side.level)}。",
          f"The highest is “{pen.of(side.deciding.degree)}” to “{pen.of(side.deciding.object)}”: {_named(pen, side.level)}."),
        bold=True,
    )  # fmt: skip


def _level(pen: Pen, record: Record) -> Iterator[Block]:
    t = pen.t
    yield Heading(2, t("安全保护等级", "Level"))
    rows = [(f"{pen.of(one.name)}（{one.code}）" if pen.zh else f"{pen.of(one.name)} ({one.code})", _named(pen, one.level)) for one in record.sides]  # fmt: skip
    yield Table(
        t("等级确定", "The level"), (t("项目", "Item"), t("等级", "Level")), (3, 1),
        (*rows, (t("安全保护等级（两者取高）", "Level (the higher of both)"), f"{_named(pen, record.level)} {record.profile}")),
        pen.nothing(), sheet=t("等级", "Level"),
    )  # fmt: skip
    yield Paragraph(t("定级理由：", "Reason: ") + (record.reason or t("未填写", "none given")))
    yield Paragraph(t("专家评审：", "Expert review: ") + (record.expert or t("未登记", "not registered")))
    yield Paragraph(
        t("主管部门核准：", "Competent authority: ") + (record.approval or t("未登记", "not registered"))
    )
    yield Table(
        t("最低等级规则", "Minimum levels"),
        (t("规则", "Rule"), t("最低等级", "At least"), t("是否满足", "Met"), t("出处", "Source")), (3.4, 1, 1, 1.6),
        tuple((pen.of(one.text), _named(pen, one.level), t("满足", "met") if one.met else t("不满足", "not met"), pen.of(one.source)) for one in record.minimums),
        t("没有适用的最低等级规则。", "No minimum level applies."), sheet=t("最低等级", "Minimum levels"),
    )  # fmt: skip


def _after(report: ClassificationReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("定级之后", "What follows"))
    if report.record is not None:
        yield Paragraph(pen.of(report.record.procedure))
    total = report.counts.total
    yield Paragraph(t(f"该等级适用要求项 {total} 个。", f"{total} requirement items apply at this level."))
    yield Table(
        t("后续期限", "Dates to come"),
        (t("事项", "What"), t("期限", "Due"), t("规定", "Rule"), t("出处", "Source")), (1.6, 1.1, 3, 1.8),
        tuple((pen.of(one.title), one.due.isoformat() if one.due else t("起算日未知或按工作日计", "start unknown, or working days"), pen.of(one.rule), pen.of(one.source)) for one in report.next_steps),
        t("没有后续期限。", "Nothing is due."), sheet=t("后续期限", "Dates"),
    )  # fmt: skip
    yield Table(
        t("以往定级", "Classifications before"),
        (t("时间", "When"), t("结果", "Result"), t("规则集", "Rule set"), t("定级人", "By"), t("理由", "Reason")), (1.4, 1, 1.8, 1, 3),
        tuple((time_text(one.decided_at, report.meta.zone), one.profile, one.rule_set, one.decided_by, one.reason) for one in report.earlier),
        t("没有以往的定级记录。", "There was none before."), sheet=t("以往定级", "Before"),
    )  # fmt: skip


def _rules(pen: Pen, record: Record) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("使用的规则", "Rules that were used"))
    nature = t("官方", "official") if record.is_official else t("非官方", "not official")
    yield Paragraph(f"{pen.of(record.rule_set)} · {record.version} · {nature}", bold=True)
    yield Paragraph(pen.of(record.note))
    yield Table(
        t("等级矩阵", "Matrix"), (t("受侵害的客体", "Interest harmed"), *(pen.of(one) for one in record.degrees)),
        (3, *(1.2 for _ in record.degrees)), tuple((pen.of(row.object), *row.levels) for row in record.matrix),
        pen.nothing(), numbers=tuple(range(1, 1 + len(record.degrees))), sheet=t("等级矩阵", "Matrix"),
    )  # fmt: skip
    yield Bullets(
        (
            t("出处：", "Source: ") + pen.of(record.source),
            *(
                t(f"同样的回答按“{pen.of(one.title)}”为 {one.profile}（{_named(pen, one.level)}），仅供对照。",
                  f"The same answers give {one.profile} ({_named(pen, one.level)}) under “{pen.of(one.title)}”, for comparison.")
                for one in record.alternatives
            ),
        )
    )  # fmt: skip
