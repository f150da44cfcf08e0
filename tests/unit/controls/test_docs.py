"""The pages about the catalogue say what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from controls import terms
from controls.build_plain import _ITEM_KEYS
from controls.inheritance import Responsibility
from controls.overlay import OVERLAY_COLUMNS
from controls.scoring import Edition
from controls.terms import Term

DOCS = Path(__file__).parents[3] / "docs"
KINDS = [
    one for _, one in inspect.getmembers(terms, inspect.isclass) if issubclass(one, Term) and one is not Term
]


@pytest.mark.parametrize("kind", [*KINDS, Responsibility], ids=lambda kind: kind.__name__)
def test_glossary_holds_every_term(kind: type[Term]) -> None:
    """Every member of every closed list has its line with both labels and its spelling."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    section = text.split(f"## `{kind.__name__}`")[1].split("\n## ")[0]

    for member in kind:
        assert f"| {member.zh} | {member.en} | `{member.value}` |" in section


def test_glossary_has_three_columns() -> None:
    """Every table of the glossary has the same three columns."""
    lines = (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines()

    assert {line.count("|") for line in lines if line.startswith("|")} == {4}


def test_scoring_page_adds_up() -> None:
    """The deductions in the worked example multiply out and sum to the sides it names."""
    text = (DOCS / "scoring.md").read_text(encoding="utf-8")
    sums = {"technical": 0.0, "management": 0.0}
    side = ""
    for name, product, result in re.findall(r"\| (\w*) ?\| [^|]+ \| ([\d × .]+) = ([\d.]+) \|", text):
        side = name or side
        value = 1.0
        for factor in product.split(" × "):
            value *= float(factor)
        assert value == pytest.approx(float(result))
        sums[side] += value

    assert sums == {"technical": pytest.approx(13.5), "management": pytest.approx(7.25)}
    assert "**79.25**" in text


def test_scoring_page_names_every_edition() -> None:
    """Every MLPS edition has its line."""
    text = (DOCS / "scoring.md").read_text(encoding="utf-8")

    assert all(f"| {edition} |" in text for edition in Edition if not edition.is_crypto)


def test_framework_page_names_what_exists() -> None:
    """Files, columns and keys on the page are real."""
    text = (DOCS / "adding-a-framework.md").read_text(encoding="utf-8")
    root = DOCS.parent

    for path in re.findall(r"`((?:controls|tests)/[\w./-]+\.(?:json|yaml|py))`", text):
        assert (root / path).is_file(), path
    assert "`" + "`, `".join(OVERLAY_COLUMNS) + "`" in text
    for key in re.findall(r"`items\[\]\.(\w+)`", text):
        assert key in _ITEM_KEYS
