"""A Word document under way: headings, captions, tables and pictures in one look.

Tables are built as XML elements, not through the object model, which walks a table anew for every cell.
Text goes in as text nodes only; the few fields (contents, page numbers) are fixed strings of this module.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import docx
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from reports.read_model import Language
from reports.terms import Look
from reports.text import clean
from reports.zipping import without_dates

_BRAND = "1F4E79"
_WASH = "EEF3F8"
_RULE = "C9D1DD"
_MUTED = "5B6678"
#: East Asian fonts that official papers ask for; the office machine supplies them.
_BODY = "仿宋"
_HEADS = "黑体"
_TITLE = "方正小标宋简体"
_LATIN = "Times New Roman"


@dataclass(frozen=True, slots=True)
class Tag:
    """A state or severity in a cell: sign and word on a tint."""

    words: str
    look: Look
    note: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A row over the whole width: bold words, then plain ones, then a tag at the end."""

    bold: str
    plain: str
    tag: Tag


Cell = str | Tag
Row = Sequence[Cell] | Band


class Writer:
    """Writes one document from its beginning to its end."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.document: Any = docx.Document()
        self._numbers = [0, 0, 0]
        self._captions = {"table": 0, "figure": 0}
        self.headings: list[tuple[int, str]] = []
        self._styles()
        self._page(self.document.sections[0], wide=False)

    # ---- styles and pages

    def _styles(self) -> None:
        styles = self.document.styles
        self._font(styles["Normal"], _BODY, 11)
        styles["Normal"].paragraph_format.space_after = Pt(4)
        for level, size in ((1, 16), (2, 13), (3, 11.5)):
            style = styles[f"Heading {level}"]
            self._font(style, _HEADS, size, bold=True, colour=_BRAND)
            style.paragraph_format.keep_with_next = True
            style.paragraph_format.space_before = Pt(14 if level == 1 else 9)
            style.paragraph_format.space_after = Pt(6)
        self._font(styles["Title"], _TITLE, 24, bold=True, colour=_BRAND)
        self._font(styles["Caption"], _HEADS, 9, colour=_MUTED)
        self._font(styles["List Bullet"], _BODY, 11)

    def _font(
        self, style: Any, east: str, size: float, *, bold: bool = False, colour: str | None = None
    ) -> None:
        style.font.name = _LATIN
        style.font.size = Pt(size)
        style.font.bold = bold
        style.font.italic = False
        if colour:
            style.font.color.rgb = RGBColor.from_string(colour)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for name in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(name), None)
        fonts.set(qn("w:eastAsia"), east)

    def _page(self, section: Any, *, wide: bool) -> None:
        section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = (Mm(297), Mm(210)) if wide else (Mm(210), Mm(297))
        section.left_margin = section.right_margin = Mm(16 if wide else 24)
        section.top_margin, section.bottom_margin = Mm(22), Mm(18)
        self._width_mm = 297.0 - 32 if wide else 210.0 - 48

    def width_mm(self) -> float:
        """Give the width between the margins of the present section."""
        return self._width_mm

    def turn(self, *, wide: bool) -> None:
        """Start a section of the other orientation; nothing happens when it is the same."""
        section = self.document.sections[-1]
        if (section.orientation == WD_ORIENT.LANDSCAPE) is wide:
            return
        self._page(self.document.add_section(WD_SECTION.NEW_PAGE), wide=wide)

    def head_and_foot(self, left: str, right: str, foot: str, page_of: str) -> None:
        """Print words on every page but the first; *page_of* has ``{page}`` and ``{pages}``."""
        section = self.document.sections[0]
        section.different_first_page_header_footer = True
        head = section.header.paragraphs[0]
        self.run(head, f"{left}\t\t{right}", size=8, colour=_MUTED)
        line = section.footer.paragraphs[0]
        self.run(line, f"{foot}\t\t", size=8, colour=_MUTED)
        before, _, rest = page_of.partition("{page}")
        between, _, after = rest.partition("{pages}")
        for words, field in ((before, "PAGE"), (between, "NUMPAGES"), (after, "")):
            self.run(line, words, size=8, colour=_MUTED)
            if field:
                self._field(line, field, "1", size=8)

    # ---- running text

    def run(
        self,
        paragraph: Any,
        words: str,
        *,
        bold: bool = False,
        size: float | None = None,
        colour: str | None = None,
    ) -> Any:
        """Add words to a paragraph; line ends become breaks."""
        run = paragraph.add_run(clean(words))
        run.bold = bold or None
        if size:
            run.font.size = Pt(size)
        if colour:
            run.font.color.rgb = RGBColor.from_string(colour.lstrip("#"))
        return run

    def paragraph(self, words: str, *, style: str = "Normal", centre: bool = False, **look: Any) -> Any:
        """Write a paragraph."""
        made = self.document.add_paragraph(style=style)
        if centre:
            made.alignment = WD_ALIGN_PARAGRAPH.CENTER
        self.run(made, words, **look)
        return made

    def bullets(self, lines: Iterable[str]) -> None:
        """Write a list."""
        for line in lines:
            self.paragraph(line, style="List Bullet")

    def heading(self, level: int, words: str, *, numbered: bool = True) -> None:
        """Write a heading, numbered unless told otherwise; level 1 starts the captions anew."""
        if not numbered:
            self.headings.append((level, words))
            self.document.add_heading(clean(words, keep_newlines=False), level)
            return
        self._numbers[level - 1] += 1
        self._numbers[level:] = [0] * (3 - level)
        if level == 1:
            self._captions = {"table": 0, "figure": 0}
        number = ".".join(str(each) for each in self._numbers[:level])
        self.headings.append((level, f"{number}　{words}"))
        self.document.add_heading(clean(f"{number}　{words}", keep_newlines=False), level)

    def caption(self, kind: str, label: str, words: str) -> None:
        """Write ``表 1-2　words``; a table's stays with what follows."""
        self._captions[kind] += 1
        text = f"{label} {self._numbers[0]}-{self._captions[kind]}　{words}"
        made = self.paragraph(text, style="Caption", centre=True)
        made.paragraph_format.keep_with_next = kind == "table"

    def picture(self, png: bytes, width_mm: float, alt: str) -> None:
        """Put in a picture, kept with its caption below."""
        made = self.document.add_paragraph()
        made.alignment = WD_ALIGN_PARAGRAPH.CENTER
        made.paragraph_format.keep_with_next = True
        shape = made.add_run().add_picture(io.BytesIO(png), width=Mm(width_mm))
        shape._inline.docPr.set("descr", clean(alt, keep_newlines=False))

    def contents_here(self) -> Any:
        """Keep a place for the contents; :meth:`fill_contents` writes it when all headings are known."""
        return self.document.add_paragraph()

    def fill_contents(self, place: Any) -> None:
        """Write the contents as a field that Word renews, filled with the headings as they are."""
        entries = [(level, words) for level, words in self.headings if level <= 2]
        self._begin_field(place, 'TOC \\o "1-2" \\h \\z \\u')
        last = place
        for position, (level, words) in enumerate(entries):
            line = place if position == 0 else self._after(last)
            line.paragraph_format.left_indent = Mm(7 * (level - 1))
            line.paragraph_format.space_after = Pt(2)
            self.run(line, words, bold=level == 1)
            last = line
        last._p.append(self._run_with(self._char("end")))

    def _after(self, paragraph: Any) -> Any:
        fresh = self.document.add_paragraph()
        paragraph._p.addnext(fresh._p)
        return fresh

    def _begin_field(self, paragraph: Any, code: str) -> None:
        begin = self._char("begin")
        begin.set(qn("w:dirty"), "true")
        text = OxmlElement("w:instrText")
        text.set(qn("xml:space"), "preserve")
        text.text = f" {code} "
        for part in (begin, text, self._char("separate")):
            paragraph._p.append(self._run_with(part))

    def _field(self, paragraph: Any, code: str, shown: str, *, size: float) -> None:
        text = OxmlElement("w:instrText")
        text.set(qn("xml:space"), "preserve")
        text.text = f" {code} "
        for part in (self._char("begin"), text, self._char("separate")):
            paragraph._p.append(self._run_with(part))
        self.run(paragraph, shown, size=size, colour=_MUTED)
        paragraph._p.append(self._run_with(self._char("end")))

    def _char(self, kind: str) -> Any:
        char = OxmlElement("w:fldChar")
        char.set(qn("w:fldCharType"), kind)
        return char

    def _run_with(self, part: Any) -> Any:
        run = OxmlElement("w:r")
        run.append(part)
        return run

    # ---- tables

    def table(
        self, widths: Sequence[float], heads: Sequence[str], rows: Iterable[Row], *, size: float = 8.5
    ) -> None:
        """Write a table whose head repeats on each page; *widths* are shares of the width."""
        total = self.width_mm()
        grid = [round(total * width / sum(widths) * 56.7) for width in widths]
        table = OxmlElement("w:tbl")
        table.append(_table_properties(sum(grid)))
        columns = OxmlElement("w:tblGrid")
        for width in grid:
            column = OxmlElement("w:gridCol")
            column.set(qn("w:w"), str(width))
            columns.append(column)
        table.append(columns)
        head = [
            _cell(width, [_run(words, size, bold=True, colour="FFFFFF")], _BRAND)
            for width, words in zip(grid, heads, strict=True)
        ]
        table.append(_row(head, repeat=True))
        for row in rows:
            table.append(_band(row, grid, size) if isinstance(row, Band) else _plain(row, grid, size))
        body = self.document.element.body
        body.insert(len(body) - 1, table)
        self.document.add_paragraph().paragraph_format.space_after = Pt(2)

    def finish(self) -> bytes:
        """Give the bytes of the document."""
        buffer = io.BytesIO()
        self.document.save(buffer)
        return without_dates(buffer.getvalue())


