"""All that a renderer may know of a posture: frozen values, made by the application, read by renderers.

Knows no database, no clock and no renderer. Everything that varies between two runs (time, ids, versions)
is a field, so the same model gives the same bytes. Figures are computed once, where the application also
takes those it shows on screen; a renderer prints them and never counts again.

Words that exist in both languages are :class:`Text`; what a person typed (names, addresses, measures) is
a plain string and is shown as it is in either language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from controls.terms import Layer as Layer
from controls.terms import Verdict as Verdict
from reports import codec
from reports.errors import InvalidModel, UnknownLanguage

SCHEMA_VERSION = 1
#: Target id of a cell that speaks of the system as a whole; it needs no entry among the targets.
WHOLE_SYSTEM = "system"


class Language(StrEnum):
    """Languages in which every text exists."""

    ZH = "zh"
    EN = "en"

    @classmethod
    def parse(cls, text: str) -> Language:
        """Read ``zh`` or ``en``.

        Raises:
            UnknownLanguage: anything else.
        """
        try:
            return cls(text)
        except ValueError:
            raise UnknownLanguage(text) from None


class VerdictOrigin(StrEnum):
    """Where a verdict comes from: proposed by rules, decided by a person, taken over from a provider."""

    SUGGESTED = "suggested"
    DECIDED = "decided"
    INHERITED = "inherited"


class Severity(StrEnum):
    """How grave a finding is; most findings use the middle three."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Importance(StrEnum):
    """Importance of a target, in the order of the report templates: 关键, 重要, 一般."""

    KEY = "key"
    IMPORTANT = "important"
    NORMAL = "normal"
    # other names of the same two
    CRITICAL = "key"
    GENERAL = "normal"


class CountBasis(StrEnum):
    """What one unit of every count in the summary is: a requirement item, or an item on one target."""

    ITEM = "item"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    zh: str
    en: str

    @classmethod
    def same(cls, text: str) -> Text:
        """Take one string for both languages: a product name, an address, what somebody typed."""
        return cls(text, text)

    def in_(self, language: Language) -> str:
        """Give the words of one language."""
        return self.zh if language is Language.ZH else self.en


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A versioned body of rules that shaped the result, such as a multi-target rule or a baseline policy."""

    name: Text
    version: str
    official: bool


@dataclass(frozen=True, slots=True)
class ReportMeta:
    """What the report is, when and from what it was made.

    ``generated_at`` is timezone-aware; its offset is also the one in which all times are printed.
    ``scan_ids`` are the scans whose results went in. ``marking`` is a handling note for the page head.
    """

    title: Text
    report_number: str
    generated_at: datetime
    generator: str
    catalogue_edition: str
    language: Language = Language.ZH
    rule_sets: tuple[RuleSet, ...] = ()
    unofficial_notes: tuple[Text, ...] = ()
    scan_ids: tuple[str, ...] = ()
    marking: Text | None = None

    def __post_init__(self) -> None:
        _require_aware(self.generated_at, "meta.generated_at")

    @property
    def zone(self) -> timezone:
        """The fixed offset in which the report prints times."""
        return timezone(self.generated_at.utcoffset() or timedelta(0))


@dataclass(frozen=True, slots=True)
class Filing:
    """Entry in the register of filed systems; ``is_example`` marks invented data, printed as 示例."""

    number: str
    filed_on: date | None = None
    is_example: bool = False


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """The system under report. ``level`` is 1 to 4; ``profile`` the printed form, such as ``S3A3G3``.

    ``filing`` of ``None`` means not filed, or not known here.
    """

    name: str
    department: str
    level: int
    profile: str
    hosting: Text
    filing: Filing | None = None
    extensions: tuple[Text, ...] = ()
    boundary: str = ""
    business: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 5:
            raise InvalidModel("system.level", f"{self.level} is not a level")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each state; the five add up to everything in scope."""

    compliant: int = 0
    partial: int = 0
    non_compliant: int = 0
    na: int = 0
    not_examined: int = 0

    def __post_init__(self) -> None:
        if min(self.compliant, self.partial, self.non_compliant, self.na, self.not_examined) < 0:
            raise InvalidModel("counts", "a count is negative")

    @classmethod
    def tally(cls, verdicts: Iterable[Verdict | None]) -> Counts:
        """Count verdicts; ``None`` stands for not examined."""
        numbers = dict.fromkeys(STATES, 0)
        for verdict in verdicts:
            numbers[NOT_EXAMINED if verdict is None else verdict.value] += 1
        return cls(**numbers)

    def of(self, state: str) -> int:
        """Give the number of one state of :data:`STATES`."""
        if state not in STATES:
            raise KeyError(state)
        value: int = getattr(self, state)
        return value

    @property
    def total(self) -> int:
        """Everything in scope."""
        return self.compliant + self.partial + self.non_compliant + self.na + self.not_examined

    @property
    def examined(self) -> int:
        """Everything somebody or something looked at; *not applicable* is an answer too."""
        return self.total - self.not_examined

    @property
    def judged(self) -> int:
        """Examined and applicable."""
        return self.compliant + self.partial + self.non_compliant

    @property
    def applicable(self) -> int:
        """Everything except *not applicable*."""
        return self.total - self.na

    @property
    def examined_percent(self) -> Decimal | None:
        """Examined over all, percent 0–100 with one decimal; ``None`` when there is nothing in scope."""
        return percent(self.examined, self.total)


