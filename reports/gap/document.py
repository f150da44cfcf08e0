"""Gap analysis as blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reports import charts
from reports.blocks import Block, Bullets, Cell, Chart, Document, Heading, Paragraph, Table, Turn
from reports.gap.model import GapItem, GapReport, Place
from reports.paper.frame import Pen, lay_out
from reports.read_model import STATES, CountRow, Language, Text, Verdict
from reports.terms import LAYER_NAMES, STATE_NAMES

__all__ = ["build_document"]

_NATURE = Text(
    "本报告是单位自查的差距分析，供整改和迎评准备使用，不是等级测评报告，不能替代具有资质的测评机构出具的结论。",
    "This is a gap analysis from a self-assessment, for remediation and preparation. It is no testing and evaluation report and does not replace the conclusion of a licensed evaluation body.",
)
_REASONS = 30
_PLACES = 5


def build_document(report: GapReport, language: Language) -> Document:
    """Lay the analysis out."""
    return lay_out(report, language, lambda pen: _blocks(report, pen), nature=_NATURE)


def _blocks(report: GapReport, pen: Pen) -> Iterator[Block]:
    yield from _distance(report, pen)
    yield Turn(wide=True)
    yield from _not_met(report, pen)
    yield from _open(report, pen)
    yield from _papers(report, pen)
    yield _all_items(report, pen)
    yield Turn(wide=False)
    yield from _how(pen)


def _distance(report: GapReport, pen: Pen) -> Iterator[Block]:
    t, counts = pen.t, report.counts
    high = [one for one in report.with_verdict(Verdict.NON_COMPLIANT, Verdict.PARTIAL) if one.cases]
    yield Heading(1, t("与本级要求的差距", "Distance from the level"))
    yield Paragraph(
        t(f"适用要求项 {counts.total - counts.na} 个：符合 {counts.compliant} 个，部分符合 {counts.partial} 个，不符合 {counts.non_compliant} 个，未检查 {counts.not_examined} 个；另有不适用 {counts.na} 个。",
          f"{counts.total - counts.na} items apply: {counts.compliant} compliant, {counts.partial} partial, {counts.non_compliant} non-compliant, {counts.not_examined} not examined; {counts.na} more do not apply."),
        bold=True,
    )  # fmt: skip
    yield Paragraph(
        t(f"不符合或部分符合的项中，{len(high)} 个与高风险判例相关；尚缺证据材料 {len(report.papers)} 种。",
          f"Of the items not or partly met {len(high)} concern a case of the high-risk guide; {len(report.papers)} kinds of evidence are missing.")
    )  # fmt: skip
    if report.classes:
        caption = t("各安全类判定分布", "Results by class")
        yield Chart(
            caption, charts.verdict_bars(report.classes, language=pen.language.value, standalone=True)
        )
    yield _counted(
        pen, t("各安全类", "By class"), t("安全类", "Class"), report.classes, t("按安全类", "By class")
    )
    yield _counted(pen, t("各层面", "By layer"), t("层面", "Layer"), report.layers, t("按层面", "By layer"))


def _counted(pen: Pen, caption: str, head: str, rows: tuple[CountRow, ...], sheet: str) -> Table:
    t = pen.t
    return Table(
        caption,
        (head, *(pen.of(STATE_NAMES[one]) for one in STATES), t("合计", "Total"), t("符合率（已检查，%）", "Rate (examined, %)")),
        (2.4, 1, 1, 1, 1, 1, 1, 1.3),
        tuple((pen.of(one.label), *(one.counts.of(state) for state in STATES), one.counts.total, one.conformity_examined) for one in rows),
        t("系统尚未定级，没有适用的要求项。", "The system has no level, so no item applies."), numbers=tuple(range(1, 8)), sheet=sheet,
    )  # fmt: skip


def _classes(items: tuple[GapItem, ...]) -> dict[str, list[GapItem]]:
    found: dict[str, list[GapItem]] = {}
    for one in items:
        found.setdefault(one.class_code, []).append(one)
    return found


def _not_met(report: GapReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("不符合与部分符合的要求项", "Items not or partly met"))
    gaps = _classes(report.with_verdict(Verdict.NON_COMPLIANT, Verdict.PARTIAL))
    if not gaps:
        yield Paragraph(t("没有判为不符合或部分符合的项。", "No item is judged non-compliant or partial."))
    for items in gaps.values():
        name = pen.of(items[0].class_name)
        yield Heading(2, f"{name}（{len(items)}）" if pen.zh else f"{name} ({len(items)})")
        yield Table(
            t(f"{name}：差距", f"{name}: gaps"),
            (t("单元", "Unit"), t("条款", "Clause"), t("控制点与要求", "Point and requirement"), t("判定", "Verdict"), t("差在哪里", "Where and why"), t("问题", "Findings"), t("高风险判例", "High-risk cases")),
            (1, 0.9, 2.6, 0.9, 3.4, 0.9, 0.9),
            tuple((one.unit, one.clause, _asks(pen, one), pen.state(one.verdict), _where(pen, one), pen.few(one.findings), pen.few(one.cases)) for one in items),
            pen.nothing(),
        )  # fmt: skip


def _asks(pen: Pen, one: GapItem) -> str:
    return f"{pen.of(one.point)}\n{pen.of(one.summary)}"


def _where(pen: Pen, one: GapItem) -> str:
    lines = [_place(pen, each) for each in one.places[:_PLACES]]
    rest = len(one.places) - _PLACES
    if rest > 0:
        lines.append(pen.t(f"另有 {rest} 个对象", f"{rest} more targets"))
    return "\n".join(lines) or "—"


def _place(pen: Pen, one: Place) -> str:
    state = pen.of(STATE_NAMES[one.verdict.value]) if one.verdict else pen.t("未检查", "not examined")
    return f"{pen.of(one.name)}：{state}。{pen.of(one.reason)}" if pen.zh else f"{pen.of(one.name)}: {state}. {pen.of(one.reason)}"  # fmt: skip


def _open(report: GapReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    items = report.with_verdict(None)
    yield Heading(1, t("未检查的要求项", "Items not examined"))
    reasons = Counter(
        pen.of(place.reason) for one in items for place in one.places if place.verdict is None
    ).most_common(_REASONS)
    yield Table(
        t("未检查的原因（按检查点计）", "Why, counted by item and target"),
        (t("原因", "Reason"), t("检查点", "Checks")), (5, 1), tuple(reasons),
        t("没有未检查的项。", "Nothing is left unexamined."), numbers=(1,), sheet=t("未检查原因", "Why not examined"),
    )  # fmt: skip
    for listed in _classes(items).values():
        name = pen.of(listed[0].class_name)
        yield Heading(2, f"{name}（{len(listed)}）" if pen.zh else f"{name} ({len(listed)})")
        yield Table(
            t(f"{name}：未检查", f"{name}: not examined"),
            (t("单元", "Unit"), t("条款", "Clause"), t("控制点与要求", "Point and requirement"), t("未检查的原因", "Why not examined"), t("已有证据", "Evidence given")),
            (1, 0.9, 3, 4, 0.8),
            tuple((one.unit, one.clause, _asks(pen, one), _where(pen, one), one.evidence) for one in listed),
            pen.nothing(), numbers=(4,),
        )  # fmt: skip


def _papers(report: GapReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("缺少的证据材料", "Evidence that is missing"))
    yield Table(
        t("缺少的证据材料（按持有人）", "Missing evidence by holder"),
        (t("持有人", "Holder"), t("材料", "Document"), t("需要做", "To do"), t("原因", "Why"), t("涉及单元", "Units")),
        (1.3, 1.8, 1, 3.4, 1.6),
        tuple(
            (pen.of(one.holder), pen.of(one.name), pen.of(one.action),
             "\n".join([*(pen.of(each) for each in one.why), *([pen.of(one.condition)] if one.condition else [])]) or "—", pen.few(one.units))
            for one in report.papers
        ),
        t("没有缺少的材料。", "Nothing is missing."), sheet=t("缺少的证据", "Missing evidence"),
    )  # fmt: skip


def _all_items(report: GapReport, pen: Pen) -> Table:
    t = pen.t
    return Table(
        t("全部要求项", "All items"),
        (t("单元", "Unit"), t("条款", "Clause"), t("安全类", "Class"), t("控制点", "Control point"), t("要求（摘要）", "Requirement (summary)"), t("层面", "Layer"), t("判定", "Verdict"),
         t("检查点", "Checks"), t("未满足的对象与原因", "Where and why"), t("证据数", "Evidence"), t("未关闭问题", "Open findings"), t("高风险判例", "High-risk cases")),
        (1, 0.9, 1.3, 1.2, 3, 0.9, 0.9, 0.6, 4, 0.6, 1, 1),
        tuple(_item_row(pen, one) for one in report.items),
        t("系统尚未定级，没有适用的要求项。", "The system has no level, so no item applies."), sheet=t("全部要求项", "All items"), sheet_only=True,
    )  # fmt: skip


def _item_row(pen: Pen, one: GapItem) -> tuple[Cell, ...]:
    return (
        one.unit, one.clause, pen.of(one.class_name), pen.of(one.point), pen.of(one.summary), pen.of(LAYER_NAMES[one.layer]), pen.state(one.verdict),
        one.targets, "\n".join(_place(pen, each) for each in one.places), one.evidence, pen.join(one.findings), pen.join(one.cases),
    )  # fmt: skip


def _how(pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("口径说明", "How this was counted"))
    yield Bullets(
        (
            t("一个要求项在全部测评对象上都满足才算符合；有对象未检查时，除非已发现差距，否则计为未检查。", "An item is compliant when it is met on all targets; while a target is unexamined the item is too, unless a gap was found already."),
            t("符合率（已检查）= 符合 ÷（符合 + 部分符合 + 不符合），不含未检查和不适用。", "Rate (examined) = compliant ÷ (compliant + partial + non-compliant), without what is not examined or does not apply."),
            t("“高风险判例”指该要求项被判例引用，是否构成高风险须结合判例条件与缓解措施分析。", "A high-risk case means that the guide names the item; whether it is a high risk depends on the condition and the mitigation of the case."),
        )
    )  # fmt: skip
