"""``policies/onsite/*.yaml`` → check lists for looks and questions on site, plain enough to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from controls.build_head import member
from controls.catalog import Text
from controls.documents.loader import read_answers, read_cases, read_checks, read_months, read_traits
from controls.documents.model import Answer
from controls.documents.terms import AnswerValue, Holder, LookKind, PeriodOrigin, PhotoRule, Trait
from controls.errors import DataError
from controls.reader import Cursor, read_yaml

__all__ = ["OnsiteSheet", "Question", "load_sheets", "load_sheets_from"]

_ID_RE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEYS = (
    *("id", "checks", "high_risk_cases", "how", "ask", "hint", "answers", "good", "photo", "na_when"),
    "when",
)


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a sheet, answered with yes, no or not applicable, a note and pictures.

    ``good`` is the answer that speaks for the system. ``na_when`` says when "not applicable" is right,
    ``None`` where it never is. ``hint`` says where to look or whom to ask; it may be ``None``.
    """

    id: str
    checks: tuple[str, ...]
    high_risk_cases: tuple[str, ...]
    how: LookKind
    ask: Text
    hint: Text | None
    answers: tuple[Answer, ...]
    good: AnswerValue
    photo: PhotoRule
    na_when: Text | None
    when: tuple[Trait, ...]


@dataclass(frozen=True, slots=True)
class OnsiteSheet:
    """A check list to be worked through in one place or with one person.

    ``months`` is how long its answers hold; ``origin`` where that number comes from.
    """

    id: str
    title: Text
    intro: Text
    holder: Holder
    months: int
    origin: PeriodOrigin
    questions: tuple[Question, ...]


@cache
def load_sheets() -> tuple[OnsiteSheet, ...]:
    """Load the shipped sheets, once per process, ordered by id.

    Raises:
        DataError: a file is wrong.
    """
    return load_sheets_from(Path(str(files("policies") / "onsite")))


def load_sheets_from(root: Path) -> tuple[OnsiteSheet, ...]:
    """Load the sheets from a folder laid out like the shipped one.

    Raises:
        DataError: a file is wrong, or two questions share an id.
    """
    sheets = tuple(_sheet(path) for path in sorted(root.glob("*.yaml")))
    seen: dict[str, str] = {}
    for sheet in sheets:
        for question in sheet.questions:
            if question.id in seen:
                raise DataError(
                    f"onsite/{sheet.id}.yaml", 0, question.id, f"is a question of {seen[question.id]} too"
                )
            seen[question.id] = sheet.id
    return sheets


def _sheet(path: Path) -> OnsiteSheet:
    cursor = read_yaml(path, f"onsite/{path.name}").cursor()
    cursor.only("id", "title", "intro", "holder", "valid_for", "questions")
    sheet_id = cursor.at("id").string()
    if sheet_id != path.stem or not _ID_RE.fullmatch(sheet_id):
        cursor.at("id").fail(f"must equal the file's name {path.stem}, in small letters, digits and hyphens")
    valid_for = cursor.at("valid_for")
    valid_for.only("months", "origin")
    return OnsiteSheet(
        id=sheet_id,
        title=cursor.at("title").text(),
        intro=cursor.at("intro").text(),
        holder=member(cursor.at("holder"), Holder),
        months=read_months(valid_for.at("months")),
        origin=member(valid_for.at("origin"), PeriodOrigin),
        questions=tuple(_questions(cursor.at("questions"))),
    )


def _questions(cursor: Cursor) -> Iterator[Question]:
    for entry in cursor.each():
        entry.only(*_KEYS)
        question_id = entry.at("id").string()
        if not _ID_RE.fullmatch(question_id):
            entry.at("id").fail("must be small letters, digits and hyphens")
        good = member(entry.at("good"), AnswerValue)
        if good is AnswerValue.NA:
            entry.at("good").fail("must be yes or no")
        yield Question(
            id=question_id,
            checks=read_checks(entry),
            high_risk_cases=read_cases(entry),
            how=member(entry.at("how"), LookKind),
            ask=entry.at("ask").text(),
            hint=entry.at("hint").text() if entry.has("hint") else None,
            answers=read_answers(entry.at("answers")),
            good=good,
            photo=member(entry.at("photo"), PhotoRule),
            na_when=entry.at("na_when").text() if entry.has("na_when") else None,
            when=read_traits(entry),
        )
