"""Classification: interest harmed × degree of harm → S, A and the final level.

Two matrices exist and are kept apart as named rule sets; every answer names its rule set and version.
No clock: dates are worked out from the dates handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

from controls.build_head import member
from controls.catalog import Text
from controls.errors import InvalidInput, UnknownRuleSet
from controls.reader import Cursor
from controls.sources import builtin_sources
from controls.terms import Degree, HarmObject, LevelProfile, Origin

__all__ = [
    "Classification",
    "Deciding",
    "DutyDates",
    "GRADING_RULE_SETS",
    "GradingRuleSet",
    "MinimumLevel",
    "NextDate",
    "add_months",
    "allowed_combinations",
    "classify",
    "grading_rule_set",
    "minimum_levels",
    "next_dates",
]

GRADING_RULE_SETS = ("gbt-22240-2020", "filing-form-2025")


@dataclass(frozen=True, slots=True)
class GradingRuleSet:
    """One matrix with its source; ``origin`` other than official is shown beside every answer."""

    id: str
    version: str
    title: Text
    source: Text
    origin: Origin
    note: Text
    matrix: Mapping[HarmObject, Mapping[Degree, int]]
    objects: Mapping[HarmObject, Text]


@dataclass(frozen=True, slots=True)
class Deciding:
    """The pair that gave the highest level on one side."""

    object: HarmObject
    degree: Degree
    level: int


@dataclass(frozen=True, slots=True)
class MinimumLevel:
    """A rule that asks for at least a level; ``met`` says whether the classification reaches it."""

    key: str
    level: int
    met: bool
    text: Text
    source: Text


@dataclass(frozen=True, slots=True)
class NextDate:
    """Something due after a classification.

    ``due`` is ``None`` while the date it counts from is unknown. ``working_days`` are not computed,
    because public holidays are no matter of arithmetic.
    """

    key: str
    title: Text
    rule: Text
    source: Text
    origin: Origin
    after: str
    period: str
    due: date | None
    rule_set: str


@dataclass(frozen=True, slots=True)
class DutyDates:
    """Dates known of a system; each ``None`` is unknown.

    ``evaluations_completed`` counts those since the certificate was issued.
    """

    level_fixed: date | None = None
    in_operation: date | None = None
    filed: date | None = None
    certificate_issued: date | None = None
    evaluations_completed: int = 0
    last_evaluation: date | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The answer: S and A apart, the final level, and what it rests on."""

    s: int
    a: int
    level: int
    profile: LevelProfile
    business: Deciding
    service: Deciding
    rule_set: GradingRuleSet
    minimums: tuple[MinimumLevel, ...]
    next_dates: tuple[NextDate, ...]
    procedure: Text


@cache
def grading_rule_set(rule_set_id: str) -> GradingRuleSet:
    """Give one matrix.

    Raises:
        UnknownRuleSet: neither of the two.
    """
    if rule_set_id not in GRADING_RULE_SETS:
        raise UnknownRuleSet(rule_set_id, "known: " + ", ".join(GRADING_RULE_SETS))
    root = builtin_sources().document(f"rulesets/{rule_set_id}.yaml").cursor()
    matrix: dict[HarmObject, Mapping[Degree, int]] = {}
    for harm in HarmObject:
        row = [cell.integer() for cell in root.at("matrix").at(harm).each()]
        matrix[harm] = MappingProxyType(dict(zip(Degree, row, strict=True)))
    return GradingRuleSet(
        id=root.at("id").string(),
        version=root.at("version").string(),
        title=root.at("title").text(),
        source=root.at("source").text(),
        origin=member(root.at("origin"), Origin),
        note=root.at("note").text(),
        matrix=MappingProxyType(matrix),
        objects=MappingProxyType({harm: root.at("objects").at(harm).text() for harm in HarmObject}),
    )


