"""How old a document may be, and whether it still is young enough on a day."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date

from controls.catalog import Text
from controls.documents.model import ABSENT, DocumentKind, DocumentRecord, Freshness, Limit, Period, Stated
from controls.documents.outcomes import AspectOutcome
from controls.documents.terms import Aspect, Field, FreshnessRule, PeriodOrigin
from controls.terms import RuleOutcome

__all__ = ["add_months", "earliest_date", "judge_freshness"]

_LOOK_BACK_MONTHS = 12


def add_months(day: date, months: int) -> date:
    """Move a day by whole months; the 31st becomes the last day of a shorter month.

    Stops at the first and the last day that exist, so "for ever" can be a validity.

    >>> add_months(date(2024, 1, 31), 1), add_months(date(2024, 3, 31), -1)
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29))
    """
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    if not date.min.year <= year <= date.max.year:
        return date.max if months > 0 else date.min
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def earliest_date(freshness: Freshness, today: date, level: int, interval: int | None) -> date | None:
    """Give the oldest date that is still fine; ``None`` when age does not count."""
    limit = _limits(freshness, level, interval)[0]
    if limit is None or freshness.rule is FreshnessRule.VALIDITY:
        return None
    return add_months(today, -limit.months)


def judge_freshness(
    kind: DocumentKind,
    record: DocumentRecord,
    group: Sequence[DocumentRecord],
    today: date,
    level: int,
    interval: int | None,
) -> AspectOutcome:
    """Say whether a document is fresh on a day.

    Args:
        group: All accepted records of the kind, *record* included; a rhythm needs them.
        interval: Months set by the organisation, else ``None``.
    """
    freshness = kind.freshness
    if freshness.rule is FreshnessRule.ONCE:
        return _say(RuleOutcome.PASS, freshness.note)
    if freshness.rule is FreshnessRule.VALIDITY:
        return _validity(freshness, record, today, level)
    if interval is None and freshness.of is Field.REVIEWED:
        stated = record.review_interval_months
        interval = stated if isinstance(stated, int) else None
    found = _age(freshness, record, today, level, interval)
    if found.outcome is RuleOutcome.PASS and freshness.rule is FreshnessRule.RHYTHM:
        return _rhythm(freshness, group, today, level, interval) or found
    return found


def _say(outcome: RuleOutcome, reason: Text, good_until: date | None = None) -> AspectOutcome:
    return AspectOutcome(Aspect.FRESH, outcome, reason, good_until)


def _limits(freshness: Freshness, level: int, interval: int | None) -> tuple[Limit | None, Limit | None]:
    """Give the limit after which it fails, and the one after which a person has to look.

    The organisation's own interval replaces a customary one, but what lies beyond custom is for a person;
    under an official one it can only be shorter.
    """
    base = freshness.limit_for(level)
    if interval is None or base is None:
        return base, base
    own = Limit(interval, PeriodOrigin.ORGANISATION)
    shorter = own if own.months < base.months else base
    return (shorter if base.origin is PeriodOrigin.OFFICIAL_GUIDE else own), shorter


def _last_day(record: DocumentRecord, of: Field) -> Stated:
    """Give the day that counts; a document without a review counts from its date."""
    value = record.stated(of)
    if of is Field.REVIEWED and value is ABSENT:
        return record.dated
    return value.end if isinstance(value, Period) else value


def _age(
    freshness: Freshness, record: DocumentRecord, today: date, level: int, interval: int | None
) -> AspectOutcome:
    of = freshness.of or Field.DATE
    day = _last_day(record, of)
    if day is None:
        return _say(
            RuleOutcome.ERROR,
            Text(
                f"没有录入{of.zh}，无法判断是否在时效内",
                f"the {of.en} was not entered, so its age is unknown",
            ),
        )
    if not isinstance(day, date):
        return _say(RuleOutcome.FAIL, Text(f"材料上没有{of.zh}", f"the document states no {of.en}"))
    if day > today:
        return _say(
            RuleOutcome.ERROR,
            Text(f"{of.zh} {day} 晚于今天，请核对", f"the {of.en} {day} lies in the future, check it"),
        )
    limit, doubt = _limits(freshness, level, interval)
    if limit is None or doubt is None:
        return _say(RuleOutcome.PASS, freshness.note)
    if add_months(day, limit.months) < today:
        return _say(
            RuleOutcome.FAIL,
            Text(
                f"{day} 的材料已超过 {limit.months} 个月（{limit.origin.zh}）",
                f"of {day}, older than {limit.months} months ({limit.origin.en})",
            ),
        )
    until = add_months(day, doubt.months)
    if until < today:
        return _say(
            RuleOutcome.MANUAL,
            Text(
                f"未超过本单位设定的 {limit.months} 个月，但已超过惯例的 {doubt.months} 个月，请人工确认",
                f"within the {limit.months} months set by the organisation, beyond the customary {doubt.months}",
            ),
        )
    return _say(
        RuleOutcome.PASS, Text(f"{day} 形成，至 {until} 在时效内", f"of {day}, fresh until {until}"), until
    )


def _validity(freshness: Freshness, record: DocumentRecord, today: date, level: int) -> AspectOutcome:
    until = record.valid_until
    if until is None:
        return _say(
            RuleOutcome.ERROR,
            Text(
                "没有录入有效期，无法判断是否在时效内", "the validity was not entered, so it cannot be judged"
            ),
        )
    if not isinstance(until, date):
        return _computed_validity(freshness, record, today, level)
    if until < today:
        return _say(RuleOutcome.FAIL, Text(f"有效期已于 {until} 届满", f"its validity ended on {until}"))
    return _say(RuleOutcome.PASS, Text(f"有效期至 {until}", f"valid until {until}"), until)


def _computed_validity(
    freshness: Freshness, record: DocumentRecord, today: date, level: int
) -> AspectOutcome:
    """Judge what states no end: computed from its date, a passed end is for a person, who knows of extensions."""
    limit = freshness.limit_for(level)
    if limit is None or not isinstance(record.dated, date):
        return _say(
            RuleOutcome.MANUAL,
            Text(
                "材料没有写明有效期，请人工确认是否仍然有效",
                "the document states no end of validity; a person says whether it still holds",
            ),
        )
    start = max(record.dated, freshness.counts_from or record.dated)
    until = add_months(start, limit.months)
    if until < today:
        return _say(
            RuleOutcome.MANUAL,
            Text(
                f"材料没有写明有效期，按 {limit.months} 个月推算已于 {until} 届满，请确认是否延期",
                f"no end stated; by {limit.months} months it ended on {until}: was it extended?",
            ),
        )
    return _say(
        RuleOutcome.PASS,
        Text(
            f"按 {limit.months} 个月推算，有效期至 {until}", f"by {limit.months} months valid until {until}"
        ),
        until,
    )


def _rhythm(
    freshness: Freshness, group: Sequence[DocumentRecord], today: date, level: int, interval: int | None
) -> AspectOutcome | None:
    """Find a gap between two records of the last year; ``None`` when there is none."""
    limit, _ = _limits(freshness, level, interval)
    since = add_months(today, -_LOOK_BACK_MONTHS)
    spans = sorted(span for record in group if (span := _span(record)) and span[1] >= since)
    for (_, end), (start, _) in zip(spans, spans[1:], strict=False):
        if limit is not None and add_months(end, limit.months) < start:
            return _say(
                RuleOutcome.MANUAL,
                Text(
                    f"{end} 至 {start} 之间没有记录，间隔超过 {limit.months} 个月，请确认是未做还是未上传",
                    f"nothing between {end} and {start}, more than {limit.months} months: not done, or not given?",
                ),
            )
    return None


def _span(record: DocumentRecord) -> tuple[date, date] | None:
    if isinstance(record.period, Period):
        return record.period.start, record.period.end
    return (record.dated, record.dated) if isinstance(record.dated, date) else None
