"""What every framework promises: complete, counted against a second source, in both languages."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controls.build_mlps import UNIT_COLUMNS, build_mlps
from controls.catalog import Catalog, Text
from controls.crosswalk import load_crosswalks
from controls.ids import UnitId
from controls.loader import load_catalog
from controls.registry import find_frameworks
from controls.sources import PACKAGE_ROOT
from controls.terms import Layer, Mark, Scope, SecurityClass

CLASSES = PACKAGE_ROOT / "frameworks" / "gbt-22239-2019" / "classes"
UNITS = PACKAGE_ROOT / "frameworks" / "gbt-28448-2019" / "units.csv"
SECOND_COUNT = Path(__file__).parents[1] / "unit" / "controls" / "golden" / "control_points.csv"
ROWS = list(csv.DictReader(UNITS.read_text(encoding="utf-8").splitlines()))
CLASS_FILES = list(dict.fromkeys((row["scope"], row["domain_code"]) for row in ROWS))
# Items of the general requirements per class, levels 1 to 4.
GENERAL = {
    "PES": (7, 15, 22, 24),
    "CNS": (2, 4, 8, 11),
    "ABS": (5, 11, 20, 21),
    "CES": (11, 23, 34, 36),
    "SMC": (0, 4, 12, 13),
    "PSS": (1, 6, 7, 7),
    "ORS": (3, 9, 14, 15),
    "HRS": (4, 7, 12, 14),
    "CMS": (9, 25, 34, 35),
    "MMS": (13, 31, 48, 52),
}
TOTALS = {
    "general": (55, 135, 211, 228),
    "cloud": (11, 29, 46, 49),
    "mobile": (5, 14, 19, 21),
    "iot": (4, 7, 20, 21),
    "ics": (9, 15, 21, 22),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def schema(name: str) -> Any:
    return json.loads((PACKAGE_ROOT / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))


# --- the words of each class ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken() -> dict[str, list[str]]:
    """Faults per class file: what the loader refuses or misses, every file for itself."""
    by_id = {source.id: source for source in find_frameworks(plugins=())[0]}
    built = build_mlps(by_id["gbt-22239-2019"], by_id["gbt-28448-2019"], strict=False)
    faults: dict[str, list[str]] = {}
    for line in built.missing:
        faults.setdefault(Path(re.split(r":\d|: | ", line)[0]).name, []).append(line)
    return faults


@pytest.mark.parametrize(("scope", "code"), CLASS_FILES, ids=lambda part: str(part))
def test_class_file(scope: str, code: str, spoken: dict[str, list[str]]) -> None:
    """Every class has its file, with words for each of its units that agree with the table."""
    name = f"{scope}-{code.lower()}.yaml"

    assert (CLASSES / name).is_file(), f"{name} is not written yet"
    assert spoken.get(name, []) == []


@pytest.mark.parametrize("path", sorted(CLASSES.glob("*.yaml")), ids=lambda path: path.name)
def test_class_file_fits_its_schema(path: Path) -> None:
    """A class file has the published shape."""
    jsonschema.validate(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader), schema("mlps-class"))


@pytest.mark.parametrize("path", sorted(CLASSES.glob("*.yaml")), ids=lambda path: path.name)
def test_layers_of_a_class(path: Path) -> None:
    """Management classes belong to the management layer, except software in construction management."""
    document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    allowed = set(Layer) - {Layer.MANAGEMENT}
    if not SecurityClass(document["class"]).is_technical:
        allowed = {Layer.MANAGEMENT, Layer.APPLICATION} if document["class"] == "CMS" else {Layer.MANAGEMENT}

    found = {family["layer"] for point in document["control_points"] for family in point["families"]}

    assert found <= allowed


def test_nothing_is_missing(catalog: Catalog) -> None:
    """The catalogue is complete."""
    assert catalog.missing == ()


# --- counts and numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "totals"), TOTALS.items())
def test_totals(catalog: Catalog, scope: str, totals: tuple[int, ...]) -> None:
    """Items per scope and level agree with the independent count, units with one more where IoT has one."""
    for level, total in enumerate(totals, start=1):
        assert len(catalog.items("gbt-22239-2019", level, Scope(scope))) == total
        extra = 1 if scope == "iot" and level >= 3 else 0
        assert len(catalog.units("gbt-28448-2019", level, Scope(scope))) == total + extra


@pytest.mark.parametrize(("code", "totals"), GENERAL.items())
def test_totals_per_class(catalog: Catalog, code: str, totals: tuple[int, ...]) -> None:
    """General items per class and level agree with the independent count."""
    for level, total in enumerate(totals, start=1):
        items = catalog.items("gbt-22239-2019", level, Scope.GENERAL)
        assert sum(item.class_code == code for item in items) == total


def test_control_points_against_the_second_count(catalog: Catalog) -> None:
    """Every control point has the clause, the name and the number of items that the other standard's text gives."""
    expected = {
        (row["level"], row["scope"], row["class"], row["clause"], row["control_point"]): int(row["items"])
        for row in csv.DictReader(SECOND_COUNT.read_text(encoding="utf-8").splitlines())
    }

    found = Counter(
        (
            str(item.level),
            item.scope.value,
            item.class_code,
            item.clause.clause if item.clause else "",
            item.control_point.name.zh,
        )
        for item in catalog.items("gbt-22239-2019")
    )

    assert found == expected
    general = Counter(key[0] for key in expected if key[1] == "general")
    assert general == {"1": 42, "2": 68, "3": 71, "4": 71}


