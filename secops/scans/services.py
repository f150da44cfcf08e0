"""Authorise, request, cancel. What may be scanned is decided by ``scanners.limits`` from the authorisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scanners.base import Target
from scanners.errors import ScannersError
from scanners.limits import Refusal, Scope, check
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused
from secops.jobs.models import Job
from secops.jobs.services import cancel as cancel_job
from secops.jobs.services import enqueue
from secops.objects.models import Asset, System
from secops.scans.credentials import PROBES as LOG_IN
from secops.scans.credentials import Kept, kept_for
from secops.scans.models import AuthorizationState, Scan, ScanAuthorization, ScanState
from secops.scans.reach import network_of, zone_of

PROBES = ("local", "nmap", "tls", "sshkex", "sm_crypto", "tlcp", "web", "database", "nginx")


def scope_of(authorization: ScanAuthorization) -> Scope:
    """The authorisation as the scanners understand it.

    Raises:
        BadInput: it can't be understood; says which part.
    """
    try:
        return Scope.parse(
            networks=authorization.networks,
            ports="1-65535",
            probe_ids=authorization.probes,
            valid_from=authorization.valid_from,
            valid_until=authorization.valid_until,
            exceptions=authorization.exceptions,
            path_roots=tuple(authorization.path_roots),
        )
    except ScannersError as error:
        raise BadInput(
            f"扫描授权有误：{error}", f"The authorisation is wrong: {error}", "networks"
        ) from error


def request_authorization(
    session: Session,
    system: System,
    *,
    title: str,
    networks: Sequence[str],
    probes: Sequence[str],
    reason: str,
    valid_from: datetime,
    valid_until: datetime,
    actor: str,
    now: datetime,
    exceptions: Sequence[str] = (),
    path_roots: Sequence[str] = (),
) -> ScanAuthorization:
    """Ask for leave to scan; somebody else approves.

    Raises:
        BadInput: no reason, an unknown probe, an address that is none, a period over 90 days.
    """
    if not reason.strip():
        raise BadInput("请写明扫描的理由。", "Say why the scan is needed.", "reason")
    if not title.strip():
        raise BadInput("请填写授权名称。", "Give the authorisation a title.", "title")
    unknown = set(probes) - set(PROBES)
    if unknown or not probes:
        raise BadInput("请选择扫描项目。", "Choose what may be run.", "probes")
    authorization = ScanAuthorization(
        department_id=system.department_id,
        system_id=system.id,
        title=title.strip(),
        networks=list(networks),
        exceptions=list(exceptions),
        path_roots=list(path_roots),
        probes=list(probes),
        reason=reason.strip(),
        state=AuthorizationState.REQUESTED,
        requested_by=actor,
        requested_at=now,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    scope_of(authorization)
    session.add(authorization)
    record(
        session,
        "authorization.request",
        authorization,
        now=now,
        detail={"networks": list(networks), "exceptions": list(exceptions), "probes": list(probes)},
    )
    session.flush()
    return authorization


def decide_authorization(
    session: Session, authorization_id: int, *, approve: bool, actor: str, now: datetime, reason: str = ""
) -> ScanAuthorization:
    """Approve or refuse; the requester never approves.

    Raises:
        NotFound, Refused
    """
    authorization = _authorization(session, authorization_id)
    if authorization.state is not AuthorizationState.REQUESTED:
        raise Refused("这项授权已经处理过。", "This authorisation was decided already.")
    if authorization.requested_by == actor:
        raise Refused(
            "申请人不能审批自己的扫描授权。", "The requester can't approve their own authorisation."
        )
    if approve and now >= authorization.valid_until:
        raise Refused(
            "申请的有效期已过，请重新申请。", "The period asked for is over; a new request is needed."
        )
    if not approve and not reason.strip():
        raise BadInput("拒绝须写明理由。", "Say why it is refused.", "reason")
    authorization.state = AuthorizationState.APPROVED if approve else AuthorizationState.REFUSED
    authorization.decided_by = actor
    authorization.decided_at = now
    word = "authorization.approve" if approve else "authorization.refuse"
    record(session, word, authorization, now=now, reason=reason[:400])
    return authorization


def revoke_authorization(
    session: Session, authorization_id: int, *, actor: str, now: datetime, reason: str = ""
) -> ScanAuthorization:
    """Take leave back; a scan that runs stops before its next target."""
    authorization = _authorization(session, authorization_id)
    if authorization.state is not AuthorizationState.APPROVED:
        raise Refused("只有已批准的授权可以撤销。", "Only an approved authorisation can be revoked.")
    authorization.state = AuthorizationState.REVOKED
    authorization.decided_by = actor
    authorization.decided_at = now
    record(session, "authorization.revoke", authorization, now=now, reason=reason[:400])
    return authorization


def _authorization(session: Session, authorization_id: int) -> ScanAuthorization:
    found = session.scalar(select(ScanAuthorization).where(ScanAuthorization.id == authorization_id))
    if found is None:
        raise NotFound
    return found


def require_authorized(authorization: ScanAuthorization, now: datetime) -> Scope:
    """The scope, if the authorisation holds at *now*.

    Raises:
        Refused: not approved, not begun, over.
    """
    if authorization.state is not AuthorizationState.APPROVED:
        raise Refused("扫描授权未批准或已撤销。", "The authorisation is not approved, or was revoked.")
    if not authorization.valid_from <= now < authorization.valid_until:
        raise Refused("扫描授权不在有效期内。", "The authorisation is not valid at this time.")
    return scope_of(authorization)


def make_plan(
    assets: Sequence[Asset],
    probes: Sequence[str],
    path_roots: Sequence[str] = (),
    logins: Sequence[Kept] = (),
) -> list[dict[str, Any]]:
    """Which probe looks at which target; one entry ``{probe, asset_id, host}`` or ``{…, path}`` each.

    ``tls``, ``tlcp``, ``sshkex`` and ``web`` ask the ports that the scan itself finds; their entries carry no port.
    ``sm_crypto`` without a path is the self-test of this machine's implementations. ``nginx`` reads
    the authorised folders of this machine. Probes that log in look at the
    ports for which credentials are kept (*logins*), and at no other.
    """
    plan: list[dict[str, Any]] = []
    for asset in assets:
        for probe in PROBES:
            if probe in LOG_IN:
                own = [one.port for one in logins if (one.probe, one.asset_id) == (probe, asset.id)]
                if probe in probes and asset.address:
                    entry = {"probe": probe, "asset_id": asset.id, "host": asset.address}
                    plan.extend({**entry, "port": port} for port in own)
                continue
            if probe == "nginx":
                if probe in probes and asset.is_this_machine:
                    plan.extend({"probe": probe, "asset_id": asset.id, "path": root} for root in path_roots)
                continue
            here = probe not in ("local", "sm_crypto") or asset.is_this_machine
            if probe in probes and here and asset.address:
                plan.append({"probe": probe, "asset_id": asset.id, "host": asset.address})
                if probe == "sm_crypto":
                    plan.extend({"probe": probe, "asset_id": asset.id, "path": root} for root in path_roots)
    return plan


def request_scan(
    session: Session,
    *,
    system: System,
    authorization_id: int,
    actor: str,
    now: datetime,
    cause: str = "manual",
    schedule_id: int | None = None,
    only: Sequence[dict[str, Any]] | None = None,
    finding_id: int | None = None,
) -> Scan:
    """Plan a scan of the system's targets and queue it.

    Args:
        only: ask exactly these entries instead, for a retest; the authorisation covers them or they are refused.

    Raises:
        Refused: no valid authorisation, or a target lies outside it.
        BadInput: nothing to scan.
    """
    authorization = _authorization(session, authorization_id)
    if authorization.system_id != system.id:
        raise NotFound
    scope = require_authorized(authorization, now)
    assets = session.scalars(select(Asset).where(Asset.system_id == system.id).order_by(Asset.id)).all()
    known = {asset.id for asset in assets}
    if only is None:
        logs_in = bool(set(authorization.probes) & set(LOG_IN))
        logins = kept_for(session, frozenset(known)) if logs_in else []
        plan = make_plan(assets, authorization.probes, authorization.path_roots, logins)
    else:
        plan = [dict(entry) for entry in only if entry["asset_id"] in known]
    if not plan:
        raise BadInput(
            "没有可扫描的测评对象：请先为系统登记带地址的对象。",
            "There is nothing to scan: register a target with an address first.",
            "targets",
        )
    for entry in plan:
        refusal = check_entry(scope, entry, now)
        if refusal is not None:
            raise Refused(
                f"目标 {entry.get('host') or entry.get('path')} 不在授权范围内（{refusal.reason}）。",
                f"The target {entry.get('host') or entry.get('path')} is outside the authorisation ({refusal.reason}).",
            )
    scan = Scan(
        department_id=system.department_id,
        system_id=system.id,
        authorization_id=authorization.id,
        schedule_id=schedule_id,
        finding_id=finding_id,
        state=ScanState.QUEUED,
        cause=cause,
        plan=plan,
        requested_by=actor,
        requested_at=now,
    )
    session.add(scan)
    session.flush()
    job = enqueue(
        session,
        kind="scan",
        department_id=system.department_id,
        system_id=system.id,
        payload={"scan_id": scan.id},
        actor=actor,
        now=now,
        cause=cause,
        dedupe_key=f"scan:{scan.id}",
        network=network_of(plan),
        zone=zone_of(session, plan),
    )
    scan.job_id = job.id
    record(session, "scan.request", scan, now=now, detail={"cause": cause, "targets": len(plan)})
    session.flush()
    return scan


def check_entry(scope: Scope, entry: dict[str, Any], now: datetime) -> Refusal | None:
    """The scope's answer for one entry of a plan."""
    return check(scope, target_of(entry), entry["probe"], now)


def target_of(entry: dict[str, Any]) -> Target:
    """What the probe is asked to look at."""
    return Target(entry.get("host", ""), entry.get("port"), entry.get("path"))


def cancel_scan(session: Session, scan_id: int, *, now: datetime) -> Scan:
    """Ask a scan to stop; what it found so far stays."""
    scan = session.scalar(select(Scan).where(Scan.id == scan_id))
    if scan is None:
        raise NotFound
    if scan.job_id is None:
        raise Refused("扫描没有对应的任务。", "The scan has no job.")
    cancel_job(session, scan.job_id, now=now)
    return scan


def job_of(session: Session, scan: Scan) -> Job | None:
    return session.scalar(select(Job).where(Job.id == scan.job_id)) if scan.job_id else None
