"""Writes an assessment as a workbook: figures, records, shortfalls with risks, targets; each list can be filtered."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from reports.assessment.model import AssessmentReport
from reports.assessment.naming import file_name
from reports.base import RenderedFile
from reports.read_model import NOT_EXAMINED, STATES, Language, Text, Verdict
from reports.terms import IMPORTANCE_NAMES, LAYER_NAMES, STATE_LOOKS, STATE_NAMES
from reports.text import clean, utc_naive
from reports.workbook import LINE, MEDIA_TYPE, open_book
from reports.zipping import without_dates

Value = str | int | float | None


class XlsxAssessment:
    """Renders :class:`~reports.assessment.model.AssessmentReport` to xlsx."""

    renderer_id: ClassVar[str] = "xlsx_assessment"
    kind: ClassVar[str] = "assessment-2025"
    format: ClassVar[str] = "xlsx"

    def render(self, model: AssessmentReport, language: str | None = None) -> RenderedFile:
        """Write the workbook; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        stream = io.BytesIO()
        book = open_book(stream)
        book.set_properties(
            {
                "title": clean(model.title)[:255],
                "author": clean(model.meta.generator)[:255],
                "created": utc_naive(model.meta.generated_at),
            }
        )
        _Book(book, model, lang).write()
        book.close()
        return RenderedFile(file_name(model, lang, self.format), MEDIA_TYPE, without_dates(stream.getvalue()))