def _element(name: str, **attributes: str) -> Any:
    made = OxmlElement(name)
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    return made


def _table_properties(width: int) -> Any:
    properties = _element("w:tblPr")
    properties.append(_element("w:tblW", w=str(width), type="dxa"))
    borders = _element("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        borders.append(_element(f"w:{side}", val="single", sz="4", space="0", color=_RULE))
    properties.append(borders)
    properties.append(_element("w:tblLayout", type="fixed"))
    margins = _element("w:tblCellMar")
    for side, width_dxa in (("left", "70"), ("right", "70")):
        margins.append(_element(f"w:{side}", w=width_dxa, type="dxa"))
    properties.append(margins)
    return properties


def _row(cells: Iterable[Any], *, repeat: bool = False) -> Any:
    row = _element("w:tr")
    properties = _element("w:trPr")
    properties.append(_element("w:cantSplit"))
    if repeat:
        properties.append(_element("w:tblHeader"))
    row.append(properties)
    row.extend(cells)
    return row


def _cell(
    width: int, runs: Iterable[Any], fill: str | None = None, *, span: int = 1, keep: bool = False
) -> Any:
    cell = _element("w:tc")
    properties = _element("w:tcPr")
    properties.append(_element("w:tcW", w=str(width), type="dxa"))
    if span > 1:
        properties.append(_element("w:gridSpan", val=str(span)))
    if fill:
        properties.append(_element("w:shd", val="clear", color="auto", fill=fill))
    properties.append(_element("w:vAlign", val="center"))
    cell.append(properties)
    paragraph = _element("w:p")
    format_ = _element("w:pPr")
    if keep:
        format_.append(_element("w:keepNext"))
    format_.append(_element("w:spacing", before="30", after="30"))
    paragraph.append(format_)
    paragraph.extend(runs)
    cell.append(paragraph)
    return cell


def _run(
    words: str, size: float, *, bold: bool = False, colour: str | None = None, fill: str | None = None
) -> Any:
    run = _element("w:r")
    properties = _element("w:rPr")
    if bold:
        properties.append(_element("w:b"))
    if colour:
        properties.append(_element("w:color", val=colour.lstrip("#").upper()))
    properties.append(_element("w:sz", val=str(round(size * 2))))
    if fill:
        properties.append(_element("w:shd", val="clear", color="auto", fill=fill.lstrip("#").upper()))
    run.append(properties)
    for position, line in enumerate(clean(words).split("\n")):
        if position:
            run.append(_element("w:br"))
        text = _element("w:t")
        text.set(qn("xml:space"), "preserve")
        text.text = line
        run.append(text)
    return run


def _tag_runs(tag: Tag, size: float) -> list[Any]:
    runs = [_run(f"{tag.look.sign} {tag.words}", size, bold=True, colour=tag.look.ink, fill=tag.look.tint)]
    if tag.note:
        runs.append(_run(f" {tag.note}", size - 1, colour=_MUTED))
    return runs


def _plain(row: Sequence[Cell], grid: Sequence[int], size: float) -> Any:
    cells = []
    for width, value in zip(grid, row, strict=True):
        runs = _tag_runs(value, size) if isinstance(value, Tag) else [_run(value, size)]
        cells.append(_cell(width, runs))
    return _row(cells)


def _band(band: Band, grid: Sequence[int], size: float) -> Any:
    runs = [
        _run(f"{band.bold}　", size, bold=True),
        *_tag_runs(band.tag, size),
        _run(f"\n{band.plain}", size),
    ]
    return _row([_cell(sum(grid), runs, _WASH, span=len(grid), keep=True)])
