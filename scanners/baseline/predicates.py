"""The closed list of things a rule can ask of facts.

A predicate is made from plain YAML by ``scanners.baseline.loader`` and judges facts with care: *met*,
*not met*, *nobody looked*, *a person must say*. It never reads a string as a program and never guesses: a fact that
was not collected makes it say so, and an incomplete fact can show a fault but not its absence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from scanners.baseline.judging import (
    Judged,
    Judgement,
    Operand,
    Predicate,
    View,
    combine,
    describe_gap,
    fold,
    found_en,
    ids,
    judge_fact,
    not_known,
    show_all,
    show_bounds,
    show_one,
)
from scanners.baseline.model import Bilingual, FactState, FactValue


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
            shown = show_one(wanted)
            return (
                fold(seen) == fold(wanted),
                f"实测 {show_one(seen)}，要求 {shown}",
                f"{show_one(seen)}, expected {shown}",
            )

        return judge_fact(view, self.fact, test)


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
            shown = show_all(wanted)
            met = fold(seen) in {fold(item) for item in wanted}
            return met, f"实测 {show_one(seen)}，允许 {shown}", f"{show_one(seen)}, allowed {shown}"

        return judge_fact(view, self.fact, test)


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
            bounds = show_bounds(low, high)
            return met, f"实测 {show_one(seen)}，要求 {bounds}", f"{show_one(seen)}, expected {bounds}"

        return judge_fact(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Empty:
    """The list has no entry apart from those allowed."""

    fact: str
    allow: Operand = ()

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        allowed = {fold(item) for item in view.value(self.allow)}

        def test(seen: FactValue) -> tuple[bool, str, str]:
            found = [item for item in seen if fold(item) not in allowed]
            if found:
                return False, f"发现 {show_all(found)}", found_en(found)
            passed = show_all(seen)
            return (
                True,
                f"无（已允许 {passed}）" if passed else "无",
                f"none but the allowed {passed}" if passed else "none",
            )

        return judge_fact(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The list has none of these values, apart from those allowed."""

    fact: str
    values: Operand
    allow: Operand = ()

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        refused = {fold(item) for item in view.value(self.values)} - {
            fold(item) for item in view.value(self.allow)
        }

        def test(seen: FactValue) -> tuple[bool, str, str]:
            found = [item for item in seen if fold(item) in refused]
            return (
                not found,
                "未发现不应存在的项" if not found else f"发现 {show_all(found)}",
                found_en(found),
            )

        return judge_fact(view, self.fact, test)


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
            return (not found, "未发现弱项" if not found else f"发现 {show_all(found)}", found_en(found))

        return judge_fact(view, self.fact, test)


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
            return not_known(view, self.fact, fact)
        held = {fold(item) for item in fact.value}
        missing = [item for item in wanted or () if fold(item) not in held]
        if wanted is None:
            met = bool(held)
        else:
            met = not missing if self.every else len(missing) < len(wanted)
        # the other way round than elsewhere: what was found is found, what is missing may merely be unseen
        if not met and fact.state is FactState.INCOMPLETE:
            return not_known(view, self.fact, fact)
        label = view.label(self.fact)
        shown = show_all(fact.value) or "-"
        lack_zh = f"；缺少 {show_all(missing)}" if missing and not met else ""
        lack_en = f"; missing {show_all(missing)}" if missing and not met else ""
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
        known = {fold(item) for item in view.value(self.values)}

        def test(seen: FactValue) -> tuple[bool, str, str]:
            if self.some and not seen:
                return False, "没有任何项", "nothing there"
            found = [item for item in seen if fold(item) not in known]
            if found:
                return False, f"超出范围 {show_all(found)}", f"not among the allowed: {show_all(found)}"
            return True, f"{len(seen)} 项均在允许范围内", f"all {len(seen)} among the allowed"

        return judge_fact(view, self.fact, test)


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

        return judge_fact(view, self.fact, test)


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
            return not_known(view, self.fact, fact)
        if clock.state is FactState.NOT_COLLECTED:
            return not_known(view, self.now, clock)
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
        return ids(self.parts)

    def judge(self, view: View) -> Judgement:
        return combine(
            [part.judge(view) for part in self.parts],
            (Judged.NOT_MET, Judged.UNKNOWN, Judged.PERSON, Judged.MET),
        )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is met."""

    parts: Sequence[Predicate]

    def fact_ids(self) -> tuple[str, ...]:
        return ids(self.parts)

    def judge(self, view: View) -> Judgement:
        return combine(
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
        turned = {Judged.MET: Judged.NOT_MET, Judged.NOT_MET: Judged.MET}
        return Judgement(turned.get(inner.verdict, inner.verdict), inner.reason)


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
            if fact.state is FactState.NOT_COLLECTED or (
                fact.state is FactState.INCOMPLETE and not fact.value
            ):
                return not_known(view, fact_id, fact)
            gap = describe_gap(fact) if fact.state is FactState.INCOMPLETE else None
            shown = (show_all(fact.value) or "-") if isinstance(fact.value, list) else show_one(fact.value)
            zh.append(f"{label.zh}：{shown}" + (f"（不完整：{gap.zh}）" if gap else ""))
            en.append(f"{label.en}: {shown}" + (f" (incomplete: {gap.en})" if gap else ""))
        return Judgement(Judged.PERSON, Bilingual("；".join(zh), "; ".join(en)))
