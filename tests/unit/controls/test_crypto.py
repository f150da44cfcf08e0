"""The crypto assessment: worked example, edges, compensation, what the rule leaves open."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.errors import InvalidInput, NothingApplies
from controls.loader import load_catalog
from controls.scoring import CryptoResult, Edition, score_crypto
from controls.scoring.crypto import combine_layers
from controls.scoring.crypto_document import crypto_input, crypto_output
from controls.terms import Conclusion, CryptoLayer, CryptoStrength
from tests.unit.controls.builders import dec
from tests.unit.controls.crypto_example import BAD, GOOD, HALF, example, thing, uniform, useless


def scored(document: dict[str, Any], edition: Edition = Edition.CRYPTO_2023) -> CryptoResult:
    return score_crypto(edition, load_catalog(), crypto_input(document))


def unit_of(document: dict[str, Any], number: str) -> dict[str, Any]:
    return next(unit for unit in document["units"] if unit["id"] == number)


def with_unit(
    number: str, *objects: dict[str, Any], document: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = copy.deepcopy(document or example())
    unit_of(found, number).update(objects=list(objects), na=False)
    return found


def test_worked_example_2023() -> None:
    """Every layer, both groups and the total to the printed decimals."""
    result = scored(example())

    assert {layer.value: score for layer, score in result.layers.items()} == {
        "physical": dec("0.3542"),
        "network": dec("0.5444"),
        "device": dec("0.3543"),
        "application": dec("0.7457"),
        "policy": dec("0.8444"),
        "personnel": dec("0.7237"),
        "construction": dec("0.7273"),
        "emergency": dec("0.8542"),
    }
    assert (result.technical, result.management) == (dec("40.3440"), dec("23.4884"))
    assert (result.score, result.conclusion) == (dec("63.83"), Conclusion.BASICALLY_CONFORMING)


def test_one_high_risk() -> None:
    """A high risk gives the worst conclusion with the same score."""
    result = scored(example(high_risks=1))

    assert (result.score, result.conclusion) == (dec("63.83"), Conclusion.NOT_CONFORMING)


def test_a_layer_that_is_na() -> None:
    """With the physical layer out the two total formulas part."""
    result = scored(example(without=("6.1.",)))

    assert result.score == dec("66.42")
    assert result.layers[CryptoLayer.PHYSICAL] is None
    technical, management = combine_layers(Edition.CRYPTO_2021, load_catalog(), result.layers)
    assert technical is not None
    assert management is not None
    assert round(float(technical + management), 2) == 66.99


@pytest.mark.parametrize("edition", [Edition.CRYPTO_2021, Edition.CRYPTO_2023])
@pytest.mark.parametrize(
    ("document", "score"),
    [
        (uniform(good=("6.", "7.")), "100.00"),
        (uniform(), "0.00"),
        (uniform(good=("7.4.",)), "6.00"),
        (uniform(good=("7.1.",)), "8.00"),
    ],
)
def test_edges(edition: Edition, document: dict[str, Any], score: str) -> None:
    """Everything, nothing, and single layers give their weights."""
    assert scored(document, edition).score == dec(score)


def test_management_shares_are_renormalised() -> None:
    """With three management layers out the fourth holds all 30 points."""
    document = uniform(good=("7.4.",), na=("7.1.", "7.2.", "7.3."), half=("6.",))

    assert scored(document).score == dec("65.00")


def test_full_score_is_conforming() -> None:
    """Only exactly 100 is conforming."""
    assert scored(uniform(good=("6.", "7."))).conclusion is Conclusion.CONFORMING
    almost = uniform(good=("6.", "7."))
    unit_of(almost, "7.4.3")["verdict"] = HALF
    assert scored(almost).conclusion is Conclusion.BASICALLY_CONFORMING


@pytest.mark.parametrize(
    ("objects", "score"),
    [
        ((thing("a"), useless("b"), useless("c")), "0.3333"),
        ((thing("a", a=False, k=False, ra="0.2"),), "0.0500"),
        ((thing("a", a=False, k=False, rk="1.5"),), "0.3750"),
        ((thing("a", k=False, rk="1.2"),), "0.6000"),
        ((thing("a", a=False, ra="0.5"),), "0.2500"),
        ((thing("a", d=False),), "0.0000"),
    ],
)
def test_object_scores(objects: tuple[dict[str, Any], ...], score: str) -> None:
    """D, A, K with Ra and Rk give the object scores; the unit is their plain mean."""
    assert scored(with_unit("6.4.1", *objects)).units["6.4.1"] == dec(score)


def test_2021_knows_neither_ra_nor_rk_nor_compensation() -> None:
    """Under the 2021 rule the factors do not count, and ignored compensation is said."""
    document = with_unit("6.4.1", thing("a", a=False, k=False, ra="0.2", rk="1.5"))

    result = scored(document, Edition.CRYPTO_2021)

    assert result.units["6.4.1"] == dec("0.2500")
    assert result.units["6.3.1"] == dec("0.5000")
    assert len(result.notes) == 1
    assert scored(document).notes == ()


def test_compensation_inside_and_across_units() -> None:
    """A compensated object gets half of its compensator's own score, if that is more."""
    inside = with_unit("6.4.5", thing("vault"), useless("table", by="vault"))
    across = with_unit("6.2.3", useless("line", by="6.4.4/transfer"))
    better = with_unit("6.4.5", thing("vault"), thing("table", k=False, rk="1.5", by="vault"))

    assert scored(inside).units["6.4.5"] == dec("0.7500")
    assert scored(across).units["6.2.3"] == dec("0.5000")
    assert scored(better).units["6.4.5"] == dec("0.8750")


