"""The cover, the notes and the words that every paper shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal

from reports.blocks import Block, Box, Document, Fact, State, Table
from reports.paper.model import PaperModel
from reports.read_model import NOT_EXAMINED, Language, Severity, Text, Verdict, percent
from reports.terms import LEVEL_NAMES, SEVERITY_NAMES, STATE_NAMES
from reports.text import date_text, percent_text, time_text

__all__ = ["ITEMS", "Pen", "is_draft", "lay_out"]

ITEMS = Text("要求项", "requirement items")


class Pen:
    """Words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.zh = language is Language.ZH

    def t(self, zh: str, en: str) -> str:
        """One of two."""
        return zh if self.zh else en

    def of(self, text: Text) -> str:
        """The words of a text."""
        return text.in_(self.language)

    def state(self, verdict: Verdict | None) -> State:
        """A verdict, or that nobody looked."""
        key = verdict.value if verdict is not None else NOT_EXAMINED
        return State(key, self.of(STATE_NAMES[key]))

    def severity(self, severity: Severity) -> State:
        """A severity with its sign."""
        return State(severity.value, self.of(SEVERITY_NAMES[severity]))

    def join(self, parts: Iterable[str]) -> str:
        """A list in one line."""
        return self.t("、", ", ").join(parts)

    def few(self, parts: Iterable[str], most: int = 6) -> str:
        """A list in one line that tells how many more there are."""
        listed = list(parts)
        rest = len(listed) - most
        shown = self.join(listed[:most])
        return shown + (self.t(f" 等 {len(listed)} 个", f" and {rest} more") if rest > 0 else "") or "—"

    def day(self, value: date | None) -> str:
        """A date, or a dash."""
        return date_text(value)

    def share(self, part: int, whole: int) -> str:
        """A percentage, or a dash when there is nothing to divide by."""
        return percent_text(percent(part, whole))

    def part(self, part: int, whole: int) -> Decimal | None:
        """A percentage as the number of a cell whose head says so."""
        return percent(part, whole)

    def yes(self, value: bool) -> str:
        """A yes, or nothing."""
        return self.t("是", "yes") if value else ""

    def nothing(self) -> str:
        """What an empty table prints when nothing better is known."""
        return self.t("没有内容。", "Nothing.")

    def facts(self, caption: str, rows: Iterable[tuple[str, str]], sheet: str = "") -> Table:
        """A table of two columns."""
        return Table(
            caption,
            (self.t("项目", "Item"), self.t("内容", "Content")),
            (1, 3),
            tuple(rows),
            self.nothing(),
            sheet=sheet,
        )


def is_draft(model: PaperModel) -> bool:
    """More than half of the items is unexamined, or none is in scope."""
    counts = model.counts
    return counts.total == 0 or counts.not_examined * 2 > counts.total


def lay_out(
    model: PaperModel,
    language: Language,
    blocks: Callable[[Pen], Iterable[Block]],
    *,
    nature: Text,
    facts: Callable[[Pen], Iterable[Fact]] | None = None,
    basis: Text = ITEMS,
    unfinished: Text | None = None,
    counted: bool = True,
) -> Document:
    """Put a cover on *blocks*.

    Args:
        nature: What this paper is and what it does not replace.
        facts: More lines of the cover.
        basis: What one unit of ``counts`` is.
        unfinished: Why this is a draft, whatever was examined.
        counted: False for a paper whose content does not hang on what was examined: it is no draft for that.
    """
    pen = Pen(language)
    why = unfinished or (_draft_why(model, basis) if counted and is_draft(model) else None)
    t = pen.t
    name = pen.of(model.subject.name)
    if model.subject.is_example:
        name += t("（示例）", " (example)")
    return Document(
        title=pen.of(model.meta.title),
        subtitle=name,
        number=model.meta.report_number,
        language=language.value,
        head=f"{name}　{pen.of(model.meta.title)}",
        marking=pen.of(model.meta.marking) if model.meta.marking else "",
        draft=t("草稿", "DRAFT") if why else "",
        cover=(*_cover(pen, model), *(facts(pen) if facts else ())),
        boxes=tuple(_boxes(pen, model, nature, basis, why)),
        contents=t("目录", "Contents"),
        table_word=t("表", "Table"),
        page_of=t("第 {page} 页 / 共 {pages} 页", "Page {page} of {pages}"),
        cover_sheet=t("说明", "About"),
        blocks=tuple(blocks(pen)),
    )


def _cover(pen: Pen, model: PaperModel) -> Iterator[Fact]:
    t, subject, meta = pen.t, model.subject, model.meta
    yield Fact(t("报告编号", "Report"), meta.report_number)
    yield Fact(t("责任单位", "Responsible unit"), subject.unit or "—")
    if subject.is_district:
        yield Fact(t("系统数", "Systems"), str(subject.systems))
    else:
        level = f"{pen.of(LEVEL_NAMES[subject.level])} {subject.profile}" if subject.level else ""
        yield Fact(t("系统编码", "System code"), subject.code)
        yield Fact(t("安全保护等级", "Level"), level or t("未定级", "not classified"))
        yield Fact(
            t("备案证明编号", "Filing"),
            subject.filing or t("未备案或未登记", "not filed, or not registered"),
        )
    yield Fact(t("生成时间", "Made at"), _time(model.meta.generated_at, model))
    yield Fact(t("生成工具", "Made by"), meta.generator)
    yield Fact(t("要求目录", "Catalogue"), meta.catalogue_edition)


def _time(value: datetime, model: PaperModel) -> str:
    return time_text(value, model.meta.zone)


def _draft_why(model: PaperModel, basis: Text) -> Text:
    if model.counts.total:
        return Text(
            f"超过半数{basis.zh}尚未检查，本报告不能反映整体状况，仅供内部准备使用。",
            f"More than half of the {basis.en} are not examined; this report does not describe the whole and serves internal preparation only.",
        )
    return Text(
        f"没有纳入范围且可检查的{basis.zh}，不能给出已检查比例。",
        f"No {basis.en} are in scope, so there is no examined share.",
    )


def _boxes(pen: Pen, model: PaperModel, nature: Text, basis: Text, why: Text | None) -> Iterator[Box]:
    t, counts = pen.t, model.counts
    share = percent_text(counts.examined_percent)
    if counts.total:
        yield Box(
            t("已检查比例", "Examined"),
            t(f"共 {counts.total} 个{basis.zh}，已检查 {counts.examined} 个（{share}），未检查 {counts.not_examined} 个。未检查不等于符合，也不等于不符合。",
              f"{counts.examined} of {counts.total} {basis.en} examined ({share}); {counts.not_examined} not examined. Not examined means neither compliant nor non-compliant."),
        )  # fmt: skip
    if why is not None:
        yield Box(t("草稿", "Draft"), pen.of(why), alarm=True)
    notes = [pen.of(nature), *(pen.of(one) for one in model.meta.unofficial_notes)]
    yield Box(t("报告性质与非官方内容", "Nature of this report, and what is not official"), "\n".join(notes))
