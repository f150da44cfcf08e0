"""The Word document says what the model says, opens with a real reader, and carries nothing active."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn

from reports.posture.view import build_view
from reports.posture.words import WORDS
from reports.read_model import NOT_EXAMINED, Language, PostureReport
from reports.registry import renderer
from reports.text import clean
from tests.unit.reports.builders import (
    HOSTILE,
    empty_report,
    hostile_report,
    largest_report,
    typical_report,
)

MODELS: dict[str, Callable[[], PostureReport]] = {
    "empty": empty_report,
    "typical": typical_report,
    "draft": lambda: typical_report(examined_in_8=2),
    "largest": largest_report,
    "hostile": hostile_report,
}


@lru_cache(maxsize=16)
def content(name: str, language: str = "zh") -> bytes:
    """Render once per model and language."""
    return renderer("docx_posture").render(MODELS[name](), language).content


@lru_cache(maxsize=16)
def document(name: str, language: str = "zh") -> Any:
    """Read the document back."""
    return docx.Document(io.BytesIO(content(name, language)))


@lru_cache(maxsize=16)
def whole_text(name: str, language: str = "zh") -> str:
    """All text of the body, line breaks kept."""
    body = document(name, language).element.body
    parts = []
    for node in body.iter(qn("w:t"), qn("w:br"), qn("w:p"), qn("w:tc")):
        parts.append(node.text or "" if node.tag == qn("w:t") else "\n")
    return "".join(parts)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["empty", "typical", "hostile"])
def test_it_opens_and_has_all_chapters(name: str, language: str) -> None:
    """Eight numbered chapters are headings, and the contents list them."""
    heads = [p.text for p in document(name, language).paragraphs if p.style.name == "Heading 1"]
    expected = [f"{n}　{WORDS[f'ch{n}'].in_(Language(language))}" for n in range(1, 9)]

    assert heads == expected
    assert all(whole_text(name, language).count(head) >= 2 for head in expected)


def test_the_cover_says_what_it_is() -> None:
    """Examined share, nature and unofficial notes come before the contents."""
    model = typical_report()
    cover = whole_text("typical").split(WORDS["contents"].zh)[0]

    assert build_view(model, Language.ZH).examined in cover
    assert WORDS["disclaimer"].zh in cover
    assert all(note.zh in cover for note in model.meta.unofficial_notes)
    assert "草" not in cover
    assert WORDS["draft"].zh in whole_text("draft").split(WORDS["contents"].zh)[0]


def test_every_line_is_in_a_table() -> None:
    """Targets, state and reason of each line of the view stand in one row."""
    view = build_view(largest_report(), Language.ZH)
    lines = [line for group in view.items for item in group.items for line in item.lines]
    found = {
        tuple("".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row.iter(qn("w:tc")))
        for row in document("largest").element.body.iter(qn("w:tr"))
    }

    assert sum(line.state == NOT_EXAMINED for line in lines) > 400
    for line in lines:
        if line.state == NOT_EXAMINED:
            assert (line.targets, "○ 未检查", line.why, "") in found
    assert all(any(finding.number == row[0] for row in found) for finding in view.findings)
    assert all(any(row.sm3 in cells for cells in found) for row in view.evidence)


def test_heads_repeat_and_rows_stay_whole() -> None:
    """Every table repeats its head on each page, and no row is torn apart."""
    for table in document("typical").element.body.iter(qn("w:tbl")):
        rows = list(table.iter(qn("w:tr")))
        assert rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        assert all(row.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in rows)


def test_headings_and_captions_stay_with_what_follows() -> None:
    """No heading ends a page; a table's caption is kept with the table."""
    made = document("typical")

    assert all(made.styles[f"Heading {level}"].paragraph_format.keep_with_next for level in (1, 2, 3))
    captions = [p for p in made.paragraphs if p.style.name == "Caption"]
    assert all(p.paragraph_format.keep_with_next for p in captions if p.text.startswith("表"))
    assert [p.text for p in captions if p.text.startswith("图")][0].startswith("图 1-1")


def test_wide_tables_are_in_landscape_sections() -> None:
    """Sections turn for items, findings and indexes, and turn back for the method."""
    sections = document("typical").sections
    wide = [section.page_width > section.page_height for section in sections]

    assert wide == [False, True, False, True, False]


def test_official_fonts_are_named_first() -> None:
    """Body and headings name the fonts of official papers for Chinese text."""
    styles = document("typical").styles
    east = {
        name: styles[name].element.rPr.rFonts.get(qn("w:eastAsia"))
        for name in ("Normal", "Heading 1", "Title")
    }

    assert east == {"Normal": "仿宋", "Heading 1": "黑体", "Title": "方正小标宋简体"}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_strings_come_out_as_text(name: str) -> None:
    """Every line of every hostile string is a text node."""
    text = whole_text("hostile")

    assert all(line in text for line in clean(HOSTILE[name]).split("\n"))


def test_there_is_nothing_active_in_the_file() -> None:
    """No outside relation, macro or embedded object; the only fields are contents and page numbers."""
    with zipfile.ZipFile(io.BytesIO(content("hostile"))) as archive:
        names = archive.namelist()
        relations = "".join(archive.read(name).decode() for name in names if name.endswith(".rels"))
        xml = "".join(archive.read(name).decode() for name in names if name.endswith(".xml"))

    assert 'TargetMode="External"' not in relations
    assert not [name for name in names if re.search("vba|embeddings|activeX", name)]
    assert "w:fldSimple" not in xml
    fields = {code.split()[0] for code in re.findall(r"<w:instrText[^>]*>([^<]+)<", xml)}
    assert fields == {"TOC", "PAGE", "NUMPAGES"}


@pytest.mark.parametrize("name", ["empty", "typical"])
def test_same_input_same_bytes(name: str) -> None:
    """Two runs give one file; its dates are those of the model, in UTC, and its members have none."""
    again = renderer("docx_posture").render(MODELS[name](), "zh").content

    assert again == content(name)
    with zipfile.ZipFile(io.BytesIO(again)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert document(name).core_properties.created == datetime(2026, 11, 25, 1, 30, tzinfo=UTC)


def test_pictures_have_words() -> None:
    """Each chart has a description for those who cannot see it."""
    pictures = list(document("typical").element.body.iter(qn("wp:docPr")))

    assert len(pictures) == 6
    assert all(picture.get("descr") for picture in pictures)
