"""Scores and conclusions under the editions of the report templates and of the crypto rules."""

from __future__ import annotations

from controls.scoring.crypto import CryptoInput, CryptoObject, CryptoResult, score_crypto
from controls.scoring.items import Collected, collect_items
from controls.scoring.mlps import score_mlps
from controls.scoring.model import (
    Edition,
    MultiObjectRule,
    RateEdge,
    Risks,
    ScoreInput,
    ScoreItem,
    ScoreResult,
    ThresholdBasis,
    default_edition,
)
from controls.scoring.whatif import Fix, Plan, apply_fixes, cheapest_plan

__all__ = [
    "Collected",
    "CryptoInput",
    "CryptoObject",
    "CryptoResult",
    "Edition",
    "Fix",
    "MultiObjectRule",
    "Plan",
    "RateEdge",
    "Risks",
    "ScoreInput",
    "ScoreItem",
    "ScoreResult",
    "ThresholdBasis",
    "apply_fixes",
    "cheapest_plan",
    "collect_items",
    "default_edition",
    "score_crypto",
    "score_mlps",
]
