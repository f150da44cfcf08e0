"""Every kind of paper in its forms: same model, same bytes; what people typed stays text; the cover is honest."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import docx
import openpyxl
import pypdf
import pytest

from reports import codec
from reports.errors import UnknownLanguage
from reports.paper.renderer_of import PaperRenderer
from reports.read_model import Counts
from reports.registry import renderer, renderer_ids
from tests.unit.reports.papers import models

HOSTILE = (
    "<script>alert(1)</script>", "=HYPERLINK(\"http://x\")", "@SUM(A1)", '#read("/etc/passwd")', "a & b \"quoted\" 'single'", "表情 😀 与 \u202eRTL",
    "字" * 500, "{{ 7*7 }} ${x}", "line\nbreak\x00\x07",
)  # fmt: skip

Make = Callable[..., Any]
KINDS: dict[str, Make] = {
    "classification": models.classification,
    "crypto": models.crypto,
    "district": models.district,
    "gap": models.gap,
    "remediation": models.remediation,
    "soa": models.soa,
    "evidence-index": models.evidence_index,
    "assets": models.assets,
    "findings": models.remediation,
    "audit-extract": models.audit_extract,
}
# Their content does not hang on what was examined.
NOT_COUNTED = ("classification", "soa", "evidence-index", "assets", "findings", "audit-extract")
FORMS = [
    (kind, name)
    for kind in KINDS
    for name in renderer_ids()
    if isinstance(renderer(name), PaperRenderer) and renderer(name).kind == kind
]
PRINTED = [(kind, name) for kind, name in FORMS if name.partition("_")[0] in ("docx", "pdf", "xlsx")]


def text_of(name: str, content: bytes) -> str:
    """Everything a reader sees, without white space: a PDF breaks words where the line ends."""
    if name.startswith("pdf"):
        found = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    elif name.startswith("docx"):
        document = docx.Document(io.BytesIO(content))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        found = "\n".join([*(one.text for one in document.paragraphs), *cells])
    else:
        book = openpyxl.load_workbook(io.BytesIO(content))
        found = "\n".join(
            str(cell.value)
            for sheet in book
            for row in sheet.iter_rows()
            for cell in row
            if cell.value is not None
        )
    return "".join(found.split())


def test_every_kind_is_here() -> None:
    """A new kind of paper is tested with the others."""
    made = {found.kind for found in map(renderer, renderer_ids()) if isinstance(found, PaperRenderer)}
    assert made == set(KINDS)


@pytest.mark.parametrize(("kind", "name"), [one for one in FORMS if one[1].startswith(("csv", "json"))])
def test_plain_forms_carry_everything(kind: str, name: str) -> None:
    """JSON reads back as the model; CSV has each sheet of the workbook, and no cell begins like a formula."""
    model = KINDS[kind]("=1+1")
    content = renderer(name).render(model, language="en").content
    assert content == renderer(name).render(model, language="en").content
    if name.startswith("json"):
        assert codec.loads(type(model), content) == model
        return
    files = [content]
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [archive.read(part) for part in archive.namelist()]
        sheets = openpyxl.load_workbook(io.BytesIO(renderer(name.replace("csv", "xlsx")).render(model, language="en").content)).sheetnames  # fmt: skip
        assert len(files) == len(sheets) - 1
    cells = [
        cell for one in files for row in csv.reader(io.StringIO(one.decode("utf-8-sig"))) for cell in row
    ]
    assert any("=1+1" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize(("kind", "name"), PRINTED)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_same_model_same_bytes(kind: str, name: str, language: str) -> None:
    """Twice the same; number, examined share and nature stand in it; nothing of the other language's frame does."""
    model = KINDS[kind]()
    rendered = renderer(name).render(model, language=language)

    assert rendered.content == renderer(name).render(model, language=language).content
    text = text_of(name, rendered.content)
    assert "SYS-20261125-01" in text
    assert "60.0%" in text
    assert ("报告性质与非官方内容" if language == "zh" else "Natureofthisreport") in text
    assert ("已检查比例" in text) is (language == "zh")
    assert rendered.name.endswith(f"-{kind}-{language}.{renderer(name).format}")


@pytest.mark.parametrize(("kind", "name"), PRINTED)
def test_what_people_type_stays_text(kind: str, name: str) -> None:
    """Mark-up, formulas, template code, odd characters and a word of 500 characters are printed, never obeyed."""
    for words in HOSTILE:
        content = renderer(name).render(KINDS[kind](words)).content
        if name.startswith("xlsx"):
            book = openpyxl.load_workbook(io.BytesIO(content))
            assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
        if name.startswith("docx"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert b"HYPERLINK" not in b"".join(
                    archive.read(part) for part in archive.namelist() if "rels" in part
                )
        text = text_of(name, content)
        assert "root:" not in text
        if words.isascii() and words.isprintable():
            assert "".join(words.split()) in text.replace("\u200b", "")


@pytest.mark.parametrize(("kind", "name"), PRINTED)
def test_mostly_unexamined_is_a_draft(kind: str, name: str) -> None:
    """Over half unexamined: headed 草稿, with the reason; else not."""
    draft = text_of(name, renderer(name).render(KINDS[kind](examined=49)).content)
    fair = text_of(name, renderer(name).render(KINDS[kind](examined=50)).content)
    assert ("草稿" in draft and "超过半数" in draft) is (kind not in NOT_COUNTED)
    assert "草稿" not in fair


@pytest.mark.parametrize("kind", list(KINDS))
def test_models_turn_into_json_and_back(kind: str) -> None:
    """The model is all there is: written and read it is the same."""
    model = KINDS[kind]()
    assert codec.loads(type(model), codec.dumps(model)) == model


@pytest.mark.parametrize(("kind", "name"), FORMS)
def test_another_language_is_refused(kind: str, name: str) -> None:
    """Only two exist."""
    with pytest.raises(UnknownLanguage):
        renderer(name).render(KINDS[kind](), language="fr")


def empty(kind: str) -> Any:
    """A model of this kind in which nothing stands."""
    model = KINDS[kind]()
    nothing = {
        one.name: () for one in fields(model) if isinstance(getattr(model, one.name), tuple)
    } | {"counts": Counts()}  # fmt: skip
    if kind == "crypto":
        # Rules have a score for each layer, and there is none.
        nothing["rules"] = tuple(replace(one, layers=()) for one in model.rules)
    return replace(model, **nothing)


@pytest.mark.parametrize(("kind", "name"), PRINTED)
def test_an_empty_model_says_so(kind: str, name: str) -> None:
    """No row anywhere: each table has words in its place, and what hangs on examination is a draft."""
    for language in ("zh", "en"):
        content = renderer(name).render(empty(kind), language=language).content
        assert content
    draft = "草稿" in text_of(name, renderer(name).render(empty(kind)).content)
    assert draft is (kind not in NOT_COUNTED)