def test_compensator_counts_before_its_own_compensation() -> None:
    """A chain does not add up: the compensator's own score counts."""
    chain = with_unit("6.4.5", thing("a"), useless("b", by="a"), useless("c", by="b"))

    assert scored(chain).units["6.4.5"] == dec("0.5000")


@pytest.mark.parametrize(
    "objects",
    [
        (useless("a", by="a"),),
        (useless("a", by="b"), useless("b", by="a")),
        (useless("a", by="b"), useless("b", by="c"), useless("c", by="b")),
        (useless("a", by="gone"),),
        (useless("a", by="6.4.3/x"),),
        (useless("a", by="9.9.9/x"),),
    ],
)
def test_bad_compensation(objects: tuple[dict[str, Any], ...]) -> None:
    """Cycles, unknown objects and objects of na units are refused at their place."""
    with pytest.raises(InvalidInput, match="compensated_by"):
        scored(with_unit("6.4.5", *objects))


@pytest.mark.parametrize("group", ["6.", "7."])
@pytest.mark.parametrize("edition", [Edition.CRYPTO_2021, Edition.CRYPTO_2023])
def test_a_whole_group_that_is_na(edition: Edition, group: str) -> None:
    """Without any technical or management unit there is no total, and the result says why."""
    result = scored(uniform(good=("6.", "7."), na=(group,)), edition)

    assert (result.score, result.conclusion) == (None, None)
    assert result.reason is not None
    assert "需人工判断" in result.reason.zh
    assert None in (result.technical, result.management)
    assert result.explanation == ()


def test_everything_na() -> None:
    """An assessment without one applicable unit is no assessment."""
    with pytest.raises(NothingApplies):
        scored(uniform(na=("6.", "7.")))


def changed(number: str, **changes: Any) -> dict[str, Any]:
    document = copy.deepcopy(example())
    unit = unit_of(document, number)
    for key, value in changes.items():
        if value is ...:
            del unit[key]
        else:
            unit[key] = value
    return document


def without(number: str) -> dict[str, Any]:
    document = example()
    return {**document, "units": [unit for unit in document["units"] if unit["id"] != number]}


def plus(unit: dict[str, Any]) -> dict[str, Any]:
    document = example()
    return {**document, "units": [*document["units"], unit]}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "$"),
        ({**example(), "level": 5}, "$.level"),
        ({**example(), "level": "3"}, "$.level"),
        ({**example(), "extra": 1}, "$.extra"),
        ({**example(), "high_risks": -1}, "$.high_risks"),
        (without("6.4.8"), "$.units"),
        (without("7.4.3"), "$.units"),
        ({**example(), "level": 2}, "$.units[2].id"),
        (plus({"id": "6.9.9", "objects": [thing("x")]}), "$.units[41].id"),
        (plus({"id": "6.1.1", "objects": [thing("x")]}), "$.units[41].id"),
        (changed("6.1.1", objects=[]), "$.units[0].objects"),
        (changed("6.1.1", objects=...), "$.units[0].objects"),
        (changed("6.1.1", verdict=GOOD), "$.units[0].verdict"),
        (changed("6.1.1", objects=[thing("x"), thing("x")]), "$.units[0].objects[1].id"),
        (changed("6.1.1", objects=[{"id": "x", "d": 1, "a": True, "k": True}]), "$.units[0].objects[0].d"),
        (changed("6.1.1", objects=[thing("x", ra="0")]), "$.units[0].objects[0].ra"),
        (changed("6.1.1", objects=[thing("x", rk="1.6")]), "$.units[0].objects[0].rk"),
        (changed("6.1.1", objects=[thing("x", rk="0.9")]), "$.units[0].objects[0].rk"),
        (changed("7.1.1", verdict="good"), "$.units[22].verdict"),
        (changed("7.1.1", verdict=None), "$.units[22].verdict"),
        (changed("7.1.1", objects=[]), "$.units[22].objects"),
    ],
)
def test_bad_documents(document: Any, path: str) -> None:
    """Missing, unknown, doubled and misshaped units are refused with their place."""
    with pytest.raises(InvalidInput) as caught:
        scored(document)

    assert caught.value.path == path
    assert not caught.value.zh.isascii()


