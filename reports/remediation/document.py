"""Remediation plan and progress as blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from reports import charts
from reports.blocks import Block, Bullets, Cell, Chart, Document, Heading, Paragraph, Table, Turn
from reports.paper.frame import Pen, lay_out
from reports.read_model import Language, Layer, Severity, Text
from reports.remediation.model import MeasureLine, Problem, RemediationReport, Tally
from reports.terms import LAYER_NAMES

__all__ = ["all_problems", "build_document"]

_NATURE = Text(
    "本报告是单位自查后的整改计划与进展，用于内部推进和迎评准备，不是测评机构或公安机关出具的整改意见，也不能代替复测结论。",
    "This is the plan and progress of remediation after a self-assessment, for internal use and preparation. It is no notice of an evaluation body or of the police, and does not replace a retest.",
)
#: Of a long list of a whole district paper shows the first; the workbook has all.
_ON_PAPER = 120
_OWNERS_ON_PAPER = 20
T = TypeVar("T")


def build_document(report: RemediationReport, language: Language) -> Document:
    """Lay the plan out."""
    return lay_out(report, language, lambda pen: _blocks(report, pen), nature=_NATURE)


def _blocks(report: RemediationReport, pen: Pen) -> Iterator[Block]:
    yield from _overview(report, pen)
    yield Turn(wide=True)
    yield from _plan(report, pen)
    yield from _measures(report, pen)
    yield from _settled(report, pen)
    yield Turn(wide=False)
    yield from _how(pen)


def _overview(report: RemediationReport, pen: Pen) -> Iterator[Block]:
    t, tally = pen.t, report.tally
    yield Heading(1, t("整改进展", "Progress"))
    yield Paragraph(
        t(f"共登记问题 {tally.total} 个：待整改 {tally.open} 个（其中高风险 {tally.high} 个、逾期 {tally.overdue} 个、已提交待验证 {tally.submitted} 个），已了结 {tally.settled} 个，了结率 {pen.share(tally.settled, tally.total)}。",
          f"{tally.total} findings are registered: {tally.open} open ({tally.high} high, {tally.overdue} overdue, {tally.submitted} submitted and awaiting a retest), {tally.settled} settled, which is {pen.share(tally.settled, tally.total)}."),
        bold=True,
    )  # fmt: skip
    yield Paragraph(
        t("“已了结”指已关闭、误报、风险已接受或已验证；“逾期”按计划期限计，没有计划的按建议期限计。",
          "“Settled” means closed, false positive, risk accepted or verified; “overdue” counts from the planned date, else from the suggested one.")
    )  # fmt: skip
    by_layer: dict[Layer, dict[Severity, int]] = {layer: dict.fromkeys(Severity, 0) for layer in Layer}
    for one in report.problems:
        if one.is_open:
            by_layer[one.layer][one.severity] += 1
    caption = t("待整改问题（按层面与等级）", "Open findings by layer and severity")
    yield Chart(caption, charts.finding_bars(by_layer, language=pen.language.value, standalone=True))
    layers = report.group(lambda one: one.layer.value)
    yield _tallies(
        pen, t("各层面", "By layer"), t("层面", "Layer"),
        [(pen.of(LAYER_NAMES[layer]), layers.get(layer.value, Tally())) for layer in Layer],
        sheet=t("按层面", "By layer"),
    )  # fmt: skip
    if report.subject.is_district:
        systems = report.group(lambda one: f"{one.system}（{one.system_code}）" if pen.zh else f"{one.system} ({one.system_code})")  # fmt: skip
        worst = sorted(
            systems.items(), key=lambda pair: (-pair[1].high, -pair[1].overdue, -pair[1].open, pair[0])
        )
        yield _tallies(
            pen,
            t("各系统", "By system"),
            t("系统", "System"),
            worst,
            sheet=t("按系统", "By system"),
        )
    states = {one.state: pen.of(one.state_words) for one in report.problems}
    yield Table(
        t("各状态", "By state"),
        (t("状态", "State"), t("高", "High"), t("中", "Medium"), t("低", "Low"), t("合计", "Total")),
        (2, 1, 1, 1, 1),
        tuple(_state_row(report, key, words) for key, words in states.items()),
        t("没有登记问题。", "No finding is registered."),
        numbers=(1, 2, 3, 4),
        sheet=t("按状态", "By state"),
    )
    nobody = t("未指定", "nobody yet")
    owners = report.group(lambda one: one.owner or nobody)
    listed = sorted(owners.items(), key=lambda pair: (-pair[1].overdue, -pair[1].open, pair[0]))
    most = t(
        f"各责任人（待整改最多的 {_OWNERS_ON_PAPER} 位）",
        f"By owner (the {_OWNERS_ON_PAPER} with most to do)",
    )
    caption = t("各责任人", "By owner") if len(listed) <= _OWNERS_ON_PAPER else most
    yield _tallies(pen, caption, t("责任人", "Owner"), listed[:_OWNERS_ON_PAPER], sheet="")
    by_owner = _tallies(pen, caption, t("责任人", "Owner"), listed, sheet=t("按责任人", "By owner"))
    yield replace(by_owner, sheet_only=True)


def _state_row(report: RemediationReport, state: str, words: str) -> tuple[Cell, ...]:
    these = [one.severity for one in report.problems if one.state == state]
    levels = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    return (words, *(these.count(level) for level in levels), len(these))


def _tallies(pen: Pen, caption: str, head: str, rows: list[tuple[str, Tally]], *, sheet: str) -> Table:
    t = pen.t
    return Table(
        caption,
        (head, t("问题", "Found"), t("待整改", "Open"), t("高风险", "High"), t("逾期", "Overdue"), t("待验证", "Submitted"), t("已了结", "Settled"), t("了结率（%）", "Settled (%)")),
        (2.4, 1, 0.9, 0.9, 1.15, 1.35, 1.1, 1.2),
        tuple((name, one.total, one.open, one.high, one.overdue, one.submitted, one.settled, pen.part(one.settled, one.total)) for name, one in rows),
        t("没有登记问题。", "No finding is registered."), numbers=(1, 2, 3, 4, 5, 6, 7), sheet=sheet,
    )  # fmt: skip


def _plan(report: RemediationReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    live = [one for one in report.problems if one.is_open]
    late = [one for one in live if one.is_overdue]
    yield Heading(1, t("逾期问题", "Overdue findings"))
    yield from _long(
        pen,
        late,
        lambda these: _problem_table(
            report,
            pen,
            these,
            t("逾期问题", "Overdue findings"),
            t("没有逾期的问题。", "Nothing is overdue."),
        ),
        sheet=t("逾期", "Overdue"),
    )
    yield Heading(1, t("整改计划", "Plan"))
    for layer in Layer:
        name = pen.of(LAYER_NAMES[layer])
        these = [one for one in live if one.layer is layer]
        yield Heading(2, t(f"{name}层面", f"Layer: {name}"))
        yield from _long(
            pen,
            these,
            lambda part, name=name: _problem_table(  # type: ignore[misc]
                report,
                pen,
                part,
                t(f"{name}层面待整改问题", f"Open findings: {name}"),
                t("这一层面没有待整改的问题。", "Nothing is open in this layer."),
            ),
        )
    yield replace(all_problems(report, pen), sheet_only=True)


def _long(pen: Pen, items: list[T], table: Callable[[list[T]], Table], sheet: str = "") -> Iterator[Block]:
    """The first rows of a list, and how many more the workbook holds."""
    yield table(items[:_ON_PAPER])
    if len(items) > _ON_PAPER:
        yield Paragraph(
            pen.t(
                f"此处列前 {_ON_PAPER} 行，其余 {len(items) - _ON_PAPER} 行见同一报告的 Excel。",
                f"The first {_ON_PAPER} lines; {len(items) - _ON_PAPER} more stand in the workbook of this report.",
            )
        )
    if sheet:
        yield replace(table(items), sheet=sheet, sheet_only=True)


def _problem_table(
    report: RemediationReport, pen: Pen, these: list[Problem], caption: str, nothing: str
) -> Table:
    t = pen.t
    where = (t("系统", "System"),) if report.subject.is_district else ()
    return Table(
        caption,
        (t("编号", "No."), *where, t("问题", "Finding"), t("等级", "Severity"), t("对象", "Target"), t("状态", "State"), t("责任人", "Owner"), t("期限", "Due"), t("计划措施", "Measure planned")),
        (0.8, *((1.3,) if where else ()), 2.6, 0.8, 1.2, 0.9, 0.9, 1, 2.4),
        tuple(
            (one.number, *((one.system,) if where else ()), pen.of(one.title), pen.severity(one.severity), one.target or t("整个系统", "whole system"), pen.of(one.state_words),
             one.owner or t("未指定", "nobody"), _due(pen, one), "\n".join(one.measures) or _advised(pen, one))
            for one in these
        ),
        nothing,
    )  # fmt: skip


def _due(pen: Pen, one: Problem) -> str:
    return pen.day(one.due_on) + (pen.t("\n已逾期", "\noverdue") if one.is_overdue else "")


def _advised(pen: Pen, one: Problem) -> str:
    if one.advice is None:
        return pen.t("尚无计划", "no plan yet")
    return pen.t("尚无计划；建议：", "no plan yet; advised: ") + pen.of(one.advice)


def all_problems(report: RemediationReport, pen: Pen) -> Table:
    """Every finding with all its fields."""
    t = pen.t
    return Table(
        t("全部问题", "All findings"),
        (t("编号", "No."), t("系统编码", "System code"), t("系统", "System"), t("问题", "Finding"), t("等级", "Severity"), t("层面", "Layer"), t("对象", "Target"), t("单元", "Units"), t("高风险判例", "High-risk case"),
         t("状态", "State"), t("责任人", "Owner"), t("发现日期", "Opened"), t("期限", "Due"), t("逾期", "Overdue"), t("关闭日期", "Closed"), t("计划措施", "Measures"), t("建议", "Advice")),
        (0.8, 1, 1.4, 2.6, 0.7, 0.9, 1.2, 1.3, 1, 0.9, 0.9, 0.9, 0.9, 0.6, 0.9, 2.4, 2.4),
        tuple(
            (one.number, one.system_code, one.system, pen.of(one.title), pen.severity(one.severity), pen.of(LAYER_NAMES[one.layer]), one.target, pen.join(one.units), one.high_risk_case,
             pen.of(one.state_words), one.owner, one.opened_on.isoformat(), one.due_on.isoformat() if one.due_on else "", pen.yes(one.is_overdue),
             one.closed_on.isoformat() if one.closed_on else "", "\n".join(one.measures), pen.of(one.advice) if one.advice else "")
            for one in report.problems
        ),
        t("没有登记问题。", "No finding is registered."), sheet=t("全部问题", "All findings"),
    )  # fmt: skip


def _measures(report: RemediationReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("整改措施", "Measures"))
    cost = sum(one.cost or 0 for one in report.measures)
    unknown = sum(one.cost is None for one in report.measures)
    yield Paragraph(
        t(f"登记措施 {len(report.measures)} 项，已估费用合计 ¥{cost:,}，{unknown} 项没有估算。",
          f"{len(report.measures)} measures are registered; the estimates add up to ¥{cost:,}, {unknown} have none.")
    )  # fmt: skip
    yield from _long(
        pen,
        list(report.measures),
        lambda these: _measure_table(report, pen, these),
        sheet=t("措施", "Measures"),
    )


def _measure_table(report: RemediationReport, pen: Pen, these: list[MeasureLine]) -> Table:
    t = pen.t
    where = (t("系统", "System"),) if report.subject.is_district else ()
    return Table(
        t("整改措施", "Measures"),
        (t("编号", "No."), *where, t("措施", "Measure"), t("责任人", "Owner"), t("期限", "Due"), t("费用估算（元）", "Cost (CNY)"), t("对应问题", "Findings"), t("其中已了结", "Settled of them")),
        (0.8, *((1.3,) if where else ()), 3.4, 1, 1, 1, 2, 0.9),
        tuple(
            (one.number, *((one.system,) if where else ()), one.text, one.owner, pen.day(one.due_on) + (t("\n已逾期", "\noverdue") if one.is_overdue else ""), one.cost, pen.few(one.findings), one.closed)
            for one in these
        ),
        t("还没有登记措施。", "No measure is registered yet."), numbers=(5 if where else 4, 7 if where else 6),
    )  # fmt: skip


def _settled(report: RemediationReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    done = [one for one in report.problems if not one.is_open]
    yield Heading(1, t("已了结的问题", "Settled findings"))
    where = (t("系统", "System"),) if report.subject.is_district else ()

    def table(these: list[Problem]) -> Table:
        return Table(
            t("已了结的问题", "Settled findings"),
            (t("编号", "No."), *where, t("问题", "Finding"), t("等级", "Severity"), t("对象", "Target"), t("结果", "Result"), t("关闭日期", "Closed"), t("措施", "Measures")),
            (0.8, *((1.3,) if where else ()), 2.8, 0.8, 1.3, 1, 1, 2.4),
            tuple(
                (one.number, *((one.system,) if where else ()), pen.of(one.title), pen.severity(one.severity), one.target or t("整个系统", "whole system"), pen.of(one.state_words), pen.day(one.closed_on), "\n".join(one.measures) or "—")
                for one in these
            ),
            t("还没有了结的问题。", "Nothing is settled yet."),
        )  # fmt: skip

    yield from _long(pen, done, table)


def _how(pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("口径说明", "How this was counted"))
    yield Bullets(
        (
            t("问题来自扫描规则、登记信息核对和测评记录，由平台登记并留痕。", "Findings come from scan rules, from checks of the registers and from assessments; each step of theirs is on record."),
            t("问题等级由规则给出，依据与理由在问题页面可查；它不是测评机构的风险定级。", "Severities are given by the rules, with reasons on the page of each finding; they are no risk rating of an evaluation body."),
            t("没有检查过的地方不会出现问题；已检查比例见封面。", "What was not examined shows no finding; see the examined share on the cover."),
            t("费用为填报人的估算。", "Costs are estimates of whoever planned the measure."),
        )
    )  # fmt: skip
