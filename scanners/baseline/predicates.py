"""The closed list of things a rule can ask of facts.

A predicate is made from plain YAML by ``scanners.baseline.loader`` and judges facts with care: *met*,
*not met*, *nobody looked*, *a person must say*. It never reads a string as a program and never guesses: a fact that
was not collected makes it say so, and an incomplete fact can show a fault but not its absence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from scanners.baseline.model import Bilingual, Fact, FactKind, FactState, FactValue, Gap

MAX_SHOWN = 12
"""Most offenders named in a reason."""


class Judged(StrEnum):
    """Answer of a predicate. ``unknown``: nobody looked. ``person``: seen, but a person must say what it means."""

    MET = "met"
    NOT_MET = "not-met"
    UNKNOWN = "unknown"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer of a predicate and the words for it."""

    verdict: Judged
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class ParamRef:
    """Stands for the value of a parameter in the profile at hand."""

    name: str


Operand: TypeAlias = FactValue | ParamRef


class View(Protocol):
    """What a predicate may see: facts, their labels, values of parameters."""

    def fact(self, fact_id: str) -> Fact: ...
    def label(self, fact_id: str) -> Bilingual: ...
    def value(self, operand: Operand) -> FactValue: ...


class Predicate(Protocol):
    """One kind of question."""

    def judge(self, view: View) -> Judgement: ...
    def fact_ids(self) -> tuple[str, ...]: ...


_GAP_TEXT: Mapping[Gap, tuple[str, str]] = {
    Gap.MISSING_SECTION: ("采集结果中没有这一部分", "the pack has no such part"),
    Gap.NEEDS_ROOT: ("采集账户权限不足", "the collecting account is not allowed to see it"),
    Gap.MISSING_TOOL: ("主机上没有所需的程序", "the host lacks the program for it"),
    Gap.UNREADABLE: ("读取失败", "it could not be read"),
    Gap.ABSENT: ("主机上不存在", "it does not exist on the host"),
    Gap.TIMED_OUT: ("采集超时", "collecting took too long"),
    Gap.TRUNCATED: ("内容过长被截断", "there was more than the limit"),
    Gap.SKIPPED: ("未获许可，未执行", "it was not done, because permission was not given"),
    Gap.NO_SYSTEMD: ("主机未运行 systemd", "systemd does not run there"),
    Gap.MALFORMED: ("内容无法解析", "the content makes no sense"),
    Gap.STALE: ("依据的数据已过期", "what it rests on is out of date"),
    Gap.UNDECIDABLE: ("仅凭采集内容无法判定", "what was collected cannot settle it"),
}


def describe_gap(fact: Fact) -> Bilingual:
    """Say in words why a fact is missing or incomplete."""
    zh, en = _GAP_TEXT[fact.gap or Gap.UNDECIDABLE]
    tail = f" ({fact.detail})" if fact.detail else ""
    return Bilingual(f"{zh}{tail}", f"{en}{tail}")


