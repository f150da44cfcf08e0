"""What the shipped rules answer of the units of a level, and what is left to people."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controls.loader import load_catalog
from controls.terms import Scope
from scanners.baseline.coverage import StepClass, UnitShape
from scanners.baseline.coverage import coverage as ask
from scanners.baseline.loader import load_rules
from scanners.baseline.platforms import platforms
from scanners.baseline.steps import load_combinations
from scanners.schema.results import FOLDER
from secops.cli.coverage import EVALUATION, coverage_document
from secops.cli.main import run

ROOT = Path(__file__).parents[4]
LEVELS = (1, 2, 3, 4)
Captured = pytest.CaptureFixture[str]


def document_of(capsys: Captured, level: int) -> dict[str, Any]:
    assert run(["coverage", "--level", str(level), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.parametrize(
    ("level", "units", "steps"), [(1, 55, 92), (2, 135, 232), (3, 211, 395), (4, 228, 427)]
)
def test_every_unit_has_a_class(level: int, units: int, steps: int, capsys: Captured) -> None:
    """Each general unit of a level stands there once, with all of its steps, in the order of the standard."""
    document = document_of(capsys, level)

    jsonschema.validate(document, json.loads((FOLDER / "coverage.schema.json").read_text(encoding="utf-8")))
    catalog = load_catalog().units(EVALUATION, level, Scope.GENERAL)
    assert [one["id"] for one in document["units"]] == [str(unit.id) for unit in catalog]
    assert (document["totals"]["units"], document["totals"]["steps"]) == (units, steps)
    for one in document["units"]:
        assert len(one["step_classes"]) == one["steps"]
        assert one["steps_decided"] == one["step_classes"].count("decided")


@pytest.mark.parametrize("level", LEVELS)
def test_totals_are_the_sums(level: int) -> None:
    """Classes, domains and steps of the totals are what the units add up to."""
    document = coverage_document(level)

    units, totals = document["units"], document["totals"]
    assert totals["classes"] == {
        **dict.fromkeys(totals["classes"], 0),
        **Counter(one["class"] for one in units),
    }
    assert totals["steps_decided"] == sum(one["steps_decided"] for one in units)
    assert sum(totals["step_classes"].values()) == totals["steps"]
    for key in ("units", "steps", "steps_decided"):
        assert sum(one[key] for one in totals["domains"].values()) == totals[key]


def test_level_three_is_what_the_engine_says() -> None:
    """Per kind of target, the figures are those of the baseline engine over the same units."""
    document = coverage_document(3)
    shapes = [
        UnitShape(str(unit.id), len(unit.steps))
        for unit in load_catalog().units(EVALUATION, 3, Scope.GENERAL)
    ]

    for kind in platforms():
        found = ask(shapes, load_rules(kind), load_combinations(kind))
        figures = document["totals"]["kinds"][kind]
        assert figures["steps_decided"] == sum(unit.steps_decided for unit in found)
        assert figures["units"] == sum(bool(unit.rules) for unit in found)
        assert figures["units_decided"] == sum(unit.steps_decided == len(unit.steps) for unit in found)
        for unit, row in zip(found, document["units"], strict=True):
            assert list(unit.rules) == row["kinds"].get(kind, {}).get("rules", [])


def test_decided_means_one_kind_of_target_for_all_steps() -> None:
    """A step answered for one kind never helps another; hints alone answer nothing."""
    document = coverage_document(3)

    for one in document["units"]:
        whole = any(found["steps_decided"] == one["steps"] for found in one["kinds"].values())
        assert (one["class"] == "decided") is whole
        if not {"decided", "part"} & set(one["step_classes"]):
            assert one["class"] in ("document", "on-site")
        assert set(one["rules"]) == {rule for found in one["kinds"].values() for rule in found["rules"]}


def test_hints_do_not_make_a_part() -> None:
    """A unit that rules only give hints on is still left to people, with the rules named."""
    rules = [rule for kind in platforms() for rule in load_rules(kind)]
    strong = {
        spec.unit for rule in rules for spec in rule.answers if "hint" not in (spec.strength, spec.on_fail)
    }
    hinted = {spec.unit for rule in rules for spec in rule.answers} - strong

    rows = {one["id"]: one for one in coverage_document(3)["units"]}

    assert hinted
    for unit in hinted & rows.keys():
        weak = {spec.on_fail for rule in rules for spec in rule.answers if spec.unit == unit}
        if weak == {"hint"}:
            assert rows[unit]["class"] in ("document", "on-site")
            assert rows[unit]["rules"]


@pytest.mark.parametrize("level", [1, 2, 4])
def test_answers_carry_over_to_steps_with_the_same_words_only(level: int) -> None:
    """At another level a step counts as decided only where level 3 asks the same thing and has it decided."""
    catalog = load_catalog()
    third = {one["id"]: one for one in coverage_document(3)["units"]}
    by_family = {
        unit.family: unit
        for unit in catalog.units(EVALUATION, 3, Scope.GENERAL)
        if unit.scope is Scope.GENERAL
    }

    decided = 0
    for one in coverage_document(level)["units"]:
        unit = catalog.unit(one["id"])
        for step, step_class in zip(unit.steps, one["step_classes"], strict=True):
            if step_class in ("document", "on-site"):
                continue
            source = by_family[unit.family]
            classes = third[str(source.id)]["step_classes"]
            same = [classes[other.number - 1] for other in source.steps if other.text == step.text]
            assert step_class in same
            decided += step_class == "decided"
    assert decided > 0


def test_the_goals_of_the_computing_environment() -> None:
    """72 steps, of which a Linux host alone has 25 decided without typing."""
    totals = coverage_document(3)["totals"]

    assert totals["domains"]["CES"]["steps"] == 72
    assert totals["kinds"]["linux"]["computing_steps_decided"] >= 25


def test_what_is_missing_is_named_for_networks_and_centres() -> None:
    """Units of networks, borders and the management centre that rules do not decide name what would help."""
    document = coverage_document(3)

    missing = document["totals"]["missing"]
    assert {"network-device", "security-device", "management-centre"} <= missing.keys()
    for one in document["units"]:
        if one["domain"] in ("CNS", "ABS", "SMC") and one["class"] != "decided":
            assert one["missing"], one["id"]


def test_a_level_that_does_not_exist(capsys: Captured) -> None:
    """Bad input, with the advice that the catalogue carries."""
    assert run(["coverage", "--level", "5", "--json"]) == 2
    assert "level 4" in json.loads(capsys.readouterr().out)["error"]["en"]


def test_text_for_people(capsys: Captured) -> None:
    """Tables by class, by kind of target and by missing input; every unit on request, in both languages."""
    assert run(["coverage", "--units", "--lang", "en"]) == 0
    english = capsys.readouterr().out
    assert run(["coverage", "--lang", "zh"]) == 0
    chinese = capsys.readouterr().out

    assert "L3-MMS1-48" in english
    assert re.search(r"^linux +\d", english, re.MULTILINE)
    assert re.search(r"^all +211 ", english, re.MULTILINE)
    assert "安全计算环境" in chinese
    assert "合计" in chinese


def test_the_page_shows_what_the_command_prints(capsys: Captured) -> None:
    """The tables in docs/scanning.md are the output of the command; see there how to write them again."""
    page = (ROOT / "docs" / "scanning.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- coverage -->\n(.*?)<!-- end of coverage -->", page, re.DOTALL)

    assert run(["coverage", "--level", "3", "--markdown", "--lang", "en"]) == 0
    assert shown is not None
    assert shown[1].strip() == capsys.readouterr().out.strip()


def test_no_step_is_lost_between_classes() -> None:
    """Rules of every strength are looked at, so that a new kind of step class cannot slip through."""
    assert set(StepClass) == {"decided", "refutable", "part", "hint", "none"}
