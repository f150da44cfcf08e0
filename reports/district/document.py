"""District overview as blocks; the first chapter is one page for leaders."""

from __future__ import annotations

from collections.abc import Iterator

from reports import charts
from reports.blocks import Block, Bullets, Cell, Chart, Document, Heading, Paragraph, Table, Turn
from reports.district.model import DateLine, DepartmentLine, DistrictReport, LevelLine, SystemLine
from reports.paper.frame import Pen, lay_out
from reports.read_model import STATES, Language, Severity, Text
from reports.terms import LEVEL_NAMES, STATE_NAMES
from reports.text import shorten

__all__ = ["build_document"]

_NATURE = Text(
    "本报告汇总本平台登记和自查的情况，供领导决策和内部推进使用，不是测评机构或监管部门的结论。",
    "This report sums up what is registered in this platform and was found by self-assessment, for leaders and internal use. It is no conclusion of an evaluation body or an authority.",
)
_RISKY = 6
_NAMED = 4
# On the leaders' page no name takes more than one line.
_NAME_EM = 14
_ON_PAPER = 300


def build_document(report: DistrictReport, language: Language) -> Document:
    """Lay the overview out."""
    return lay_out(report, language, lambda pen: _blocks(report, pen), nature=_NATURE)


def _blocks(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    yield from _one_page(report, pen)
    yield Turn(wide=True)
    yield from _levels(report, pen)
    yield from _departments(report, pen)
    yield from _systems(report, pen)
    yield from _dates(report, pen)
    yield Turn(wide=False)
    yield from _posture(report, pen)
    yield from _how(pen)


def _one_page(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    t, one, counts = pen.t, report.totals, report.counts
    yield Heading(1, t("一页概览", "One page"))
    yield Paragraph(
        t(f"共 {one.systems} 个系统，应备案未备案 {one.to_file} 个，测评逾期 {one.evaluation_overdue} 个；待整改问题 {one.open} 个，其中高风险 {one.high} 个、逾期 {one.overdue} 个；要求项已检查 {pen.share(counts.examined, counts.total)}。",
          f"{one.systems} systems, {one.to_file} to be filed, {one.evaluation_overdue} overdue for evaluation; {one.open} open findings, {one.high} high and {one.overdue} overdue; {pen.share(counts.examined, counts.total)} of the items examined."),
        bold=True,
    )  # fmt: skip
    yield _figures(report, pen)
    findings = {
        line.layer: {Severity.HIGH: line.high, Severity.MEDIUM: line.medium, Severity.LOW: line.low}
        for line in report.layers
    }
    yield Chart(
        t("待整改问题（按层面与等级）", "Open findings by layer and severity"),
        charts.finding_bars(findings, language=pen.language.value, standalone=True, width=760),
        0.9,
    )
    yield Table(
        t("风险最高的系统", "Systems at the highest risk"),
        (t("系统", "System"), t("部门", "Department"), t("等级", "Level"), t("高风险", "High"), t("逾期", "Overdue"), t("已检查（%）", "Examined (%)")),
        (2.6, 1.8, 1, 0.8, 0.9, 1.1),
        tuple((shorten(line.name, 2 * _NAME_EM), shorten(line.department, _NAME_EM), _level(pen, line.level), line.high, line.overdue, pen.part(line.counts.examined, line.counts.total)) for line in _risky(report)[:_RISKY]),
        t("没有待整改的问题。", "No finding is open."), numbers=(3, 4, 5), sheet=t("风险系统", "Risks"),
    )  # fmt: skip
    yield Paragraph(t("需要关注或决定的事项", "What needs attention or a decision"), bold=True)
    yield Bullets(tuple(_matters(report, pen)) or (t("没有。", "None."),))


def _risky(report: DistrictReport) -> list[SystemLine]:
    open_ones = [one for one in report.systems if one.open]
    return sorted(open_ones, key=lambda one: (-one.high, -one.overdue, -one.open, one.code))


def _figures(report: DistrictReport, pen: Pen) -> Table:
    t, one = pen.t, report.totals
    figures: list[tuple[str, int]] = [
        (t("系统", "Systems"), one.systems), (t("未定级", "Not classified"), one.unclassified),
        (t("已备案", "Filed"), one.filed), (t("应备案未备案", "To be filed"), one.to_file),
        (t("本年已测评", "Evaluated this year"), one.evaluated), (t("测评逾期", "Evaluation overdue"), one.evaluation_overdue),
        (t("未见测评记录", "No evaluation on record"), one.never_evaluated), (t("面向互联网", "Internet-facing"), one.internet),
        (t("失去维护", "Lost maintainer"), one.lost), (t("在政务云上", "On the government cloud"), one.cloud),
        (t("待整改问题", "Open findings"), one.open), (t("其中高风险", "High among them"), one.high),
        (t("其中逾期", "Overdue among them"), one.overdue), (t("已提交待验证", "Submitted"), one.submitted),
        (t("已关闭", "Closed"), one.closed),
    ]  # fmt: skip
    figures += [("", -1)] * (-len(figures) % 3)
    rows: list[tuple[Cell, ...]] = []
    for start in range(0, len(figures), 3):
        row: list[Cell] = []
        for name, value in figures[start : start + 3]:
            row += [name, value if value >= 0 else ""]
        rows.append(tuple(row))
    head = (t("指标", "Figure"), t("数量", "Number"))
    return Table(
        t("主要指标", "Key figures"), head * 3, (1.7, 0.8) * 3, tuple(rows), pen.nothing(), numbers=(1, 3, 5), sheet=t("主要指标", "Key figures"),
    )  # fmt: skip


def _names(pen: Pen, lines: list[SystemLine]) -> str:
    return pen.few([shorten(one.name, _NAME_EM) for one in lines], _NAMED)


def _matters(report: DistrictReport, pen: Pen) -> Iterator[str]:
    t = pen.t
    groups = (
        (t("应备案未备案", "To be filed"), [one for one in report.systems if one.filing == "open"]),
        (t("测评逾期", "Evaluation overdue"), [one for one in report.systems if one.evaluation == "overdue"]),
        (t("未定级", "Not classified"), [one for one in report.systems if one.level is None]),
        (t("失去维护", "Lost maintainer"), [one for one in report.systems if one.lost]),
    )
    for words, lines in groups:
        if lines:
            yield t(f"{words} {len(lines)} 个：{_names(pen, lines)}", f"{words}, {len(lines)}: {_names(pen, lines)}")  # fmt: skip
    late = sorted((one for one in report.departments if one.overdue), key=lambda one: -one.overdue)
    if late:
        told = pen.few([f"{shorten(one.name, _NAME_EM)} {one.overdue}" for one in late], _NAMED)
        yield t(f"逾期问题最多的部门：{told}", f"Departments with the most overdue findings: {told}")
    if report.totals.of_platform:
        yield t(f"待整改问题中有 {report.totals.of_platform} 个属于本平台自身。", f"{report.totals.of_platform} of the open findings are of this platform itself.")  # fmt: skip


def _level(pen: Pen, level: int | None) -> str:
    return pen.of(LEVEL_NAMES[level]) if level else pen.t("未定级", "not classified")


def _levels(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("等级、备案与测评", "Levels, filing and evaluation"))

    def row(one: LevelLine) -> tuple[Cell, ...]:
        return (_level(pen, one.level), one.systems, one.filed, one.to_file, one.evaluated, one.evaluation_overdue, one.never_evaluated)  # fmt: skip

    yield Table(
        t("各等级系统", "Systems by level"),
        (t("等级", "Level"), t("系统", "Systems"), t("已备案", "Filed"), t("应备案未备案", "To be filed"), t("本年已测评", "Evaluated this year"), t("测评逾期", "Evaluation overdue"), t("未见测评记录", "No evaluation")),
        (1.6, 1, 1, 1.2, 1.3, 1.3, 1.3), tuple(row(one) for one in report.levels),
        t("没有登记系统。", "No system is registered."), numbers=tuple(range(1, 7)), sheet=t("按等级", "By level"),
    )  # fmt: skip


def _departments(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("各部门", "Departments"))

    def row(one: DepartmentLine) -> tuple[Cell, ...]:
        return (one.name, one.systems, one.to_file, one.evaluation_overdue, pen.part(one.counts.examined, one.counts.total), one.open, one.high, one.overdue)  # fmt: skip

    yield Table(
        t("各部门系统、备案、测评与问题", "Systems, filing, evaluation and findings by department"),
        (t("部门", "Department"), t("系统", "Systems"), t("应备案未备案", "To be filed"), t("测评逾期", "Evaluation overdue"), t("已检查（%）", "Examined (%)"), t("待整改", "Open"), t("高风险", "High"), t("逾期", "Overdue")),
        (2.4, 0.8, 1.2, 1.2, 1.1, 0.9, 0.9, 0.9), tuple(row(one) for one in report.departments),
        t("没有登记系统。", "No system is registered."), numbers=tuple(range(1, 8)), sheet=t("按部门", "By department"),
    )  # fmt: skip


def _posture(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("合规态势", "Posture"))
    if report.classes:
        yield Chart(
            t("各安全类判定分布（全部系统相加）", "Results by class, all systems added up"),
            charts.verdict_bars(report.classes, language=pen.language.value, standalone=True),
        )
    yield Table(
        t("各安全类", "By class"),
        (t("安全类", "Class"), *(pen.of(STATE_NAMES[one]) for one in STATES), t("合计", "Total"), t("符合率（已检查，%）", "Rate (examined, %)")),
        (2.2, 1.1, 1.1, 1.1, 1.1, 1.1, 1, 1.3),
        tuple((pen.of(one.label), *(one.counts.of(state) for state in STATES), one.counts.total, one.conformity_examined) for one in report.classes),
        t("没有按安全类的数字。", "There are no figures by class."), numbers=tuple(range(1, 8)), sheet=t("按安全类", "By class"),
    )  # fmt: skip


def _filing(pen: Pen, one: SystemLine) -> str:
    words = {
        "filed": pen.t("已备案", "filed"),
        "open": pen.t("应备案未备案", "to be filed"),
        "none": pen.t("无需备案", "not needed"),
    }
    return words[one.filing]


def _systems(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("系统清单", "Systems"))
    heads = (
        t("编码", "Code"), t("系统", "System"), t("部门", "Department"), t("等级", "Level"), t("部署", "Hosting"), t("备案", "Filing"), t("测评", "Evaluation"),
        t("测评到期", "Due"), t("已检查（%）", "Examined (%)"), t("待整改", "Open"), t("高风险", "High"), t("逾期", "Overdue"),
    )  # fmt: skip
    widths = (0.9, 2.1, 1.4, 1.1, 1.2, 1.1, 1.3, 1, 1, 0.7, 0.7, 1)

    def row(one: SystemLine) -> tuple[Cell, ...]:
        name = one.name + (t("（示例）", " (example)") if one.is_example else "")
        return (one.code, name, one.department, one.profile or _level(pen, one.level), pen.of(one.hosting), _filing(pen, one), pen.of(one.evaluation_words),
                pen.day(one.evaluation_due), pen.part(one.counts.examined, one.counts.total), one.open, one.high, one.overdue)  # fmt: skip

    nothing = t("没有登记系统。", "No system is registered.")
    shown = report.systems[:_ON_PAPER]
    yield Table(t("系统清单", "Systems"), heads, widths, tuple(row(one) for one in shown), nothing, numbers=(8, 9, 10, 11))  # fmt: skip
    if len(report.systems) > _ON_PAPER:
        rest = len(report.systems) - _ON_PAPER
        yield Paragraph(t(f"此处列前 {_ON_PAPER} 个系统，其余 {rest} 个见同一报告的 Excel。", f"The first {_ON_PAPER} systems; {rest} more stand in the workbook of this report."))  # fmt: skip
    yield Table(t("系统清单", "Systems"), heads, widths, tuple(row(one) for one in report.systems), nothing, numbers=(8, 9, 10, 11), sheet=t("系统清单", "Systems"), sheet_only=True)  # fmt: skip


def _dates(report: DistrictReport, pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("已过与将到的期限", "Dates passed and to come"))
    heads = (t("期限", "Due"), t("是否已过", "Passed"), t("事项", "What"), t("系统", "System"), t("部门", "Department"))  # fmt: skip
    widths = (1, 0.8, 2, 2.4, 1.8)

    def table(lines: tuple[DateLine, ...], *, sheet: str = "") -> Table:
        rows = tuple((one.due.isoformat(), pen.yes(one.is_late), pen.of(one.what), one.system, one.department) for one in lines)  # fmt: skip
        return Table(
            t("期限", "Dates"), heads, widths, rows, t("没有已过或将到的期限。", "No date has passed or comes soon."), sheet=sheet, sheet_only=bool(sheet)
        )  # fmt: skip

    yield table(report.dates[:_ON_PAPER])
    if len(report.dates) > _ON_PAPER:
        rest = len(report.dates) - _ON_PAPER
        yield Paragraph(t(f"此处列前 {_ON_PAPER} 行，其余 {rest} 行见同一报告的 Excel。", f"The first {_ON_PAPER} lines; {rest} more stand in the workbook of this report."))  # fmt: skip
    yield table(report.dates, sheet=t("期限", "Dates"))


def _how(pen: Pen) -> Iterator[Block]:
    t = pen.t
    yield Heading(1, t("口径说明", "How this was counted"))
    yield Bullets(
        (
            t("只含生成人可见范围内的系统；指标与工作台相同。", "Only systems within the scope of whoever had it made; the figures are those of the dashboard."),
            t("要求项按系统相加；未检查的系统按其等级的要求项全部计为未检查。", "Items are added up over the systems; those of a system that nobody examined all count as not examined."),
            t("测评到期按等级周期由上次测评日推算，第二级两年为通行做法。", "Evaluation dates follow from the level's period and the last evaluation; two years for level 2 are customary."),
            t("期限列未来 120 天以内和已过的。", "Dates are those that passed and those of the next 120 days."),
        )
    )  # fmt: skip