class _Book:
    def __init__(self, book: Any, model: AssessmentReport, language: Language) -> None:
        self.book, self.model, self.language = book, model, language
        line = dict(LINE)
        self.head = book.add_format({"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", **line})
        self.plain = book.add_format(line)
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.states = {
            STATE_NAMES[key].in_(language): book.add_format(
                {**line, "bg_color": look.tint, "font_color": look.ink}
            )
            for key, look in STATE_LOOKS.items()
        }

    def t(self, zh: str, en: str) -> str:
        return zh if self.language is Language.ZH else en

    def of(self, text: Text) -> str:
        return text.in_(self.language)

    def state(self, verdict: Verdict | None) -> str:
        return self.of(STATE_NAMES[verdict.value if verdict else NOT_EXAMINED])

    def write(self) -> None:
        self._figures()
        self._records()
        self._gaps()
        self._targets()

    def _sheet(
        self, name: str, heads: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Value]]
    ) -> None:
        sheet = self.book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)
        for column, (head, width) in enumerate(zip(heads, widths, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, head, self.head)
        number = 0
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                self._cell(sheet, number, column, value)
        sheet.autofilter(0, 0, max(1, number), len(heads) - 1)

    def _cell(self, sheet: Any, row: int, column: int, value: Value) -> None:
        if value is None or value == "":
            sheet.write_blank(row, column, None, self.plain)
        elif isinstance(value, str):
            sheet.write_string(row, column, clean(value)[:32_000], self.states.get(value, self.plain))
        else:
            sheet.write_number(row, column, value, self.plain)

    def _figures(self) -> None:
        model, t = self.model, self.t
        sheet = self.book.add_worksheet(t("汇总", "Summary"))
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 8, 16)
        sheet.write_string(0, 0, clean(f"{model.system.name} · {model.number}")[:255], self.title)
        found = model.conclusion
        facts: list[tuple[str, Value]] = [
            (t("自评估，非测评机构报告", "Self-assessment, no evaluation body's report"), ""),
            (t("状态", "State"), t("草稿", "draft") if model.is_draft else t("已关闭", "closed")),
            (t("结论", "Conclusion"), found.conclusion or t("尚无", "none yet")),
            (t("计分版本", "Edition"), self.of(found.edition)),
            (t("符合率（%）", "Rate (%)"), float(found.rate) if found.rate is not None else None),
            (t("得分", "Score"), float(found.score) if found.score is not None else None),
            (t("已检查（%）", "Examined (%)"), float(model.examined_percent) if model.examined_percent is not None else None),
            (t("高风险", "High risks"), found.high), (t("中风险", "Medium risks"), found.medium),
            (t("重大风险隐患（整改前）", "Major risks (as found)"), found.major),
            (t("未全部检查的测评项", "Items not fully examined"), model.items_not_examined),
        ]  # fmt: skip
        for row, (name, value) in enumerate(facts, start=2):
            sheet.write_string(row, 0, name, self.plain)
            self._cell(sheet, row, 1, value)
        first = len(facts) + 3
        heads = [
            t("安全类", "Class"),
            *(self.of(STATE_NAMES[one]) for one in STATES),
            t("合计", "Total"),
            t("结果", "Result"),
        ]
        for column, head in enumerate(heads):
            sheet.write_string(first, column, head, self.head)
        for row, one in enumerate(model.classes, start=first + 1):
            values: list[Value] = [
                self.of(one.name),
                *(one.counts.of(state) for state in STATES),
                one.counts.total,
                float(one.figure) if one.figure is not None else None,
            ]
            for column, value in enumerate(values):
                self._cell(sheet, row, column, value)

    def _records(self) -> None:
        t, targets = self.t, {one.code: one for one in self.model.targets}
        heads = (
            t("对象", "Target"),
            t("单元", "Unit"),
            t("条款", "Clause"),
            t("控制点", "Control point"),
            t("要求（摘要）", "Requirement (summary)"),
            t("方法", "Methods"),
            t("结果记录", "Result record"),
            t("判定", "Verdict"),
            t("整体测评后", "After overall assessment"),
            t("证据", "Evidence"),
            t("测评人员", "Assessor"),
        )
        self._sheet(
            t("单项记录", "Records"), heads, (22, 14, 14, 18, 46, 14, 60, 12, 12, 30, 14),
            (
                (f"{one.target} {self.of(targets[one.target].name)}" if one.target in targets else one.target, one.unit, one.clause, self.of(one.point), self.of(one.summary),
                 t("、", ", ").join(self.of(each) for each in one.methods), (t("（草稿）", "(draft) ") if one.is_draft else "") + one.text, self.state(one.verdict),
                 self.state(one.effective), t("、", ", ").join(one.evidence), one.assessor)
                for one in self.model.records
            ),
        )  # fmt: skip

    def _gaps(self) -> None:
        t = self.t
        heads = (
            t("单元", "Unit"),
            t("控制点", "Control point"),
            t("要求（摘要）", "Requirement (summary)"),
            t("判定", "Verdict"),
            t("层面", "Layer"),
            t("对象", "Targets"),
            t("风险", "Risk"),
            t("重大隐患", "Major"),
            t("已整改", "Fixed"),
            t("判例", "Cases"),
            t("分析", "Analysis"),
            t("费用（元）", "Cost (CNY)"),
        )
        yes = t("是", "yes")
        self._sheet(
            t("不满足项与风险", "Shortfalls and risks"), heads, (14, 18, 46, 12, 14, 34, 10, 10, 10, 14, 40, 12),
            (
                (one.unit, self.of(one.point), self.of(one.summary), self.state(one.worst), self.of(LAYER_NAMES[one.layer]), t("、", ", ").join(one.targets),
                 self.of(one.level) if one.level else t("未分析", "not analysed"), yes if one.major else "", yes if one.fixed else "", t("、", ", ").join(one.cases), one.analysis, one.cost)
                for one in self.model.gaps
            ),
        )  # fmt: skip

    def _targets(self) -> None:
        t = self.t
        heads = (
            t("代号", "Code"),
            t("名称", "Name"),
            t("类型", "Kind"),
            t("地址", "Address"),
            t("重要程度", "Importance"),
            t("入选原因", "Why chosen"),
        )
        self._sheet(
            t("测评对象", "Targets"), heads, (10, 30, 18, 22, 12, 40),
            (
                (one.code, self.of(one.name), self.of(one.kind), one.address, self.of(IMPORTANCE_NAMES[one.importance]) if one.importance else "", self.of(one.reason))
                for one in self.model.targets
            ),
        )  # fmt: skip


RENDERER = XlsxAssessment()