NOT_EXAMINED = "not_examined"
#: Every state a cell can be in, in the order in which it is shown.
STATES: tuple[str, ...] = (*(verdict.value for verdict in Verdict), NOT_EXAMINED)


def percent(part: int, whole: int) -> Decimal | None:
    """Give *part* of *whole* as percent with one decimal; ``None`` when *whole* is 0.

    Never rounds to 0 or 100 what is not exactly that, so "all examined" is never printed too early.
    """
    if whole == 0:
        return None
    share = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    if share == 100 and part < whole:
        return Decimal("99.9")
    if share == 0 and part > 0:
        return Decimal("0.1")
    return share


@dataclass(frozen=True, slots=True)
class CountRow:
    """Counts of one group (class, layer or all) with its two compliance rates, percent 0–100.

    ``conformity_examined``: compliant over examined and applicable. ``conformity_applicable``: compliant
    over all applicable, so that what nobody looked at counts against it. ``None``: nothing to divide by.
    """

    code: str
    label: Text
    counts: Counts
    conformity_examined: Decimal | None
    conformity_applicable: Decimal | None

    @classmethod
    def of(cls, code: str, label: Text, counts: Counts) -> CountRow:
        """Make a row with both rates computed from the counts."""
        return cls(
            code,
            label,
            counts,
            percent(counts.compliant, counts.judged),
            percent(counts.compliant, counts.applicable),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of the first page. ``examined_percent`` is ``None`` when nothing is in scope.

    ``by_class`` follows the order of the standard, ``by_layer`` the order of :class:`Layer`.
    """

    basis: CountBasis
    total: CountRow
    by_class: tuple[CountRow, ...] = ()
    by_layer: tuple[CountRow, ...] = ()

    @property
    def examined_percent(self) -> Decimal | None:
        """Share that was examined, percent 0–100."""
        return self.total.counts.examined_percent

    @property
    def is_draft(self) -> bool:
        """More than half is unexamined (or there is nothing): the report is headed 草稿."""
        counts = self.total.counts
        return counts.total == 0 or counts.not_examined * 2 > counts.total


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """One asset that was looked at; ``id`` is what cells, scans and findings refer to."""

    id: str
    name: str
    kind: Text
    address: str
    importance: Importance
    note: str = ""


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One run of one probe on one target. ``failure`` is why nothing was seen; ``None`` means it looked.

    ``target`` is a target id or, where the probe looked at something else, any name of it.
    """

    id: str
    probe: str
    target: str
    started_at: datetime | None
    finished_at: datetime | None
    state: Text
    failure: Text | None = None

    def __post_init__(self) -> None:
        for name, value in (("started_at", self.started_at), ("finished_at", self.finished_at)):
            if value is not None:
                _require_aware(value, f"scan {self.id}.{name}")


@dataclass(frozen=True, slots=True)
class Cell:
    """One item on one target: a verdict, or the reason why nobody looked. Never neither, never both.

    ``target_id`` is :data:`WHOLE_SYSTEM` where an item is judged for the system and not for an asset.
    ``reasons`` explain a verdict; ``evidence`` holds numbers of the evidence index.
    """

    target_id: str
    verdict: Verdict | None
    not_examined: Text | None = None
    reasons: tuple[Text, ...] = ()
    evidence: tuple[str, ...] = ()
    origin: VerdictOrigin = VerdictOrigin.SUGGESTED

    def __post_init__(self) -> None:
        _require_reason(f"cell of target {self.target_id!r}", self.verdict, self.not_examined)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One requirement item with its cells; ``verdict`` is their roll-up by the rule named in the meta.

    An item without any target has no cells and says why in ``not_examined``.
    """

    unit_id: str
    clause: str
    letter: str
    class_code: str
    class_name: Text
    control_point: Text
    mark: str
    layer: Layer
    summary: Text
    verdict: Verdict | None
    not_examined: Text | None = None
    cells: tuple[Cell, ...] = ()

    def __post_init__(self) -> None:
        _require_reason(f"item {self.unit_id}", self.verdict, self.not_examined)


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding. ``measure`` is what the owner plans, ``remediation`` what the rule advises.

    ``age_days`` counts from ``opened_on``; ``target_ids`` may be empty when the whole system is meant.
    """

    number: str
    title: Text
    severity: Severity
    layer: Layer
    units: tuple[str, ...]
    target_ids: tuple[str, ...]
    state: Text
    opened_on: date
    age_days: int
    due_on: date | None = None
    is_overdue: bool = False
    is_closed: bool = False
    owner: str = ""
    measure: str = ""
    remediation: Text | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence; ``sm3_hex`` has 64 hexadecimal digits, ``size_bytes`` is of the clear content."""

    number: str
    name: str
    source: Text
    sm3_hex: str
    size_bytes: int
    uploaded_by: str
    uploaded_at: datetime
    units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_aware(self.uploaded_at, f"evidence {self.number}.uploaded_at")


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """State at the end of one day; percentages 0–100, ``None`` where nothing could be divided."""

    on: date
    examined_percent: Decimal | None
    conformity_examined: Decimal | None
    open_findings: int


@dataclass(frozen=True, slots=True)
class PostureReport:
    """What is known of one system at one moment; all a posture renderer gets."""

    meta: ReportMeta
    system: SystemInfo
    summary: Summary
    targets: tuple[ReportTarget, ...] = ()
    items: tuple[ItemResult, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    scans: tuple[ScanRecord, ...] = ()
    trend: tuple[TrendPoint, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise InvalidModel("schema_version", f"{self.schema_version} is not {SCHEMA_VERSION}")

    def to_json(self) -> str:
        """Write the model; equal models give equal text."""
        return codec.dumps(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> PostureReport:
        """Read what :meth:`to_json` wrote.

        Raises:
            InvalidModel: another shape, or values that contradict each other.
        """
        return codec.loads(cls, text)


def _require_aware(value: datetime, where: str) -> None:
    if value.utcoffset() is None:
        raise InvalidModel(where, "a time without zone")


def _require_reason(where: str, verdict: Verdict | None, reason: Text | None) -> None:
    if verdict is None and (reason is None or not reason.zh.strip() or not reason.en.strip()):
        raise InvalidModel(where, "not examined, and no reason given")
    if verdict is not None and reason is not None:
        raise InvalidModel(where, "has a verdict and a reason for not having one")
