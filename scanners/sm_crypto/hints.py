"""Suggestions for the cryptography assessment (密评), kept apart from what a person decides. Pure.

Three questions are asked of each object of GB/T 39786-2021: is cryptography really used (D), are algorithm
and technique compliant (A), are the keys managed in a certified product (K). D and A can be suggested where
they were measured. K never is: software cannot see a certificate of a product.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Suggestion(StrEnum):
    """What measurement suggests; ``PERSON`` marks what is never measured."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class DakHint:
    """Suggested answers with their reasons as machine words; ``k`` is always ``PERSON``."""

    d: Suggestion
    a: Suggestion
    reasons: tuple[str, ...] = ()
    k: Suggestion = Suggestion.PERSON

    def __post_init__(self) -> None:
        if self.k is not Suggestion.PERSON:
            raise ValueError("K is decided by a person")
