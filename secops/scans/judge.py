"""From what a probe understood to what the rules say: facts → outcomes, for every kind of probe alike."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from scanners.base import Completed
from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.baseline.model import Facts, Outcome
from scanners.baseline.platforms import platforms
from scanners.baseline.rule import Rule
from scanners.jsonable import to_json

ANSWERING = ("pass", "fail", "na", "manual", "error")


@dataclass(frozen=True, slots=True)
class Judged:
    """One outcome as it is stored."""

    rule_id: str
    check_id: str
    outcome: str
    reason: dict[str, str]
    facts: dict[str, Any]
    answers: list[dict[str, Any]]


@lru_cache(maxsize=16)
def rules_for(platform: str) -> tuple[Rule, ...]:
    """Rules of one platform, read once per process."""
    return load_rules(platform)


@lru_cache(maxsize=1)
def rules_by_id() -> dict[str, Rule]:
    """Every rule of every platform."""
    return {rule.id: rule for name in platforms() for rule in rules_for(name)}


@lru_cache(maxsize=32)
def _facts_maker(probe: str) -> Callable[[Any, datetime], Facts] | None:
    name = f"scanners.{probe}.facts"
    if importlib.util.find_spec(name) is None:
        return None
    found = getattr(importlib.import_module(name), "facts_from_result", None)
    maker: Callable[[Any, datetime], Facts] | None = found
    return maker


def to_facts(probe: str, attempt: Completed[Any], now: datetime) -> Facts | None:
    """What the rules can read of a result; None for a probe that no rule speaks about."""
    if isinstance(attempt.result, Facts):
        return attempt.result
    maker = _facts_maker(probe)
    return maker(attempt.result, now) if maker is not None else None


def judge(probe: str, attempt: Completed[Any], *, now: datetime, profile: str = "level-3") -> list[Judged]:
    """Let every rule of the platform speak; empty when no rule knows this kind of result."""
    facts = to_facts(probe, attempt, now)
    if facts is None:
        return []
    return [_stored(outcome) for outcome in evaluate(rules_for(facts.platform), facts, profile)]


def _stored(outcome: Outcome) -> Judged:
    return Judged(
        rule_id=outcome.rule,
        check_id=outcome.check,
        outcome=outcome.outcome.value,
        reason={"zh": outcome.reason.zh, "en": outcome.reason.en},
        facts=_plain(to_json(dict(outcome.facts))),
        answers=[
            {"unit": answer.unit, "step": answer.step, "strength": answer.strength.value}
            for answer in outcome.answers
        ],
    )


def _plain(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}
