"""The documentation is tested like code: settings, commands, links, decisions, terms."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from controls import terms
from secops.config import _NOT_SETTINGS, Settings
from tests.contract.test_no_addresses import ROOT, tracked_files

DOCS = ROOT / "docs"
_ROW = re.compile(r"^\| `(SECOPS_\w+)` \| (?:`([^`]*)`|\(empty\)|([^|]*)) \|", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
_ADR_PARTS = ["Context", "Decision", "Consequences", "Alternatives rejected"]


def _pages() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".md"]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def test_every_setting_is_documented_with_its_default() -> None:
    """The table of settings names each field of ``Settings`` and no other, with the default that holds."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    table = text.split("## Read by the build only")[0]
    told = {name: default for name, default, _ in _ROW.findall(table)}

    assert told == {
        f"SECOPS_{item.name.upper()}": _shown(getattr(Settings(), item.name)) for item in fields(Settings)
    }


def test_what_only_the_build_reads_is_documented_apart() -> None:
    """Variables that are no settings stand in a table of their own."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8").split("## Read by the build only")[1]

    assert {name for name, _, _ in _ROW.findall(text)} == set(_NOT_SETTINGS)


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    """A variable in any page, template, make or compose file is a real one."""
    known = {f"SECOPS_{item.name.upper()}" for item in fields(Settings)} | set(_NOT_SETTINGS)
    places = [*_pages(), ROOT / "Makefile", ROOT / "docker-compose.yml", *(ROOT / "deploy").glob("*")]

    wrong = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in places
        if path.is_file()
        for name in re.findall(r"\bSECOPS_[A-Z_]+\b", path.read_text(encoding="utf-8"))
        if name not in known
    }
    assert wrong == set()


def test_a_misspelt_setting_is_told_with_this_page() -> None:
    """An unknown variable and a wrong value are told together, and the page is named."""
    from secops.config import BadSettings

    with pytest.raises(BadSettings) as refusal:
        Settings.from_env({"SECOPS_PROT": "8341", "SECOPS_PORT": "no"})

    assert len(refusal.value.faults) == 2
    assert "docs/settings.md" in str(refusal.value)
    assert "SECOPS_PORT" in str(refusal.value)


def test_links_between_pages_lead_somewhere() -> None:
    """Each relative link and picture of a page is a file of the checkout."""
    wrong = []
    for page in _pages():
        for target, _ in _LINK.findall(page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            if not (page.parent / target).exists():
                wrong.append((page.relative_to(ROOT).as_posix(), target))
    assert wrong == []


def test_every_page_is_in_the_index() -> None:
    """Whoever opens the index finds every page of the folder."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    named = {target for target, _ in _LINK.findall(index)}

    assert {path.name for path in DOCS.glob("*.md")} - named == {"index.md"}


def test_decisions_have_their_parts() -> None:
    """An ADR has a number, a title that states the decision, a status, and four parts in one order."""
    pages = sorted((DOCS / "adr").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]

    assert numbers == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.match(rf"# {page.name[:4]} [A-Z].{{15,}}\n", text), page.name
        assert re.search(
            r"^Status: (proposed|accepted|superseded by \d{4}), \d{4}-\d{2}$", text, re.MULTILINE
        ), page.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == _ADR_PARTS, page.name


def test_the_data_model_is_the_one_that_is_there() -> None:
    """Every table of ours stands in the decision on the data model."""
    from secops.models import metadata

    text = (DOCS / "adr/0003-data-model.md").read_text(encoding="utf-8")
    ours = {name for name in metadata.tables if not name.startswith("ab_")}

    assert {name for name in ours if f"`{name}`" not in text} == set()


def test_every_command_is_documented() -> None:
    """What ``secops --help`` lists stands in the page on the command line."""
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from secops.cli.main import main; main()", "--help"],
        capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"},
    )  # fmt: skip
    commands = set(re.findall(r"^[│\s]*([a-z][a-z-]+)\s{2,}\S", done.stdout, re.MULTILINE))

    assert done.returncode == 0, done.stderr
    assert {"init", "up", "demo", "doctor", "user"} <= commands
    assert {command for command in commands if f"`secops {command}`" not in text} == set()


def test_every_probe_and_renderer_has_its_page() -> None:
    """A folder with a probe or a renderer has a README beside it."""
    parts = [*(ROOT / "scanners").glob("*/probe.py"), *(ROOT / "reports").glob("*/renderer.py")]

    assert len(parts) >= 8
    assert [
        str(path.parent.relative_to(ROOT)) for path in parts if not (path.parent / "README.md").is_file()
    ] == []


def test_every_term_is_in_the_glossary() -> None:
    """Each member of the enumerations of the standards has its Chinese word in the glossary."""
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    kinds = [
        kind
        for kind in vars(terms).values()
        if isinstance(kind, type) and issubclass(kind, terms.Term) and kind is not terms.Term
    ]

    missing = {
        f"{kind.__name__}.{member.name}" for kind in kinds for member in kind if member.zh not in glossary
    }
    assert len(kinds) > 10
    assert missing == set()


def test_make_help_lists_every_target() -> None:
    """The targets that a person calls are in the list that ``make help`` prints, with a sentence each."""
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make ([a-z]+) +\S", done.stdout, re.MULTILINE)

    assert listed == ["help", "setup", "demo", "run", "test", "lint", "bench", "clean"]


def test_contributing_is_two_pages() -> None:
    """The guide stays short enough to be read."""
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 110


def test_readmes_are_short_and_alike() -> None:
    """Both READMEs have at most 120 lines and the same number of sections."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")]

    assert all(len(text.splitlines()) <= 120 for text in texts)
    assert len({len(re.findall(r"^## ", text, re.MULTILINE)) for text in texts}) == 1
    for command in ("make demo", "make run"):
        assert all(command in text for text in texts)


def test_notes_on_changes_have_a_known_type() -> None:
    """Each note is named ``<slug>.<type>.md`` and says something."""
    notes = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]

    assert notes
    for note in notes:
        assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed|security)\.md", note.name), note.name
        assert len(note.read_text(encoding="utf-8").strip()) > 20, note.name
