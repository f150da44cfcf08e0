"""Check lists on site: what is asked of a system, and what the answers are worth."""

from __future__ import annotations

import shutil
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from controls.documents.onsite import load_sheets, load_sheets_from
from controls.documents.onsite_checks import (
    OnsiteAnswer,
    QuestionOutcome,
    check_answers,
    checklist,
    onsite_evidence,
)
from controls.documents.terms import AnswerValue, PhotoRule, Trait
from controls.errors import DataError, InvalidInput
from controls.loader import load_catalog
from controls.terms import RuleOutcome, TargetKind
from controls.verdict import suggest
from tests.unit.controls.documents.builders import TODAY, system

SHIPPED = Path(str(files("policies") / "onsite"))
SHEETS = load_sheets()
SEEN = date(2025, 6, 1)


def judge(question: str, *answers: OnsiteAnswer) -> QuestionOutcome:
    """Check answers of a level-3 system and give the outcome of one question."""
    found = check_answers(checklist(system(), SHEETS), answers, TODAY)
    return next(one for one in found if one.question == question)


def answer(question: str, value: AnswerValue = AnswerValue.YES, **changes: object) -> OnsiteAnswer:
    values: dict[str, object] = {"seen_on": SEEN, "observer": "李工", **changes}
    return OnsiteAnswer(question, value, **values)  # type: ignore[arg-type]


def test_a_level_3_system_is_asked_what_binds_it() -> None:
    """The printed list holds each question with its steps; what only other levels ask is left out."""
    sheets = checklist(system(), SHEETS)
    asked = {one.question.id: one for sheet in sheets for one in sheet.questions}

    assert [str(place.unit) for place in asked["room-storey"].places] == ["L3-PES1-02"]
    assert "room-second-door" not in asked
    assert "room-extinguishers" not in asked
    assert asked["room-storey"].condition is not None
    assert asked["lead-committee"].condition is None


def test_a_system_in_a_foreign_room_is_not_asked_about_it() -> None:
    """Without an own room the whole sheet of the room drops out."""
    sheets = checklist(system(traits={Trait.OWN_ROOM: False}), SHEETS)

    assert "machine-room" not in {sheet.sheet.id for sheet in sheets}
    assert "operations-lead" in {sheet.sheet.id for sheet in sheets}


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (answer("lead-committee"), RuleOutcome.PASS),
        (answer("lead-committee", AnswerValue.NO), RuleOutcome.FAIL),
        (answer("lead-committee", AnswerValue.NA, note="没有"), RuleOutcome.MANUAL),
        (answer("lead-committee", seen_on=None), RuleOutcome.ERROR),
        (answer("lead-committee", observer=" "), RuleOutcome.ERROR),
        (answer("lead-committee", seen_on=date(2025, 7, 1)), RuleOutcome.ERROR),
        (answer("lead-committee", seen_on=date(2024, 6, 30)), RuleOutcome.PASS),
        (answer("lead-committee", seen_on=date(2024, 6, 29)), RuleOutcome.ERROR),
    ],
)
def test_answers(given: OnsiteAnswer, outcome: RuleOutcome) -> None:
    """Who and when must be there; an old look counts as none; "not applicable" has to be possible."""
    assert judge("lead-committee", given).outcome is outcome


def test_the_good_answer_can_be_no() -> None:
    """Sensitive papers on desks are the fault, their absence is fine."""
    assert (
        judge("office-desks-clear", answer("office-desks-clear", AnswerValue.NO)).outcome is RuleOutcome.PASS
    )
    assert judge("office-desks-clear", answer("office-desks-clear")).outcome is RuleOutcome.FAIL


@pytest.mark.parametrize("value", [AnswerValue.YES, AnswerValue.NO])
def test_a_required_picture(value: AnswerValue) -> None:
    """Without the picture a person decides, whatever the answer."""
    assert judge("room-devices-fixed", answer("room-devices-fixed", value)).outcome is RuleOutcome.MANUAL
    assert (
        judge("room-devices-fixed", answer("room-devices-fixed", photos=("7",))).outcome is RuleOutcome.PASS
    )