def test_wrong_edition() -> None:
    """An MLPS edition does not score a crypto assessment."""
    with pytest.raises(InvalidInput, match="crypto-2021 or crypto-2023"):
        scored(example(), Edition.MLPS_2021)


def test_output() -> None:
    """The document holds numbers, nulls and official words."""
    output = crypto_output(scored(example(without=("6.1.",))))

    assert (output["score"], output["conclusion"]) == (66.42, "基本符合")
    assert list(output["layers"]) == [layer.value for layer in CryptoLayer]
    assert output["layers"]["physical"] is None
    assert output["units"]["6.2.5"] is None
    costs = sum(Decimal(str(one["cost"])) for one in output["explanation"])
    assert abs(costs - (100 - dec("66.42"))) < dec("0.05")
    assert {"6.4.5", "7.2.4"} <= {one["id"] for one in output["explanation"]}


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_monotone(data: st.DataObject) -> None:
    """Improving one judgement of one object or one management verdict never lowers the score."""
    document = copy.deepcopy(example())
    unit = data.draw(st.sampled_from([one for one in document["units"] if not one["na"]]))
    edition = data.draw(st.sampled_from([Edition.CRYPTO_2021, Edition.CRYPTO_2023]))
    before = scored(document, edition)
    if "verdict" in unit:
        unit["verdict"] = {BAD: HALF, HALF: GOOD, GOOD: GOOD}[unit["verdict"]]
    else:
        one = data.draw(st.sampled_from(unit["objects"]))
        index = unit["objects"].index(one)
        key = data.draw(st.sampled_from(["d", "a", "k"]))
        unit["objects"][index] = {**one, key: True}

    after = scored(document, edition)

    assert before.score is not None
    assert after.score is not None
    assert after.score >= before.score
    assert 0 <= after.score <= 100


@pytest.mark.parametrize(
    ("level", "units", "technical"), [(1, 24, 15), (2, 27, 15), (3, 41, 22), (4, 41, 22)]
)
def test_units_per_level(level: int, units: int, technical: int) -> None:
    """Each level has the counted units, each with strength and weights, and one item."""
    catalog = load_catalog()
    found = catalog.units("gbt-39786-2021", level)

    assert len(found) == len(catalog.items("gbt-39786-2021", level)) == units
    assert sum(bool(catalog.group_of(unit).technical) for unit in found) == technical
    assert all(unit.crypto and set(unit.crypto.weights) == {"2021", "2023"} for unit in found)
    assert len({unit.item for unit in found}) == units


def test_strengths_of_level_three() -> None:
    """At level 3 the technical units are 7 shall, 14 should and 1 may."""
    catalog = load_catalog()
    strengths = [
        unit.crypto.strength
        for unit in catalog.units("gbt-39786-2021", 3)
        if unit.crypto and catalog.group_of(unit).technical
    ]

    counts = [
        strengths.count(one) for one in (CryptoStrength.SHALL, CryptoStrength.SHOULD, CryptoStrength.MAY)
    ]

    assert counts == [7, 14, 1]


def test_layer_weights() -> None:
    """The eight layers hold 100 points together, 70 of them technical."""
    groups = load_catalog().framework("gbt-39786-2021").groups

    assert [group.weight for group in groups] == [
        dec(w) for w in ("10", "20", "10", "30", "8", "8", "8", "6")
    ]
    assert sum(group.weight or 0 for group in groups if group.technical) == 70


def test_reference_clauses_are_not_counted() -> None:
    """General clauses and product or service clauses are shown, not judged."""
    framework = load_catalog().framework("gbt-39786-2021")

    assert {one.id for one in framework.references} >= {"5.1", "5.2", "5.3", "5.4", "5.5"}
    assert all(one.summary.zh and one.summary.en for one in framework.references)
