"""Scores of the crypto assessment (密评) under the quantitative rules of 2021 and 2023.

Rounding follows the rule: object, unit and layer to 4 decimals, total to 2, all half up, each from the
rounded figures below it. Source: quantitative rule of the crypto assessment, 2021 and 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from controls.catalog import CRYPTO, AssessmentUnit, Catalog, Text
from controls.errors import InvalidInput, NothingApplies
from controls.rounding import round_half_up
from controls.scoring.model import Deduction, Edition, RuleSetUse
from controls.terms import Conclusion, CryptoLayer, Origin, Verdict

__all__ = [
    "CryptoInput",
    "CryptoObject",
    "CryptoResult",
    "ManagementInput",
    "PASS_THRESHOLD",
    "TechnicalInput",
    "combine_layers",
    "score_crypto",
]

PASS_THRESHOLD = 60
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class CryptoObject:
    """One object of a technical unit.

    ``d`` effective use, ``a`` algorithm compliance, ``k`` key management. ``ra`` (0 to 1) and ``rk``
    (1 to 1.5) soften a failed a or k under the 2023 rule. ``compensated_by`` names another object, as
    (unit number, object id).
    """

    id: str
    d: bool
    a: bool
    k: bool
    ra: Decimal = _ONE
    rk: Decimal = _ONE
    compensated_by: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TechnicalInput:
    """A technical unit with its objects; ``na`` leaves it out of both sums."""

    objects: tuple[CryptoObject, ...]
    na: bool = False


@dataclass(frozen=True, slots=True)
class ManagementInput:
    """A management unit with its verdict; ``None`` only when it is ``na``."""

    verdict: Verdict | None
    na: bool = False


@dataclass(frozen=True, slots=True)
class CryptoInput:
    """Everything the rules need: one entry per unit of the level, by number (``6.1.1``)."""

    level: int
    units: Mapping[str, TechnicalInput | ManagementInput]
    high_risks: int = 0


@dataclass(frozen=True)
class CryptoResult:
    """Score with its parts.

    ``score`` and ``conclusion`` are ``None`` when the whole technical or management group is na: the
    rule does not say what then holds, ``reason`` does. ``units`` maps unit numbers to their scores.
    ``technical`` and ``management`` are the points each group contributes, 4 decimals.
    """

    edition: Edition
    level: int
    score: Decimal | None
    layers: Mapping[CryptoLayer, Decimal | None]
    units: Mapping[str, Decimal | None]
    technical: Decimal | None
    management: Decimal | None
    conclusion: Conclusion | None
    reason: Text | None
    notes: tuple[Text, ...]
    rule_sets: Mapping[str, RuleSetUse]
    _costs: tuple[tuple[str, Fraction, Text], ...]

    @cached_property
    def explanation(self) -> tuple[Deduction, ...]:
        """What each unit costs of the total, the dearest first."""
        ordered = sorted(self._costs, key=lambda entry: -entry[1])
        return tuple(Deduction(number, round_half_up(cost, 4), why) for number, cost, why in ordered)


_GROUP_NA = Text(
    "技术或管理部分整体不适用，规则未规定此时如何计算总分，需人工判断",
    "the whole technical or management group is na; the rule does not say what the total then is, a person decides",
)
_NO_COMPENSATION = Text(
    "2021 版规则没有测评对象之间的弥补，输入中的弥补关系未计入",
    "the 2021 rule knows no compensation between objects, the one in the input is not counted",
)


def score_crypto(edition: Edition, catalog: Catalog, given: CryptoInput) -> CryptoResult:
    """Score one system.

    Args:
        edition: ``crypto-2021`` or ``crypto-2023``.
        catalog: Source of the units, weights and layers.

    Raises:
        InvalidInput: an MLPS edition, a level outside 1 to 4, a missing or unknown unit, a unit of the wrong
            kind, an unknown compensator or a cycle of compensation.
        NothingApplies: every unit is na.
    """
    if not edition.is_crypto:
        raise InvalidInput("edition", "crypto-2021 or crypto-2023", "crypto-2021 或 crypto-2023")
    if given.level not in catalog.framework(CRYPTO).levels:
        raise InvalidInput("$.level", "a level from 1 to 4", "1 到 4 级")
    units = {unit.id.number: unit for unit in catalog.units(CRYPTO, given.level)}
    _check_units(units, given)
    own = _own_scores(edition, given)
    compensated = _compensate(given, own) if edition is Edition.CRYPTO_2023 else own
    scores = {number: _unit_score(number, given.units[number], compensated) for number in units}
    if all(score is None for score in scores.values()):
        raise NothingApplies("every unit is na, there is nothing to score")
    return _total(edition, catalog, given, units, scores)


def _check_units(units: Mapping[str, AssessmentUnit], given: CryptoInput) -> None:
    technical = {layer.value for layer in CryptoLayer if layer.is_technical}
    for place, number in enumerate(given.units):
        if number not in units:
            raise InvalidInput(
                f"$.units[{place}].id",
                f"a unit of level {given.level}, {number} is none",
                f"第 {given.level} 级的测评单元，{number} 不是",
            )
    for number, unit in units.items():
        entry = given.units.get(number)
        if entry is None:
            raise InvalidInput(
                "$.units",
                f"every unit of level {given.level}, {number} is missing",
                f"第 {given.level} 级的全部测评单元，缺少 {number}",
            )
        kind = TechnicalInput if unit.class_code in technical else ManagementInput
        if not isinstance(entry, kind):
            wanted, wanted_zh = ("objects", "测评对象") if kind is TechnicalInput else ("a verdict", "判定")
            raise InvalidInput("$.units", f"{wanted} for unit {number}", f"单元 {number} 的{wanted_zh}")
        if not entry.na and (
            not entry.objects if isinstance(entry, TechnicalInput) else entry.verdict in (None, Verdict.NA)
        ):
            raise InvalidInput(
                "$.units", f"a judgement of unit {number}, or na", f"单元 {number} 的判定，或标为不适用"
            )


Key = tuple[str, str]


def _own_scores(edition: Edition, given: CryptoInput) -> dict[Key, Decimal]:
    """Score each object by itself, before any compensation."""
    found: dict[Key, Decimal] = {}
    for number, entry in given.units.items():
        if isinstance(entry, TechnicalInput) and not entry.na:
            for one in entry.objects:
                found[number, one.id] = _object_score(edition, one)
    return found


def _object_score(edition: Edition, one: CryptoObject) -> Decimal:
    if not one.d:
        return Decimal("0.0000")
    score = Decimal(1)
    softened = edition is Edition.CRYPTO_2023
    if not one.a:
        score *= Decimal("0.5") * (one.ra if softened else _ONE)
    if not one.k:
        score *= Decimal("0.5") * (one.rk if softened else _ONE)
    return round_half_up(score, 4)


def _compensate(given: CryptoInput, own: Mapping[Key, Decimal]) -> dict[Key, Decimal]:
    """Lift each compensated object to half of its compensator's own score."""
    by: dict[Key, Key] = {}
    for number, entry in given.units.items():
        if isinstance(entry, TechnicalInput) and not entry.na:
            for one in entry.objects:
                if one.compensated_by is not None:
                    by[number, one.id] = one.compensated_by
    for key, source in by.items():
        if source not in own:
            raise InvalidInput(
                _place(key),
                f"an object of an applicable unit, {'/'.join(source)} is none",
                f"适用单元中的测评对象，{'/'.join(source)} 不是",
            )
        seen = {key}
        step: Key | None = source
        while step is not None:
            if step in seen:
                raise InvalidInput(_place(key), "no cycle of compensation", "不成环的弥补关系")
            seen.add(step)
            step = by.get(step)
    return {
        key: max(score, round_half_up(own[by[key]] / 2, 4)) if key in by else score
        for key, score in own.items()
    }


