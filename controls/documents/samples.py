"""The samples inside the files of kinds: one complete record, and how changes to it must come out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from controls.build_head import member
from controls.documents.loader import read_day
from controls.documents.model import ABSENT, DocumentKind, DocumentRecord, Period, Stated
from controls.documents.terms import Aspect, Field, ReviewState
from controls.reader import Cursor, read_yaml
from controls.terms import RuleOutcome

__all__ = ["Sample", "load_samples"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One record of a kind, others beside it, and what must be said of it on a day.

    ``aspect`` is the one that carries the outcome, ``None`` when all passed.
    """

    name: str
    outcome: RuleOutcome
    aspect: Aspect | None
    today: date
    record: DocumentRecord
    beside: tuple[DocumentRecord, ...]


def load_samples(kind: DocumentKind, root: Path | None = None) -> tuple[Sample, ...]:
    """Load the samples of one kind; the first is the complete one, which must pass.

    Raises:
        DataError: the samples are wrong.
    """
    folder = root or Path(str(files("policies") / "documents"))
    samples = read_yaml(folder / f"{kind.id}.yaml", f"documents/{kind.id}.yaml").cursor().at("samples")
    samples.only("today", "complete", "beside", "cases")
    today = read_day(samples.at("today"))
    complete = _changed(DocumentRecord("sample", kind.id, ReviewState.ACCEPTED), samples.at("complete"))
    beside = _others(samples) if samples.has("beside") else ()
    found = [Sample("complete", RuleOutcome.PASS, None, today, complete, beside)]
    for case in samples.at("cases").each():
        case.only("name", "outcome", "aspect", "change", "beside")
        found.append(
            Sample(
                name=case.at("name").string(),
                outcome=member(case.at("outcome"), RuleOutcome),
                aspect=member(case.at("aspect"), Aspect),
                today=today,
                record=_changed(complete, case.at("change")) if case.has("change") else complete,
                beside=_others(case) if case.has("beside") else beside,
            )
        )
    return tuple(found)


def _others(samples: Cursor) -> tuple[DocumentRecord, ...]:
    return tuple(
        _changed(
            DocumentRecord(f"beside-{place}", other.at("kind").string(), ReviewState.ACCEPTED), other, "kind"
        )
        for place, other in enumerate(
            samples.at("beside").each() if samples.at("beside").value else (), start=1
        )
    )


def _changed(record: DocumentRecord, cursor: Cursor, *passed_over: str) -> DocumentRecord:
    changes: dict[str, Any] = {}
    for key, value in cursor.entries():
        if key in passed_over:
            continue
        if key == "review":
            changes["review"] = member(value, ReviewState)
        elif key == "topics":
            changes["topics"] = None if value.value is None else frozenset(_list(value))
        elif key == "refers_to":
            changes["refers_to"] = None if value.value is None else _list(value)
        else:
            field = member(Cursor(value.document, value.path, key), Field)
            changes[_ATTRIBUTE.get(field, field.value.replace("-", "_"))] = _stated(field, value)
    return replace(record, **changes)


_ATTRIBUTE = {
    Field.DATE: "dated",
    Field.REVIEWED: "reviewed_on",
    Field.REVIEW_INTERVAL: "review_interval_months",
}


def _list(cursor: Cursor) -> tuple[str, ...]:
    return cursor.strings() if cursor.value else ()


def _stated(field: Field, cursor: Cursor) -> Stated:
    if cursor.value is None:
        return None
    if cursor.value == "absent":
        return ABSENT
    if field in (Field.DATE, Field.REVIEWED, Field.VALID_UNTIL):
        return read_day(cursor)
    if field is Field.REVIEW_INTERVAL:
        return cursor.integer()
    if field is Field.PERIOD:
        days = [read_day(day) for day in cursor.each()]
        if len(days) != 2:
            cursor.fail("must be the first and the last day")
        return Period(*days)
    return cursor.string()
