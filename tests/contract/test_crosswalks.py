"""What the shipped crosswalks promise: complete both ways, one reason per pair, at peace with each other."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controls.catalog import CRYPTO, MLPS_REQUIREMENTS, Catalog, Text
from controls.crosswalk import Crosswalk, Unmapped, compose, coverage, find_crosswalk, load_crosswalks
from controls.loader import load_catalog
from controls.registry import find_frameworks
from controls.sources import PACKAGE_ROOT
from controls.terms import Layer, Origin, Relation, Scope
from secops.cli.main import run

LAYERS = {
    "data-layer": Layer.DATA,
    "application-layer": Layer.APPLICATION,
    "management-layer": Layer.MANAGEMENT,
}
STORED = [
    *((layer, MLPS_REQUIREMENTS) for layer in LAYERS),
    *((layer, CRYPTO) for layer in LAYERS),
    (MLPS_REQUIREMENTS, CRYPTO),
]
FRAMEWORKS = [*LAYERS, MLPS_REQUIREMENTS, "gbt-28448-2019", CRYPTO]
NAMES = ["{}--{}".format(*pair) for pair in STORED]
# Requirements whose own layer is not the layer that answers them, looked at one by one.
ANSWERED_ELSEWHERE = {
    "iot-ces-data-fusion",  # a function of the business, no layer answers it
    "iot-ces-data-dependency",
    "mms-equipment-disposal",  # erasing data: the data layer
    "crypto-application-label-integrity",  # labels of data: the data layer
    "crypto-construction-key-policy",  # design and life of keys: the data and application layers
}
# Mappings between items, items of the left and of the right side without one; levels 1 to 4.
COVERAGE = {
    "data-layer--gbt-22239-2019": [(28, 30, 62), (74, 12, 143), (129, 6, 222), (132, 5, 243)],
    "application-layer--gbt-22239-2019": [(32, 36, 62), (94, 8, 138), (139, 3, 227), (139, 3, 251)],
    "management-layer--gbt-22239-2019": [(49, 26, 46), (122, 10, 106), (180, 2, 186), (190, 2, 202)],
    "data-layer--gbt-39786-2021": [(28, 34, 5), (28, 34, 8), (36, 31, 16), (36, 31, 16)],
    "application-layer--gbt-39786-2021": [(16, 46, 16), (16, 46, 19), (21, 41, 29), (21, 41, 29)],
    "management-layer--gbt-39786-2021": [(14, 37, 16), (20, 33, 16), (35, 22, 22), (35, 22, 22)],
    "gbt-22239-2019--gbt-39786-2021": [(14, 74, 12), (28, 178, 5), (78, 260, 1), (84, 279, 0)],
}
# General items of GB/T 22239 that some layer answers, and those named as infrastructure; levels 1 to 4.
HOMES = [(42, 13), (104, 31), (160, 51), (170, 58)]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def stored(catalog: Catalog) -> dict[str, Crosswalk]:
    found = load_crosswalks(catalog, find_frameworks(plugins=())[0])
    return {f"{one.left}--{one.right}": one for one in found}


def families(catalog: Catalog, framework: str) -> set[str]:
    """Give what a crosswalk of a framework maps: its families that hold items, or the items of a layer."""
    if framework in LAYERS:
        return {str(item.id) for item in catalog.items(framework)}
    return {family.id for family in catalog.families if family.framework == framework and family.items}


def ends(unmapped: tuple[Unmapped, ...]) -> set[str]:
    return {one.end for one in unmapped}


def own_layers(catalog: Catalog) -> dict[str, Layer]:
    return {family.id: family.layer for family in catalog.families}


# --- shape ------------------------------------------------------------------------------------------------


def test_all_are_there(stored: dict[str, Crosswalk]) -> None:
    """The layers lead to both standards, and the standards to each other; one direction is written."""
    assert sorted(stored) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_ends_and_relations(name: str, catalog: Catalog) -> None:
    """Read without the loader: every end exists on its side, relations are those of the closed list."""
    path = PACKAGE_ROOT / "crosswalks" / f"{name}.yaml"
    document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)

    known = {side: families(catalog, document[side]) for side in ("from", "to")}

    for pair in document["pairs"]:
        assert pair["from"] in known["from"], pair
        assert pair["to"] in known["to"], pair
        assert pair["relation"] in list(Relation), pair


@pytest.mark.parametrize("name", NAMES)
def test_marked_as_our_own_reading(name: str, stored: dict[str, Crosswalk]) -> None:
    """No mapping is passed off as official, and each file says how it was read."""
    one = stored[name]

    assert one.origin is Origin.DEFAULT
    assert "自行解读" in one.note.zh
    assert "Our own reading" in one.note.en


@pytest.mark.parametrize("name", NAMES)
def test_each_pair_has_a_reason_of_its_own(name: str, stored: dict[str, Crosswalk]) -> None:
    """A rationale is one sentence, stands once in its file, and can be read from both ends."""
    pairs = stored[name].pairs

    for language in ("zh", "en"):
        texts = Counter(getattr(pair.rationale, language) for pair in pairs)
        assert [text for text, times in texts.items() if times > 1] == []
    for pair in pairs:
        assert re.fullmatch("[^。]{8,}。", pair.rationale.zh), pair
        assert re.fullmatch(r"[A-Z][^.]{15,}\.", pair.rationale.en), pair
        assert not re.search("本项|对方|左端|右端", pair.rationale.zh), pair
        assert not re.search("[Tt]he other|[Tt]his one|\\b[Hh]ere\\b", pair.rationale.en), pair


@pytest.mark.parametrize("name", NAMES)
def test_inverse(name: str, stored: dict[str, Crosswalk]) -> None:
    """Turned round, each pair says the same from its other end; turned twice it is the file again."""
    one = stored[name]

    turned = one.inverse()

    assert {(pair.right, pair.left, pair.relation.inverse) for pair in turned.pairs} == {
        (pair.left, pair.right, pair.relation) for pair in one.pairs
    }
    assert turned.inverse() == one


@pytest.mark.parametrize("name", NAMES)
def test_equal_is_exclusive(name: str, stored: dict[str, Crosswalk]) -> None:
    """An end equals at most one end of the other side: two would be the same requirement twice."""
    equal = [pair for pair in stored[name].pairs if pair.relation is Relation.EQUAL]

    for side in ("left", "right"):
        assert max(Counter(getattr(pair, side) for pair in equal).values(), default=1) == 1


# --- complete both ways -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_everything_maps_or_is_named(name: str, catalog: Catalog, stored: dict[str, Crosswalk]) -> None:
    """Each item of a layer, each family of GB/T 22239 and each unit of GB/T 39786 maps or is named with a reason."""
    one = stored[name]

    left = {pair.left for pair in one.pairs}
    right = {pair.right for pair in one.pairs}

    assert left | ends(one.unmapped_left) == families(catalog, one.left)
    assert right | ends(one.unmapped_right) == families(catalog, one.right)
    assert not left & ends(one.unmapped_left)
    assert not right & ends(one.unmapped_right)


def infrastructure(one: Crosswalk) -> set[str]:
    return {entry.end for entry in one.unmapped_right if entry.reason.en.startswith("Infrastructure:")}


def test_nothing_is_without_a_home(catalog: Catalog, stored: dict[str, Crosswalk]) -> None:
    """A family no layer answers is named as infrastructure by all three, and is infrastructure in the catalogue."""
    layer_of = own_layers(catalog)
    for standard in (MLPS_REQUIREMENTS, CRYPTO):
        files = [stored[f"{layer}--{standard}"] for layer in LAYERS]
        answered = {pair.right for one in files for pair in one.pairs}

        named = [infrastructure(one) for one in files]

        assert named[0] == named[1] == named[2]
        assert {layer_of[family] for family in named[0]} == {Layer.INFRASTRUCTURE}
        left_over = families(catalog, standard) - answered - named[0]
        assert left_over <= {"iot-ces-data-fusion", "iot-ces-data-dependency"}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_answers_what_belongs_to_it(
    layer: str, catalog: Catalog, stored: dict[str, Crosswalk]
) -> None:
    """What the catalogue calls data, application or management maps from that layer, but for a few looked at singly."""
    mapped = {pair.right for name in stored if name.startswith(layer) for pair in stored[name].pairs}
    standards = (MLPS_REQUIREMENTS, CRYPTO)

    own = {
        family.id
        for family in catalog.families
        if family.layer is LAYERS[layer] and family.framework in standards and family.items
    }

    assert own - mapped <= ANSWERED_ELSEWHERE


def test_general_items_have_a_home(catalog: Catalog, stored: dict[str, Crosswalk]) -> None:
    """Of the general items of each level this many are answered by a layer, the rest is infrastructure."""
    files = [stored[f"{layer}--{MLPS_REQUIREMENTS}"] for layer in LAYERS]
    answered = {pair.right for one in files for pair in one.pairs}

    homes = []
    for level in (1, 2, 3, 4):
        items = catalog.items(MLPS_REQUIREMENTS, level, Scope.GENERAL)
        inside = [item for item in items if item.family in answered]
        outside = [item for item in items if item.family in infrastructure(files[0])]
        homes.append((len(inside), len(outside)))
        assert len(inside) + len(outside) == len(items)

    print(f"general items answered by a layer, infrastructure: {homes}")
    assert homes == HOMES


def test_units_of_cryptography_at_level_three(catalog: Catalog, stored: dict[str, Crosswalk]) -> None:
    """Of the 41 units of level 3 only non-repudiation has no item of MLPS: that stands at level 4 alone."""
    covered = coverage(catalog, stored[f"{MLPS_REQUIREMENTS}--{CRYPTO}"], level=3)

    assert [item.units[0].number for item in covered.uncovered_right] == ["6.4.8"]
    assert len({pair.right.id for pair in covered.pairs}) == 40


@pytest.mark.parametrize("layer", LAYERS)
def test_own_steps_where_the_standard_is_silent(
    layer: str, catalog: Catalog, stored: dict[str, Crosswalk]
) -> None:
    """Exactly the items that no requirement of GB/T 22239 speaks to carry steps of their own."""
    silent = ends(stored[f"{layer}--{MLPS_REQUIREMENTS}"].unmapped_left)

    assert {str(unit.item) for unit in catalog.units(layer)} == silent


@pytest.mark.parametrize("name", NAMES)
def test_coverage(name: str, catalog: Catalog, stored: dict[str, Crosswalk]) -> None:
    """Mappings and uncovered items of both sides per level, frozen: a change is a decision."""
    found = [coverage(catalog, stored[name], level) for level in (1, 2, 3, 4)]

    numbers = [(len(one.pairs), len(one.uncovered_left), len(one.uncovered_right)) for one in found]

    for level, (pairs, left, right) in enumerate(numbers, start=1):
        print(f"{name} level {level}: {pairs} mappings, uncovered {left} left, {right} right")
    assert numbers == COVERAGE[name]


# --- composition ------------------------------------------------------------------------------------------


def agrees(stored: Relation | None, followed: Relation) -> bool:
    """Say whether what is stored is at least as strong as what follows from two other files."""
    if stored is None:
        return False
    return stored in (followed, Relation.EQUAL) or followed is Relation.INTERSECTS


@pytest.mark.parametrize("ends_", list(permutations(["layer", MLPS_REQUIREMENTS, CRYPTO], 2)), ids=str)
@pytest.mark.parametrize("layer", LAYERS)
def test_composition(layer: str, ends_: tuple[str, str], stored: dict[str, Crosswalk]) -> None:
    """What follows from two files through the third framework is stored too, and never contradicted."""
    corners = {"layer": layer, MLPS_REQUIREMENTS: MLPS_REQUIREMENTS, CRYPTO: CRYPTO}
    left, right = corners[ends_[0]], corners[ends_[1]]
    (middle,) = set(corners.values()) - {left, right}
    known = tuple(stored.values())
    first, second, direct = (
        find_crosswalk(*pair, known) for pair in ((left, middle), (middle, right), (left, right))
    )
    assert first is not None
    assert second is not None
    assert direct is not None
    relations = {(pair.left, pair.right): pair.relation for pair in direct.pairs}

    followed = compose(first, second).pairs

    assert [
        (pair.left, pair.relation.value, pair.right)
        for pair in followed
        if not agrees(relations.get((pair.left, pair.right)), pair.relation)
    ] == []


@pytest.mark.parametrize(("left", "right"), list(permutations(LAYERS, 2)))
def test_layers_lead_to_each_other(left: str, right: str, stored: dict[str, Crosswalk]) -> None:
    """From one layer to another the way is computed through GB/T 22239 and stays marked as our own reading."""
    found = find_crosswalk(left, right, tuple(stored.values()))

    assert found is not None
    assert found.via == (MLPS_REQUIREMENTS,)
    assert found.origin is Origin.DEFAULT
    assert found.note != Text("", "")
    assert found.pairs


# --- the command line -------------------------------------------------------------------------------------


def ask(capfd: pytest.CaptureFixture[str], schema: str, *argv: str) -> Any:
    code = run([*argv, "--json"])
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    document = json.loads(out)
    path = Path(PACKAGE_ROOT) / "schema" / f"{schema}.schema.json"
    jsonschema.validate(document, json.loads(path.read_text(encoding="utf-8")))
    return document


@pytest.mark.parametrize(
    ("left", "right"),
    [pair for pair in permutations(FRAMEWORKS, 2) if set(pair) != {MLPS_REQUIREMENTS, "gbt-28448-2019"}],
)
def test_map_command(left: str, right: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The command maps every pair of shipped frameworks, at level 3, with reasons in both languages."""
    found = ask(capfd, "catalog-map", "catalog", "map", "--from", left, "--to", right, "--level", "3")

    assert found["pairs"]
    assert found["origin"] == "default"
    assert all(pair["rationale"] and pair["rationale_en"] for pair in found["pairs"])


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_on_the_command_line(layer: str, catalog: Catalog, capfd: pytest.CaptureFixture[str]) -> None:
    """The layers are listed as frameworks of their own, not official, and their items can be listed."""
    heads = ask(capfd, "catalog-frameworks", "catalog", "frameworks")
    items = ask(capfd, "catalog-items", "catalog", "items", "--framework", layer)

    (head,) = (one for one in heads["frameworks"] if one["id"] == layer)
    assert (head["official"], head["levels"]) == (False, [])
    assert items["count"] == len(catalog.items(layer))
    assert {item["layer"] for item in items["items"]} == {LAYERS[layer].value}