def _place(key: Key) -> str:
    return f"$.units[?id={key[0]}].objects[?id={key[1]}].compensated_by"


_MANAGEMENT = {
    Verdict.COMPLIANT: Decimal("1.0000"),
    Verdict.PARTIAL: Decimal("0.5000"),
    Verdict.NON_COMPLIANT: Decimal("0.0000"),
}


def _unit_score(
    number: str, entry: TechnicalInput | ManagementInput, scores: Mapping[Key, Decimal]
) -> Decimal | None:
    if entry.na:
        return None
    if isinstance(entry, ManagementInput):
        return _MANAGEMENT[entry.verdict] if entry.verdict else None
    found = [scores[number, one.id] for one in entry.objects]
    return round_half_up(Fraction(sum(found, Decimal(0))) / len(found), 4)


def _total(
    edition: Edition,
    catalog: Catalog,
    given: CryptoInput,
    units: Mapping[str, AssessmentUnit],
    scores: Mapping[str, Decimal | None],
) -> CryptoResult:
    weights = {number: Fraction(_weight(edition, unit)) for number, unit in units.items()}
    layers: dict[CryptoLayer, Decimal | None] = {}
    layer_sums: dict[str, Fraction] = {}
    for layer in CryptoLayer:
        members = [n for n, unit in units.items() if unit.class_code == layer and scores[n] is not None]
        layer_sums[layer] = sum((weights[n] for n in members), Fraction(0))
        gained = sum((weights[n] * Fraction(scores[n] or 0) for n in members), Fraction(0))
        layers[layer] = round_half_up(gained / layer_sums[layer], 4) if members else None
    shares = _layer_shares(edition, catalog, layers)
    technical, management = combine_layers(edition, catalog, layers)
    exact = None if technical is None or management is None else technical + management
    costs: list[tuple[str, Fraction, Text]] = []
    if exact is not None:
        for number, unit in units.items():
            score = scores[number]
            if score is not None and score < 1:
                layer = CryptoLayer(unit.class_code)
                share = shares[layer] * weights[number] / layer_sums[layer]
                costs.append((number, share * (1 - Fraction(score)), _why(unit, score)))
    ignored = edition is Edition.CRYPTO_2021 and any(
        one.compensated_by is not None
        for entry in given.units.values()
        if isinstance(entry, TechnicalInput)
        for one in entry.objects
    )
    return CryptoResult(
        edition=edition,
        level=given.level,
        score=None if exact is None else round_half_up(exact, 2),
        layers=layers,
        units=scores,
        technical=None if technical is None else round_half_up(technical, 4),
        management=None if management is None else round_half_up(management, 4),
        conclusion=None if exact is None else _conclude(exact, given.high_risks),
        reason=_GROUP_NA if exact is None else None,
        notes=(_NO_COMPENSATION,) if ignored else (),
        rule_sets=_rule_sets(edition),
        _costs=tuple(costs),
    )


