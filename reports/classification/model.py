"""All that a renderer may know of the classification of one system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from reports.paper.model import Subject
from reports.read_model import Counts, ReportMeta, Text

__all__ = [
    "Alternative",
    "AssetCount",
    "ClassificationReport",
    "Earlier",
    "Harm",
    "KindLine",
    "MatrixRow",
    "Minimum",
    "NextStep",
    "Record",
    "Side",
]


@dataclass(frozen=True, slots=True)
class Harm:
    """Who is harmed how badly, and the level that the rule set gives for it."""

    object: Text
    degree: Text
    level: int


@dataclass(frozen=True, slots=True)
class KindLine:
    """One kind of business information, or one service, with its harms; ``name`` "" where none was given."""

    name: str
    harms: tuple[Harm, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Business information (S) or system service (A); ``deciding`` gave its level."""

    code: str
    name: Text
    level: int
    deciding: Harm
    kinds: tuple[KindLine, ...]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row of the matrix that was used: levels in the order of the degrees."""

    object: Text
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Minimum:
    """A rule that asks for at least a level."""

    text: Text
    source: Text
    level: int
    met: bool


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something due after the classification; ``due`` None: the date it counts from is not known."""

    title: Text
    rule: Text
    source: Text
    due: date | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """What another rule set makes of the same answers."""

    title: Text
    profile: str
    level: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """A classification before the present one."""

    decided_at: datetime
    profile: str
    rule_set: str
    decided_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """The classification that holds: answers, rule set, result, and who decided."""

    rule_set: Text
    version: str
    source: Text
    note: Text
    is_official: bool
    degrees: tuple[Text, ...]
    matrix: tuple[MatrixRow, ...]
    sides: tuple[Side, ...]
    profile: str
    level: int
    procedure: Text
    minimums: tuple[Minimum, ...]
    alternatives: tuple[Alternative, ...]
    reason: str
    expert: str
    approval: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class AssetCount:
    """How many targets of one kind are registered."""

    kind: Text
    number: int


@dataclass(frozen=True, slots=True)
class ClassificationReport:
    """The system as registered and its classification; ``record`` None: a level stands there, but no wizard's record."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    hosting: Text
    business: str
    boundary: str
    users: str
    data_kinds: str
    responsible: str
    networks: tuple[str, ...]
    extensions: tuple[Text, ...]
    internet_facing: bool
    in_operation_on: date | None
    assets: tuple[AssetCount, ...]
    record: Record | None
    next_steps: tuple[NextStep, ...]
    earlier: tuple[Earlier, ...]
