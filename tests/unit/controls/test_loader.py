"""The loader joins table and words, and refuses what contradicts itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from controls.build_mlps import build_mlps
from controls.errors import DataError, UnknownFramework
from controls.loader import build_catalog, load_catalog, load_with_plugins
from controls.registry import FrameworkSource, find_frameworks
from controls.sources import PACKAGE_ROOT, Sources
from controls.terms import Importance, Origin

CLASSES = "frameworks/gbt-22239-2019/classes"
PSS = f"{CLASSES}/general-pss.yaml"
UNITS = "frameworks/gbt-28448-2019/units.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the two MLPS folders that a test may spoil."""
    for name in ("gbt-22239-2019", "gbt-28448-2019"):
        shutil.copytree(PACKAGE_ROOT / "frameworks" / name, tmp_path / "frameworks" / name)
    return tmp_path


def sources(root: Path) -> tuple[FrameworkSource, ...]:
    return find_frameworks(Sources(root), ())[0]


def edit(root: Path, name: str, change: Callable[[str], str]) -> None:
    path = root / name
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def replace_once(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def test_same_object() -> None:
    """The catalogue is loaded once per process."""
    assert load_catalog() is load_catalog() is load_with_plugins()[0]


def test_class_file_that_is_missing(root: Path) -> None:
    """Without its class file a unit stands with numbers and names but without words, and that is said."""
    (root / PSS).unlink()

    catalog = build_catalog(sources(root))

    assert f"{PSS}: is not written yet" in catalog.missing
    unit = catalog.unit("L3-PSS1-01")
    assert not unit.summary
    assert len(unit.steps) == len(load_catalog().unit("L3-PSS1-01").steps)
    assert len(catalog.items("gbt-22239-2019", 3)) == len(load_catalog().items("gbt-22239-2019", 3))


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        (PSS, replace_once("class: PSS", "class: ORS"), r":1 class: class and scope must agree"),
        (PSS, replace_once("mark: G", "mark: S"), "the standard marks"),
        (PSS, replace_once("layer: management", "layer: nowhere"), "'nowhere' is not one of data"),
        (PSS, replace_once("L1-PSS1-01", "L1-PSS1-99"), "L1-PSS1-99 is no unit of this class"),
        (PSS, replace_once("L1-PSS1-01", "L1-ORS1-01"), "L1-ORS1-01 is no unit of this class"),
        (PSS, replace_once("rule: all", 'rule: [["7"]]'), "must name steps 1 to"),
        (PSS, replace_once("family: pss-", "family: xyz-"), "must begin with pss-"),
        (PSS, replace_once("holder:", "keeper:"), "is not a known key"),
        (
            PSS,
            replace_once("name: {zh: 安全策略", "name: {zh: 别的策略"),
            "belongs to 安全策略, not to 别的策略",
        ),
        (UNITS, replace_once("L1-PES1-01,", "L1-PES1-02,"), "L1-PES1-02: stands twice"),
        (
            UNITS,
            replace_once("1,general,PES", "1,general,XXX"),
            r"units.csv:2 L1-PES1-01: 'XXX' is not a valid",
        ),
        (UNITS, replace_once("level,", "niveau,"), r"units.csv:1: the columns must be"),
    ],
)
def test_contradictions(root: Path, name: str, change: Callable[[str], str], problem: str) -> None:
    """Words and table must agree; the error names the file and the place."""
    edit(root, name, change)

    with pytest.raises(DataError, match=problem) as caught:
        build_catalog(sources(root))

    assert caught.value.file == name


def test_step_count(root: Path) -> None:
    """A unit whose words have another number of steps than the standard is refused."""
    csv_line = next(
        line for line in (root / UNITS).read_text(encoding="utf-8").splitlines() if ",L1-PSS1-01," in line
    )
    fields = csv_line.split(",")
    fields[9] = str(int(fields[9]) + 1)
    edit(root, UNITS, replace_once(csv_line, ",".join(fields)))

    with pytest.raises(DataError, match=rf"L1-PSS1-01 has {fields[9]} steps in the standard"):
        build_catalog(sources(root))


def test_unit_in_two_variants(root: Path) -> None:
    """A unit stands in exactly one variant."""
    edit(root, PSS, replace_once("units: [L1-PSS1-01]", "units: [L1-PSS1-01, L1-PSS1-01]"))

    with pytest.raises(DataError, match="L1-PSS1-01 stands twice"):
        build_catalog(sources(root))


def test_family_in_two_files(root: Path) -> None:
    """A family name is unique over the whole catalogue."""
    text = (root / PSS).read_text(encoding="utf-8")
    names = [line.split("family:")[1].strip() for line in text.splitlines() if "family:" in line]
    edit(root, PSS, replace_once(f"family: {names[1]}\n", f"family: {names[0]}\n"))

    with pytest.raises(DataError, match="a family of this name stands twice"):
        build_catalog(sources(root))


def test_stray_class_file(root: Path) -> None:
    """A file that belongs to no class of the standard is refused."""
    shutil.copy(root / PSS, root / CLASSES / "general-xyz.yaml")

    with pytest.raises(DataError, match="no class of the standard has this name"):
        build_catalog(sources(root))


def test_lenient_load_keeps_the_rest(root: Path) -> None:
    """Without strict a spoiled class file is left out and named; everything else stands."""
    edit(root, PSS, replace_once("mark: G", "mark: S"))
    by_id = {one.id: one for one in sources(root)}

    built = build_mlps(by_id["gbt-22239-2019"], by_id["gbt-28448-2019"], strict=False)

    assert any("the standard marks" in line for line in built.missing)
    assert len(built.units) == 944


def test_partner_that_is_missing(root: Path) -> None:
    """The requirement standard needs its evaluation standard."""
    shutil.rmtree(root / "frameworks" / "gbt-28448-2019")

    with pytest.raises(UnknownFramework, match="gbt-28448-2019"):
        build_catalog(sources(root))


def test_unknown_kind(root: Path) -> None:
    """A head of an unknown kind is refused with the known ones."""
    edit(
        root, "frameworks/gbt-28448-2019/framework.yaml", replace_once("kind: mlps-evaluation", "kind: magic")
    )

    with pytest.raises(DataError, match="must be one of mlps-requirements"):
        build_catalog(sources(root))


def test_importance_says_where_it_comes_from() -> None:
    """Weights from one record sheet are marked so, all others are a default; none is official."""
    catalog = load_catalog()
    items = catalog.items("gbt-22239-2019")

    named = [item for item in items if item.importance_origin is Origin.SINGLE_SOURCE]

    assert len(named) == 23
    assert {item.class_code for item in named} == {"CES"}
    assert catalog.item("7.1.4.1.c").importance is Importance.KEY
    rest = [item for item in items if item not in named]
    assert {(item.importance, item.importance_origin) for item in rest} == {
        (Importance.IMPORTANT, Origin.DEFAULT)
    }
