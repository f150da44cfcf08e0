"""The check list of one system, and what its answers say. A look by the organisation's own people proves nothing
by itself: it is evidence of the strength ``document``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from controls.catalog import Text
from controls.documents.freshness import add_months
from controls.documents.onsite import OnsiteSheet, Question
from controls.documents.scope import DocumentScope, Place
from controls.documents.terms import AnswerValue, PhotoRule
from controls.errors import InvalidInput
from controls.terms import RuleOutcome, TargetKind
from controls.verdict import Evidence

__all__ = [
    "AskedQuestion",
    "OnsiteAnswer",
    "QuestionOutcome",
    "SheetForSystem",
    "check_answers",
    "checklist",
    "onsite_evidence",
]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with the steps that it counts for in one system; ``condition`` as in requests."""

    question: Question
    places: tuple[Place, ...]
    condition: Text | None


@dataclass(frozen=True, slots=True)
class SheetForSystem:
    """A sheet with the questions that concern one system."""

    sheet: OnsiteSheet
    questions: tuple[AskedQuestion, ...]


@dataclass(frozen=True, slots=True)
class OnsiteAnswer:
    """What somebody wrote down on site.

    ``seen_on`` ``None``: the day was not entered. ``photos`` holds ids of evidence.
    """

    question: str
    value: AnswerValue
    seen_on: date | None
    observer: str
    note: str = ""
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionOutcome:
    """What is known of one question, and why; ``good_until`` is the last day on which it holds."""

    question: str
    outcome: RuleOutcome
    reason: Text
    good_until: date | None = None


def checklist(scope: DocumentScope, sheets: Iterable[OnsiteSheet]) -> tuple[SheetForSystem, ...]:
    """Give the sheets of one system with the questions that bind it; sheets without any are left out."""
    found: list[SheetForSystem] = []
    for sheet in sheets:
        asked = tuple(
            AskedQuestion(question, places, scope.condition(question.when))
            for question in sheet.questions
            if scope.has(question.when) is not False and (places := scope.places(question.answers))
        )
        if asked:
            found.append(SheetForSystem(sheet, asked))
    return tuple(found)


def check_answers(
    sheets: Sequence[SheetForSystem], answers: Iterable[OnsiteAnswer], today: date
) -> tuple[QuestionOutcome, ...]:
    """Say what the answers of one system are worth; the newest answer to a question counts.

    A question nobody answered is an ``error``: nobody looked.

    Raises:
        InvalidInput: an answer to a question that is not on the sheets.
    """
    asked = {one.question.id: (sheet.sheet, one.question) for sheet in sheets for one in sheet.questions}
    newest: dict[str, OnsiteAnswer] = {}
    for place, answer in enumerate(answers):
        if answer.question not in asked:
            raise InvalidInput(f"$[{place}].question", "a question on the sheets", "核查表上的问题")
        other = newest.get(answer.question)
        if other is None or (answer.seen_on or date.min) >= (other.seen_on or date.min):
            newest[answer.question] = answer
    return tuple(
        _judge(sheet, question, newest.get(question.id), today) for sheet, question in asked.values()
    )


def onsite_evidence(
    found: QuestionOutcome,
    asked: AskedQuestion,
    answer: OnsiteAnswer,
    target_id: str,
    target_kind: TargetKind,
) -> tuple[Evidence, ...]:
    """Turn an answer into evidence of the strength ``document``, one per step."""
    return tuple(
        Evidence(
            rule_id=f"onsite/{asked.question.id}",
            unit_id=place.unit,
            target_id=target_id,
            target_kind=target_kind,
            step=place.step,
            strength="document",
            outcome=cast(Literal["pass", "fail", "na", "manual", "error"], found.outcome.value),
            source=f"{answer.observer} {answer.seen_on or ''}".strip(),
            observed=answer.note or answer.value.zh,
        )
        for place in asked.places
    )


def _judge(
    sheet: OnsiteSheet, question: Question, answer: OnsiteAnswer | None, today: date
) -> QuestionOutcome:
    outcome, reason, until = _outcome(sheet, question, answer, today)
    return QuestionOutcome(question.id, outcome, reason, until)


Found = tuple[RuleOutcome, Text, date | None]


def _outcome(sheet: OnsiteSheet, question: Question, answer: OnsiteAnswer | None, today: date) -> Found:
    if answer is None:
        return RuleOutcome.ERROR, Text("尚未查看", "nobody looked yet"), None
    if answer.seen_on is None or not answer.observer.strip():
        return RuleOutcome.ERROR, Text("没有写明何人何时查看", "who looked, and when, is missing"), None
    if answer.seen_on > today:
        return (
            RuleOutcome.ERROR,
            Text("查看日期晚于今天，请核对", "the day lies in the future, check it"),
            None,
        )
    until = add_months(answer.seen_on, sheet.months)
    if until < today:
        return (
            RuleOutcome.ERROR,
            Text(
                f"{answer.seen_on} 的查看已超过 {sheet.months} 个月（{sheet.origin.zh}），需重新查看",
                f"seen on {answer.seen_on}, more than {sheet.months} months ago ({sheet.origin.en}): look again",
            ),
            None,
        )
    if answer.value is AnswerValue.NA:
        return _not_applicable(question, answer, until)
    if question.photo is PhotoRule.REQUIRED and not answer.photos:
        return RuleOutcome.MANUAL, Text("缺少现场照片", "the picture is missing"), None
    if answer.value is question.good:
        return RuleOutcome.PASS, Text(f"{answer.seen_on} 已查看", f"seen on {answer.seen_on}"), until
    return (
        RuleOutcome.FAIL,
        Text(
            f"{answer.seen_on} 查看：{answer.note or '不符合'}",
            f"seen on {answer.seen_on}: {answer.note or 'not as it should be'}",
        ),
        until,
    )


def _not_applicable(question: Question, answer: OnsiteAnswer, until: date) -> Found:
    if question.na_when is None:
        return (
            RuleOutcome.MANUAL,
            Text("此题一般都适用，请人工确认", "this always applies; a person decides"),
            None,
        )
    if not answer.note.strip():
        return (
            RuleOutcome.MANUAL,
            Text("判为不适用但没有写明理由", "not applicable, but without a reason"),
            None,
        )
    return RuleOutcome.NA, Text(f"不适用：{answer.note}", f"not applicable: {answer.note}"), until
