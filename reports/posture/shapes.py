"""What a posture document shows, as frozen values of strings: one language, nothing left to decide."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """Counts of one class or layer; ``counts`` follows :data:`reports.read_model.STATES`."""

    code: str
    name: str
    counts: tuple[str, ...]
    total: str
    examined: str
    rate_examined: str
    rate_applicable: str


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One reason for not looking, and how often it applies."""

    reason: str
    count: str
    share: str


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target with the short code that tables use."""

    code: str
    name: str
    kind: str
    address: str
    importance: str
    note: str


@dataclass(frozen=True, slots=True)
class LineView:
    """Targets of one item that share a result and its grounds. ``state`` is a key of ``STATE_NAMES``."""

    targets: str
    state: str
    state_name: str
    why: str
    origin: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemView:
    """One requirement item with its lines; ``signs`` has one state per target, empty where it has no cell."""

    unit: str
    clause: str
    point: str
    mark: str
    layer: str
    summary: str
    state: str
    state_name: str
    lines: tuple[LineView, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassView:
    """All items of one class."""

    code: str
    name: str
    intro: str
    items: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding as a row."""

    number: str
    title: str
    severity: str
    severity_name: str
    layer: str
    units: tuple[str, ...]
    targets: str
    state: str
    opened: str
    age: str
    due: str
    overdue: str
    owner: str
    measure: str
    advice: str


@dataclass(frozen=True, slots=True)
class FindingCountView:
    """Open findings of one layer, one number per severity that is shown, and their sum."""

    layer: str
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One row of the evidence index."""

    number: str
    name: str
    source: str
    sm3: str
    size: str
    uploaded_by: str
    uploaded_at: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanView:
    """One scan; ``failure`` is empty when it looked."""

    id: str
    probe: str
    target: str
    started: str
    finished: str
    state: str
    failure: str


@dataclass(frozen=True, slots=True)
class RuleSetView:
    """One rule set with its version."""

    name: str
    version: str
    nature: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything a posture document says, ready to be set."""

    language: str
    title: str
    head_system: str
    report_number: str
    marking: str
    generated_at: str
    is_draft: bool
    draft_why: str
    examined: str
    cover: tuple[Fact, ...]
    cover_notes: tuple[str, ...]
    key_points: tuple[str, ...]
    intro: str
    system: tuple[Fact, ...]
    basis: str
    states: tuple[str, ...]
    classes: tuple[GroupView, ...]
    layers: tuple[GroupView, ...]
    total: GroupView
    reasons: tuple[ReasonView, ...]
    scope: str
    targets: tuple[TargetView, ...]
    items: tuple[ClassView, ...]
    matrix_fits: bool
    findings: tuple[FindingView, ...]
    severities: tuple[str, ...]
    finding_counts: tuple[FindingCountView, ...]
    evidence: tuple[EvidenceView, ...]
    scans: tuple[ScanView, ...]
    rule_sets: tuple[RuleSetView, ...]
    sources: tuple[Fact, ...]
    notes: tuple[str, ...]
