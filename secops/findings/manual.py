"""Findings that a person writes down: seen by hand, or named by a supervisory notice (通报)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.loader import load_catalog
from controls.terms import Layer
from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.evidence.models import Evidence
from secops.findings.models import (
    AttachmentKind,
    Finding,
    FindingEvidence,
    FindingSource,
    FindingState,
    Severity,
)
from secops.findings.moving import add_event
from secops.findings.services import due_after
from secops.objects.models import Asset, System
from secops.posture.catalogue import selection_for
from secops.scope import Principal


@dataclass(frozen=True, slots=True)
class Notice:
    """The supervisory notice that names a weakness; ``deadline`` becomes the due date."""

    issuer: str
    number: str
    deadline: date


@dataclass(frozen=True, slots=True)
class NewFinding:
    """What a person writes down. ``units`` are unit ids of GB/T 28448 at the system's level."""

    title: str
    observed: str
    severity: Severity
    layer: str
    advice: str = ""
    asset_id: int | None = None
    target: str = ""
    units: Sequence[str] = field(default_factory=tuple)
    why: str = ""
    notice: Notice | None = None


def write(session: Session, system: System, new: NewFinding, *, who: Principal, now: datetime) -> Finding:
    """Open a finding by hand. Its key is the notice's number or the words themselves, so that none is written twice.

    Raises:
        BadInput, NotFound, Conflict: the same is open already.
    """
    _check(session, system, new)
    key = _key(new)
    twin = session.scalar(select(Finding.id).where(Finding.system_id == system.id, Finding.key == key))
    if twin is not None:
        raise Conflict(f"已有相同的问题 P-{twin:05}。", f"The same finding is there already: P-{twin:05}.")
    source = FindingSource.NOTICE if new.notice else FindingSource.MANUAL
    finding = Finding(
        department_id=system.department_id, system_id=system.id, key=key, title=_both(new.title), rule_id="",
        source=source, asset_id=new.asset_id, target=new.target.strip(), severity=new.severity,
        severity_reason=_both(new.why.strip() or who.name), layer=new.layer, units=list(new.units),
        observed=_both(new.observed), advice=_both(new.advice), state=FindingState.OPEN, opened_at=now,
        suggested_due=new.notice.deadline if new.notice else due_after(session, new.severity, now),
        origin=_origin(new.notice),
    )  # fmt: skip
    session.add(finding)
    session.flush()
    add_event(
        session, finding, who.name, "open", now, "", FindingState.OPEN.value, detail={"source": source.value}
    )
    record(session, "finding.open", finding, now=now, detail={"source": source.value, **finding.origin})
    return finding


def _check(session: Session, system: System, new: NewFinding) -> None:
    if len(new.title.strip()) < 4:
        raise BadInput("请用一句话说明问题。", "Name the weakness in a sentence.", "title")
    if not new.observed.strip():
        raise BadInput("请写明看到了什么。", "Say what was seen.", "observed")
    if new.layer not in {layer.value for layer in Layer}:
        raise BadInput("请选择安全层面。", "Choose a layer.", "layer")
    if new.asset_id is not None:
        asset = session.scalar(select(Asset.id).where(Asset.id == new.asset_id, Asset.system_id == system.id))
        if asset is None:
            raise NotFound
    asked = (
        {str(unit.id) for unit in selection_for(system.profile, tuple(system.extensions)).units}
        if system.profile
        else set()
    )
    for unit in new.units:
        if not load_catalog().has_unit(unit):
            raise BadInput(f"没有测评单元 {unit}。", f"There is no assessment unit {unit}.", "units")
        if unit not in asked:
            raise BadInput(
                f"{unit} 不在这个系统的要求之内。", f"{unit} is not asked of this system.", "units"
            )


def _key(new: NewFinding) -> str:
    place = f"{new.asset_id or ''}/{new.target.strip()}"
    if new.notice:
        return f"notice:{new.notice.issuer}:{new.notice.number}:{new.title.strip()}@{place}"[:240]
    return f"manual:{new.title.strip()}@{place}"[:240]


def _both(text: str) -> dict[str, str]:
    # A person writes in one language; both sides of the page show it.
    return {"zh": text.strip(), "en": text.strip()}


def _origin(notice: Notice | None) -> dict[str, str]:
    if notice is None:
        return {}
    return {"issuer": notice.issuer, "number": notice.number, "deadline": notice.deadline.isoformat()}


def attach(
    session: Session,
    finding: Finding,
    evidence_id: int,
    kind: AttachmentKind,
    *,
    who: Principal,
    now: datetime,
) -> FindingEvidence:
    """Let a piece of evidence of the same system stand with a finding; the same piece stands there once.

    Raises:
        NotFound, Refused
    """
    evidence = session.scalar(
        select(Evidence).where(Evidence.id == evidence_id, Evidence.system_id == finding.system_id)
    )
    if evidence is None:
        raise NotFound
    known = session.scalar(
        select(FindingEvidence).where(
            FindingEvidence.finding_id == finding.id, FindingEvidence.evidence_id == evidence_id
        )
    )
    if known is not None:
        raise Refused("这份证据已在附件中。", "This piece of evidence is attached already.")
    row = FindingEvidence(
        department_id=finding.department_id, system_id=finding.system_id, finding_id=finding.id,
        evidence_id=evidence_id, kind=kind, added_by=who.name, added_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    detail = {"evidence": evidence_id, "kind": kind.value}
    add_event(session, finding, who.name, "attach", now, note=evidence.title, detail=detail)
    record(session, "finding.attach", finding, now=now, detail=detail)
    return row
