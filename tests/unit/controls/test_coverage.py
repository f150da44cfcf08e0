"""How units are answered by people, and what a machine would have to be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from controls.coverage import ByHand, EvidencePath, Input, UnitClass, evidence_paths, load_paths
from controls.errors import DataError
from controls.loader import load_catalog
from controls.sources import Sources
from controls.terms import Scope
from scanners.baseline.platforms import platforms

HEAD = "family,by_hand,inputs\n"


def load(tmp_path: Path, rows: str) -> dict[str, EvidencePath]:
    (tmp_path / "coverage").mkdir()
    (tmp_path / "coverage" / "paths.csv").write_text(HEAD + rows, encoding="utf-8")
    return dict(load_paths(Sources(tmp_path)))


def test_every_general_family_has_a_path_and_no_other() -> None:
    """At each level every general unit can be told how a person answers it."""
    catalog = load_catalog()
    families = {
        unit.family
        for level in catalog.framework("gbt-28448-2019").levels
        for unit in catalog.units("gbt-28448-2019", level, Scope.GENERAL)
    }

    assert evidence_paths().keys() == families


def test_level_three_is_split_as_it_was_read() -> None:
    """94 units rest on documents alone and 15 on a look or a question alone, where no machine has a part."""
    units = load_catalog().units("gbt-28448-2019", 3, Scope.GENERAL)
    alone = [path for unit in units if not (path := evidence_paths()[unit.family]).inputs]

    assert len([path for path in alone if path.by_hand is ByHand.DOCUMENT]) == 94
    assert len([path for path in alone if path.by_hand is ByHand.ON_SITE]) == 15


def test_every_kind_of_target_with_rules_belongs_to_one_input() -> None:
    """A new kind of target is named at the input that it reads, so that nothing read is called missing."""
    for kind in platforms():
        assert [one for one in Input if kind in one.kinds], f"{kind}: name it in controls.coverage.Input"
    named = [kind for one in Input for kind in one.kinds]
    assert len(named) == len(set(named))


def test_missing_is_what_nobody_reads() -> None:
    """An input is missing until one of its kinds of targets has a rule that speaks."""
    path = EvidencePath("f", ByHand.ON_SITE, (Input.LINUX_HOST, Input.DATABASE, Input.NETWORK_DEVICE))

    assert path.missing(()) == path.inputs
    assert path.missing({"linux", "redis"}) == (Input.NETWORK_DEVICE,)


def test_inputs_are_put_in_order(tmp_path: Path) -> None:
    """However a row is written, inputs come in the order of the list; none is allowed."""
    found = load(tmp_path, "a,document,\nb,on-site,database linux-host\n")

    assert found["a"] == EvidencePath("a", ByHand.DOCUMENT, ())
    assert found["b"].inputs == (Input.LINUX_HOST, Input.DATABASE)


@pytest.mark.parametrize(
    ("rows", "line", "key"),
    [
        ("a,document,\na,document,\n", 3, "family"),
        (",document,\n", 2, "family"),
        ("a,paper,\n", 2, "by_hand"),
        ("a,document,\nb,document,linux\n", 3, "inputs"),
        ("a,document\n", 2, ""),
    ],
)
def test_wrong_rows_are_named(rows: str, line: int, key: str, tmp_path: Path) -> None:
    """Errors name file, line and column."""
    with pytest.raises(DataError) as found:
        load(tmp_path, rows)

    assert (found.value.file, found.value.line, found.value.key) == ("coverage/paths.csv", line, key)


@pytest.mark.parametrize("how", list(ByHand))
def test_each_way_by_hand_is_a_class(how: ByHand) -> None:
    """Words agree in both lists."""
    found = UnitClass.by_hand(how)

    assert (found.value, found.zh, found.en) == (how.value, how.zh, how.en)