def classify(
    rule_set_id: str,
    business: Iterable[tuple[str, str]],
    service: Iterable[tuple[str, str]],
    *,
    carried_levels: Iterable[int] = (),
    big_data_public_service: bool = False,
    dates: DutyDates | None = None,
    level2_interval_years: int = 2,
) -> Classification:
    """Classify one object.

    Args:
        rule_set_id: ``gbt-22240-2020`` or ``filing-form-2025``.
        business: (object, degree) pairs for business information; the highest counts.
        service: The same for system service.
        carried_levels: Levels of what a network facility or cloud platform carries.
        big_data_public_service: A big-data platform with much personal data that serves the public.
        dates: Known dates, to work out when things are due.
        level2_interval_years: Evaluation interval of level 2, a setting; two years is customary.

    A minimum that is not met does not change the level: it is reported, and a person decides.

    Raises:
        UnknownRuleSet: another rule set.
        InvalidInput: no pair, or an unknown object or degree.

    Source: GB/T 22240-2020, 4.3 and 4.4.
    """
    rules = grading_rule_set(rule_set_id)
    deciding_s = _highest(rules, business, "business")
    deciding_a = _highest(rules, service, "service")
    profile = LevelProfile(deciding_s.level, deciding_a.level, max(deciding_s.level, deciding_a.level))
    return Classification(
        s=profile.s,
        a=profile.a,
        level=profile.g,
        profile=profile,
        business=deciding_s,
        service=deciding_a,
        rule_set=rules,
        minimums=minimum_levels(
            profile.g, carried_levels=carried_levels, big_data_public_service=big_data_public_service
        ),
        next_dates=next_dates(profile.g, dates or DutyDates(), level2_interval_years=level2_interval_years),
        procedure=_procedure(profile.g),
    )


def _highest(rules: GradingRuleSet, pairs: Iterable[tuple[str, str]], side: str) -> Deciding:
    best: Deciding | None = None
    for position, (harm_text, degree_text) in enumerate(pairs):
        try:
            harm = HarmObject(harm_text)
        except ValueError:
            known = ", ".join(HarmObject)
            raise InvalidInput(
                f"$.{side}[{position}]",
                f"an object out of {known}, not {harm_text!r}",
                f"客体 {known} 之一，而不是 {harm_text!r}",
            ) from None
        try:
            degree = Degree(degree_text)
        except ValueError:
            known = ", ".join(Degree)
            raise InvalidInput(
                f"$.{side}[{position}]",
                f"a degree out of {known}, not {degree_text!r}",
                f"程度 {known} 之一，而不是 {degree_text!r}",
            ) from None
        level = rules.matrix[harm][degree]
        if best is None or level > best.level:
            best = Deciding(harm, degree, level)
    if best is None:
        raise InvalidInput(f"$.{side}", "at least one pair of object and degree", "至少一组客体与程度")
    return best


def _duties() -> Cursor:
    return builtin_sources().document("rulesets/duties.yaml").cursor()


@cache
def _duties_version() -> str:
    return f"duties {_duties().at('version').string()}"


def _applies(cursor: Cursor, level: int) -> bool:
    return any(one.integer() == level for one in cursor.at("levels").each())


def _procedure(level: int) -> Text:
    for entry in _duties().at("procedure").each():
        if _applies(entry, level):
            return entry.at("text").text()
    raise InvalidInput("$.level", "a level from 1 to 5", "1 到 5 级")


def minimum_levels(
    level: int, *, carried_levels: Iterable[int] = (), big_data_public_service: bool = False
) -> tuple[MinimumLevel, ...]:
    """Give the minimum-level rules that concern an object, met or not."""
    found: list[MinimumLevel] = []
    carried = max(carried_levels, default=0)
    for entry in _duties().at("minimums").each():
        key = entry.at("key").string()
        if key == "big-data" and big_data_public_service:
            wanted = entry.at("level").integer()
        elif key == "carried" and carried:
            wanted = carried
        else:
            continue
        found.append(
            MinimumLevel(key, wanted, level >= wanted, entry.at("text").text(), entry.at("source").text())
        )
    return tuple(found)