def test_numbers_run_without_gaps(catalog: Catalog) -> None:
    """Unit numbers run from 01 in each class, scene and level, except the three the standard skips itself."""
    head = yaml.safe_load((UNITS.parent / "framework.yaml").read_text(encoding="utf-8"))
    skipped = {UnitId.parse(text) for text in head["skipped_units"]}
    found: dict[str, set[int]] = {}
    for unit in [*(unit.id for unit in catalog.units("gbt-28448-2019")), *skipped]:
        stem, _, ordinal = unit.rpartition("-")
        numbers = found.setdefault(stem, set())
        assert int(ordinal) not in numbers, f"{unit} is both skipped and there"
        numbers.add(int(ordinal))

    gaps = {stem: sorted(set(range(1, max(ns) + 1)) - ns) for stem, ns in found.items()}

    assert {stem: missing for stem, missing in gaps.items() if missing} == {}
    assert skipped == {"L3-CES1-16", "L3-CMS2-06", "L4-CMS2-06"}


def test_letters_run_without_gaps(catalog: Catalog) -> None:
    """The letters of a control point run a, b, c …; a single item has none."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in catalog.items("gbt-22239-2019"):
        assert item.clause is not None
        found.setdefault((item.scope, item.clause.clause), []).append(item.letter)

    for place, letters in found.items():
        wanted = (
            [""] if len(letters) == 1 and letters[0] == "" else [chr(97 + n) for n in range(len(letters))]
        )
        assert letters == wanted, place


def test_table_and_catalogue_agree(catalog: Catalog) -> None:
    """Every line of the table is a unit with these clauses, methods and steps; L4-ABS1-11 has none there."""
    assert list(ROWS[0]) == list(UNIT_COLUMNS)
    for row in ROWS:
        unit = catalog.unit(row["unit_id"])
        assert str(unit.clause) == row["clause_28448"]
        assert "".join(unit.methods) == row["methods"]
        if row["steps"]:
            assert len(unit.steps) == int(row["steps"])
            assert unit.partial_possible == (row["partial_possible"] == "yes")
        else:
            assert row["unit_id"] == "L4-ABS1-11"
            assert unit.steps
        chapter = str(unit.clause).split(".")[0]
        assert int(chapter) == unit.level + 5 == int(str(unit.item_clause).split(".")[0])


def test_the_unit_without_an_item(catalog: Catalog) -> None:
    """Exactly one requirement is assessed that the requirement standard does not have."""
    without = [unit.id for unit in catalog.units("gbt-28448-2019") if unit.item is None]

    assert without == ["L3-CES4-04", "L4-CES4-04"]
    claimed = [unit for item in catalog.items("gbt-22239-2019") for unit in item.units]
    assert len(claimed) == len(set(claimed)) == 942


def test_marks(catalog: Catalog) -> None:
    """Marks per level agree with the independent count; extensions know G only."""
    counts = {}
    for level in (1, 2, 3, 4):
        marks = Counter(item.mark for item in catalog.items("gbt-22239-2019", level, Scope.GENERAL))
        counts[level] = tuple(marks[mark] for mark in Mark)

    assert counts == {1: (9, 2, 44), 2: (15, 4, 116), 3: (24, 6, 181), 4: (25, 8, 195)}
    extended = [item for item in catalog.items("gbt-22239-2019") if item.scope is not Scope.GENERAL]
    assert {item.mark for item in extended} == {Mark.G}


def test_units_that_join_steps_with_or(catalog: Catalog) -> None:
    """Only a few units know alternatives, among them the two known ones; all name existing steps."""
    found = {unit.id: unit for unit in catalog.units("gbt-28448-2019") if unit.rule.alternatives}

    assert found["L3-CES1-23"].rule.alternatives == ((1, 3), (2, 3))
    assert "L3-SMC1-08" in found
    assert len(found) <= 20
    for unit in found.values():
        assert {n for steps in unit.rule.alternatives for n in steps} <= set(range(1, len(unit.steps) + 1))


# --- texts ------------------------------------------------------------------------------------------------


def both(text: Text) -> bool:
    return (
        not text.zh.isascii()
        and bool(re.search("[A-Za-z]", text.en))
        and not re.search("[\u4e00-\u9fff]", text.en)
    )


def test_every_item_has_its_texts(catalog: Catalog) -> None:
    """Each item of each framework has summary and evidence hint in both languages, and a layer."""
    poor = [
        f"{item.framework} {item.id}"
        for framework in catalog.frameworks
        if not framework.items_in
        for item in catalog.items(framework.id)
        if not (
            both(item.summary) and both(catalog.family(item.family).evidence) and item.layer in list(Layer)
        )
    ]

    assert poor == []


def test_official_items_have_all_hints(catalog: Catalog) -> None:
    """In the shipped standards each family also says who holds the evidence, where gaps are, and on what targets."""
    poor = [
        family.id
        for family in catalog.families
        if catalog.framework(family.framework).official
        and not (both(family.holder) and both(family.gaps) and family.targets)
    ]

    assert poor == []


def test_every_step_has_its_text(catalog: Catalog) -> None:
    """Each step of each unit is written in both languages and numbered from 1."""
    for framework in catalog.frameworks:
        for unit in catalog.units(framework.id):
            assert [step.number for step in unit.steps] == list(range(1, len(unit.steps) + 1))
            assert all(both(step.text) for step in unit.steps), unit.id


def test_names_of_control_points(catalog: Catalog) -> None:
    """Control points carry their official Chinese and an English name."""
    assert all(both(point.name) for point in catalog.control_points.values())


def test_summaries_are_no_requirements(catalog: Catalog) -> None:
    """A summary states what is true; it is short and does not repeat the standard's "shall"."""
    long = [item.id for item in catalog.items("gbt-22239-2019") if len(item.summary.zh) > 160]
    wording = [item.id for item in catalog.items("gbt-22239-2019") if re.match("应(?!急)", item.summary.zh)]

    assert (long, wording) == ([], [])


