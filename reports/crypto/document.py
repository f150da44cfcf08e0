"""Crypto self-assessment as blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from reports import charts
from reports.blocks import Block, Bullets, Cell, Chart, Document, Fact, Heading, Paragraph, State, Table, Turn
from reports.crypto.model import CryptoReport, CryptoUnit, Judged, RuleResult
from reports.paper.frame import Pen, lay_out
from reports.read_model import STATES, Language, Text, Verdict
from reports.terms import STATE_NAMES

__all__ = ["build_document"]

_NATURE = Text(
    "本报告是单位按 GB/T 39786-2021 开展的密码应用自评估，不是商用密码应用安全性评估报告，不能替代具有资质的密评机构出具的结论。",
    "This is a self-assessment of the use of cryptography after GB/T 39786-2021. It is no report of a licensed body for the crypto assessment and does not replace one.",
)
_UNITS = Text("测评单元", "units")
_RUNNING = Text("测评尚未关闭，数字仍会变化。", "The assessment is not closed; figures will still change.")


def build_document(report: CryptoReport, language: Language) -> Document:
    """Lay the report out."""
    return lay_out(
        report,
        language,
        lambda pen: _blocks(report, pen),
        nature=_NATURE,
        facts=lambda pen: _facts(report, pen),
        basis=_UNITS,
        unfinished=_RUNNING if report.closed_at is None else None,
    )


def _facts(report: CryptoReport, pen: Pen) -> Iterator[Fact]:
    t = pen.t
    yield Fact(t("测评编号", "Assessment"), report.number)
    yield Fact(t("测评负责人", "Lead"), report.lead or "—")
    end = report.closed_at.astimezone(report.meta.zone).date().isoformat() if report.closed_at else ""
    yield Fact(t("测评期间", "Period"), f"{report.begins_on} – {end or t('进行中', 'running')}")


def _blocks(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    yield from _result(report, pen)
    yield from _layers(report, pen)
    yield Turn(wide=True)
    yield from _units(report, pen)
    yield from _records(report, pen)
    yield from _shortfalls(report, pen)
    yield Turn(wide=False)
    yield from _how(report, pen)


def _role(pen: Pen, rule: RuleResult) -> str:
    return pen.t("本次采用", "used here") if rule.is_chosen else pen.t("仅供对照", "for comparison")


def _result(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("量化评估结果", "Result of the quantitative rules"))
    for rule in report.rules:
        if rule.is_chosen:
            yield Paragraph(_sentence(report, pen, rule), bold=True)
    yield Table(
        t("两版规则的结果", "Results of both rules"),
        (t("规则", "Rule"), t("用途", "Role"), t("总分", "Score"), t("技术部分", "Technical"), t("管理部分", "Management"), t("自评结论", "Conclusion"), t("说明", "Remarks")),
        (1.6, 1, 0.8, 1.3, 1.5, 1.3, 2),
        tuple(
            (pen.of(rule.edition), _role(pen, rule), rule.score, rule.technical, rule.management, pen.of(rule.conclusion) if rule.conclusion else "—",
             "\n".join([*([pen.of(rule.why_none)] if rule.why_none else []), *(pen.of(one) for one in rule.notes)]) or "—")
            for rule in report.rules
        ),
        pen.nothing(), numbers=(2, 3, 4), sheet=t("量化结果", "Results"),
    )  # fmt: skip
    yield Paragraph(
        t("结论按总分是否达到 60 分、是否存在高风险判断；满分 100 且无高风险为符合。", "The conclusion follows from the score against 60 and from high risks; 100 without a high risk conforms.")
    )  # fmt: skip


def _sentence(report: CryptoReport, pen: Pen, rule: RuleResult) -> str:
    if rule.score is None:
        return pen.of(rule.why_none) if rule.why_none else pen.t("尚无得分。", "There is no score yet.")
    words = pen.of(rule.conclusion) if rule.conclusion else "—"
    return pen.t(
        f"按{pen.of(rule.edition)}，自评得分 {rule.score} 分，剩余高风险 {report.high_risks} 个，自评结论为“{words}”。",
        f"By the {pen.of(rule.edition)} the score is {rule.score} with {report.high_risks} high risks left; the self-assessment concludes “{words}”.",
    )


def _layers(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("各层面情况", "Layers"))
    if report.layers:
        yield Chart(
            t("各层面单元判定分布", "Units by layer and state"),
            charts.verdict_bars(report.layers, language=pen.language.value, standalone=True),
        )
    rules = tuple(rule.year for rule in report.rules)
    scores = tuple(t(f"得分（{one}）", f"Score ({one})") for one in rules)
    yield Table(
        t("各层面单元与得分（0–1）", "Units and scores (0–1) by layer"),
        (t("层面", "Layer"), *(pen.of(STATE_NAMES[one]) for one in STATES), t("合计", "Total"), *scores),
        (1.9, 1.2, 1.2, 1.2, 1.2, 1.2, 0.8, *(1 for _ in rules)),
        tuple(
            (pen.of(one.label), *(one.counts.of(state) for state in STATES), one.counts.total, *(rule.layers[place] for rule in report.rules))
            for place, one in enumerate(report.layers)
        ),
        pen.nothing(), numbers=tuple(range(1, 7 + len(rules))), sheet=t("各层面", "Layers"),
    )  # fmt: skip


def _units(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    rules = tuple(rule.year for rule in report.rules)
    heads = [
        *(t(f"权重（{one}）", f"Weight ({one})") for one in rules),
        *(t(f"得分（{one}）", f"Score ({one})") for one in rules),
    ]
    yield Heading(1, t("单元结果", "Units"))
    for layer in report.layers:
        these = [one for one in report.units if one.layer == layer.code]
        name = pen.of(layer.label)
        yield Heading(2, name)
        yield _unit_table(pen, these, t(f"{name}：单元结果", f"{name}: units"), heads, sheet="")
    whole = _unit_table(pen, list(report.units), t("全部单元", "All units"), heads, sheet=t("单元", "Units"))
    yield replace(whole, sheet_only=True)


def _unit_table(pen: Pen, units: list[CryptoUnit], caption: str, heads: list[str], *, sheet: str) -> Table:
    t = pen.t
    return Table(
        caption,
        (t("单元", "Unit"), t("名称与要求", "Name and requirement"), t("判定", "Verdict"), *heads),
        (0.8, 4, 1.1, *(1 for _ in heads)),
        tuple((one.number, f"{pen.of(one.name)}\n{pen.of(one.summary)}", pen.state(one.verdict), *one.weights, *one.scores) for one in units),
        pen.nothing(), numbers=tuple(range(3, 3 + len(heads))), sheet=sheet,
    )  # fmt: skip


def _met(pen: Pen, value: bool | None) -> str | State:
    if value is None:
        return "—"
    return State("compliant" if value else "non_compliant", pen.t("满足", "met") if value else pen.t("不满足", "not met"))  # fmt: skip


def _records(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("测评记录", "Records"))
    yield Paragraph(
        t("D：密码使用有效性；A：密码算法与技术合规性；K：密钥管理安全性。管理单元只有判定。",
          "D: cryptography is used effectively; A: algorithm and technique comply; K: keys are managed safely. Management units have a verdict only.")
    )  # fmt: skip
    for layer in report.layers:
        these = [one for one in report.units if one.layer == layer.code]
        name = pen.of(layer.label)
        yield Heading(2, name)
        yield Table(
            t(f"{name}：测评记录", f"{name}: records"),
            (t("单元", "Unit"), t("对象", "Target"), "D", "A", "K", t("判定", "Verdict"), t("结果记录", "Result record"), t("证据", "Evidence")),
            (0.8, 1.6, 0.9, 0.9, 0.9, 1.1, 4, 1.4),
            tuple(_record(pen, unit, one) for unit in these for one in unit.judged),
            t("没有记录。", "None."),
        )  # fmt: skip
    yield Table(
        t("全部测评记录", "All records"),
        (t("层面", "Layer"), t("单元", "Unit"), t("名称", "Name"), t("对象", "Target"), "D", "A", "K", "Ra", "Rk", t("由此弥补", "Compensated by"), t("判定", "Verdict"), t("结果记录", "Result record"), t("证据", "Evidence"), t("测评人员", "Assessor")),
        (1.4, 0.8, 1.4, 1.4, 0.7, 0.7, 0.7, 0.6, 0.6, 1, 0.9, 4, 1.4, 0.9),
        tuple(
            (_layer_words(report, pen, unit.layer), unit.number, pen.of(unit.name), pen.of(one.target), _met(pen, one.d), _met(pen, one.a), _met(pen, one.k), one.ra, one.rk, one.compensated_by,
             pen.state(one.verdict), one.text, pen.join(one.evidence), one.assessor)
            for unit in report.units for one in unit.judged
        ),
        t("没有记录。", "None."), sheet=t("测评记录", "Records"), sheet_only=True,
    )  # fmt: skip


def _layer_words(report: CryptoReport, pen: Pen, code: str) -> str:
    return next((pen.of(one.label) for one in report.layers if one.code == code), code)


def _record(pen: Pen, unit: CryptoUnit, one: Judged) -> tuple[Cell, ...]:
    words = one.text
    if one.verdict is None:
        words = words or pen.t("未检查：还没有人判定这一格。", "Not examined: nobody has decided this cell.")
    factors = [f"Ra={one.ra}" if one.ra else "", f"Rk={one.rk}" if one.rk else ""]
    factors.append(pen.t(f"由 {one.compensated_by} 弥补", f"compensated by {one.compensated_by}") if one.compensated_by else "")  # fmt: skip
    told = pen.join([part for part in factors if part])
    return (
        unit.number, pen.of(one.target), _met(pen, one.d), _met(pen, one.a), _met(pen, one.k), pen.state(one.verdict),
        "\n".join(part for part in (words, told) if part) or "—", pen.join(one.evidence) or "—",
    )  # fmt: skip


def _shortfalls(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    rules = tuple(rule.year for rule in report.rules)
    gaps = [one for one in report.units if one.verdict in (Verdict.PARTIAL, Verdict.NON_COMPLIANT)]
    chosen = next((place for place, rule in enumerate(report.rules) if rule.is_chosen), 0)
    gaps.sort(key=lambda one: (-(one.costs[chosen] or Decimal(0)), one.number))
    yield Heading(1, t("差距与改进", "Shortfalls"))
    yield Table(
        t("未满足的单元（按扣分）", "Units not met, by what they cost"),
        (t("单元", "Unit"), t("名称与要求", "Name and requirement"), t("判定", "Verdict"), t("风险", "Risk"), t("分析", "Analysis"), *(t(f"扣分（{one}）", f"Points lost ({one})") for one in rules)),
        (0.8, 3.4, 1.1, 0.9, 2.4, *(1.1 for _ in rules)),
        tuple(
            (one.number, f"{pen.of(one.name)}\n{pen.of(one.summary)}", pen.state(one.verdict), pen.of(one.risk) if one.risk else t("未分析", "not analysed"), one.analysis or "—", *one.costs)
            for one in gaps
        ),
        t("没有判为部分符合或不符合的单元。", "No unit is partial or non-compliant."), numbers=tuple(range(5, 5 + len(rules))), sheet=t("差距", "Shortfalls"),
    )  # fmt: skip


def _how(report: CryptoReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("使用的规则", "Rules that were used"))
    yield Table(
        t("规则集", "Rule sets"), (t("名称", "Name"), t("版本", "Version"), t("性质", "Nature")), (4, 1, 1),
        tuple((pen.of(one.name), one.version, t("官方", "official") if one.official else t("非官方", "not official")) for one in report.meta.rule_sets),
        t("没有得分，未用到规则。", "There is no score, so no rule was used."), sheet=t("规则", "Rules"),
    )  # fmt: skip
    yield Bullets(
        (
            t("全部单元有判定之后才计算得分；不适用的单元不参与计算。", "A score takes a verdict for every unit; units that do not apply are left out."),
            t("两版规则读取同一份测评记录，差别在权重、修正因子与弥补。", "Both rules read the same records; they differ in weights, factors and compensation."),
            t("权重与规则根据公开资料整理，请与正式文本核对。", "Weights and rules are taken from public sources; check the official text."),
        )
    )  # fmt: skip
