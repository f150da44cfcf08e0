"""The PDF says what the model says, opens with a real reader, and is the same every time."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

import pypdf
import pytest

from reports.errors import InvalidModel, RenderFailed, UnknownLanguage
from reports.fonts import spell_out
from reports.pdf_posture import renderer as module
from reports.pdf_posture.drawings import draw_matrix
from reports.posture.view import build_view
from reports.posture.words import WORDS
from reports.read_model import NOT_EXAMINED, Language, PostureReport
from reports.registry import renderer
from reports.text import clean
from tests.unit.reports.builders import (
    HOSTILE,
    NOW,
    REASONS,
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
def pdf(name: str, language: str) -> bytes:
    """Render once per model and language."""
    return renderer("pdf_posture").render(MODELS[name](), language).content


@lru_cache(maxsize=16)
def page_texts(name: str, language: str) -> tuple[str, ...]:
    """Text of every page without any white space, as line ends depend on the layout."""
    reader = pypdf.PdfReader(io.BytesIO(pdf(name, language)))
    return tuple(squeeze(page.extract_text()) for page in reader.pages)


def squeeze(text: str) -> str:
    """Drop all white space."""
    return "".join(text.split())


def whole_text(name: str, language: str) -> str:
    """All pages in one string."""
    return "".join(page_texts(name, language))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["empty", "typical", "hostile"])
def test_it_opens_and_has_all_chapters(name: str, language: str) -> None:
    """Cover, contents and eight chapters are there for a model of any size."""
    text = whole_text(name, language)

    for number in range(1, 9):
        title = WORDS[f"ch{number}"].in_(Language(language))
        assert squeeze(f"{number}{title}") in text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_cover_says_what_it_is(language: str) -> None:
    """Title, system, department, level, examined share, nature and what is unofficial stand on page one."""
    model = typical_report()
    lang = Language(language)
    cover = page_texts("typical", language)[0]
    view = build_view(model, lang)

    for expected in (
        model.meta.title.in_(lang),
        model.system.name,
        model.system.department,
        "S3A3G3",
        view.examined,
        WORDS["disclaimer"].in_(lang),
        *(note.in_(lang) for note in model.meta.unofficial_notes),
    ):
        assert squeeze(expected) in cover


@pytest.mark.parametrize(("name", "expected"), [("draft", True), ("empty", True), ("typical", False)])
def test_a_mostly_unexamined_report_is_headed_draft(name: str, expected: bool) -> None:
    """草稿 stands on the cover and in the head of every later page, or nowhere."""
    cover, *pages = page_texts(name, "zh")

    assert ("草稿" in cover) is expected
    assert {("草稿" in page) for page in pages} == {expected}


@pytest.mark.parametrize("name", ["typical", "largest"])
def test_every_reason_for_not_looking_is_printed(name: str) -> None:
    """Targets, state and reason stand side by side for every unexamined cell."""
    text = whole_text(name, "zh")
    view = build_view(MODELS[name](), Language.ZH)
    lines = [line for group in view.items for item in group.items for line in item.lines]
    blind = {
        squeeze(f"{each.targets}○{each.state_name}{each.why}") for each in lines if each.state == NOT_EXAMINED
    }

    assert {squeeze(reason.zh) for reason in REASONS} <= {squeeze(line.why) for line in lines}
    assert all(line in text for line in blind)
    assert text.count("○未检查") >= sum(line.state == NOT_EXAMINED for line in lines)


def test_every_item_finding_evidence_and_scan_is_printed() -> None:
    """Nothing is left out of the largest report; digests can be copied whole."""
    model = largest_report()
    text = whole_text("largest", "zh")

    assert all(item.unit_id in text for item in model.items)
    assert all(finding.number in text for finding in model.findings)
    assert all(row.sm3_hex in text for row in model.evidence)
    assert all(scan.id in text for scan in model.scans)


def test_invented_filing_numbers_are_marked() -> None:
    """示例 follows the filing number."""
    assert "31010799001-00001（示例）" in whole_text("typical", "zh")


@pytest.mark.parametrize(("language", "shape"), [("zh", "第{n}页/共{all}页"), ("en", "Page{n}of{all}")])
def test_every_page_is_numbered(language: str, shape: str) -> None:
    """Pages after the cover say which they are and how many there are, and name the system."""
    _cover, *pages = page_texts("typical", language)

    for place, page in enumerate(pages, 1):
        assert shape.format(n=place, all=len(pages)) in page
        assert "政务数据共享交换平台" in page


def test_wide_tables_lie_on_landscape_pages() -> None:
    """Items, findings and evidence are on pages wider than high, the rest is upright."""
    pages = pypdf.PdfReader(io.BytesIO(pdf("typical", "zh"))).pages
    wide = [page.mediabox.width > page.mediabox.height for page in pages]
    texts = page_texts("typical", "zh")

    assert not any(wide[:4])
    assert all(flag for flag, text in zip(wide, texts, strict=True) if "依据/未检查原因" in text)
    assert any(wide)


def test_table_heads_repeat() -> None:
    """Every page of the long table of items carries the column heads and the item that goes on."""
    pages = [page for page in page_texts("typical", "zh") if "系统建议" in page and "L3-CES1-" in page]
    long = [page for page in pages if "综合判定" in page]

    assert len(long) > 5
    assert all("对象判定依据/未检查原因证据" in page for page in long)


def test_outline_leads_to_the_chapters() -> None:
    """A reader's side bar lists the chapters."""
    outline = pypdf.PdfReader(io.BytesIO(pdf("typical", "zh"))).outline
    titles = [entry["/Title"] for entry in outline if isinstance(entry, dict)]

    assert [title for title in titles if re.match(r"\d", str(title)) or "总体" in str(title)]
    assert len(titles) >= 8


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_strings_come_out_as_text(name: str) -> None:
    """Whatever a name holds is printed and never run, read or lost."""
    expected = squeeze(spell_out(clean(HOSTILE[name])))

    assert expected in whole_text("hostile", "zh")


