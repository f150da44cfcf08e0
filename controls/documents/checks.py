"""Records of documents → what is known of each kind. Nothing here reads a text or proposes a verdict.

``error`` means that nobody looked: a document that was not given, a date that nobody entered. It is never
a fault. A fault is what somebody saw: too old, no approver on it, declared not to exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, cast

from controls.catalog import Text
from controls.documents.freshness import judge_freshness
from controls.documents.links import judge_link
from controls.documents.model import DocumentKind, DocumentRecord, Period, Topic
from controls.documents.outcomes import AspectOutcome, KindOutcome, worst
from controls.documents.scope import Place
from controls.documents.terms import Aspect, Field, Judged, ReviewState
from controls.terms import RuleOutcome, TargetKind
from controls.verdict import Evidence

__all__ = ["AspectOutcome", "KindOutcome", "check_documents", "evidence_of"]

_Outcome = Literal["pass", "fail", "na", "manual", "error"]


def check_documents(
    kinds: Iterable[DocumentKind],
    records: Iterable[DocumentRecord],
    today: date,
    *,
    level: int,
    intervals: Mapping[str, int] | None = None,
) -> tuple[KindOutcome, ...]:
    """Check every kind against the records of one system.

    Args:
        kinds: The kinds that the system should have (``DocumentScope.wanted``). Records of other kinds are
            passed over, and so is a cross-reference to a kind that the system need not have.
        level: Level of the system, 1 to 4: some periods depend on it.
        intervals: Kind → months that the organisation set, > 0.

    Returns:
        One outcome per kind, in the order of *kinds*.
    """
    wanted = {kind.id: kind for kind in kinds}
    register: dict[str, list[DocumentRecord]] = {kind_id: [] for kind_id in wanted}
    for record in records:
        if record.kind in register:
            register[record.kind].append(record)
    setting = _Setting(wanted, register, today, level, intervals or {})
    return tuple(_check_kind(kind, setting) for kind in wanted.values())


def evidence_of(
    found: KindOutcome, kind: DocumentKind, places: Iterable[Place], target_id: str
) -> tuple[Evidence, ...]:
    """Turn an outcome into evidence of the strength ``document``, one per step; it never settles a step.

    Args:
        places: Steps it counts for in the system (``DocumentScope.places``).
        target_id: What the documents of the system stand for as a target.
    """
    # One text for both languages, as everywhere in evidence.
    reason = "; ".join(f"{text.zh} ({text.en})" for text in found.reasons)
    return tuple(
        Evidence(
            rule_id=f"document/{kind.id}",
            unit_id=place.unit,
            target_id=target_id,
            target_kind=TargetKind.DOCUMENT,
            step=place.step,
            strength="document",
            outcome=cast(_Outcome, found.outcome.value),
            source=", ".join(found.records),
            observed=reason,
        )
        for place in places
    )


@dataclass(frozen=True, slots=True)
class _Setting:
    """What all kinds of one check have in common."""

    wanted: Mapping[str, DocumentKind]
    register: Mapping[str, Sequence[DocumentRecord]]
    today: date
    level: int
    intervals: Mapping[str, int]


def _check_kind(kind: DocumentKind, setting: _Setting) -> KindOutcome:
    own = setting.register[kind.id]
    accepted = [record for record in own if record.review is ReviewState.ACCEPTED]
    if not accepted:
        outcome, reason, ids = _not_there(own)
        return KindOutcome(kind.id, outcome, (AspectOutcome(Aspect.PRESENT, outcome, reason),), ids)
    judged = [_check_record(kind, record, accepted, setting) for record in accepted]
    found = _each(kind, judged, accepted) if kind.judged is Judged.EACH else _best(judged, accepted)
    return _with_topics(found, kind.topics_at(setting.level), judged, own)


def _not_there(own: Sequence[DocumentRecord]) -> tuple[RuleOutcome, Text, tuple[str, ...]]:
    def ids(state: ReviewState) -> tuple[str, ...]:
        return tuple(record.id for record in own if record.review is state)

    if ids(ReviewState.SUBMITTED):
        reason = Text("已上传，尚待审核", "given, waits for review")
        return RuleOutcome.MANUAL, reason, ids(ReviewState.SUBMITTED)
    if ids(ReviewState.EXPIRED):
        reason = Text("只有一份已过期的", "there is only an expired one")
        return RuleOutcome.FAIL, reason, ids(ReviewState.EXPIRED)
    declared = tuple(one.id for one in own if one.review is ReviewState.DECLARED_ABSENT and not one.topics)
    if declared:
        reason = Text("经确认没有这份材料", "it was declared not to exist")
        return RuleOutcome.FAIL, reason, declared
    if ids(ReviewState.RETURNED):
        reason = Text("上传的材料已退回，尚未重新提供", "what was given was returned and not given again")
        return RuleOutcome.ERROR, reason, ids(ReviewState.RETURNED)
    return RuleOutcome.ERROR, Text("尚未提供", "not given yet"), ()


def _check_record(
    kind: DocumentKind, record: DocumentRecord, accepted: Sequence[DocumentRecord], setting: _Setting
) -> KindOutcome:
    aspects = [AspectOutcome(Aspect.PRESENT, RuleOutcome.PASS, Text("已提供", "given"))]
    aspects.append(_complete(kind, record, setting.today))
    if Field.APPROVER in kind.requires:
        aspects.append(_approved(record))
    interval = setting.intervals.get(kind.id)
    aspects.append(judge_freshness(kind, record, accepted, setting.today, setting.level, interval))
    compared = [
        judge_link(link, setting.wanted[link.kind].name, record, setting.register[link.kind])
        for link in kind.links
        if link.kind in setting.wanted
    ]
    if compared:
        aspects.append(_joined(Aspect.CROSS_REFERENCED, compared))
    return _whole(kind.id, aspects, (record.id,))


def _whole(kind_id: str, aspects: Sequence[AspectOutcome], records: tuple[str, ...]) -> KindOutcome:
    return KindOutcome(kind_id, worst(aspect.outcome for aspect in aspects), tuple(aspects), records)


def _joined(aspect: Aspect, found: Sequence[AspectOutcome]) -> AspectOutcome:
    """Make one outcome of several on the same aspect, with the reasons of the worst."""
    outcome = worst(one.outcome for one in found)
    reasons = list(dict.fromkeys(one.reason for one in found if one.outcome is outcome))
    return AspectOutcome(
        aspect,
        outcome,
        Text("；".join(one.zh for one in reasons), "; ".join(one.en for one in reasons)),
        min((one.good_until for one in found if one.good_until), default=None),
    )


def _complete(kind: DocumentKind, record: DocumentRecord, today: date) -> AspectOutcome:
    # The approver and the date that ages have aspects of their own.
    fields = [field for field in kind.requires if field not in (Field.APPROVER, kind.freshness.of)]
    found = [_field(field, record, today) for field in fields]
    faults = [one for one in found if one.outcome is not RuleOutcome.PASS]
    if faults:
        return _joined(Aspect.COMPLETE, faults)
    return AspectOutcome(Aspect.COMPLETE, RuleOutcome.PASS, _COMPLETE)


_COMPLETE = Text("要素齐全", "complete")


def _field(field: Field, record: DocumentRecord, today: date) -> AspectOutcome:
    value = record.stated(field)
    outcome, reason = RuleOutcome.PASS, Text("", "")
    if value is None:
        outcome, reason = RuleOutcome.ERROR, Text(f"没有录入{field.zh}", f"nobody entered the {field.en}")
    elif not isinstance(value, (str, int, date, Period)):
        outcome, reason = (
            RuleOutcome.FAIL,
            Text(f"材料上没有{field.zh}", f"the document states no {field.en}"),
        )
    elif isinstance(value, Period) and value.end < value.start:
        outcome, reason = (
            RuleOutcome.ERROR,
            Text("起止日期颠倒，请核对", "the period ends before it begins, check it"),
        )
    elif field is Field.DATE and isinstance(value, date) and value > today:
        reason = Text(f"{field.zh} {value} 晚于今天，请核对", f"the {field.en} {value} lies in the future")
        outcome = RuleOutcome.ERROR
    return AspectOutcome(Aspect.COMPLETE, outcome, reason)


def _approved(record: DocumentRecord) -> AspectOutcome:
    if record.approver is None:
        return AspectOutcome(
            Aspect.APPROVED,
            RuleOutcome.ERROR,
            Text("没有录入批准人", "nobody entered who approved it"),
        )
    if not isinstance(record.approver, str):
        return AspectOutcome(
            Aspect.APPROVED,
            RuleOutcome.FAIL,
            Text("材料上没有批准人的签字或盖章", "the document has no signature or seal of an approver"),
        )
    return AspectOutcome(
        Aspect.APPROVED,
        RuleOutcome.PASS,
        Text(f"批准人：{record.approver}", f"approved by {record.approver}"),
    )


def _with_topics(
    found: KindOutcome,
    topics: Sequence[Topic],
    judged: Sequence[KindOutcome],
    own: Sequence[DocumentRecord],
) -> KindOutcome:
    """Add whether the documents of a kind together cover what they must; one with a fault covers nothing.

    What is not covered may stand in a document that was not given yet: an ``error``, and a fault only once it
    was declared that there is none.
    """
    faulty = {one.records[0] for one in judged if one.outcome is RuleOutcome.FAIL}
    accepted = [record for record in own if record.review is ReviewState.ACCEPTED]
    counting = [record for record in accepted if record.id not in faulty] or accepted
    covered = [record.topics for record in counting if record.topics is not None]
    lacking = [topic for topic in topics if not any(topic.key in keys for keys in covered)]
    if not lacking:
        return found
    declared = {
        key
        for record in own
        if record.review is ReviewState.DECLARED_ABSENT and record.topics
        for key in record.topics
    }
    unsaid = len(covered) < len(counting)
    open_topics = _open_topics(lacking, declared, unsaid)
    aspects = []
    for one in found.aspects:
        parts = [part for part in (one, open_topics) if part.outcome is not RuleOutcome.PASS]
        aspects.append(_joined(Aspect.COMPLETE, parts) if one.aspect is Aspect.COMPLETE else one)
    keys = tuple(topic.key for topic in lacking if topic.key not in declared)
    return replace(_whole(found.kind, aspects, found.records), lacking=() if unsaid else keys)


def _open_topics(lacking: Sequence[Topic], declared: Collection[str], unsaid: bool) -> AspectOutcome:
    gone = [topic for topic in lacking if topic.key in declared]
    named = gone or lacking
    zh = "、".join(topic.name.zh for topic in named)
    en = ", ".join(topic.name.en for topic in named)
    if gone:
        outcome, reason = RuleOutcome.FAIL, Text(f"经确认没有：{zh}", f"declared not to exist: {en}")
    elif unsaid:
        outcome = RuleOutcome.ERROR
        reason = Text(
            f"没有录入材料涵盖哪些内容，尚缺：{zh}", f"nobody said what it covers; still open: {en}"
        )
    else:
        outcome = RuleOutcome.ERROR
        reason = Text(f"已提供的材料没有涵盖：{zh}", f"not in what was given: {en}")
    return AspectOutcome(Aspect.COMPLETE, outcome, reason)


def _best(judged: Sequence[KindOutcome], accepted: Sequence[DocumentRecord]) -> KindOutcome:
    """Give the soundest document; among equals the newest, then the first by id."""
    days = {record.id: record.day for record in accepted}

    def rank(found: KindOutcome) -> tuple[int, int, str]:
        day = days[found.records[0]]
        newest = -day.toordinal() if isinstance(day, date) else 0
        return _SOUNDNESS.index(found.outcome), newest, found.records[0]

    return min(judged, key=rank)


_SOUNDNESS = (RuleOutcome.PASS, RuleOutcome.MANUAL, RuleOutcome.ERROR, RuleOutcome.FAIL)


def _each(
    kind: DocumentKind, judged: Sequence[KindOutcome], accepted: Sequence[DocumentRecord]
) -> KindOutcome:
    """Join the aspects of all documents; a fault says which document has it."""
    aspects = []
    for aspect in Aspect:
        found = [
            _named(one, record) if len(accepted) > 1 else one
            for record, document in zip(accepted, judged, strict=True)
            for one in document.aspects
            if one.aspect is aspect
        ]
        if found:
            aspects.append(_joined(aspect, found))
    return _whole(kind.id, aspects, tuple(record.id for record in accepted))


def _named(one: AspectOutcome, record: DocumentRecord) -> AspectOutcome:
    if one.outcome is RuleOutcome.PASS:
        return one
    name = record.number if isinstance(record.number, str) else record.id
    return replace(one, reason=Text(f"{name}：{one.reason.zh}", f"{name}: {one.reason.en}"))
