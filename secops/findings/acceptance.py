"""Accepted risks end: on their last day, and as soon as the risk is larger than the one that was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.findings.models import (
    Finding,
    FindingRequest,
    FindingState,
    RequestKind,
    RequestState,
    Severity,
)
from secops.findings.moving import move
from secops.objects.models import Asset, Importance, System

_SEVERITIES = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
_IMPORTANCE = {Importance.KEY: 0, Importance.IMPORTANT: 1, Importance.NORMAL: 2}


def basis_of(finding: Finding, system: System, asset: Asset | None) -> dict[str, Any]:
    """What the size of the risk follows from, as it is now. Ranks: the smaller, the worse."""
    return {
        "severity": _SEVERITIES[finding.severity],
        "case": finding.high_risk_case,
        "level": system.level or 0,
        "internet": bool(system.internet_facing),
        "importance": _IMPORTANCE[asset.importance] if asset is not None else max(_IMPORTANCE.values()),
    }


def grown(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether the risk is larger than what was accepted: one of its sides moved up."""
    return bool(
        now["severity"] < before["severity"]
        or now["importance"] < before["importance"]
        or now["level"] > before["level"]
        or (now["internet"] and not before["internet"])
        or (now["case"] and now["case"] != before["case"])
    )


def end_if_grown(session: Session, finding: Finding, *, now: datetime) -> bool:
    """Open an accepted finding again when its risk has grown; whether it did."""
    request = session.scalar(
        select(FindingRequest).where(
            FindingRequest.finding_id == finding.id,
            FindingRequest.kind == RequestKind.ACCEPTANCE,
            FindingRequest.state == RequestState.GRANTED,
        )
    )
    if request is None:
        return False
    system = session.get_one(System, finding.system_id)
    asset = session.get(Asset, finding.asset_id) if finding.asset_id is not None else None
    if not grown(request.basis, basis_of(finding, system, asset)):
        return False
    end(session, finding, request, why="grown", actor="platform", now=now)
    return True


def end(
    session: Session,
    finding: Finding,
    request: FindingRequest,
    *,
    why: str,
    actor: str,
    now: datetime,
    note: str = "",
) -> None:
    """End an acceptance and open the finding again. *why*: ``expired``, ``grown`` or ``revoked``."""
    request.state = RequestState.ENDED
    request.ended_at, request.ended_why = now, why
    action = {"expired": "acceptance-expired", "grown": "acceptance-grown"}.get(why, "end-acceptance")
    move(
        session, finding, FindingState.OPEN, actor=actor, action=action, now=now, note=note,
        detail={"request": request.id, "until": request.until.isoformat()},
    )  # fmt: skip


def sweep(session: Session, *, today: date, now: datetime) -> dict[str, int]:
    """End every acceptance that is over or whose risk has grown; counts ``expired`` and ``grown``. One query to find them."""
    counts = {"expired": 0, "grown": 0}
    rows = session.execute(
        select(FindingRequest, Finding, System, Asset)
        .join(Finding, Finding.id == FindingRequest.finding_id)
        .join(System, System.id == Finding.system_id)
        .outerjoin(Asset, Asset.id == Finding.asset_id)
        .where(
            FindingRequest.state == RequestState.GRANTED,
            FindingRequest.kind == RequestKind.ACCEPTANCE,
            Finding.state == FindingState.RISK_ACCEPTED,
        )
        .order_by(FindingRequest.id)
    ).all()
    for request, finding, system, asset in rows:
        if request.until < today:
            why = "expired"
        elif grown(request.basis, basis_of(finding, system, asset)):
            why = "grown"
        else:
            continue
        end(session, finding, request, why=why, actor="platform", now=now)
        counts[why] += 1
    return counts
