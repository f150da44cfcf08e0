"""Reads around one piece of evidence: its versions, twins, comments, and what else it would answer. And requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from controls.catalog import Text
from controls.crosswalk import coverage, find_crosswalk
from controls.loader import load_catalog
from secops.errors import NotFound
from secops.evidence.documents import units_of
from secops.evidence.models import BlobState, Evidence, EvidenceComment, EvidenceRequest, EvidenceState
from secops.objects.models import Department, System
from secops.web.people import person

MLPS = "gbt-22239-2019"
_OTHERS = (
    ("gbt-39786-2021", Text("密评（GB/T 39786）", "crypto assessment (GB/T 39786)")),
    ("data-layer", Text("数据层", "data layer")),
    ("application-layer", Text("应用层", "application layer")),
    ("management-layer", Text("管理层", "management layer")),
)


@dataclass(frozen=True, slots=True)
class Around:
    """``versions``: older and newer ones, oldest first; ``twins``: other rows of the same bytes."""

    versions: Sequence[Any]
    twins: Sequence[Any]
    comments: Sequence[EvidenceComment]


def around(session: Session, evidence: Evidence) -> Around:
    """Three queries, whatever the number of versions (up to fifty)."""
    columns = (
        Evidence.id, Evidence.title, Evidence.state, Evidence.given_at, Evidence.given_by, Evidence.replaces_id,
    )  # fmt: skip
    # Older ones by walking down, newer ones by walking up.
    down = select(Evidence.id, Evidence.replaces_id).where(Evidence.id == evidence.id).cte(recursive=True)
    older = aliased(Evidence)
    down = down.union(select(older.id, older.replaces_id).where(older.id == down.c.replaces_id))
    up = select(Evidence.id).where(Evidence.id == evidence.id).cte(recursive=True)
    newer = aliased(Evidence)
    up = up.union(select(newer.id).where(newer.replaces_id == up.c.id))
    chain = select(*columns).where(
        Evidence.id.in_(select(down.c.id)) | Evidence.id.in_(select(up.c.id)),
        Evidence.blob_state == BlobState.OK,
    )
    versions = session.execute(chain.order_by(Evidence.id).limit(50)).all()
    twins = session.execute(
        select(Evidence.id, Evidence.title, System.name.label("system_name"))
        .join(System, System.id == Evidence.system_id)
        .where(Evidence.sm3 == evidence.sm3, Evidence.id != evidence.id, Evidence.blob_state == BlobState.OK)
        .order_by(Evidence.id)
        .limit(10)
    ).all()
    comments = session.scalars(
        select(EvidenceComment)
        .where(EvidenceComment.evidence_id == evidence.id)
        .order_by(EvidenceComment.id)
        .limit(200)
    ).all()
    return Around(versions if len(versions) > 1 else (), twins, comments)


@dataclass(frozen=True, slots=True)
class ReuseHint:
    """What the same paper would answer besides: more units of this system, and items of other frameworks."""

    units: tuple[str, ...]
    elsewhere: tuple[tuple[Text, int], ...]


def reuse_hint(system: System, evidence: Evidence, linked: Sequence[str]) -> ReuseHint:
    """No query: catalogue and kinds only."""
    more = [unit for unit in units_of(system, evidence.document_kind) if unit not in linked]
    catalog = load_catalog()
    items = {
        str(catalog.unit(unit).item) for unit in linked if catalog.has_unit(unit) and catalog.unit(unit).item
    }
    counts = []
    for framework, title in _OTHERS:
        pairs = _pairs(framework, system.level or 3)
        if found := {right for left, right in pairs if left in items}:
            counts.append((title, len(found)))
    return ReuseHint(tuple(more), tuple(counts))


@lru_cache(maxsize=32)
def _pairs(framework: str, level: int) -> tuple[tuple[str, str], ...]:
    catalog = load_catalog()
    crosswalk = find_crosswalk(MLPS, framework)
    if crosswalk is None:
        return ()
    return tuple(
        (str(pair.left.id), str(pair.right.id)) for pair in coverage(catalog, crosswalk, level).pairs
    )


def request_statement() -> Select[Any]:
    """Requests with system and who asked."""
    query: Any = (
        select(
            EvidenceRequest,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            person(EvidenceRequest.asked_by).label("asker"),
        )
        .join(System, System.id == EvidenceRequest.system_id)
        .join(Department, Department.id == System.department_id)
    )
    statement: Select[Any] = query
    return statement


@dataclass(frozen=True, slots=True)
class RequestPage:
    """What the page of one request shows."""

    request: EvidenceRequest
    system: System
    department: str
    answer: Any
    candidates: Sequence[Any]


def request_page(session: Session, request_id: int) -> RequestPage:
    """Read one request in scope, with what answers it and what other systems already gave of the same kind.

    Raises:
        NotFound
    """
    row = session.execute(
        select(EvidenceRequest, System, Department.name)
        .join(System, System.id == EvidenceRequest.system_id)
        .join(Department, Department.id == System.department_id)
        .where(EvidenceRequest.id == request_id)
    ).first()
    if row is None:
        raise NotFound
    found = row[0]
    answer = None
    if found.evidence_id is not None:
        answer = session.execute(
            select(Evidence.id, Evidence.title, Evidence.state).where(Evidence.id == found.evidence_id)
        ).first()
    candidates: Sequence[Any] = ()
    if found.document_kind:
        candidates = session.execute(
            select(Evidence.id, Evidence.title, System.name.label("system_name"), Evidence.effective_until)
            .join(System, System.id == Evidence.system_id)
            .where(
                Evidence.document_kind == found.document_kind,
                Evidence.state == EvidenceState.ACCEPTED,
                Evidence.blob_state == BlobState.OK,
                Evidence.system_id != found.system_id,
            )
            .order_by(Evidence.id.desc())
            .limit(10)
        ).all()
    return RequestPage(found, row[1], row[2], answer, candidates)
