"""Draws the blocks of a document with the Word writer of the posture report."""

from __future__ import annotations

from datetime import datetime

from docx.shared import Mm

from reports import rasterise
from reports.blocks import Bullets, Chart, Document, Heading, Paragraph, State, Table, Turn, on_paper
from reports.docx_posture.writer import Row, Tag, Writer
from reports.read_model import Language
from reports.terms import CELL_LOOKS
from reports.text import clean, utc_naive

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ALARM = "A33B1F"


def docx_bytes(document: Document, *, author: str, made_at: datetime) -> bytes:
    """Write the document; the same one gives the same bytes."""
    writer = Writer(Language.parse(document.language))
    writer.head_and_foot(
        document.head, " ".join(part for part in (document.draft, document.marking) if part), document.number,
        document.page_of,
    )  # fmt: skip
    _cover(writer, document)
    made = writer.paragraph(document.contents, centre=True, bold=True, size=16, colour="1F4E79")
    made.paragraph_format.page_break_before = True
    place = writer.contents_here()
    writer.document.add_page_break()
    _body(writer, document)
    writer.fill_contents(place)
    core = writer.document.core_properties
    core.title = clean(document.title, keep_newlines=False)[:255]
    core.subject = clean(document.subtitle, keep_newlines=False)[:255]
    core.author = core.last_modified_by = clean(author, keep_newlines=False)[:255]
    core.comments = document.number[:255]
    core.created = core.modified = utc_naive(made_at)
    return writer.finish()


def _cover(writer: Writer, document: Document) -> None:
    if document.draft:
        writer.paragraph(document.draft, centre=True, bold=True, size=20, colour=_ALARM)
    for _ in range(3):
        writer.paragraph("")
    writer.paragraph(document.title, style="Title", centre=True)
    writer.paragraph(document.subtitle, centre=True, bold=True, size=17)
    writer.paragraph("")
    for fact in document.cover:
        made = writer.paragraph("")
        made.paragraph_format.left_indent = Mm(25)
        writer.run(made, f"{fact.label}　", colour="5B6678")
        writer.run(made, fact.value, bold=True)
    writer.paragraph("")
    for box in document.boxes:
        colour = _ALARM if box.alarm else None
        writer.paragraph(box.title, bold=True, colour=colour)
        writer.paragraph(box.words, colour=colour)


def _body(writer: Writer, document: Document) -> None:
    for block in document.blocks:
        if isinstance(block, Heading):
            writer.heading(block.level, block.words, numbered=block.numbered)
        elif isinstance(block, Paragraph):
            writer.paragraph(block.words, bold=block.bold)
        elif isinstance(block, Bullets):
            writer.bullets(block.lines)
        elif isinstance(block, Turn):
            writer.turn(wide=block.wide)
        elif isinstance(block, Chart):
            writer.picture(rasterise.png(block.svg), writer.width_mm() * block.share, block.caption)
            writer.paragraph(block.caption, style="Caption", centre=True)
        elif not block.sheet_only:
            _table(writer, block)


def _table(writer: Writer, block: Table) -> None:
    if not block.rows:
        writer.paragraph(block.nothing)
        return
    writer.paragraph(block.caption, style="Caption", centre=True).paragraph_format.keep_with_next = True
    rows: list[Row] = [
        [
            Tag(cell.words, CELL_LOOKS[cell.key]) if isinstance(cell, State) else cell
            for cell in map(on_paper, row)
        ]
        for row in block.rows
    ]
    writer.table(block.widths, block.heads, rows)
