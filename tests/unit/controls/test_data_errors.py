"""Wrong data in the crypto framework, the rule sets and the guide is named by file, line and key."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from controls import highrisk
from controls.errors import (
    ControlsError,
    DataError,
    InvalidInput,
    LevelNotCatalogued,
    MissingReason,
    NothingApplies,
    UnknownUnit,
)
from controls.loader import build_catalog, load_catalog
from controls.registry import GROUP, find_frameworks
from controls.scoring import Edition, score_crypto
from controls.scoring.crypto import CryptoInput, CryptoObject, ManagementInput, TechnicalInput
from controls.scoring.crypto_document import crypto_input
from controls.sources import PACKAGE_ROOT, Sources
from tests.unit.controls.crypto_example import example

FOLDER = "frameworks/gbt-39786-2021"
Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("file", "change", "problem"),
    [
        ("units.yaml", swap('number: "6.1.1"', 'number: "9.1.1"'), "belongs to no layer"),
        ("units.yaml", swap('number: "6.1.1"', 'number: "6.1.0"'), "is not a unit number"),
        ("units.yaml", swap("strengths: {1: may, ", "strengths: {"), "level 1 is missing|the same levels"),
        ("units.yaml", swap("letters: {1: a", "letters: {7: a"), "is no level from 1 to 4"),
        ("units.yaml", swap('{"2023": {1: "0.4", ', '{"2023": {'), "must name the same levels"),
        ("units.yaml", swap('1: "0.4"', '1: "much"'), "must be a decimal number"),
        ("units.yaml", swap("1: may", "1: must"), "'must' is not one of shall, should, may"),
        ("units.yaml", swap("gaps:", "holes:"), "is not a known key"),
        ("framework.yaml", swap("code: physical", "code: magical"), "'magical' is not one of physical"),
    ],
)
def test_crypto_framework(tmp_path: Path, file: str, change: Change, problem: str) -> None:
    """A unit without layer, level, strength or weight is refused."""
    shutil.copytree(PACKAGE_ROOT / FOLDER, tmp_path / FOLDER)
    path = tmp_path / FOLDER / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(DataError, match=problem) as caught:
        build_catalog(find_frameworks(Sources(tmp_path), ())[0])

    assert caught.value.file == f"{FOLDER}/{file}"
    assert caught.value.line > 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (swap('downgradable: "Y"', 'downgradable: "N"'), "must be Y by the mitigations"),
        (
            swap("condition_scope: business-continuity-critical\n", "condition_scope: everybody\n"),
            "is not one of business",
        ),
        (swap("password_length_below: 6", "password_length_below: [6]"), "must be a whole number"),
        (swap("scope: general", "scope: space"), "'space' is not one of"),
    ],
)
def test_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, problem: str) -> None:
    """A case that contradicts its own situations is refused."""
    folder = tmp_path / "highrisk"
    folder.mkdir()
    text = (PACKAGE_ROOT / "highrisk" / "highrisk-guide-2025.yaml").read_text(encoding="utf-8")
    (folder / "spoiled-guide.yaml").write_text(change(text), encoding="utf-8")
    monkeypatch.setattr(highrisk, "builtin_sources", lambda: Sources(tmp_path))

    with pytest.raises(DataError, match=problem) as caught:
        highrisk.high_risk_guide.__wrapped__("spoiled-guide")

    assert caught.value.line > 0


def test_a_plugin_may_name_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point may lead to a path instead of a module."""
    package = tmp_path / "site"
    own = tmp_path / "data" / "acme-rules"
    own.mkdir(parents=True)
    (own / "framework.yaml").write_text("id: acme-rules\n", encoding="utf-8")
    package.mkdir()
    (package / "acme_paths.py").write_text(f"ROOT = {str(own.parent)!r}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(package))

    found, broken = find_frameworks(
        Sources(tmp_path / "none"), [EntryPoint("acme", "acme_paths:ROOT", GROUP)]
    )

    assert ([one.id for one in found], broken) == (["acme-rules"], ())


@pytest.mark.parametrize(
    ("error", "zh"),
    [
        (UnknownUnit("L3-CES1-99"), "没有这个测评单元：'L3-CES1-99'"),
        (NothingApplies("x"), "没有适用的要求项"),
        (MissingReason("8.1.1.1.a"), "8.1.1.1.a 判为不适用但没有写明理由"),
        (
            LevelNotCatalogued("own-rules", 3, "it has no levels", "它不分等级"),
            "own-rules 没有第 3 级的要求项：它不分等级",
        ),
        (InvalidInput("$.y", "a number", "数"), "$.y：应为数"),
        (DataError("a.yaml", 0, "", "is empty"), "a.yaml: is empty"),
    ],
)
def test_sentences(error: ControlsError, zh: str) -> None:
    """Errors a person sees have a Chinese sentence; those of data files stay English."""
    assert error.zh == zh
    assert str(error).isascii()


def parts(**changes: TechnicalInput | ManagementInput) -> CryptoInput:
    given = crypto_input(example())
    return CryptoInput(
        given.level, {**given.units, **{k[1:].replace("_", "."): v for k, v in changes.items()}}
    )


@pytest.mark.parametrize(
    "given",
    [
        CryptoInput(5, {}),
        parts(u6_1_1=ManagementInput(None, True)),
        parts(u7_1_1=TechnicalInput((CryptoObject("o", True, True, True),))),
        parts(u6_1_1=TechnicalInput(())),
        parts(u7_1_1=ManagementInput(None)),
    ],
)
def test_crypto_values_are_checked_too(given: CryptoInput) -> None:
    """Values made without a document are held to the same rules."""
    with pytest.raises(InvalidInput):
        score_crypto(Edition.CRYPTO_2023, load_catalog(), given)


def test_na_as_a_verdict_and_null_factors() -> None:
    """A management verdict of na is na; a factor of null counts as 1."""
    document = example()
    document["units"][0]["objects"][0].update(ra=None, rk=None)
    next(unit for unit in document["units"] if unit["id"] == "7.1.1")["verdict"] = "na"

    given = crypto_input(document)

    assert given.units["7.1.1"] == ManagementInput(None, True)
    first = given.units["6.1.1"]
    assert isinstance(first, TechnicalInput)
    assert (first.objects[0].ra, first.objects[0].rk) == (1, 1)
