"""What a crosswalk names as looked at and mapped to nothing, and how it says it was read."""

from __future__ import annotations

from pathlib import Path

import pytest

from controls.catalog import Text
from controls.crosswalk import Crosswalk, Unmapped, compose, load_crosswalks
from controls.errors import DataError
from controls.loader import load_catalog
from controls.registry import FrameworkSource
from controls.sources import Sources

NAME = "gbt-39786-2021--gbt-22239-2019.yaml"
FAMILY = load_catalog().item("8.1.4.1.a").family
SAMPLE = """\
from: gbt-39786-2021
to: gbt-22239-2019
version: "1"
origin: default
note: {zh: 自行解读, en: Our own reading}
pairs:
- {from: 8.2.b, to: 8.1.2.2.a, relation: intersects, rationale: {zh: 都保护完整性, en: both protect integrity}}
unmapped:
  from:
  - ends: [8.3.a, 8.4.a]
    reason: {zh: 无对应, en: nothing fits}
  to:
  - ends: [FAMILY]
    reason: {zh: 不涉及密码, en: no cryptography}
""".replace("FAMILY", FAMILY)


def loaded(folder: Path, text: str) -> Crosswalk:
    (folder / "crosswalks").mkdir()
    (folder / "crosswalks" / NAME).write_text(text, encoding="utf-8")
    (found,) = load_crosswalks(load_catalog(), [FrameworkSource("any-one", "", Sources(folder), "")])
    return found


def test_named_with_their_reason(tmp_path: Path) -> None:
    """Ends that share a reason stand together; each comes out with it, items and families alike."""
    found = loaded(tmp_path, SAMPLE)

    nothing = Text("无对应", "nothing fits")
    assert found.unmapped_left == (Unmapped("8.3.a", nothing), Unmapped("8.4.a", nothing))
    assert found.unmapped_right == (Unmapped(FAMILY, Text("不涉及密码", "no cryptography")),)
    assert found.note == Text("自行解读", "Our own reading")


def test_inverse_swaps_the_sides(tmp_path: Path) -> None:
    """Read from the other end, both lists change sides and the note stays."""
    found = loaded(tmp_path, SAMPLE)

    turned = found.inverse()

    assert (turned.unmapped_left, turned.unmapped_right) == (found.unmapped_right, found.unmapped_left)
    assert turned.note == found.note
    assert turned.inverse() == found


def test_composition_names_nothing(tmp_path: Path) -> None:
    """A composed crosswalk names nothing as unmapped, and keeps a note only when both ways carry it."""
    found = loaded(tmp_path, SAMPLE)
    silent = Crosswalk(found.right, found.left, "1", found.origin, found.inverse().pairs)

    there_and_back = compose(found, found.inverse())

    assert (there_and_back.unmapped_left, there_and_back.unmapped_right) == ((), ())
    assert there_and_back.note == found.note
    assert not compose(found, silent).note


def test_neither_is_needed(tmp_path: Path) -> None:
    """A file without a list and without a note is sound."""
    text = SAMPLE[: SAMPLE.index("unmapped:")].replace("note: {zh: 自行解读, en: Our own reading}\n", "")

    found = loaded(tmp_path, text)

    assert (found.unmapped_left, found.unmapped_right, bool(found.note)) == ((), (), False)


def test_one_side_may_be_absent(tmp_path: Path) -> None:
    """Only the side that has something to say is written."""
    text = SAMPLE[: SAMPLE.index("  to:\n  - ends")]

    assert loaded(tmp_path, text).unmapped_right == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[8.3.a, 8.4.a]", "[8.3.a, 8.2.b]", "8.2.b is mapped above"),
        ("[8.3.a, 8.4.a]", "[8.3.a, 8.3.a]", "8.3.a stands twice"),
        ("[8.3.a, 8.4.a]", "[8.9.z]", "no family and no item of gbt-39786-2021"),
        (f"[{FAMILY}]", "[ces-nowhere]", "no family and no item of gbt-22239-2019"),
        ("[8.3.a, 8.4.a]", "[]", "at least one entry"),
        ("unmapped:\n  from:", "unmapped:\n  nobody:", "is not a known key"),
        ("    reason: {zh: 无对应, en: nothing fits}\n", "", "is missing"),
        ("en: Our own reading", "en: 解读", "must not contain Chinese"),
    ],
)
def test_wrong_lists(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """An end that is mapped, doubled or unknown, an empty list, a missing reason: named with their place."""
    assert old in SAMPLE
    with pytest.raises(DataError, match=problem):
        loaded(tmp_path, SAMPLE.replace(old, new))
