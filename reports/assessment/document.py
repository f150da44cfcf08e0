"""The assessment report in the chapters and annexes of the 2025 template, as blocks.

It is a self-assessment or the preparation of one; the cover says so. Source of the structure: facts on the 2025
template; wording is our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reports.assessment.model import AssessmentReport, Record, Target
from reports.blocks import Block, Box, Bullets, Cell, Document, Fact, Heading, Paragraph, State, Table, Turn
from reports.read_model import NOT_EXAMINED, STATES, Language, Text, Verdict
from reports.terms import IMPORTANCE_NAMES, LAYER_NAMES, LEVEL_NAMES, STATE_NAMES

__all__ = ["build_document"]


class _Pen:
    """Words of one language."""

    def __init__(self, report: AssessmentReport, language: Language) -> None:
        self.report, self.language = report, language
        self.zh = language is Language.ZH
        self.targets = {target.code: target for target in report.targets}

    def t(self, zh: str, en: str) -> str:
        return zh if self.zh else en

    def of(self, text: Text) -> str:
        return text.in_(self.language)

    def state(self, verdict: Verdict | None) -> State:
        key = verdict.value if verdict is not None else NOT_EXAMINED
        return State(key, self.of(STATE_NAMES[key]))

    def number(self, value: Decimal | int | None, suffix: str = "") -> str:
        return "—" if value is None else f"{value}{suffix}"

    def join(self, parts: tuple[str, ...] | list[str]) -> str:
        return self.t("、", ", ").join(parts)

    def target(self, code: str) -> str:
        found = self.targets.get(code)
        return f"{code} {self.of(found.name)}" if found else code


def build_document(report: AssessmentReport, language: Language) -> Document:
    """Lay the report out."""
    pen = _Pen(report, language)
    t = pen.t
    return Document(
        title=t("网络安全等级保护自评估报告", "MLPS self-assessment report"),
        subtitle=report.system.name,
        number=report.meta.report_number,
        language=language.value,
        head=f"{report.system.name}　{report.number}",
        marking=pen.of(report.meta.marking) if report.meta.marking else "",
        draft=t("草稿", "DRAFT") if report.is_draft else "",
        cover=tuple(_cover(pen)),
        boxes=tuple(_boxes(pen)),
        contents=t("目录", "Contents"),
        table_word=t("表", "Table"),
        page_of=t("第 {page} 页 / 共 {pages} 页", "Page {page} of {pages}"),
        blocks=tuple(_blocks(pen)),
    )


def _cover(pen: _Pen) -> Iterator[Fact]:
    report, t = pen.report, pen.t
    system = report.system
    yield Fact(t("报告编号", "Report"), report.meta.report_number)
    yield Fact(t("测评编号", "Assessment"), report.number)
    yield Fact(t("责任单位", "Responsible unit"), system.department)
    yield Fact(t("安全保护等级", "Level"), f"{pen.of(LEVEL_NAMES[system.level])} {system.profile}")
    yield Fact(
        t("备案证明编号", "Filing"),
        system.filing.number if system.filing else t("未备案或未登记", "not filed, or not registered"),
    )
    end = report.ends_on or (
        report.closed_at.astimezone(report.meta.zone).date() if report.closed_at else None
    )
    yield Fact(t("测评期间", "Period"), f"{report.begins_on} – {end or t('进行中', 'running')}")
    yield Fact(
        t("生成时间", "Made at"),
        report.meta.generated_at.astimezone(report.meta.zone).strftime("%Y-%m-%d %H:%M"),
    )
    yield Fact(t("生成工具", "Made by"), report.meta.generator)


def _boxes(pen: _Pen) -> Iterator[Box]:
    report, t = pen.report, pen.t
    share = pen.number(report.examined_percent, "%")
    yield Box(
        t("已检查比例", "Examined"),
        t(f"{report.counts.total} 个检查点（测评单元 × 对象）中已检查 {report.counts.examined} 个，占 {share}。",
          f"{report.counts.examined} of {report.counts.total} checks (one unit on one target) were examined: {share}."),
    )  # fmt: skip
    if report.is_draft:
        why = (
            t("测评尚未关闭，数字仍会变化。", "The assessment is not closed; figures will still change.")
            if report.closed_at is None
            else t("过半检查点尚未检查。", "More than half of the checks are not examined.")
        )
        yield Box(t("草稿", "Draft"), why, alarm=True)
    yield Box(
        t("声明", "Statement"),
        t("本报告是单位自评估或迎评准备材料，按 2025 版测评报告的章节编排，不是测评机构出具的等级测评报告，不能代替后者用于备案或监管。",
          "This report is a self-assessment or the preparation of an evaluation, in the chapters of the 2025 template. It is no report of a licensed evaluation body and does not replace one."),
    )  # fmt: skip


def _blocks(pen: _Pen) -> Iterator[Block]:
    yield from _basics(pen)
    yield from _conclusion_page(pen)
    yield from _overview(pen)
    yield from _object(pen)
    yield from _single_results(pen)
    yield from _overall(pen)
    yield from _risks(pen)
    yield from _appraisal(pen)
    yield from _concluded(pen)
    yield from _advice(pen)
    yield from _annexes(pen)


def _facts_table(pen: _Pen, caption: str, facts: list[tuple[str, str]]) -> Table:
    return Table(
        caption,
        (pen.t("项目", "Item"), pen.t("内容", "Content")),
        (1, 3),
        tuple(facts),
        pen.t("没有内容。", "Nothing."),
    )


def _basics(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    system = report.system
    yield Heading(1, t("基本信息", "Basic information"), numbered=False)
    yield _facts_table(
        pen, t("被测对象与测评活动", "Object and activity"),
        [
            (t("定级对象", "System"), f"{system.name}（{system.code}）"),
            (t("责任单位", "Responsible unit"), system.department),
            (t("等级与级别组合", "Level"), f"{pen.of(LEVEL_NAMES[system.level])} · {system.profile}"),
            (t("扩展要求", "Extensions"), pen.join([pen.of(one) for one in system.extensions]) or t("无", "none")),
            (t("承载环境", "Hosting"), pen.of(system.hosting)),
            (t("测评负责人", "Lead"), report.lead or "—"),
            (t("测评人员", "Assessors"), pen.join(list(report.assessors)) or "—"),
            (t("测评单元与对象", "Units and targets"), t(f"{report.units} 个单元，{len(report.targets)} 个对象", f"{report.units} units, {len(report.targets)} targets")),
        ],
    )  # fmt: skip


def _conclusion_page(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    found = report.conclusion
    yield Heading(1, t("测评结论页", "Conclusion page"), numbered=False)
    if found.why_none is not None:
        yield Paragraph(pen.of(found.why_none), bold=True)
    facts = [
        (t("结论（自评估）", "Conclusion (self-assessment)"), found.conclusion or t("尚无", "none yet")),
        (t("计分版本", "Scoring edition"), pen.of(found.edition)),
    ]
    if found.rate is not None:
        facts.append((t("等级测评符合率", "Rate"), f"{found.rate:.2f}%"))
    if found.score is not None:
        facts.append((t("得分（仅供对照）", "Score (for comparison)"), f"{found.score:.2f}"))
    facts += [
        (
            t("重大风险隐患（整改前）", "Major risks (as found)"),
            t(
                f"{found.major} 个，已整改 {found.major_fixed} 个",
                f"{found.major}, {found.major_fixed} fixed",
            ),
        ),
        (t("高风险 / 中风险（剩余）", "High / medium risks left"), f"{found.high} / {found.medium}"),
        (t("未全部检查的测评项", "Items not fully examined"), str(report.items_not_examined)),
    ]
    yield _facts_table(pen, t("结论", "Conclusion"), facts)
    if found.outlook:
        yield Paragraph(t("影响结论的因素：", "What would change it:"), bold=True)
        yield Bullets(tuple(pen.of(one) for one in found.outlook))


def _overview(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("测评项目概述", "Overview"))
    yield Heading(2, t("依据与范围", "Basis and scope"))
    yield Paragraph(
        t(f"依据 GB/T 22239-2019 的要求项和 GB/T 28448-2019 的测评单元（目录 {report.meta.catalogue_edition}），对 {report.units} 个单元逐对象判定。要求和步骤为平台自编摘要，以正式出版的标准为准。",
          f"By the items of GB/T 22239-2019 and the units of GB/T 28448-2019 (catalogue {report.meta.catalogue_edition}), {report.units} units were judged target by target. Requirements and steps are our own summaries; the published standards prevail.")
    )  # fmt: skip
    yield Heading(2, t("开始前已确定的单元", "Units settled before the start"))
    yield Table(
        t("不适用与继承", "Excluded and inherited"), (t("单元", "Unit"), t("依据", "Why")), (1, 4),
        tuple((one.unit, pen.of(one.words)) for one in report.given), t("没有。", "None."),
    )  # fmt: skip
    yield Heading(2, t("使用的规则", "Rules that were used"))
    yield Table(
        t("规则集", "Rule sets"), (t("名称", "Name"), t("版本", "Version"), t("性质", "Nature")), (3, 2, 1),
        tuple((pen.of(one.name), one.version, t("官方", "official") if one.official else t("非官方", "not official")) for one in report.meta.rule_sets),
        t("没有。", "None."),
    )  # fmt: skip


def _object(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("被测对象描述", "The object"))
    yield Paragraph(
        report.system.business or t("没有登记业务描述。", "No description of the business is registered.")
    )
    yield Paragraph(
        report.system.boundary or t("没有登记边界描述。", "No description of the boundary is registered.")
    )
    yield Heading(2, t("测评对象", "Targets"))
    yield _target_table(pen)


def _target_table(pen: _Pen) -> Table:
    t = pen.t
    return Table(
        t("测评对象及入选原因", "Targets and why they were chosen"),
        (t("代号", "Code"), t("名称", "Name"), t("类型", "Kind"), t("地址", "Address"), t("重要程度", "Importance"), t("入选原因", "Why")),
        (0.6, 1.8, 1.2, 1.2, 0.8, 2),
        tuple(_target_row(pen, one) for one in pen.report.targets),
        t("没有登记测评对象。", "No target is registered."),
    )  # fmt: skip


def _target_row(pen: _Pen, one: Target) -> tuple[Cell, ...]:
    importance = pen.of(IMPORTANCE_NAMES[one.importance]) if one.importance else "—"
    return (one.code, pen.of(one.name), pen.of(one.kind), one.address or "—", importance, pen.of(one.reason))


def _single_results(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("单项测评结果", "Single results"))
    heads = (t("安全类", "Class"), *(pen.of(STATE_NAMES[one]) for one in STATES), t("合计", "Total"))
    yield Table(
        t("各安全类检查点", "Checks by class"), heads, (2.2, 1, 1, 1, 1, 1, 1),
        (*((pen.of(one.name), *(str(one.counts.of(state)) for state in STATES), str(one.counts.total)) for one in report.classes),
         (t("合计", "Total"), *(str(report.counts.of(state)) for state in STATES), str(report.counts.total))),
        t("没有内容。", "Nothing."), numbers=tuple(range(1, 7)),
    )  # fmt: skip
    yield Heading(2, t("控制点结果", "Control points"))
    yield Paragraph(
        t("适用项全部符合为符合，全部不符合为不符合，其余为部分符合（GB/T 28449-2018 8.2.2）；只统计已全部检查的项。",
          "Compliant when every applicable item is, non-compliant when none is, else partial (GB/T 28449-2018, 8.2.2); over fully examined items.")
    )  # fmt: skip
    yield Table(
        t("控制点", "Control points"), (t("安全类", "Class"), t("条款", "Clause"), t("控制点", "Control point"), t("结果", "Result"), t("得分 0–10", "Score 0–10")),
        (2, 1, 2, 1.2, 1),
        tuple((pen.of(one.class_name), one.clause, pen.of(one.name), pen.state(one.verdict), pen.number(one.score)) for one in report.points),
        t("还没有全部检查完的项。", "No item is fully examined yet."), numbers=(4,),
    )  # fmt: skip


def _overall(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("整体测评", "Overall assessment"))
    yield Paragraph(
        t(
            "依据 GB/T 28448-2019 第 11 章，控制点之间、区域之间的弥补可改变单项结果；单项记录保持原判定。",
            "After GB/T 28448-2019, chapter 11, what is made good between points or areas may change a result; the record keeps its verdict.",
        )
    )
    yield Table(
        t("弥补关系", "Made good elsewhere"),
        (t("不满足的单元", "Shortfall"), t("对象", "Target"), t("由此弥补", "Made good by"), t("弥补后", "Then"), t("理由", "Why")), (1, 1.4, 1, 1, 2.6),
        tuple((one.unit, pen.target(one.target), one.by_unit, pen.state(one.verdict), one.reason) for one in report.made_good),
        t("没有弥补关系。", "Nothing is made good elsewhere."),
    )  # fmt: skip


def _risks(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("安全问题与风险分析", "Shortfalls and risks"))
    yield Paragraph(
        t(
            "高风险判例依据《高风险判定实施指引（试行）》；其余等级由可能性 × 影响矩阵给出，矩阵为平台设定，非官方。",
            "High-risk cases follow the trial guide of 2025; other levels come from likelihood × impact, a setting of this platform that is not official.",
        )
    )
    yield Turn(wide=True)
    yield Table(
        t("不满足的单元", "Units not met"),
        (t("单元", "Unit"), t("控制点与要求", "Point and requirement"), t("判定", "Verdict"), t("对象", "Targets"), t("层面", "Layer"), t("风险", "Risk"), t("判例", "Cases"), t("分析", "Analysis")),
        (1, 2.6, 0.9, 1.7, 0.9, 1.1, 0.8, 2),
        tuple(
            (one.unit, f"{pen.of(one.point)}\n{pen.of(one.summary)}", pen.state(one.worst), pen.join([pen.target(code) for code in one.targets[:8]]) + (t(f" 等 {len(one.targets)} 个", f" and {len(one.targets) - 8} more") if len(one.targets) > 8 else ""),
             pen.of(LAYER_NAMES[one.layer]), _risk_words(pen, one.level, one.major, one.fixed), pen.join(list(one.cases)) or "—", one.analysis or "—")
            for one in report.gaps
        ),
        t("没有判为部分符合或不符合的单元。", "No unit is partial or non-compliant."),
    )  # fmt: skip
    yield Turn(wide=False)


def _risk_words(pen: _Pen, level: Text | None, major: bool, fixed: bool) -> str:
    words = pen.of(level) if level else pen.t("未分析", "not analysed")
    if major:
        words += pen.t("；重大隐患", "; major")
    return words + (pen.t("，已整改", ", fixed") if fixed else "")


def _appraisal(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("总体评价", "Overall appraisal"))
    yield Table(
        t("各安全类符合情况", "Result by class"), (t("安全类", "Class"), t("已检查", "Examined"), t("符合率或得分", "Rate or score")), (3, 1, 1),
        tuple((pen.of(one.name), pen.number(one.counts.examined_percent, "%"), "—" if one.figure is None else f"{one.figure}{'%' if one.figure_is_rate else ''}") for one in report.classes),
        t("没有内容。", "Nothing."), numbers=(1, 2),
    )  # fmt: skip


def _concluded(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    found = report.conclusion
    yield Heading(1, t("测评结论", "Conclusion"))
    if not found.conclusion:
        yield Paragraph(
            pen.of(found.why_none) if found.why_none else t("尚无结论。", "There is no conclusion yet.")
        )
        return
    figure = (
        f"{found.rate:.2f}%"
        if found.rate is not None
        else "—"
        if found.score is None
        else f"{found.score:.2f}"
    )
    yield Paragraph(
        t(f"{report.system.name}自评估结论为“{found.conclusion}”，{'符合率' if found.rate is not None else '得分'} {figure}；整改前重大风险隐患 {found.major} 个，剩余高风险 {found.high} 个。",
          f"The self-assessment of {report.system.name} concludes “{found.conclusion}”, with a {'rate' if found.rate is not None else 'score'} of {figure}, {found.major} major risks as found and {found.high} high risks left."),
        bold=True,
    )  # fmt: skip
    if report.items_not_examined:
        yield Paragraph(
            t(
                f"有 {report.items_not_examined} 个测评项未全部检查，未计入上述数字。",
                f"{report.items_not_examined} items are not fully examined and are in none of these figures.",
            )
        )


def _advice(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("整改建议", "Advice"))
    order = {"high": 0, "medium": 1, "low": 2}
    rows = sorted(
        report.gaps,
        key=lambda one: (not one.major, order.get(one.level.en.lower(), 3) if one.level else 3, one.unit),
    )
    yield Table(
        t("按风险排序", "By risk"), (t("单元", "Unit"), t("使其满足", "Make it so"), t("风险", "Risk"), t("费用估算", "Cost")), (1, 4, 1.2, 1),
        tuple((one.unit, pen.of(one.summary), _risk_words(pen, one.level, one.major, one.fixed), "—" if one.cost is None else f"¥{one.cost:,}") for one in rows),
        t("没有需要整改的单元。", "Nothing needs rectification."), numbers=(3,),
    )  # fmt: skip


def _annexes(pen: _Pen) -> Iterator[Block]:
    report, t = pen.report, pen.t
    yield Heading(1, t("附录 A　上次测评问题", "Annex A  Findings of the assessment before"), numbered=False)
    if report.before:
        yield Bullets(tuple(pen.of(one) for one in report.before))
    else:
        yield Paragraph(
            t("没有上一次测评，或上次没有遗留问题。", "There is no assessment before, or it left nothing.")
        )
    yield Heading(1, t("附录 B　扫描记录", "Annex B  Scans"), numbered=False)
    if report.scans:
        yield Bullets(tuple(pen.of(one) for one in report.scans))
    else:
        yield Paragraph(t("测评期间没有完成的扫描。", "No scan was finished in the period."))
    yield Turn(wide=True)
    yield Heading(1, t("附录 C　单项测评记录", "Annex C  Records"), numbered=False)
    by_target: dict[str, list[Record]] = {}
    for one in report.records:
        by_target.setdefault(one.target, []).append(one)
    for target in report.targets:
        rows = by_target.get(target.code)
        if not rows:
            continue
        yield Heading(2, f"{target.code} {pen.of(target.name)}", numbered=False)
        yield Table(
            t(f"{pen.of(target.name)} 的记录", f"Records of {pen.of(target.name)}"),
            (t("单元", "Unit"), t("条款", "Clause"), t("控制点与要求", "Point and requirement"), t("方法", "Methods"), t("结果记录", "Result record"), t("判定", "Verdict")),
            (1, 0.9, 2.6, 0.9, 3.4, 1),
            tuple(_record_row(pen, one) for one in rows), t("没有记录。", "None."),
        )  # fmt: skip
    yield Turn(wide=False)


def _record_row(pen: _Pen, one: Record) -> tuple[Cell, ...]:
    words = one.text
    if one.verdict is None:
        words = words or pen.t("未检查：还没有人判定这一格。", "Not examined: nobody has decided this cell.")
    if one.is_draft:
        words = pen.t("（草稿文字，未经人工确认）", "(drafted text, not confirmed) ") + words
    if one.effective is not one.verdict and one.effective is not None:
        words += pen.t(
            f"（整体测评后为{pen.of(STATE_NAMES[one.effective.value])}）",
            f" (after overall assessment: {pen.of(STATE_NAMES[one.effective.value]).lower()})",
        )
    if one.evidence:
        words += ("\n" if words else "") + pen.t("证据：", "Evidence: ") + pen.join(list(one.evidence))
    return (
        one.unit,
        one.clause,
        f"{pen.of(one.point)}\n{pen.of(one.summary)}",
        pen.join([pen.of(each) for each in one.methods]),
        words or "—",
        pen.state(one.verdict),
    )