@pytest.mark.parametrize(("note", "outcome"), [("没有外包", RuleOutcome.NA), (" ", RuleOutcome.MANUAL)])
def test_not_applicable_needs_a_reason(note: str, outcome: RuleOutcome) -> None:
    """Where it is possible at all, the note says why."""
    given = answer("ops-outsourcer-lawful", AnswerValue.NA, note=note)

    assert judge("ops-outsourcer-lawful", given).outcome is outcome


def test_the_newest_answer_counts() -> None:
    """An earlier fault that was mended is history, in whichever order the answers come."""
    bad = answer("lead-committee", AnswerValue.NO, seen_on=date(2025, 1, 1))
    good = answer("lead-committee")
    undated = answer("lead-committee", AnswerValue.NO, seen_on=None)

    assert judge("lead-committee", bad, good).outcome is RuleOutcome.PASS
    assert judge("lead-committee", good, bad).outcome is RuleOutcome.PASS
    assert judge("lead-committee", undated, good, undated).outcome is RuleOutcome.PASS


def test_a_fault_carries_the_note() -> None:
    """What was written down on site is the reason, and the answer holds for a year."""
    found = judge("lead-committee", answer("lead-committee", AnswerValue.NO, note="尚在筹建"))

    assert "尚在筹建" in found.reason.zh
    assert found.good_until == date(2026, 6, 1)
    assert judge("lead-committee", answer("lead-committee", AnswerValue.NO)).reason.zh.endswith("不符合")


def test_an_answer_to_something_else_is_refused() -> None:
    """Nothing is dropped in silence."""
    with pytest.raises(InvalidInput, match=r"\$\[0\]\.question"):
        judge("lead-committee", answer("room-second-door"))


def test_answers_never_propose_a_verdict() -> None:
    """A look by the own people is evidence of the strength document."""
    asked = next(
        one
        for sheet in checklist(system(), SHEETS)
        for one in sheet.questions
        if one.question.id == "lead-recruitment"
    )
    given = answer("lead-recruitment")
    (evidence,) = onsite_evidence(judge("lead-recruitment", given), asked, given, "people", TargetKind.PERSON)

    assert (evidence.rule_id, evidence.strength, evidence.outcome) == (
        "onsite/lead-recruitment",
        "document",
        "pass",
    )
    assert evidence.source == "李工 2025-06-01"
    assert evidence.observed == "是"
    assert suggest(load_catalog().unit("L3-HRS1-01"), [evidence]).verdict is None


def test_pictures_are_asked_for_what_is_looked_at_only() -> None:
    """Nobody is photographed while answering."""
    assert [
        question.id
        for sheet in SHEETS
        for question in sheet.questions
        if question.how == "ask" and question.photo is not PhotoRule.NONE
    ] == []


def test_sheets_are_read_once_and_ordered() -> None:
    """The same object each time."""
    assert load_sheets() is SHEETS
    assert [sheet.id for sheet in SHEETS] == sorted(sheet.id for sheet in SHEETS)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("id: construction-lead", "id: other", "must equal the file's name"),
        ("id: build-crypto-products", "id: Build It", "small letters"),
        ("good: 'yes'", "good: na", "must be yes or no"),
        ("good: 'yes'", "good: yes", "is not one of"),
        ("months: 12", "months: 0", "1 to 120"),
        ("photo: none", "photo: always", "'always' is not one of"),
        ("how: ask", "how: smell", "'smell' is not one of"),
        ("holder: construction", "holder: nobody", "'nobody' is not one of"),
        ("    photo: none", "    picture: none", "is not a known key"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A wrong sheet names its file, line and key."""
    text = (SHIPPED / "construction-lead.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "construction-lead.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DataError, match=problem):
        load_sheets_from(tmp_path)


def test_two_questions_with_one_id_are_refused(tmp_path: Path) -> None:
    """Answers name their question without the sheet."""
    text = (SHIPPED / "construction-lead.yaml").read_text(encoding="utf-8")
    shutil.copy(SHIPPED / "construction-lead.yaml", tmp_path)
    (tmp_path / "other.yaml").write_text(
        text.replace("id: construction-lead", "id: other", 1), encoding="utf-8"
    )

    with pytest.raises(DataError, match="is a question of construction-lead too"):
        load_sheets_from(tmp_path)
