"""JSON documents ↔ crypto scoring values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from controls.catalog import Text
from controls.errors import InvalidInput
from controls.scoring.crypto import (
    CryptoInput,
    CryptoObject,
    CryptoResult,
    ManagementInput,
    TechnicalInput,
)
from controls.scoring.document import Field
from controls.terms import Verdict

__all__ = ["crypto_input", "crypto_output"]


def crypto_input(document: Any) -> CryptoInput:
    """Read the input of the crypto editions.

    Raises:
        InvalidInput: path and what was expected there.
    """
    root = Field("$", document)
    root.mapping("level", "units", "high_risks")
    level = root.at("level").whole()
    if not 1 <= level <= 4:
        raise root.at("level").fail("a level from 1 to 4", "1 到 4 级")
    units: dict[str, TechnicalInput | ManagementInput] = {}
    for field in root.at("units").each():
        field.mapping("id", "objects", "verdict", "na")
        number = field.at("id").text()
        if number in units:
            raise field.at("id").fail(
                f"each unit once, {number} stands twice", f"不重复的单元，{number} 出现两次"
            )
        units[number] = _unit(field, number)
    return CryptoInput(level, units, root.optional("high_risks", Field.whole, 0))


def _unit(field: Field, number: str) -> TechnicalInput | ManagementInput:
    na = field.optional("na", Field.flag, False)
    if number.startswith("7."):
        if "objects" in field.value:
            raise field.at("objects").fail(
                "a verdict for a management unit, not objects", "管理单元给出 verdict，而不是 objects"
            )
        verdict = _verdict(field) if "verdict" in field.value else None
        if verdict is Verdict.NA:
            na, verdict = True, None
        if verdict is None and not na:
            raise InvalidInput(
                f"{field.path}.verdict",
                "compliant, partial or non_compliant",
                "compliant、partial 或 non_compliant",
            )
        return ManagementInput(verdict, na)
    if "verdict" in field.value:
        raise field.at("verdict").fail(
            "objects for a technical unit, not a verdict", "技术单元给出 objects，而不是 verdict"
        )
    if na and not field.value.get("objects"):
        return TechnicalInput((), True)
    objects: list[CryptoObject] = []
    for one in field.at("objects").each():
        made = _object(one, number)
        if any(made.id == other.id for other in objects):
            raise one.at("id").fail(
                f"each object once, {made.id} stands twice", f"不重复的测评对象，{made.id} 出现两次"
            )
        objects.append(made)
    return TechnicalInput(tuple(objects), na)


def _verdict(field: Field) -> Verdict | None:
    found = field.at("verdict")
    return None if found.value is None else found.member(Verdict)


def _object(field: Field, number: str) -> CryptoObject:
    field.mapping("id", "d", "a", "k", "ra", "rk", "compensated_by")
    return CryptoObject(
        id=field.at("id").text(),
        d=field.at("d").flag(),
        a=field.at("a").flag(),
        k=field.at("k").flag(),
        ra=_ratio(field, "ra", lambda v: 0 < v <= 1, "a number above 0, up to 1", "大于 0、不大于 1 的数"),
        rk=_ratio(
            field, "rk", lambda v: 1 <= v <= Decimal("1.5"), "a number from 1 to 1.5", "1 到 1.5 之间的数"
        ),
        compensated_by=_compensator(field, number),
    )


def _ratio(
    field: Field, key: str, admits: Callable[[Decimal], bool], expected: str, expected_zh: str
) -> Decimal:
    """Read a factor; absent and null mean 1."""
    if field.value.get(key) is None:
        return Decimal(1)
    value = field.at(key).number()
    if not admits(value):
        raise field.at(key).fail(expected, expected_zh)
    return value


def _compensator(field: Field, number: str) -> tuple[str, str] | None:
    if field.value.get("compensated_by") is None:
        return None
    unit, slash, one = field.at("compensated_by").text().rpartition("/")
    return (unit if slash else number, one)


def crypto_output(result: CryptoResult) -> dict[str, Any]:
    """Give the output document; figures are JSON numbers, ``null`` where the rule has none."""
    return {
        "edition": result.edition.value,
        "level": result.level,
        "score": _number(result.score),
        "layers": {layer.value: _number(score) for layer, score in result.layers.items()},
        "technical": _number(result.technical),
        "management": _number(result.management),
        "conclusion": result.conclusion.value if result.conclusion else None,
        "reason": _text(result.reason) if result.reason else None,
        "units": {number: _number(score) for number, score in result.units.items()},
        "notes": [_text(note) for note in result.notes],
        "rule_sets": {
            role: {
                "id": used.id,
                "version": used.version,
                "origin": used.origin.value,
                "note": _text(used.note),
            }
            for role, used in result.rule_sets.items()
        },
        "explanation": [
            {"id": one.id, "cost": _number(one.cost), "why": one.why.zh, "why_en": one.why.en}
            for one in result.explanation
        ],
    }


def _text(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