def allowed_combinations(level: int, *, include_unlisted: bool = True) -> tuple[LevelProfile, ...]:
    """Give the S and A combinations of a level in the order of the standard's table A.1.

    Args:
        include_unlisted: Also S5A5, which the table (in the copy at hand) leaves out.

    Raises:
        InvalidInput: no level from 1 to 5.
    """
    duties = _duties()
    listed = duties.at("combinations").value.get(level)
    if listed is None:
        raise InvalidInput("$.level", "a level from 1 to 5", "1 到 5 级")
    extra = duties.at("unlisted_combinations").strings() if include_unlisted else ()
    found = [LevelProfile.parse(text) for text in listed]
    found += (profile for profile in map(LevelProfile.parse, extra) if profile.g == level)
    return tuple(found)


def next_dates(level: int, dates: DutyDates, *, level2_interval_years: int = 2) -> tuple[NextDate, ...]:
    """Say what is due for a system of this level, with the clause each date comes from."""
    known = {
        "level-fixed-or-in-operation": _latest(dates.level_fixed, dates.in_operation),
        "filed": dates.filed,
        "certificate-issued": dates.certificate_issued,
        "last-evaluation": dates.last_evaluation,
    }
    found: list[NextDate] = []
    for duty in _dated(level):
        unit, amount = ("years", level2_interval_years) if duty.is_setting else (duty.unit, duty.amount)
        due = _due(duty, known.get(duty.after), unit, amount)
        if duty.key == "certificate-expiry" and due is not None:
            due = add_months(due, 12 * dates.evaluations_completed)
        known[duty.key] = due
        found.append(
            NextDate(
                key=duty.key,
                title=duty.title,
                rule=duty.rule,
                source=duty.source,
                origin=duty.origin,
                after=duty.after,
                period=f"{amount} {unit}" if unit else "",
                due=due,
                rule_set=_duties_version(),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Duty:
    """One dated duty as the data says it."""

    key: str
    after: str
    title: Text
    rule: Text
    source: Text
    origin: Origin
    is_setting: bool
    unit: str
    amount: int
    not_before: date | None


@cache
def _dated(level: int) -> tuple[_Duty, ...]:
    """The dated duties of a level, read once: a calendar asks for thousands of systems."""
    return tuple(_read_duty(entry) for entry in _duties().at("dates").each() if _applies(entry, level))


def _read_duty(entry: Cursor) -> _Duty:
    unit = next((one for one in ("days", "working_days", "months", "years") if entry.has(one)), "")
    return _Duty(
        key=entry.at("key").string(),
        after=entry.at("after").string(),
        title=entry.at("title").text(),
        rule=entry.at("rule").text(),
        source=entry.at("source").text(),
        origin=member(entry.at("origin"), Origin),
        is_setting=entry.has("setting"),
        unit=unit,
        amount=entry.at(unit).integer() if unit else 0,
        not_before=date.fromisoformat(entry.at("not_before").string()) if entry.has("not_before") else None,
    )


def _latest(first: date | None, second: date | None) -> date | None:
    """A system already running counts from the fixed level, a new one from its start."""
    return max((one for one in (first, second) if one is not None), default=None)


def _due(duty: _Duty, start: date | None, unit: str, amount: int) -> date | None:
    if start is None or unit in ("", "working_days"):
        return None
    if duty.not_before is not None:
        start = max(start, duty.not_before)
    if unit == "days":
        return start + timedelta(days=amount)
    return add_months(start, amount * 12 if unit == "years" else amount)


def add_months(start: date, months: int) -> date:
    """Go forward or back by whole months, to the last day where the month is shorter.

    >>> add_months(date(2024, 2, 29), 12)
    datetime.date(2025, 2, 28)
    """
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(start.day, (following - timedelta(days=1)).day))
