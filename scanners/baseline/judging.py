"""What a predicate says and how it says it: answers, reasons in both languages, care with missing facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from scanners.baseline.model import Bilingual, Fact, FactState, FactValue, Gap

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


def show_all(values: Iterable[object]) -> str:
    texts = [show_one(value) for value in values]
    more = len(texts) - MAX_SHOWN
    return ", ".join(texts[:MAX_SHOWN]) + (f" … +{more}" if more > 0 else "")


def show_one(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={show_one(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    return str(value)[:160]


def not_known(view: View, fact_id: str, fact: Fact) -> Judgement:
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


def judge_fact(view: View, fact_id: str, test: Callable[[FactValue], tuple[bool, str, str]]) -> Judgement:
    """Judge one fact by *test*, which gives met or not and both halves of the reason after the label."""
    fact = view.fact(fact_id)
    if fact.state is FactState.NOT_COLLECTED:
        return not_known(view, fact_id, fact)
    met, zh, en = test(fact.value)
    if met and fact.state is FactState.INCOMPLETE:
        return not_known(view, fact_id, fact)
    label = view.label(fact_id)
    where = f" [{fact.source}]" if fact.source else ""
    verdict = Judged.MET if met else Judged.NOT_MET
    return Judgement(verdict, Bilingual(f"{label.zh}：{zh}{where}", f"{label.en}: {en}{where}"))


def combine(judgements: Sequence[Judgement], order: Sequence[Judged]) -> Judgement:
    for verdict in order:
        told = [judgement.reason for judgement in judgements if judgement.verdict is verdict]
        if told:
            return Judgement(
                verdict,
                Bilingual("；".join(reason.zh for reason in told), "; ".join(reason.en for reason in told)),
            )
    raise ValueError("a combination needs at least one part")


def ids(parts: Sequence[Predicate]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact_id for part in parts for fact_id in part.fact_ids()))


def fold(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def show_bounds(low: object, high: object) -> str:
    if low is None:
        return f"<= {high}"
    return f">= {low}" if high is None else f"{low}..{high}"


def found_en(found: Sequence[object]) -> str:
    """Say in English what was found; pairs with the Chinese half that every predicate words itself."""
    return f"found {show_all(found)}" if found else "none found"
