"""Reads for the pages of evidence. Only what lies whole in the vault is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, defer

from controls.catalog import AssessmentUnit
from controls.loader import load_catalog
from secops.errors import NotFound
from secops.evidence.models import BlobState, Evidence, EvidenceLink, EvidenceState
from secops.evidence.services import receipt_is_good
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from secops.posture.catalogue import selection_for
from secops.web.people import person
from smcrypto.errors import SmCryptoError

LIVING = (EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)


def is_expired(today: date) -> ColumnElement[bool]:
    """Its period is over, whether or not anybody has marked it so."""
    over = and_(
        Evidence.state.in_(LIVING), Evidence.effective_until.is_not(None), Evidence.effective_until < today
    )
    return (Evidence.state == EvidenceState.EXPIRED) | over


def expired(row: Evidence, today: date) -> bool:
    """The same for a row at hand."""
    if row.state is EvidenceState.EXPIRED:
        return True
    return row.state in LIVING and row.effective_until is not None and row.effective_until < today


def answers_unit(unit_id: str) -> ColumnElement[bool]:
    """Evidence that is linked to this unit."""
    return (
        select(EvidenceLink.id)
        .where(EvidenceLink.evidence_id == Evidence.id, EvidenceLink.unit_id == unit_id)
        .exists()
    )


def evidence_statement() -> Select[Any]:
    """Evidence with system, giver and the units it speaks to as one comma-separated text."""
    units = (
        select(func.aggregate_strings(EvidenceLink.unit_id, ","))
        .where(EvidenceLink.evidence_id == Evidence.id)
        .scalar_subquery()
    )
    return (
        select(
            Evidence,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            person(Evidence.given_by).label("giver"),
            units.label("units"),
        )
        .join(System, System.id == Evidence.system_id)
        .join(Department, Department.id == System.department_id)
        .where(Evidence.blob_state == BlobState.OK)
        .options(defer(Evidence.blob_header), defer(Evidence.receipt))
    )


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """What the page of one piece of evidence shows."""

    evidence: Evidence
    system: System
    department: str
    units: Sequence[tuple[AssessmentUnit, str]]


def evidence_page(session: Session, evidence_id: int) -> EvidencePage:
    """Read one piece in scope.

    Raises:
        NotFound
    """
    row = session.execute(
        select(Evidence, System, Department.name)
        .join(System, System.id == Evidence.system_id)
        .join(Department, Department.id == System.department_id)
        .where(Evidence.id == evidence_id, Evidence.blob_state == BlobState.OK)
    ).first()
    if row is None:
        raise NotFound
    links = session.execute(
        select(EvidenceLink.unit_id, Asset.name)
        .outerjoin(Asset, Asset.id == EvidenceLink.asset_id)
        .where(EvidenceLink.evidence_id == evidence_id)
        .order_by(EvidenceLink.unit_id)
    ).all()
    catalog = load_catalog()
    units = [(catalog.unit(unit), name or "") for unit, name in links if catalog.has_unit(unit)]
    return EvidencePage(row[0], row[1], row[2], units)


def first_twin(session: Session, evidence_id: int) -> int | None:
    """The oldest other evidence in scope with the very same content."""
    digest = select(Evidence.sm3).where(Evidence.id == evidence_id).scalar_subquery()
    query = select(func.min(Evidence.id)).where(
        Evidence.sm3 == digest, Evidence.id != evidence_id, Evidence.blob_state == BlobState.OK
    )
    return session.scalar(query)


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """``state``: ``good``, ``bad`` (signature or content differs), ``none``, or ``unchecked`` with *why*."""

    state: str
    why: str = ""


def check_receipt(platform: Platform, evidence: Evidence) -> ReceiptCheck:
    """Check the signature, and that what was signed is what the row says today."""
    receipt = evidence.receipt
    if not receipt:
        return ReceiptCheck("none")
    try:
        if not receipt_is_good(platform, receipt):
            return ReceiptCheck("bad", "signature")
        signed = json.loads(receipt["signed"])
        named = [evidence.blob_id, evidence.file_name, evidence.size, evidence.sm3, evidence.given_by]
        return ReceiptCheck("good") if signed[1:6] == named else ReceiptCheck("bad", "content")
    except SmCryptoError as error:
        return ReceiptCheck("unchecked", str(error)[:200])
    except (KeyError, ValueError, TypeError):
        # Somebody wrote into the row; a receipt that can't be read proves nothing.
        return ReceiptCheck("bad", "form")


@dataclass(frozen=True, slots=True)
class UnitGroup:
    """Units of one class, for the picker."""

    title: tuple[str, str]
    units: Sequence[AssessmentUnit]


def unit_groups(system: System) -> list[UnitGroup]:
    """The units that bind *system*, by class in the standard's order; no query."""
    if not system.profile:
        return []
    groups: dict[str, list[AssessmentUnit]] = {}
    for unit in selection_for(system.profile, tuple(system.extensions)).units:
        groups.setdefault(f"{unit.scope.value}/{unit.class_code}", []).append(unit)
    found = []
    for key, units in groups.items():
        one = units[0]
        scope_zh = "" if key.startswith("general/") else f"{one.scope.label('zh')} · "
        scope_en = "" if key.startswith("general/") else f"{one.scope.label('en')} · "
        name = one.control_point.class_code
        zh = name.label("zh") if hasattr(name, "label") else str(one.class_code)
        en = name.label("en") if hasattr(name, "label") else str(one.class_code)
        found.append(UnitGroup((f"{scope_zh}{zh}", f"{scope_en}{en}"), units))
    return found


def assets_of(session: Session, system: System) -> list[tuple[str, str]]:
    """(id, name) of a system's targets."""
    rows = session.execute(
        select(Asset.id, Asset.name).where(Asset.system_id == system.id).order_by(Asset.name)
    )
    return [(str(row.id), row.name) for row in rows]
