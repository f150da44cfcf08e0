"""What goes into scoring and what comes out, for all MLPS editions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from controls.catalog import Text
from controls.errors import InvalidInput
from controls.ids import ItemId
from controls.terms import Conclusion, Importance, Origin, SecurityClass, Verdict

__all__ = [
    "ClassResult",
    "Deduction",
    "Edition",
    "Explanation",
    "MultiObjectRule",
    "PointResult",
    "RateEdge",
    "Risks",
    "RuleSetUse",
    "ScoreInput",
    "ScoreItem",
    "ScoreResult",
    "ThresholdBasis",
    "default_edition",
]


class Edition(StrEnum):
    """Scoring editions; the first three are MLPS report templates, the others crypto rules."""

    MLPS_2019 = "2019"
    MLPS_2021 = "2021"
    MLPS_2025 = "2025"
    CRYPTO_2021 = "crypto-2021"
    CRYPTO_2023 = "crypto-2023"

    @property
    def is_crypto(self) -> bool:
        """True for the two rules of the crypto assessment."""
        return self in (Edition.CRYPTO_2021, Edition.CRYPTO_2023)


class MultiObjectRule(StrEnum):
    """How several objects of one item combine; none of them is confirmed as official."""

    SET = "set"
    MEAN = "mean"
    MIN = "min"


class RateEdge(StrEnum):
    """Whether exactly 90 % and exactly 60 % belong to the better side."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"


class ThresholdBasis(StrEnum):
    """Whether thresholds are held against the exact value or the printed, rounded one."""

    EXACT = "exact"
    ROUNDED = "rounded"


_2021_TEMPLATE_FROM = date(2021, 6, 18)
_2025_TEMPLATE_FROM = date(2025, 3, 20)


def default_edition(report_date: date) -> Edition:
    """Give the edition that a report with this date on its cover uses.

    Source: letter 1846 of 2025, question 21.
    """
    if report_date >= _2025_TEMPLATE_FROM:
        return Edition.MLPS_2025
    return Edition.MLPS_2021 if report_date >= _2021_TEMPLATE_FROM else Edition.MLPS_2019


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One requirement item with the verdicts on its objects, at least one.

    ``control_point`` groups items for the control-point results; ``""`` takes it from a clause id.
    """

    id: str
    security_class: SecurityClass
    importance: Importance
    objects: tuple[Verdict, ...]
    control_point: str = ""

    @property
    def point(self) -> str:
        """The control point this item counts under."""
        if self.control_point:
            return self.control_point
        clause = ItemId(self.id).clause
        return clause.clause if clause else ""


@dataclass(frozen=True, slots=True)
class Risks:
    """Risk counts of a report.

    ``high`` and ``medium`` are those left; ``major`` counts as found before rectification, of which
    ``major_fixed`` were fixed since: that is noted and changes no conclusion.
    """

    high: int = 0
    medium: int = 0
    major: int = 0
    major_fixed: int = 0

    def __post_init__(self) -> None:
        for name in ("high", "medium", "major", "major_fixed"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"$.risks.{name}", "a whole number, 0 or more", "不小于 0 的整数")
        if self.major_fixed > self.major:
            raise InvalidInput("$.risks.major_fixed", "no more than major", "不大于 major 的整数")


@dataclass(frozen=True, slots=True)
class ScoreInput:
    """Everything a formula needs. ``y`` is the share of the technical side, 0 to 1."""

    items: tuple[ScoreItem, ...]
    y: Decimal = Decimal("0.5")
    multi_object_rule: MultiObjectRule = MultiObjectRule.SET
    rate_edge: RateEdge = RateEdge.INCLUSIVE
    threshold_basis: ThresholdBasis = ThresholdBasis.EXACT
    risks: Risks = field(default_factory=Risks)

    def __post_init__(self) -> None:
        if not 0 <= self.y <= 1:
            raise InvalidInput("$.y", "a number from 0 to 1", "0 到 1 之间的数")


@dataclass(frozen=True, slots=True)
class RuleSetUse:
    """One rule set a result rests on; ``origin`` other than official is shown beside the result."""

    id: str
    version: str
    origin: Origin
    note: Text


@dataclass(frozen=True, slots=True)
class Deduction:
    """What one item costs: points, or percent of 符合率 in the 2025 edition."""

    id: str
    cost: Decimal
    why: Text


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the result is what it is; the dearest items first, ``outlook`` says what would change it."""

    deductions: tuple[Deduction, ...]
    outlook: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class PointResult:
    """One control point: its verdict, and its score from 0 to 10 with 2 decimals (``None``: all na)."""

    point: str
    security_class: SecurityClass
    verdict: Verdict
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class: how many items apply and are compliant, and the rate in percent (``None``: all na)."""

    security_class: SecurityClass
    applicable: int
    compliant: int
    rate: Decimal | None


@dataclass(frozen=True)
class ScoreResult:
    """A result with all it rests on.

    ``technical``, ``management``, ``score`` are points, ``rate`` percent, rounded half up to 2 decimals;
    ``None`` where the edition knows no such figure. ``exact`` is the unrounded figure the conclusion was
    judged on. The explanation and the tables are worked out when first asked for.
    """

    edition: Edition
    technical: Decimal | None
    management: Decimal | None
    score: Decimal | None
    rate: Decimal | None
    conclusion: Conclusion
    exact: Fraction
    applicable: int
    rule_sets: Mapping[str, RuleSetUse]
    _explain: Callable[[], Explanation]
    _points: Callable[[], tuple[PointResult, ...]]
    _classes: Callable[[], tuple[ClassResult, ...]]

    @cached_property
    def explanation(self) -> Explanation:
        """Which items cost how much, and what would change the conclusion."""
        return self._explain()

    @cached_property
    def points(self) -> tuple[PointResult, ...]:
        """Results per control point. Source: GB/T 28449-2018, 8.2.2."""
        return self._points()

    @cached_property
    def classes(self) -> tuple[ClassResult, ...]:
        """Results per class."""
        return self._classes()
