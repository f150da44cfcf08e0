"""The lines of the list, what a check finds, and the register of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from secops.selfcheck.rig import Bench


class Verdict(StrEnum):
    """``not_examined`` is a check that could not look: neither good nor bad."""

    COMPLIANT = "compliant"
    PARTIAL = "partial"
    NON_COMPLIANT = "non_compliant"
    NA = "na"
    NOT_EXAMINED = "not_examined"


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement in our own words, with what it answers to."""

    id: int
    zh: str
    en: str
    asvs: tuple[str, ...]
    units: tuple[str, ...]
    case: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a check saw."""

    verdict: Verdict
    zh: str
    en: str

    def as_json(self, line: Line) -> dict[str, Any]:
        return {
            "id": line.id,
            "verdict": self.verdict.value,
            "evidence": {"zh": self.zh, "en": self.en},
            "title": {"zh": line.zh, "en": line.en},
            "asvs": list(line.asvs),
            "units": list(line.units),
            "high_risk_case": line.case,
        }


Check = Callable[["Bench"], Found]
CHECKS: dict[int, Check] = {}


def check(line_id: int) -> Callable[[Check], Check]:
    """Register the function that examines a line."""

    def register(function: Check) -> Check:
        if line_id in CHECKS:
            raise ValueError(f"line {line_id} has two checks")
        CHECKS[line_id] = function
        return function

    return register


@dataclass(slots=True)
class Facts:
    """Collects single facts of one check; the verdict follows: all good, some good, none."""

    good: list[tuple[str, str]]
    bad: list[tuple[str, str]]

    @classmethod
    def new(cls) -> Facts:
        return cls([], [])

    def note(self, holds: bool, zh: str, en: str, *, else_zh: str = "", else_en: str = "") -> bool:
        """Note one fact; *else_* are the words for its absence."""
        if holds:
            self.good.append((zh, en))
        else:
            self.bad.append((else_zh or f"未满足：{zh}", else_en or f"not so: {en}"))
        return holds

    def found(self) -> Found:
        verdict = (
            Verdict.COMPLIANT if not self.bad else Verdict.PARTIAL if self.good else Verdict.NON_COMPLIANT
        )
        both = [*self.bad, *self.good]
        return Found(verdict, "；".join(zh for zh, _ in both), "; ".join(en for _, en in both))


@lru_cache(maxsize=1)
def lines() -> tuple[Line, ...]:
    """The list in its order."""
    text = (resources.files("secops.selfcheck") / "lines.yaml").read_text(encoding="utf-8")
    return tuple(
        Line(
            entry["id"],
            entry["zh"],
            entry["en"],
            tuple(str(item) for item in entry["asvs"]),
            tuple(entry["units"]),
            str(entry.get("case", "")),
        )
        for entry in yaml.safe_load(text)["lines"]
    )
