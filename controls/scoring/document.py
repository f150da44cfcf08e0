"""JSON documents ↔ scoring values; every refusal names the place in the document.

Documents come from ``json.loads(text, parse_float=Decimal)``, so numbers stay exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from controls.errors import InvalidInput
from controls.scoring.model import (
    MultiObjectRule,
    RateEdge,
    Risks,
    ScoreInput,
    ScoreItem,
    ScoreResult,
    ThresholdBasis,
)
from controls.terms import Importance, SecurityClass, Verdict

__all__ = ["Field", "mlps_input", "mlps_output"]

EnumT = TypeVar("EnumT", bound=StrEnum)
ValueT = TypeVar("ValueT")


class Field:
    """A value in a document together with its path."""

    __slots__ = ("path", "value")

    def __init__(self, path: str, value: Any) -> None:
        self.path = path
        self.value = value

    def fail(self, expected: str, expected_zh: str) -> InvalidInput:
        """Make the error for this place."""
        return InvalidInput(self.path, expected, expected_zh)

    def mapping(self, *keys: str) -> Mapping[str, Any]:
        """Read an object that has no other keys than these."""
        if not isinstance(self.value, dict):
            raise self.fail("an object", "对象 {…}")
        for key in self.value:
            if key not in keys:
                raise InvalidInput(
                    f"{self.path}.{key}",
                    "one of the keys " + ", ".join(keys),
                    "以下键之一：" + ", ".join(keys),
                )
        return self.value

    def at(self, key: str) -> Field:
        """Go to a key that must be there."""
        if key not in self.value:
            raise InvalidInput(f"{self.path}.{key}", "a value, the key is missing", "一个值，此键缺失")
        return Field(f"{self.path}.{key}", self.value[key])

    def optional(self, key: str, read: Callable[[Field], ValueT], default: ValueT) -> ValueT:
        """Read a key when it is there, else give the default."""
        return read(self.at(key)) if key in self.value else default

    def each(self) -> list[Field]:
        """Read a list with at least one entry."""
        if not isinstance(self.value, list) or not self.value:
            raise self.fail("a list with at least one entry", "至少有一个元素的列表")
        return [Field(f"{self.path}[{place}]", value) for place, value in enumerate(self.value)]

    def text(self) -> str:
        """Read a text that is not blank."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.fail("a text", "文本")
        return self.value

    def flag(self) -> bool:
        """Read true or false."""
        if not isinstance(self.value, bool):
            raise self.fail("true or false", "true 或 false")
        return self.value

    def whole(self) -> int:
        """Read a whole number, 0 or more."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.fail("a whole number, 0 or more", "不小于 0 的整数")
        return self.value

    def number(self) -> Decimal:
        """Read a number exactly."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float, Decimal)):
            raise self.fail("a number", "数")
        number = Decimal(str(self.value)) if isinstance(self.value, float) else Decimal(self.value)
        if not number.is_finite():
            raise self.fail("a number", "数")
        return number

    def member(self, kind: type[EnumT]) -> EnumT:
        """Read a member of a closed list."""
        try:
            return kind(self.value)
        except ValueError:
            known = ", ".join(one.value for one in kind)
            raise self.fail(f"one of {known}", f"{known} 之一") from None


def mlps_input(document: Any) -> ScoreInput:
    """Read the input of the MLPS editions.

    Raises:
        InvalidInput: path and what was expected there.
    """
    root = Field("$", document)
    root.mapping("y", "multi_object_rule", "rate_edge", "threshold", "items", "risks")
    y = root.optional("y", Field.number, Decimal("0.5"))
    if not 0 <= y <= 1:
        raise root.at("y").fail("a number from 0 to 1", "0 到 1 之间的数")
    items = tuple(_item(field) for field in root.at("items").each())
    seen: set[str] = set()
    for place, item in enumerate(items):
        if item.id in seen:
            raise InvalidInput(
                f"$.items[{place}].id",
                f"each id once, {item.id} stands twice",
                f"不重复的 id，{item.id} 出现两次",
            )
        seen.add(item.id)
    return ScoreInput(
        items=items,
        y=y,
        multi_object_rule=root.optional(
            "multi_object_rule", lambda field: field.member(MultiObjectRule), MultiObjectRule.SET
        ),
        rate_edge=root.optional("rate_edge", lambda field: field.member(RateEdge), RateEdge.INCLUSIVE),
        threshold_basis=root.optional(
            "threshold", lambda field: field.member(ThresholdBasis), ThresholdBasis.EXACT
        ),
        risks=root.optional("risks", _risks, Risks()),
    )


def _risks(field: Field) -> Risks:
    field.mapping("high", "medium", "major", "major_fixed")
    return Risks(
        high=field.optional("high", Field.whole, 0),
        medium=field.optional("medium", Field.whole, 0),
        major=field.optional("major", Field.whole, 0),
        major_fixed=field.optional("major_fixed", Field.whole, 0),
    )


def _item(field: Field) -> ScoreItem:
    field.mapping("id", "class", "importance", "objects", "control_point")
    return ScoreItem(
        id=field.at("id").text(),
        security_class=field.at("class").member(SecurityClass),
        importance=field.optional("importance", lambda at: at.member(Importance), Importance.IMPORTANT),
        objects=tuple(one.member(Verdict) for one in field.at("objects").each()),
        control_point=field.optional("control_point", Field.text, ""),
    )


def mlps_output(result: ScoreResult) -> dict[str, Any]:
    """Give the output document; figures are JSON numbers, the conclusion is the official word."""
    return {
        "edition": result.edition.value,
        "technical": _number(result.technical),
        "management": _number(result.management),
        "score": _number(result.score),
        "rate": _number(result.rate),
        "conclusion": result.conclusion.value,
        "applicable": result.applicable,
        "rule_sets": {
            role: {
                "id": str(used.id),
                "version": used.version,
                "origin": used.origin.value,
                "note": {"zh": used.note.zh, "en": used.note.en},
            }
            for role, used in result.rule_sets.items()
        },
        "explanation": [
            {"id": one.id, "cost": _number(one.cost), "why": one.why.zh, "why_en": one.why.en}
            for one in result.explanation.deductions
        ],
        "outlook": [{"zh": one.zh, "en": one.en} for one in result.explanation.outlook],
        "classes": [
            {
                "class": one.security_class.value,
                "applicable": one.applicable,
                "compliant": one.compliant,
                "rate": _number(one.rate),
            }
            for one in result.classes
        ],
        "control_points": [
            {
                "control_point": one.point,
                "class": one.security_class.value,
                "verdict": one.verdict.value,
                "score": _number(one.score),
            }
            for one in result.points
        ],
    }


def _number(value: Decimal | None) -> float | None:
    """Give a rounded decimal as a JSON number; at 4 decimals the shortest float prints it exactly."""
    return None if value is None else float(value)