def _shown(values: Iterable[object]) -> str:
    texts = [_plain(value) for value in values]
    more = len(texts) - MAX_SHOWN
    return ", ".join(texts[:MAX_SHOWN]) + (f" … +{more}" if more > 0 else "")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_plain(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    return str(value)[:160]


def _unknown(view: View, fact_id: str, fact: Fact) -> Judgement:
    label, gap = view.label(fact_id), describe_gap(fact)
    if fact.gap is Gap.UNDECIDABLE:
        return Judgement(
            Judged.PERSON,
            Bilingual(f"{label.zh}：{gap.zh}", f"{label.en}: {gap.en}"),
        )
    return Judgement(
        Judged.UNKNOWN,
        Bilingual(f"未能得知{label.zh}：{gap.zh}", f"{label.en} is not known: {gap.en}"),
    )


def _judge(view: View, fact_id: str, test: Callable[[FactValue], tuple[bool, str, str]]) -> Judgement:
    """Judge one fact by *test*, which gives met or not and both halves of the reason after the label."""
    fact = view.fact(fact_id)
    if fact.state is FactState.NOT_COLLECTED:
        return _unknown(view, fact_id, fact)
    met, zh, en = test(fact.value)
    if met and fact.state is FactState.INCOMPLETE:
        return _unknown(view, fact_id, fact)
    label = view.label(fact_id)
    where = f" [{fact.source}]" if fact.source else ""
    verdict = Judged.MET if met else Judged.NOT_MET
    return Judgement(verdict, Bilingual(f"{label.zh}：{zh}{where}", f"{label.en}: {en}{where}"))


@dataclass(frozen=True, slots=True)
class Equals:
    """The fact is exactly this value; texts are compared without regard to case."""

    fact: str
    value: Operand

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        wanted = view.value(self.value)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            shown = _plain(wanted)
            return (
                _fold(seen) == _fold(wanted),
                f"实测 {_plain(seen)}，要求 {shown}",
                f"{_plain(seen)}, expected {shown}",
            )

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class OneOf:
    """The fact is one of these values."""

    fact: str
    values: Operand

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        wanted = view.value(self.values)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            shown = _shown(wanted)
            met = _fold(seen) in {_fold(item) for item in wanted}
            return met, f"实测 {_plain(seen)}，允许 {shown}", f"{_plain(seen)}, allowed {shown}"

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Number:
    """The fact lies between two bounds, both included; ``also`` are special values that are fine too."""

    fact: str
    minimum: Operand = None
    maximum: Operand = None
    also: Operand = ()

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        low, high, also = view.value(self.minimum), view.value(self.maximum), view.value(self.also)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            met = seen in also or ((low is None or seen >= low) and (high is None or seen <= high))
            bounds = _bounds(low, high)
            return met, f"实测 {_plain(seen)}，要求 {bounds}", f"{_plain(seen)}, expected {bounds}"

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Empty:
    """The list has no entry apart from those allowed."""

    fact: str
    allow: Operand = ()

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        allowed = {_fold(item) for item in view.value(self.allow)}

        def test(seen: FactValue) -> tuple[bool, str, str]:
            found = [item for item in seen if _fold(item) not in allowed]
            return (not found, "无" if not found else f"发现 {_shown(found)}", _found_en(found))

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The list has none of these values, apart from those allowed."""

    fact: str
    values: Operand
    allow: Operand = ()

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        refused = {_fold(item) for item in view.value(self.values)} - {
            _fold(item) for item in view.value(self.allow)
        }

        def test(seen: FactValue) -> tuple[bool, str, str]:
            found = [item for item in seen if _fold(item) in refused]
            return (
                not found,
                "未发现不应存在的项" if not found else f"发现 {_shown(found)}",
                _found_en(found),
            )

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class NoneContaining:
    """No text of the list contains one of these pieces."""

    fact: str
    values: Operand

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        pieces = [str(item).lower() for item in view.value(self.values)]

        def test(seen: FactValue) -> tuple[bool, str, str]:
            found = [item for item in seen if any(piece in str(item).lower() for piece in pieces)]
            return (not found, "未发现弱项" if not found else f"发现 {_shown(found)}", _found_en(found))

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Contains:
    """The list has all of these values (``every``) or at least one of them; with no values, at least one entry."""

    fact: str
    values: Operand = None
    every: bool = False

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        wanted = view.value(self.values)
        fact = view.fact(self.fact)
        if fact.state is FactState.NOT_COLLECTED:
            return _unknown(view, self.fact, fact)
        held = {_fold(item) for item in fact.value}
        missing = [item for item in wanted or () if _fold(item) not in held]
        if wanted is None:
            met = bool(held)
        else:
            met = not missing if self.every else len(missing) < len(wanted)
        # the other way round than elsewhere: what was found is found, what is missing may merely be unseen
        if not met and fact.state is FactState.INCOMPLETE:
            return _unknown(view, self.fact, fact)
        label = view.label(self.fact)
        shown = _shown(fact.value) or "-"
        lack_zh = f"；缺少 {_shown(missing)}" if missing and not met else ""
        lack_en = f"; missing {_shown(missing)}" if missing and not met else ""
        return Judgement(
            Judged.MET if met else Judged.NOT_MET,
            Bilingual(f"{label.zh}：{shown}{lack_zh}", f"{label.en}: {shown}{lack_en}"),
        )


@dataclass(frozen=True, slots=True)
class SubsetOf:
    """Every entry of the list is one of these values; ``some`` also asks that there is one."""

    fact: str
    values: Operand
    some: bool = False

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        known = {_fold(item) for item in view.value(self.values)}

        def test(seen: FactValue) -> tuple[bool, str, str]:
            if self.some and not seen:
                return False, "没有任何项", "nothing there"
            found = [item for item in seen if _fold(item) not in known]
            return (
                not found,
                "均在允许范围内" if not found else f"超出范围 {_shown(found)}",
                _found_en(found),
            )

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one field of a record; all parts given must hold. ``or_none`` lets an absent value through."""

    equals: Operand = None
    one_of: Operand = None
    minimum: Operand = None
    maximum: Operand = None
    mode_at_most: Operand = None
    or_none: bool = False

    def holds(self, seen: object, view: View) -> bool:
        if seen is None:
            return self.or_none
        equals, one_of = view.value(self.equals), view.value(self.one_of)
        low, high, mode = view.value(self.minimum), view.value(self.maximum), view.value(self.mode_at_most)
        if equals is not None and _fold(seen) != _fold(equals):
            return False
        if one_of is not None and _fold(seen) not in {_fold(item) for item in one_of}:
            return False
        if low is not None and not (_is_number(seen) and seen >= low):
            return False
        if high is not None and not (_is_number(seen) and seen <= high):
            return False
        return mode is None or not int(str(seen), 8) & ~int(str(mode), 8)


@dataclass(frozen=True, slots=True)
class Each:
    """Every record that ``where`` picks fulfils ``require``.

    ``none_is`` says what it means that no record is picked: met (default) or not met.
    """

    fact: str
    require: Mapping[str, Condition]
    where: Mapping[str, Condition]
    none_met: bool = True

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        def test(seen: FactValue) -> tuple[bool, str, str]:
            picked = [record for record in seen if _all_hold(self.where, record, view)]
            if not picked:
                return self.none_met, "没有相关项", "nothing of the kind"
            wrong = [record for record in picked if not _all_hold(self.require, record, view)]
            if wrong:
                return False, f"不满足 {_shown(wrong)}", f"not fulfilled by {_shown(wrong)}"
            return True, f"{len(picked)} 项均满足", f"fulfilled by all {len(picked)}"

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Modes:
    """No file is more open than its limit, and each belongs to an allowed owner.

    ``limits`` maps a path (or, when ``by`` says so, another field of the record) to an octal mode.
    Files without a limit are not looked at.
    """

    fact: str
    limits: Operand
    owners: Operand
    by: str = "path"

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        limits, owners = view.value(self.limits), view.value(self.owners)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            looked = [record for record in seen if record[self.by] in limits]
            if not looked:
                return True, "没有相关文件", "no such file"
            wrong = []
            for record in looked:
                limit = str(limits[record[self.by]])
                too_open = int(str(record["mode"]), 8) & ~int(limit, 8)
                if too_open or (owners and record["owner"] not in owners):
                    wrong.append(f"{record['path']} {record['mode']} {record['owner']} (<= {limit})")
            if wrong:
                return False, f"超出 {_shown(wrong)}", f"too open: {_shown(wrong)}"
            return True, f"{len(looked)} 个文件均在限制内", f"all {len(looked)} within their limits"

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Umask:
    """The mask takes away at least these bits; both are octal texts."""

    fact: str
    at_least: Operand

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        wanted = str(view.value(self.at_least))

        def test(seen: FactValue) -> tuple[bool, str, str]:
            bits = int(wanted, 8)
            met = int(str(seen), 8) & bits == bits
            return met, f"实测 {seen}，要求 {wanted} 或更严", f"{seen}, expected {wanted} or stricter"

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Table:
    """Records of ``key`` and ``value`` have one of the allowed values for every key in the table.

    A key that the host does not have is passed over, but one at least must be there.
    """

    fact: str
    expected: Operand

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        expected = view.value(self.expected)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            held = {record["key"]: record["value"] for record in seen if record["key"] in expected}
            wrong = [
                f"{key}={value}"
                for key, value in held.items()
                if _fold(value) not in {_fold(item) for item in expected[key]}
            ]
            if not held:
                return False, "没有相关参数", "no such setting"
            if wrong:
                return False, f"不符 {_shown(wrong)}", f"not as expected: {_shown(wrong)}"
            return True, f"{len(held)} 项均符合", f"all {len(held)} as expected"

        return _judge(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Until:
    """The date that the table gives for the fact has not passed; a fact not in the table cannot be judged."""

    fact: str
    dates: Operand
    now: str

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact, self.now)

    def judge(self, view: View) -> Judgement:
        fact, clock = view.fact(self.fact), view.fact(self.now)
        if fact.state is FactState.NOT_COLLECTED:
            return _unknown(view, self.fact, fact)
        if clock.state is FactState.NOT_COLLECTED:
            return _unknown(view, self.now, clock)
        dates = view.value(self.dates)
        label = view.label(self.fact)
        end = dates.get(fact.value)
        if end is None:
            return Judgement(
                Judged.PERSON,
                Bilingual(
                    f"{label.zh}：{fact.value}，期限表中没有",
                    f"{label.en}: {fact.value} is not in the table of dates",
                ),
            )
        met = datetime.fromtimestamp(clock.value, UTC).date() <= date.fromisoformat(str(end))
        return Judgement(
            Judged.MET if met else Judged.NOT_MET,
            Bilingual(f"{label.zh}：{fact.value}，期限 {end}", f"{label.en}: {fact.value}, until {end}"),
        )


@dataclass(frozen=True, slots=True)
class AllOf:
    """All parts are met. One that is not met settles it, whatever is unknown about the others."""

    parts: Sequence[Predicate]

    def fact_ids(self) -> tuple[str, ...]:
        return _ids(self.parts)

    def judge(self, view: View) -> Judgement:
        return _combine(
            [part.judge(view) for part in self.parts],
            (Judged.NOT_MET, Judged.UNKNOWN, Judged.PERSON, Judged.MET),
        )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is met."""

    parts: Sequence[Predicate]

    def fact_ids(self) -> tuple[str, ...]:
        return _ids(self.parts)

    def judge(self, view: View) -> Judgement:
        return _combine(
            [part.judge(view) for part in self.parts],
            (Judged.MET, Judged.UNKNOWN, Judged.PERSON, Judged.NOT_MET),
        )


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not met."""

    part: Predicate

    def fact_ids(self) -> tuple[str, ...]:
        return self.part.fact_ids()

    def judge(self, view: View) -> Judgement:
        inner = self.part.judge(view)
        turned = {
            Judged.MET: Judged.NOT_MET,
            Judged.NOT_MET: Judged.MET,
            Judged.UNKNOWN: Judged.UNKNOWN,
        }
        return Judgement(turned[inner.verdict], inner.reason)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Nothing to judge: the facts are laid out for a person."""

    facts: Sequence[str]

    def fact_ids(self) -> tuple[str, ...]:
        return tuple(self.facts)

    def judge(self, view: View) -> Judgement:
        zh, en = [], []
        for fact_id in self.facts:
            fact, label = view.fact(fact_id), view.label(fact_id)
            if fact.state is FactState.NOT_COLLECTED:
                return _unknown(view, fact_id, fact)
            value = fact.value
            shown = (_shown(value) or "-") if isinstance(value, list | tuple) else _plain(value)
            zh.append(f"{label.zh}：{shown}")
            en.append(f"{label.en}: {shown}")
        return Judgement(Judged.PERSON, Bilingual("；".join(zh), "; ".join(en)))


def _combine(judgements: Sequence[Judgement], order: Sequence[Judged]) -> Judgement:
    for verdict in order:
        told = [judgement.reason for judgement in judgements if judgement.verdict is verdict]
        if told:
            return Judgement(
                verdict,
                Bilingual("；".join(reason.zh for reason in told), "; ".join(reason.en for reason in told)),
            )
    raise ValueError("a combination needs at least one part")


def _ids(parts: Sequence[Predicate]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact_id for part in parts for fact_id in part.fact_ids()))


def _all_hold(conditions: Mapping[str, Condition], record: Mapping[str, Any], view: View) -> bool:
    return all(condition.holds(record.get(name), view) for name, condition in conditions.items())


def _fold(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bounds(low: object, high: object) -> str:
    if low is None:
        return f"<= {high}"
    return f">= {low}" if high is None else f"{low}..{high}"


def _found_en(found: Sequence[object]) -> str:
    return f"found {_shown(found)}" if found else "none found"


ACCEPTED: Mapping[type, tuple[FactKind, ...]] = {
    Equals: (FactKind.FLAG, FactKind.NUMBER, FactKind.TEXT),
    OneOf: (FactKind.FLAG, FactKind.NUMBER, FactKind.TEXT),
    Number: (FactKind.NUMBER,),
    Empty: (FactKind.TEXTS,),
    NoneOf: (FactKind.TEXTS,),
    NoneContaining: (FactKind.TEXTS,),
    Contains: (FactKind.TEXTS,),
    SubsetOf: (FactKind.TEXTS,),
    Each: (FactKind.RECORDS,),
    Modes: (FactKind.RECORDS,),
    Umask: (FactKind.TEXT,),
    Table: (FactKind.RECORDS,),
}
"""Which shapes of facts a kind of predicate takes; the loader refuses the others."""
