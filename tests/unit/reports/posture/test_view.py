"""The view says everything once, in one language, with nothing left out."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest

from reports.posture.check import check
from reports.posture.figures import summarise
from reports.posture.view import MATRIX_MAX_TARGETS, build_view, target_codes
from reports.posture.words import WORDS, word
from reports.read_model import STATES, WHOLE_SYSTEM, Cell, Language, PostureReport, Text, Verdict
from tests.unit.reports.builders import REASONS, empty_report, largest_report, report, typical_report


def _line_count(view_report: PostureReport) -> int:
    return sum(len(item.cells) or 1 for item in view_report.items)


@pytest.mark.parametrize("language", list(Language))
def test_every_cell_is_on_some_line(language: Language) -> None:
    """Joined lines lose no target: the codes of an item's lines are exactly its targets."""
    model = typical_report()
    codes = target_codes(model)
    view = build_view(model, language)
    shown = {item.unit: item for group in view.items for item in group.items}

    for item in model.items:
        expected = {codes[cell.target_id] for cell in item.cells}
        listed: set[str] = set()
        for line in shown[item.unit_id].lines:
            listed |= _expand(line.targets, list(codes.values()))
        assert listed == expected


def _expand(text: str, order: list[str]) -> set[str]:
    found: set[str] = set()
    for part in text.replace("、", ",").split(","):
        first, _, last = part.strip().partition("–")
        if first in order:
            end = order.index(last or first)
            found |= set(order[order.index(first) : end + 1])
    return found


def test_each_reason_for_not_looking_is_shown() -> None:
    """Every reason stands in the lines and in the table of reasons, with the right sum."""
    model = largest_report()
    view = build_view(model, Language.ZH)
    grounds = {line.why for group in view.items for item in group.items for line in item.lines}

    assert {reason.zh for reason in REASONS} <= grounds
    assert sum(int(row.count) for row in view.reasons) == model.summary.total.counts.not_examined


def test_many_reasons_are_joined_in_the_table_only() -> None:
    """The table stays short, its sum stays whole."""
    model = typical_report()
    items = tuple(
        replace(item, cells=(), verdict=None, not_examined=Text.same(f"reason {place}"))
        for place, item in enumerate(model.items)
    )
    view = build_view(replace(model, items=items, summary=summarise(items)), Language.EN)

    assert len(view.reasons) == 13
    assert sum(int(row.count) for row in view.reasons) == len(items)


def test_runs_of_targets_are_printed_as_ranges() -> None:
    """Three or more in a row join, two do not; the whole system stands first."""
    model = report(target_count=8, finding_count=0, evidence_count=0, scan_count=0)
    hit = ("asset-7", "asset-1", "asset-2", "asset-0", WHOLE_SYSTEM, "asset-4", "asset-5")
    found = replace(typical_report().findings[0], target_ids=hit)

    view = build_view(replace(model, findings=(found,)), Language.ZH)

    assert view.findings[0].targets == "整个系统、T01–T03、T05、T06、T08"


def test_a_cell_may_speak_of_the_whole_system() -> None:
    """It is shown with its grounds, and evidence that is not in the index is marked."""
    model = typical_report()
    judged = Cell(WHOLE_SYSTEM, Verdict.COMPLIANT, reasons=(Text.same("ok"),), evidence=("E-0001", "E-9999"))
    item = replace(model.items[0], cells=(judged,), verdict=Verdict.COMPLIANT, not_examined=None)
    items = (item, *model.items[1:])
    changed = replace(model, items=items, summary=summarise(items))
    check(changed)

    (line,) = build_view(changed, Language.ZH).items[0].items[0].lines

    assert (line.targets, line.state, line.why) == ("整个系统", "compliant", "ok")
    assert line.evidence == ("E-0001", "E-9999（未列入索引）")


def test_codes_have_as_many_digits_as_needed() -> None:
    """Codes sort as they read."""
    big = report(target_count=120, finding_count=0, evidence_count=0, scan_count=0)

    assert list(target_codes(big).values())[::119] == ["T001", "T120"]
    assert not build_view(big, Language.ZH).matrix_fits
    assert MATRIX_MAX_TARGETS < 120


def test_invented_filing_data_is_marked() -> None:
    """示例 follows the number and the date."""
    facts = {fact.label: fact.value for fact in build_view(typical_report(), Language.ZH).system}

    assert facts["备案编号"] == "31010799001-00001（示例）"
    assert facts["备案日期"].endswith("（示例）")


def test_missing_filing_is_said() -> None:
    """No filing is not an empty cell."""
    facts = {fact.label: fact.value for fact in build_view(empty_report(), Language.EN).system}

    assert facts["Filing number"] == "No filing on record"


def test_the_examined_share_is_put_into_words() -> None:
    """Numbers of the sentence are those of the summary."""
    model = typical_report()
    counts = model.summary.total.counts
    view = build_view(model, Language.ZH)

    assert f"共 {counts.total} 个" in view.examined
    assert f"已检查 {counts.examined} 个" in view.examined
    assert f"未检查 {counts.not_examined} 个" in view.examined
    assert not view.is_draft
    assert build_view(typical_report(examined_in_8=2), Language.ZH).is_draft


def test_nothing_in_scope_is_said() -> None:
    """An empty report gives no percentage."""
    view = build_view(empty_report(), Language.EN)

    assert "%" not in view.examined
    assert view.is_draft


@pytest.mark.parametrize("key", sorted(WORDS))
def test_both_languages_have_the_same_places(key: str) -> None:
    """No sentence of one language lacks a figure that the other has."""
    text = WORDS[key]
    places = [
        {name for _, name, _, _ in string.Formatter().parse(words) if name} for words in (text.zh, text.en)
    ]

    assert places[0] == places[1]
    assert text.zh.strip()
    assert text.en.strip()
    assert not any("\u4e00" <= char <= "\u9fff" for char in text.en)


def test_braces_in_values_stay_text() -> None:
    """A value is never read as a template."""
    assert "{level}" in word("key_intro", Language.EN, system="{level}", level="3", time="now")


def test_signs_follow_the_targets() -> None:
    """One state per target, empty where the item has no cell."""
    model = typical_report()
    view = build_view(model, Language.ZH)

    for group in view.items:
        for item in group.items:
            assert len(item.signs) == len(model.targets)
            assert set(item.signs) <= {*STATES, ""}
    assert _line_count(model) == model.summary.total.counts.total
