"""Words of the baseline engine: facts that a probe saw, rules that judge them, outcomes that come of it.

A fact is what was seen, without judgement. A rule says what ought to be. An outcome is their meeting,
and speaks to steps of assessment units named as text; this package does not know the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None
FactValue: TypeAlias = Any
"""``Scalar``, a list of texts, or a list of flat records (``dict[str, Scalar]``); plain JSON in any case."""


class OutcomeKind(StrEnum):
    """What a rule says about one target; ``error`` means that nobody looked."""

    PASS = "pass"
    FAIL = "fail"
    NA = "na"
    MANUAL = "manual"
    ERROR = "error"


class Strength(StrEnum):
    """How far an outcome answers an assessment step.

    ``decides``: the outcome settles the step for this target. ``part``: it settles something that the
    step asks among other things. ``hint``: it is worth a look, no more.
    """

    DECIDES = "decides"
    PART = "part"
    HINT = "hint"


class Severity(StrEnum):
    """How much it matters when the rule fails; our own grading, not one of a standard."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class FactState(StrEnum):
    """Whether a fact may be relied on.

    ``incomplete``: what is there was seen, but there may be more; it can prove a fault, never its absence.
    """

    SEEN = "seen"
    INCOMPLETE = "incomplete"
    NOT_COLLECTED = "not-collected"


class FactKind(StrEnum):
    """Shape of the value of a fact."""

    FLAG = "flag"
    NUMBER = "number"
    TEXT = "text"
    TEXTS = "texts"
    RECORDS = "records"


class Gap(StrEnum):
    """Why a fact was not collected, or not completely."""

    MISSING_SECTION = "missing-section"
    NEEDS_ROOT = "needs-root"
    MISSING_TOOL = "missing-tool"
    UNREADABLE = "unreadable"
    ABSENT = "absent"
    TIMED_OUT = "timed-out"
    TRUNCATED = "truncated"
    SKIPPED = "skipped"
    NO_SYSTEMD = "no-systemd"
    MALFORMED = "malformed"
    STALE = "stale"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text for people, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class FactInfo:
    """What a fact is called and which shape it has; declared once, in the code that makes it."""

    id: str
    kind: FactKind
    label: Bilingual


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing seen, or the reason why it was not.

    ``value`` is ``None`` only when not collected. ``source`` says where it was read, such as ``sshd -T``.
    ``gap`` and ``detail`` explain an incomplete or missing one.
    """

    state: FactState
    value: FactValue = None
    source: str = ""
    gap: Gap | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one look at one target gave.

    ``facts`` has an entry for every fact of the platform, collected or not. ``about`` are a few words to
    recognise the target by (host name, system, time of the look); never a secret.
    """

    platform: str
    facts: Mapping[str, Fact]
    about: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """To which step of which unit an outcome speaks, and how firmly.

    ``unit`` is the number of a level-3 unit such as ``L3-CES1-01``, ``step`` counts from 1.
    """

    unit: str
    step: int
    strength: Strength


@dataclass(frozen=True, slots=True)
class AnswerSpec:
    """As written in a rule: the strength of a failing outcome may differ from that of a passing one.

    Failing one necessary part settles that the step is not met; passing it does not settle that it is.
    """

    unit: str
    step: int
    strength: Strength
    on_fail: Strength

    def answer(self, outcome: OutcomeKind) -> Answer:
        """Give the answer for an outcome."""
        strength = self.on_fail if outcome is OutcomeKind.FAIL else self.strength
        return Answer(self.unit, self.step, strength)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule says about one target, why, and to which steps it speaks.

    ``facts`` are the observed values that were used, cut to a readable length; a fact that was not
    collected stands there as ``{"not-collected": "<reason>: <detail>"}``.
    """

    rule: str
    check: str
    outcome: OutcomeKind
    reason: Bilingual
    facts: Mapping[str, FactValue]
    answers: tuple[Answer, ...]
    severity: Severity
    high_risk_cases: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """Give the units spoken to, each once, in the order of the rule."""
        return tuple(dict.fromkeys(answer.unit for answer in self.answers))

    @property
    def steps(self) -> tuple[str, ...]:
        """Give the steps spoken to, as ``L3-CES1-01#4``."""
        return tuple(f"{answer.unit}#{answer.step}" for answer in self.answers)

    @property
    def strength(self) -> Strength:
        """Give the firmest strength among the answers."""
        order = (Strength.DECIDES, Strength.PART, Strength.HINT)
        held = {answer.strength for answer in self.answers}
        return next((strength for strength in order if strength in held), Strength.HINT)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A threshold or list that profiles may set.

    ``values`` holds one value per profile that differs from ``default``; ``unit`` is for people.
    """

    name: str
    default: FactValue
    values: Mapping[str, FactValue]
    unit: str
    label: Bilingual

    def value(self, profile: str) -> FactValue:
        """Give the value in a profile."""
        return self.values.get(profile, self.default)


@dataclass(frozen=True, slots=True)
class Sample:
    """An example inside a rule and the outcome that it must give.

    ``sections`` is the text of a collector pack in pieces: section, block, text; see ``scanners.baseline.samples``.
    """

    name: str
    outcome: OutcomeKind
    sections: Mapping[str, Mapping[str, FactValue]]
    profile: str | None
    params: Mapping[str, FactValue]


PROFILES = ("level-2", "level-3", "level-4", "strict")
"""Named sets of parameter values; an organisation's own values are given to ``evaluate`` beside one of them."""