def test_nothing_of_the_machine_gets_in() -> None:
    """The words that try to read a file give no file."""
    assert "root:" not in whole_text("hostile", "zh")


def test_there_is_nothing_active_in_the_file() -> None:
    """No script, no launch action, no attachment, no form, no address."""
    content = pdf("hostile", "zh")
    reader = pypdf.PdfReader(io.BytesIO(content))

    for mark in (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/AcroForm", b"/URI", b"/OpenAction"):
        assert mark not in content
    assert reader.attachments == {}


def test_fonts_are_embedded() -> None:
    """Every font of every page is in the file, so it looks the same on any machine."""
    reader = pypdf.PdfReader(io.BytesIO(pdf("typical", "zh")))
    seen = 0
    for page in reader.pages[:12]:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = descendant["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)
            seen += 1
    assert seen


def test_the_template_asks_for_no_package_and_no_evaluation() -> None:
    """The template reads its data and its drawings, nothing else."""
    template = files("reports.pdf_posture").joinpath("template.typ").read_text(encoding="utf-8")

    assert "@preview" not in template
    assert "eval(" not in template
    assert re.findall(r"\bread\(", template) == []
    assert re.findall(r"#?import\b", template) == []
    assert re.findall(r'json\("([^"]+)"\)', template) == ["data.json"]


@pytest.mark.parametrize("name", ["empty", "typical"])
def test_same_input_same_bytes(name: str) -> None:
    """Two runs give one file, and its date is that of the model."""
    again = renderer("pdf_posture").render(MODELS[name](), "zh").content
    reader = pypdf.PdfReader(io.BytesIO(again))

    assert again == pdf(name, "zh")
    assert reader.metadata is not None
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date == NOW


def test_a_model_from_json_gives_the_same_bytes() -> None:
    """A report can be made again later from its stored model."""
    stored = PostureReport.from_json(typical_report().to_json())

    assert renderer("pdf_posture").render(stored, "zh").content == pdf("typical", "zh")


def test_the_language_of_the_model_is_the_default() -> None:
    """Without an argument the model decides; the name of the file tells the language."""
    made = renderer("pdf_posture").render(empty_report())

    assert made.name.endswith("-zh.pdf")
    assert made.media_type == "application/pdf"
    with pytest.raises(UnknownLanguage):
        renderer("pdf_posture").render(empty_report(), "fr")


def test_file_names_hold_no_path() -> None:
    """System and number may be anything; the name is safe."""
    name = renderer("pdf_posture").render(hostile_report(), "zh").name

    assert re.fullmatch(r"[\w-]+\.pdf", name)


def test_a_contradiction_gives_no_document() -> None:
    """A model that does not add up is refused before anything is set."""
    data = json.loads(typical_report().to_json())
    data["summary"]["total"]["counts"]["compliant"] += 1

    with pytest.raises(InvalidModel):
        renderer("pdf_posture").render(PostureReport.from_json(json.dumps(data)))


def test_a_fault_of_the_typesetter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message is kept, the type is ours."""
    monkeypatch.setattr(module, "_template", lambda: b"#panic(1)")

    with pytest.raises(RenderFailed, match="pdf_posture"):
        renderer("pdf_posture").render(empty_report())


def test_the_matrix_covers_all_targets_and_items() -> None:
    """Blocks of targets and pages of items leave none out."""
    model = largest_report()
    parts, drawings = draw_matrix(build_view(model, Language.ZH), Language.ZH)
    text = b"".join(drawings.values()).decode()

    assert [(part.first, part.last) for part in parts] == [("T01", "T30")]
    assert all(f">{item.unit_id}</text>" in text for item in model.items)
    assert {name for part in parts for name in part.files} == set(drawings)
