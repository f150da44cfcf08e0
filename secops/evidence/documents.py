"""Papers among the evidence: their kind, what was read off them, and what a system still has to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.documents import (
    ABSENT,
    DocumentKind,
    DocumentRecord,
    DocumentScope,
    Field,
    HolderRequests,
    Period,
    ReviewState,
    Trait,
    check_documents,
    evidence_of,
    load_kinds,
    missing,
)
from controls.loader import load_catalog
from controls.verdict import Evidence as RuleEvidence
from secops.errors import BadInput
from secops.evidence.models import BlobState, Evidence, EvidenceState
from secops.objects.models import Hosting, System
from secops.posture.catalogue import selection_for

_DAYS = (Field.DATE, Field.REVIEWED, Field.VALID_UNTIL)
_ATTRIBUTE = {
    Field.DATE: "dated",
    Field.REVIEWED: "reviewed_on",
    Field.REVIEW_INTERVAL: "review_interval_months",
}
# What a person writes where they looked and it does not stand on the paper.
ABSENT_WORDS = frozenset({"无", "没有", "none", "absent"})


@lru_cache(maxsize=1)
def kinds() -> dict[str, DocumentKind]:
    """Every kind by its id; files of the package, so read once."""
    return {kind.id: kind for kind in load_kinds()}


def guess_kind(file_name: str) -> str:
    """The kind whose usual file names fit best, or empty: a suggestion that a person can change."""
    name = file_name.casefold()
    fitting = [
        (len(piece), kind.id)
        for kind in kinds().values()
        for piece in kind.file_names
        if piece.casefold() in name
    ]
    return max(fitting)[1] if fitting else ""


def scope_of(system: System) -> DocumentScope | None:
    """What binds the system, as far as papers are concerned; None while it has no level."""
    if not system.profile:
        return None
    traits = {Trait.OWN_ROOM: system.hosting is Hosting.OWN_ROOM}
    if system.hosting is Hosting.GOVERNMENT_CLOUD:
        traits[Trait.CLOUD_CUSTOMER] = True
    return DocumentScope(selection_for(system.profile, tuple(system.extensions)), load_catalog(), traits)


def units_of(system: System, kind_id: str) -> tuple[str, ...]:
    """The units of the system that a paper of this kind speaks to."""
    scope, kind = scope_of(system), kinds().get(kind_id)
    if scope is None or kind is None:
        return ()
    return tuple(dict.fromkeys(str(place.unit) for place in scope.places(kind.answers)))


def read_fields(kind: DocumentKind, given: Mapping[str, str], topics: list[str]) -> dict[str, Any]:
    """What a person typed for the fields of *kind* → what the row keeps; nothing typed stays unknown.

    Raises:
        BadInput: a day or number can't be read.
    """
    found: dict[str, Any] = {}
    for field in kind.requires:
        text = given.get(field.value, "").strip()
        if not text:
            continue
        if text.casefold() in ABSENT_WORDS:
            found[field.value] = False
        elif field in _DAYS:
            found[field.value] = _day(field, text).isoformat()
        elif field is Field.PERIOD:
            found[field.value] = _period(text)
        elif field is Field.REVIEW_INTERVAL:
            found[field.value] = _months(text)
        else:
            found[field.value] = text[:200]
    known = {topic.key for topic in kind.topics}
    if chosen := [topic for topic in topics if topic in known]:
        found["topics"] = chosen
    return found


def _day(field: Field, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"“{field.zh}”应写成 2026-03-01 这样的日期，材料上没有则写“无”。",
            f"“{field.en}” is a day such as 2026-03-01, or “none” where the paper has none.",
            f"doc-{field.value}",
        ) from error


def _period(text: str) -> list[str]:
    parts = text.replace("至", " ").replace("/", " ").replace("~", " ").split()
    try:
        start, end = (date.fromisoformat(part) for part in parts)
    except ValueError as error:
        raise BadInput(
            "起止日期应写成 2026-01-01 至 2026-03-31。",
            "Write the period as 2026-01-01 / 2026-03-31.",
            f"doc-{Field.PERIOD.value}",
        ) from error
    if end < start:
        raise BadInput("止期早于起期。", "The period ends before it begins.", f"doc-{Field.PERIOD.value}")
    return [start.isoformat(), end.isoformat()]


def _months(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 120:
        return int(text)
    raise BadInput("月数应为 1 到 120。", "Months are 1 to 120.", f"doc-{Field.REVIEW_INTERVAL.value}")


def record_of(row: Evidence, today: date) -> DocumentRecord:
    """One row as the pure checks want it."""
    values: dict[str, Any] = {}
    for name, stored in row.document.items():
        if name in ("topics", "refers_to"):
            values[name] = frozenset(stored) if name == "topics" else tuple(stored)
            continue
        field = Field(name)
        attribute = _ATTRIBUTE.get(field, field.value.replace("-", "_"))
        values[attribute] = ABSENT if stored is False else _value(field, stored)
    return DocumentRecord(id=str(row.id), kind=row.document_kind, review=_review(row, today), **values)


def _value(field: Field, stored: Any) -> Any:
    if field in _DAYS:
        return date.fromisoformat(stored)
    if field is Field.PERIOD:
        return Period(*(date.fromisoformat(part) for part in stored))
    return stored


def _review(row: Evidence, today: date) -> ReviewState:
    living = row.state in (EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)
    if living and row.effective_until is not None and row.effective_until < today:
        return ReviewState.EXPIRED
    return ReviewState(row.state.value)


def records_of(session: Session, system_id: int, today: date) -> list[DocumentRecord]:
    """The papers of one system; one query."""
    query = select(Evidence).where(
        Evidence.system_id == system_id, Evidence.document_kind != "", Evidence.blob_state == BlobState.OK
    )
    return [record_of(row, today) for row in session.scalars(query) if row.document_kind in kinds()]


def missing_of(session: Session, system: System, today: date) -> tuple[HolderRequests, ...]:
    """What the system still has to give, by holder; empty while it has no level."""
    scope = scope_of(system)
    if scope is None:
        return ()
    return missing(scope, kinds().values(), records_of(session, system.id, today), today)


def answers_of(session: Session, system: System, today: date) -> list[RuleEvidence]:
    """What the papers that were given say, step by step; they never settle a step.

    Kinds of which nothing was given are left out: the posture says *not examined* there by itself.
    """
    scope = scope_of(system)
    records = records_of(session, system.id, today) if scope is not None else []
    if scope is None or not records:
        return []
    given = {record.kind for record in records if record.review is not ReviewState.SUPERSEDED}
    wanted = {kind.id: kind for kind in scope.wanted(kinds().values())}
    found: list[RuleEvidence] = []
    for outcome in check_documents(wanted.values(), records, today, level=scope.level):
        if outcome.kind not in given:
            continue
        kind = wanted[outcome.kind]
        zh = "；".join(reason.zh for reason in outcome.reasons)[:200]
        en = "; ".join(reason.en for reason in outcome.reasons)[:200]
        places = scope.places(kind.answers)
        found += [
            replace(one, observed=zh, observed_en=en)
            for one in evidence_of(outcome, kind, places, kind.name.zh)
        ]
    return found
