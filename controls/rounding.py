"""Exact arithmetic helpers: decimals only, rounded half up at the very end."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

__all__ = ["percent", "round_half_up"]

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def round_half_up(value: Decimal | Fraction, digits: int) -> Decimal:
    """Round half up to *digits* decimals, from the exact value.

    >>> round_half_up(Decimal("89.995"), 2)
    Decimal('90.00')
    """
    fraction = Fraction(value)
    scaled = fraction * 10**digits
    floor = scaled.numerator // scaled.denominator
    rest = scaled - floor
    whole = floor + 1 if rest >= Fraction(1, 2) else floor
    return Decimal(whole).scaleb(-digits, _EXACT)


def percent(part: int, whole: int) -> Decimal | None:
    """Give part of whole in percent with 2 decimals, half up; ``None`` when there is no whole."""
    return round_half_up(Fraction(part * 100, whole), 2) if whole else None
