"""Documents are read strictly, exactly, and with the place of every fault."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from controls.errors import InvalidInput
from controls.scoring import Edition, MultiObjectRule, RateEdge, ThresholdBasis, score_mlps
from controls.scoring.document import mlps_input, mlps_output
from controls.terms import Importance, Verdict


def document(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "y": Decimal("0.5"),
        "multi_object_rule": "set",
        "rate_edge": "inclusive",
        "items": [{"id": "8.1.4.1.a", "class": "CES", "importance": "key", "objects": ["compliant", "na"]}],
        "risks": {"high": 0, "medium": 1, "major": 2, "major_fixed": 1},
    }
    return {**base, **changes}


def item(**changes: Any) -> dict[str, Any]:
    base = {"id": "a", "class": "CES", "importance": "key", "objects": ["compliant"]}
    return {key: value for key, value in {**base, **changes}.items() if value is not ...}


def test_full_document() -> None:
    """Every key arrives in its type."""
    found = mlps_input(document(multi_object_rule="mean", rate_edge="exclusive", threshold="rounded"))

    assert found.y == Decimal("0.5")
    assert found.multi_object_rule is MultiObjectRule.MEAN
    assert found.rate_edge is RateEdge.EXCLUSIVE
    assert found.threshold_basis is ThresholdBasis.ROUNDED
    assert (found.risks.medium, found.risks.major, found.risks.major_fixed) == (1, 2, 1)
    assert found.items[0].objects == (Verdict.COMPLIANT, Verdict.NA)
    assert found.items[0].point == "8.1.4.1"


def test_defaults() -> None:
    """Only items are needed."""
    found = mlps_input({"items": [item(importance=...)]})

    assert (found.y, found.multi_object_rule, found.risks.high) == (Decimal("0.5"), MultiObjectRule.SET, 0)
    assert found.items[0].importance is Importance.IMPORTANT


@pytest.mark.parametrize(
    ("found", "path"),
    [
        ([], "$"),
        (document(yy=1), "$.yy"),
        (document(y="0.5"), "$.y"),
        (document(y=True), "$.y"),
        (document(y=2), "$.y"),
        (document(y=float("nan")), "$.y"),
        (document(multi_object_rule="max"), "$.multi_object_rule"),
        (document(rate_edge=None), "$.rate_edge"),
        (document(items={}), "$.items"),
        (document(items=[]), "$.items"),
        ({"y": 1}, "$.items"),
        (document(items=[item(), item()]), "$.items[1].id"),
        (document(items=[item(id=" ")]), "$.items[0].id"),
        (document(items=[item(**{"class": "XYZ"})]), "$.items[0].class"),
        (document(items=[item(**{"class": ...})]), "$.items[0].class"),
        (document(items=[item(importance="huge")]), "$.items[0].importance"),
        (document(items=[item(objects=[])]), "$.items[0].objects"),
        (document(items=[item(objects=["compliant", "not_examined"])]), "$.items[0].objects[1]"),
        (document(items=[item(extra=1)]), "$.items[0].extra"),
        (document(risks={"high": -1}), "$.risks.high"),
        (document(risks={"high": 1.0}), "$.risks.high"),
        (document(risks={"major": 1, "major_fixed": 2}), "$.risks.major_fixed"),
        (document(risks={"low": 1}), "$.risks.low"),
    ],
)
def test_faults_name_their_place(found: Any, path: str) -> None:
    """A fault gives its path and what was expected, in both languages."""
    with pytest.raises(InvalidInput) as caught:
        mlps_input(found)

    assert caught.value.path == path
    assert caught.value.expected
    assert not caught.value.zh.isascii()


@pytest.mark.parametrize("edition", [Edition.MLPS_2019, Edition.MLPS_2021, Edition.MLPS_2025])
def test_output_is_json_numbers(edition: Edition) -> None:
    """Figures are JSON numbers or null as the edition knows them, and print with their decimals."""
    found = mlps_input(document(items=[item(id="a", objects=["non_compliant"]), item(id="b"), item(id="c")]))

    output = json.loads(json.dumps(mlps_output(score_mlps(edition, found)), ensure_ascii=False))

    none = {name for name in ("technical", "management", "score", "rate") if output[name] is None}
    assert (
        none
        == {
            Edition.MLPS_2019: {"technical", "management", "rate"},
            Edition.MLPS_2021: set(),
            Edition.MLPS_2025: {"technical", "management", "score"},
        }[edition]
    )
    assert output["explanation"][0]["id"] == "a"
    assert isinstance(output["explanation"][0]["cost"], float)
    if edition is Edition.MLPS_2025:
        assert output["rate"] == 66.67
