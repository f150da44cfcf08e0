"""Build the read models of the lists; each takes a constant number of queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controls.terms import SecurityClass
from reports.lists.model import (
    AssetList,
    AssetRow,
    AuditExtract,
    AuditRow,
    EvidenceIndex,
    EvidenceLine,
    Statement,
    StatementRow,
)
from reports.read_model import Importance, Text, Verdict
from reports.remediation.model import RemediationReport
from secops.audit_log.models import AuditEvent, AuditHead
from secops.evidence.documents import kinds as document_kinds
from secops.evidence.models import BlobState, Evidence, EvidenceLink, EvidenceSource
from secops.findings.models import Finding
from secops.findings.queries import is_open
from secops.inventory.applicability import Row, rows_of
from secops.inventory.models import InheritedUnit
from secops.objects.models import Asset, System
from secops.reporting.gap_model import items_of
from secops.reporting.paper_model import Asked, added, examined, meta, people, subject, systems_of
from secops.reporting.posture_model import evidence_number, label_text
from secops.reporting.remediation_model import build as build_remediation

_OWN_SUMMARIES = Text(
    "控制项为本平台自编摘要，标准原文以正式出版物为准。",
    "Items are our own summaries; the published standards prevail.",
)
_RESPONSIBILITIES = {
    "inherited": Text("继承", "inherited"),
    "shared": Text("共担", "shared"),
    "theirs": Text("由运行方负责", "answered by those who run it"),
}
#: Events of an extract; the whole log leaves by ``secops audit export``.
EXTRACT = 20_000


def statement(session: Session, asked: Asked) -> Statement:
    """Statement of applicability of one system."""
    system = asked.system
    if system is None:
        raise ValueError("a statement of applicability is of one system")
    rows = rows_of(session, system)
    given = {
        one.unit_id: one
        for one in session.scalars(select(InheritedUnit).where(InheritedUnit.system_id == system.id))
    }
    items = {one.unit: one for one in items_of(session, system)}
    asked_by = {row.exclusion.requested_by for row in rows if row.exclusion}
    decided_by = {row.exclusion.decided_by for row in rows if row.exclusion}
    names = people(session, asked_by | decided_by, asked.language)
    return Statement(
        meta=meta(asked, Text("适用性声明", "Statement of applicability"), notes=(_OWN_SUMMARIES,)),
        subject=subject(session, asked, [system]),
        counts=added(examined(session, [system]).values()),
        rows=tuple(_statement_row(row, given.get(str(row.unit.id)), items, names) for row in rows),
    )


def _statement_row(
    row: Row, given: InheritedUnit | None, items: Mapping[str, Any], names: Mapping[str, str]
) -> StatementRow:
    unit, out = row.unit, row.exclusion
    clause = unit.item_clause
    item = items.get(str(unit.id))
    code = str(unit.class_code)
    return StatementRow(
        unit=str(unit.id), clause=(f"{clause.clause} {clause.letter})" if clause.letter else clause.clause) if clause else "",
        class_name=Text(SecurityClass(code).zh, SecurityClass(code).en), point=Text(unit.control_point.name.zh, unit.control_point.name.en),
        summary=Text(unit.summary.zh, unit.summary.en), state=row.state, why=Text(row.decision.reason.zh, row.decision.reason.en),
        reason=out.reason if out else "", requested_by=names.get(out.requested_by, "") if out else "", decided_by=names.get(out.decided_by, "") if out else "",
        responsibility=_RESPONSIBILITIES.get(given.responsibility, Text.same(given.responsibility)) if given else None,
        provider=given.provider_name if given else "", provider_verdict=Verdict(given.verdict) if given and given.verdict else None,
        report=given.report if given else "", expires_on=given.expires_on if given else None,
        verdict=item.verdict if item else None, evidence=item.evidence if item else 0,
    )  # fmt: skip


def evidence_index(session: Session, asked: Asked) -> EvidenceIndex:
    """Evidence of a system or of all in scope; what the platform wrote itself as a report is left out."""
    systems = systems_of(session, asked)
    links: Any = select(EvidenceLink.evidence_id, EvidenceLink.unit_id).distinct()
    query: Any = (
        select(Evidence, System.name.label("system_name"))
        .join(System, System.id == Evidence.system_id)
        .where(Evidence.blob_state != BlobState.PENDING, Evidence.source != EvidenceSource.REPORT)
        .order_by(Evidence.id)
    )
    if asked.system is not None:
        links = links.where(EvidenceLink.system_id == asked.system.id)
        query = query.where(Evidence.system_id == asked.system.id)
    units: dict[int, list[str]] = defaultdict(list)
    for evidence_id, unit_id in session.execute(links):
        units[evidence_id].append(unit_id)
    rows = session.execute(query).all()
    names = people(session, {one for row in rows for one in (row.Evidence.given_by, row.Evidence.decided_by)}, asked.language)  # fmt: skip
    return EvidenceIndex(
        meta=meta(asked, Text("证据清单", "Evidence index"), notes=(_OWN_SUMMARIES,)),
        subject=subject(session, asked, systems),
        counts=added(examined(session, systems).values()),
        rows=tuple(_evidence_line(row, sorted(units[row.Evidence.id]), names, asked) for row in rows),
    )


def _evidence_line(row: Any, units: list[str], names: Mapping[str, str], asked: Asked) -> EvidenceLine:
    one: Evidence = row.Evidence
    kind = document_kinds().get(one.document_kind)
    return EvidenceLine(
        number=evidence_number(one.id), system=row.system_name, title=one.title, file_name=one.file_name,
        kind=Text(kind.name.zh, kind.name.en) if kind else Text.same(one.document_kind), source=label_text("evidence_source", one.source.value),
        state=label_text("evidence_state", one.state.value), is_held=one.blob_state is BlobState.OK, size_bytes=one.size, sm3=one.sm3,
        given_by=names.get(one.given_by, ""), given_at=one.given_at.astimezone(asked.local.tzinfo), decided_by=names.get(one.decided_by, ""),
        effective_from=one.effective_from, effective_until=one.effective_until, units=tuple(units), note=one.note,
    )  # fmt: skip


def assets(session: Session, asked: Asked) -> AssetList:
    """Targets of a system or of all in scope, with their open findings."""
    systems = systems_of(session, asked)
    counted = (
        select(Finding.asset_id, func.count())
        .where(is_open(), Finding.asset_id.is_not(None))
        .group_by(Finding.asset_id)
    )
    open_ones = {row[0]: row[1] for row in session.execute(counted)}
    query: Any = (
        select(Asset, System.code, System.name)
        .join(System, System.id == Asset.system_id)
        .order_by(System.code, Asset.id)
    )
    if asked.system is not None:
        query = query.where(Asset.system_id == asked.system.id)
    return AssetList(
        meta=meta(asked, Text("资产清单", "Assets"), notes=(_OWN_SUMMARIES,)),
        subject=subject(session, asked, systems),
        counts=added(examined(session, systems).values()),
        rows=tuple(
            AssetRow(
                code, name, one.name, label_text("asset_kind", one.kind), one.address, Importance(one.importance.value), one.group_name, one.sampled, open_ones.get(one.id, 0), one.note
            )
            for one, code, name in session.execute(query)
        ),
    )  # fmt: skip


def findings(session: Session, asked: Asked) -> RemediationReport:
    """The rows of the remediation report under a title of their own."""
    found = build_remediation(session, asked)
    return replace(found, meta=replace(found.meta, title=Text("问题清单", "Findings")))


def audit_extract(session: Session, asked: Asked) -> AuditExtract:
    """The last events of the log, oldest first, up to the head it has now."""
    systems = systems_of(session, asked)
    head = session.scalars(select(AuditHead)).one()
    events = session.scalars(
        select(AuditEvent).where(AuditEvent.seq <= head.seq).order_by(AuditEvent.seq.desc()).limit(EXTRACT)
    ).all()
    total = session.scalar(select(func.count(AuditEvent.seq)).where(AuditEvent.seq <= head.seq))
    return AuditExtract(
        meta=meta(asked, Text("审计日志摘录", "Extract of the audit log"), notes=(_OWN_SUMMARIES,)),
        subject=subject(session, asked, systems),
        counts=added(examined(session, systems).values()),
        total=int(total or 0),
        log_id=head.log_id,
        head_seq=head.seq,
        head_hash=head.hash,
        rows=tuple(_event(one, asked) for one in reversed(events)),
    )


def _event(one: AuditEvent, asked: Asked) -> AuditRow:
    return AuditRow(
        one.seq, one.at.astimezone(asked.local.tzinfo), one.actor, one.roles, one.address, label_text("audit_action", one.action),
        f"{one.object_type} {one.object_id}".strip(), one.result, one.reason, json.dumps(one.detail, ensure_ascii=False, sort_keys=True) if one.detail else "", one.hash,
    )  # fmt: skip