def test_families_join_levels(catalog: Catalog) -> None:
    """A family stands in one class and scope and has at most a few items at one level."""
    for family in catalog.families:
        items = [catalog.item(item, family.framework) for item in family.items]
        assert len({(item.class_code, item.scope) for item in items}) <= 1
        assert max(Counter(item.level for item in items).values(), default=1) <= 3, family.id


# --- frameworks and crosswalks ----------------------------------------------------------------------------


def test_heads(catalog: Catalog) -> None:
    """Each framework says in both languages what it is, and counts what it holds."""
    for framework in catalog.frameworks:
        assert both(framework.title)
        assert both(framework.text_policy)
        assert both(framework.publisher)
        assert all(both(group.name) for group in framework.groups)
        total = sum(items for scopes in framework.counts.values() for items, _ in scopes.values())
        assert total == len(catalog.items(framework.id))


def test_crosswalks_load(catalog: Catalog) -> None:
    """Every shipped crosswalk has ends that exist, and both ways of reading it agree."""
    for crosswalk in load_crosswalks(catalog, find_frameworks(plugins=())[0]):
        assert crosswalk.inverse().inverse() == crosswalk


@pytest.mark.parametrize(
    "path", sorted((PACKAGE_ROOT / "crosswalks").glob("*.yaml")), ids=lambda path: path.name
)
def test_crosswalk_fits_its_schema(path: Path) -> None:
    """A crosswalk file has the published shape."""
    jsonschema.validate(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader), schema("crosswalk"))
