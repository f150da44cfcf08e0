"""What a system still has to give, grouped by who holds it, in words that a holder understands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from controls.catalog import Text
from controls.documents.checks import check_documents
from controls.documents.freshness import earliest_date
from controls.documents.model import DocumentKind, DocumentRecord
from controls.documents.outcomes import KindOutcome
from controls.documents.scope import DocumentScope, Place
from controls.documents.terms import Action, Aspect, Field, FreshnessRule, Holder, ReviewState
from controls.terms import RuleOutcome

__all__ = ["HolderRequests", "RequestedDocument", "missing"]


@dataclass(frozen=True, slots=True)
class RequestedDocument:
    """One document to ask for.

    ``why`` says what is wrong with what is there. ``instructions`` is what to upload and what must stand on
    it, one text per point. ``condition`` is set when it is not known whether the system has such a thing.
    """

    kind: DocumentKind
    action: Action
    why: tuple[Text, ...]
    instructions: tuple[Text, ...]
    condition: Text | None
    places: tuple[Place, ...]
    outcome: KindOutcome


@dataclass(frozen=True, slots=True)
class HolderRequests:
    """Everything to ask one holder for."""

    holder: Holder
    documents: tuple[RequestedDocument, ...]


def missing(
    scope: DocumentScope,
    kinds: Iterable[DocumentKind],
    records: Iterable[DocumentRecord],
    today: date,
    *,
    intervals: Mapping[str, int] | None = None,
) -> tuple[HolderRequests, ...]:
    """Give what to ask for, by holder.

    Not asked for: what passed, what waits for a reviewer or for a person's judgement, and what was declared
    not to exist (that is a gap to close, not evidence to fetch).

    Args:
        records: Of this system only.
        intervals: Kind → months that the organisation set, > 0.

    Returns:
        One entry per holder with something to give, in the order of ``Holder``; documents by action, then id.
    """
    own = intervals or {}
    held = tuple(records)
    wanted = {kind.id: kind for kind in scope.wanted(kinds)}
    found: dict[Holder, list[RequestedDocument]] = {}
    for outcome in check_documents(wanted.values(), held, today, level=scope.level, intervals=own):
        kind = wanted[outcome.kind]
        action = _action(outcome, [record for record in held if record.kind == kind.id])
        if action is None:
            continue
        found.setdefault(kind.holder, []).append(
            RequestedDocument(
                kind=kind,
                action=action,
                why=outcome.reasons,
                instructions=_instructions(kind, today, scope.level, own.get(kind.id)),
                condition=scope.condition(kind.when),
                places=scope.places(kind.answers),
                outcome=outcome,
            )
        )
    order = tuple(Action)
    return tuple(
        HolderRequests(
            holder, tuple(sorted(found[holder], key=lambda one: (order.index(one.action), one.kind.id)))
        )
        for holder in Holder
        if holder in found
    )


def _action(outcome: KindOutcome, own: Iterable[DocumentRecord]) -> Action | None:
    """Say what the holder has to do; ``None`` when it is not the holder's turn."""
    failed = {one.aspect for one in outcome.aspects if one.outcome is RuleOutcome.FAIL}
    unknown = {one.aspect for one in outcome.aspects if one.outcome is RuleOutcome.ERROR}
    if Aspect.PRESENT in failed | unknown:
        states = {record.review for record in own}
        if ReviewState.EXPIRED in states:
            return Action.RENEW
        return None if Aspect.PRESENT in failed else Action.UPLOAD
    if Aspect.FRESH in failed:
        return Action.RENEW
    if failed:
        return Action.CORRECT
    if outcome.lacking:
        return Action.UPLOAD
    # A cross-reference that could not be compared waits for the other document, which is asked for itself.
    return Action.RECORD if unknown - {Aspect.CROSS_REFERENCED} else None


def _instructions(kind: DocumentKind, today: date, level: int, interval: int | None) -> tuple[Text, ...]:
    found = [
        Text(
            f"请提供《{kind.name.zh}》：{kind.description.zh}",
            f"Give the “{kind.name.en}”: {kind.description.en}",
        ),
        Text(
            "材料上应能看到：" + "、".join(field.zh for field in kind.requires) + "。",
            "It must show: " + "; ".join(field.en for field in kind.requires) + ".",
        ),
    ]
    if kind.approver is not None:
        found.append(Text(f"批准：{kind.approver.zh}", f"Approval: {kind.approver.en}"))
    if topics := kind.topics_at(level):
        found.append(
            Text(
                "内容应包括（可分为几份）：" + "、".join(topic.name.zh for topic in topics) + "。",
                "It must cover (several documents are fine): "
                + ", ".join(topic.name.en for topic in topics)
                + ".",
            )
        )
    found += _age(kind, today, level, interval)
    found += [Text(f"与其他材料的印证：{link.text.zh}", f"Must agree: {link.text.en}") for link in kind.links]
    return tuple(found)


def _age(kind: DocumentKind, today: date, level: int, interval: int | None) -> list[Text]:
    freshness = kind.freshness
    if freshness.rule is FreshnessRule.VALIDITY:
        return [
            Text("应在有效期内。" + freshness.note.zh, "It must still be valid. " + freshness.note.en),
        ]
    earliest = earliest_date(freshness, today, level, interval)
    if earliest is None:
        return []
    day = _COUNTS.get(freshness.of or Field.DATE, _COUNTS[Field.DATE])
    return [
        Text(
            f"{day.zh}不早于 {earliest}。{freshness.note.zh}",
            f"{day.en} must not be before {earliest}. {freshness.note.en}",
        )
    ]


_COUNTS = {
    Field.DATE: Text("形成日期", "Its date"),
    Field.REVIEWED: Text(
        "最近一次评审日期（没有评审过的，按形成日期）", "Its last review (its date, if it was never reviewed)"
    ),
    Field.PERIOD: Text("所覆盖时段的最后一天", "The last day that it covers"),
}