def _weight(edition: Edition, unit: AssessmentUnit) -> Decimal:
    if unit.crypto is None:
        raise InvalidInput("catalogue", f"weights for unit {unit.id}", f"单元 {unit.id} 的权重")
    return unit.crypto.weights["2021" if edition is Edition.CRYPTO_2021 else "2023"]


def _layer_shares(
    edition: Edition, catalog: Catalog, layers: Mapping[CryptoLayer, Decimal | None]
) -> dict[CryptoLayer, Fraction]:
    """Say how many of the 100 points each applicable layer holds.

    2021: all layers share 100. 2023: technical layers share 70, management layers 30.
    """
    groups = {group.code: group.weight or Decimal(0) for group in catalog.framework(CRYPTO).groups}
    weight = {layer: Fraction(groups[layer]) for layer, score in layers.items() if score is not None}
    if edition is Edition.CRYPTO_2021:
        total = sum(weight.values(), Fraction(0))
        return {layer: 100 * one / total for layer, one in weight.items()}
    sums = {
        side: sum((w for one, w in weight.items() if one.is_technical is side), Fraction(0))
        for side in (True, False)
    }
    points = {True: 70, False: 30}
    return {
        layer: points[layer.is_technical] * one / sums[layer.is_technical] for layer, one in weight.items()
    }


def combine_layers(
    edition: Edition, catalog: Catalog, layers: Mapping[CryptoLayer, Decimal | None]
) -> tuple[Fraction | None, Fraction | None]:
    """Give the points of the technical and the management group from layer scores, exactly.

    A layer that is ``None`` is na; a group without any applicable layer is ``None``.
    """
    shares = _layer_shares(edition, catalog, layers)
    return _points(shares, layers, technical=True), _points(shares, layers, technical=False)


def _points(
    shares: Mapping[CryptoLayer, Fraction], layers: Mapping[CryptoLayer, Decimal | None], *, technical: bool
) -> Fraction | None:
    found = [
        share * Fraction(layers[layer] or 0)
        for layer, share in shares.items()
        if layer.is_technical is technical
    ]
    return sum(found, Fraction(0)) if found else None


def _conclude(exact: Fraction, high_risks: int) -> Conclusion:
    if high_risks or exact < PASS_THRESHOLD:
        return Conclusion.NOT_CONFORMING
    return Conclusion.CONFORMING if exact == 100 else Conclusion.BASICALLY_CONFORMING


def _why(unit: AssessmentUnit, score: Decimal) -> Text:
    name = unit.control_point.name
    return Text(f"{name.zh}：单元得分 {score}", f"{name.en}: unit score {score}")


def _rule_sets(edition: Edition) -> dict[str, RuleSetUse]:
    year = edition.value.removeprefix("crypto-")
    return {
        "formula": RuleSetUse(
            f"crypto-quantitative-{year}",
            "1",
            Origin.SINGLE_SOURCE,
            Text(
                f"商用密码应用安全性评估量化评估规则（{year} 版），根据公开资料整理，请与正式文本核对",
                f"quantitative rule of the crypto assessment, {year}; from public sources, check the official text",
            ),
        ),
        "threshold": RuleSetUse(
            "crypto-threshold-60",
            "1",
            Origin.DEFAULT,
            Text(
                "结论阈值 60 分，通行做法，按精确值判断",
                "threshold 60, customary, held against the exact value",
            ),
        ),
    }
