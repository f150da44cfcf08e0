"""Whether documents of two kinds agree with each other, as far as their metadata tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from controls.catalog import Text
from controls.documents.freshness import add_months
from controls.documents.model import DocumentRecord, Link
from controls.documents.outcomes import AspectOutcome
from controls.documents.terms import Aspect, LinkRule, ReviewState
from controls.terms import RuleOutcome

__all__ = ["judge_link"]

Found = tuple[RuleOutcome, Text]


def judge_link(
    link: Link, name: Text, record: DocumentRecord, others: Sequence[DocumentRecord]
) -> AspectOutcome:
    """Say whether a document agrees with those of another kind; one of them is enough.

    Args:
        name: Name of the other kind, for the reason.
        others: Every record of the other kind, whatever its state.
    """
    accepted = [other for other in others if other.review is ReviewState.ACCEPTED]
    outcome, reason = _without_partner(name, others)
    if accepted:
        outcome, reason = _RULES[link.rule](link, name, record, accepted)
    return AspectOutcome(Aspect.CROSS_REFERENCED, outcome, reason)


def _without_partner(name: Text, others: Sequence[DocumentRecord]) -> Found:
    states = {other.review for other in others}
    if ReviewState.SUBMITTED in states:
        return RuleOutcome.MANUAL, Text(
            f"《{name.zh}》尚待审核，审核后再比对", f"“{name.en}” waits for review; compared afterwards"
        )
    if ReviewState.DECLARED_ABSENT in states:
        return RuleOutcome.FAIL, Text(
            f"没有《{name.zh}》，无从印证", f"there is no “{name.en}” to confirm it"
        )
    return RuleOutcome.ERROR, Text(
        f"尚未提供《{name.zh}》，无法比对", f"“{name.en}” was not given, so nothing was compared"
    )


def _exists(link: Link, name: Text, record: DocumentRecord, others: Sequence[DocumentRecord]) -> Found:
    return RuleOutcome.PASS, Text(f"已有《{name.zh}》", f"“{name.en}” is there")


def _names(link: Link, name: Text, record: DocumentRecord, others: Sequence[DocumentRecord]) -> Found:
    if record.refers_to is None:
        return RuleOutcome.ERROR, Text(
            f"没有录入所依据的《{name.zh}》", f"nobody entered which “{name.en}” it refers to"
        )
    for other in others:
        if other.id in record.refers_to or (
            isinstance(other.number, str) and other.number in record.refers_to
        ):
            return RuleOutcome.PASS, Text(f"写明了《{name.zh}》", f"names the “{name.en}”")
    return RuleOutcome.FAIL, Text(f"没有写明所依据的《{name.zh}》", f"does not name the “{name.en}”")


def _compare_days(
    record: DocumentRecord, others: Sequence[DocumentRecord], agrees: Callable[[date, date], bool]
) -> RuleOutcome:
    """Compare with each other day; an unread day counts only when no readable one agrees."""
    own = record.day
    days = [other.day for other in others]
    if isinstance(own, date) and any(isinstance(day, date) and agrees(own, day) for day in days):
        return RuleOutcome.PASS
    if isinstance(own, date) and all(isinstance(day, date) for day in days):
        return RuleOutcome.FAIL
    return RuleOutcome.ERROR


_UNKNOWN_DAY = Text("有日期没有录入，无法比对先后", "a date is missing, so the two cannot be compared")


def _not_before(link: Link, name: Text, record: DocumentRecord, others: Sequence[DocumentRecord]) -> Found:
    outcome = _compare_days(record, others, lambda own, day: own >= day)
    if outcome is RuleOutcome.ERROR:
        return outcome, _UNKNOWN_DAY
    if outcome is RuleOutcome.PASS:
        return outcome, Text(f"不早于《{name.zh}》", f"not older than the “{name.en}”")
    return outcome, Text(f"日期早于《{name.zh}》", f"older than the “{name.en}”")


def _within(link: Link, name: Text, record: DocumentRecord, others: Sequence[DocumentRecord]) -> Found:
    months = link.months or 0
    outcome = _compare_days(
        record, others, lambda own, day: max(own, day) <= add_months(min(own, day), months)
    )
    if outcome is RuleOutcome.ERROR:
        return outcome, _UNKNOWN_DAY
    if outcome is RuleOutcome.PASS:
        return outcome, Text(
            f"与《{name.zh}》相距不超过 {months} 个月", f"within {months} months of the “{name.en}”"
        )
    return outcome, Text(
        f"与《{name.zh}》相距超过 {months} 个月", f"more than {months} months from the “{name.en}”"
    )


def _same_party(link: Link, name: Text, record: DocumentRecord, others: Sequence[DocumentRecord]) -> Found:
    parties = {other.counterparty for other in others}
    own = record.counterparty
    if isinstance(own, str) and own in parties:
        return RuleOutcome.PASS, Text(
            f"对方单位与《{name.zh}》一致", f"the same other party as in the “{name.en}”"
        )
    if own is None or None in parties:
        return RuleOutcome.ERROR, Text(
            "对方单位没有录入，无法比对", "the other party was not entered, so nothing was compared"
        )
    return RuleOutcome.FAIL, Text(f"对方单位与《{name.zh}》不一致", f"another party than in the “{name.en}”")


_RULES: Mapping[LinkRule, Callable[[Link, Text, DocumentRecord, Sequence[DocumentRecord]], Found]] = {
    LinkRule.EXISTS: _exists,
    LinkRule.NAMES: _names,
    LinkRule.NOT_BEFORE: _not_before,
    LinkRule.WITHIN: _within,
    LinkRule.SAME_PARTY: _same_party,
}
