"""The scan job: ask each probe, keep what it saw, let the rules speak, then posture and findings.

Every target is written in one fenced transaction of its own, so a worker that dies loses at most the target
it was at; the next attempt goes on behind what is there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, traits_of
from scanners.database.result import Credentials
from scanners.errors import UnknownProbe
from scanners.jsonable import to_json
from scanners.limits import Scope
from scanners.registry import load_registry
from scanners.runner import run_probe
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import NotReady, Refused
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store_bytes
from secops.findings.services import absorb_scan
from secops.jobs.models import JobState
from secops.jobs.runner import JobContext
from secops.jobs.services import Cancelled
from secops.objects.models import System
from secops.posture.services import recompute
from secops.scans.credentials import lend
from secops.scans.judge import Judged, judge, rules_by_id
from secops.scans.models import Outcome, ProbeRun, RunState, Scan, ScanAuthorization, ScanState
from secops.scans.ports import MAX_PORTS, listening_ports
from secops.scans.services import check_entry, require_authorized, target_of
from secops.scope import Principal

log = logging.getLogger("secops.scans")

TIMEOUTS_S = {
    "local": 120.0,
    "nmap": 180.0,
    "tls": 30.0,
    "tlcp": 20.0,
    "sshkex": 10.0,
    "sm_crypto": 60.0,
    "database": 45.0,
    "nginx": 20.0,
    "web": 120.0,
}
# These ask ports, which the scan finds first by nmap or from the host's own list.
PORT_PROBES = frozenset({"tls", "tlcp", "sshkex", "web"})
# More could lock an account.
MOST_REFUSED_LOGINS = 2


@dataclass(frozen=True, slots=True)
class _Asked:
    """One target with what came of it."""

    entry: dict[str, Any]
    attempt: Attempt[Any]
    started: datetime
    finished: datetime


def run_scan(context: JobContext) -> dict[str, Any]:
    """Job kind ``scan``: payload ``{"scan_id"}``."""
    scan_id = int(context.claim.payload["scan_id"])
    with context.transaction() as session:
        scan = session.get_one(Scan, scan_id)
        scan.state = ScanState.RUNNING
        scan.started_at = scan.started_at or utc_now()
        record(session, "scan.start", scan, now=utc_now(), detail={"attempt": context.claim.attempt})
    asked = 0
    for position, total, entry in _entries(context, scan_id):
        context.progress(0.9 * position / max(total, 1), _step_word(entry))
        _look(context, scan_id, entry)
        asked += 1
    context.progress(0.92, "posture")
    return _conclude(context, scan_id, asked)


def _step_word(entry: dict[str, Any]) -> str:
    where = entry.get("path") or entry.get("host", "")
    port = f":{entry['port']}" if entry.get("port") else ""
    return f"{entry['probe']} {where}{port}"


def _entries(context: JobContext, scan_id: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """What is still to be asked; ports of port probes are worked out once the other probes have spoken."""
    with context.platform.work("scan") as session:
        scan = session.get_one(Scan, scan_id)
        plan = list(scan.plan)
        done = _done_keys(session, scan_id)
    first = [entry for entry in plan if entry["probe"] not in PORT_PROBES]
    later = [entry for entry in plan if entry["probe"] in PORT_PROBES]
    total = len(first) + len(later)
    for position, entry in enumerate(first):
        if _key(entry) not in done:
            yield position, total, entry
    for position, entry in enumerate(later, start=len(first)):
        for expanded in _with_ports(context, scan_id, entry):
            if _key(expanded) not in done:
                yield position, total, expanded


def _done_keys(session: Session, scan_id: int) -> set[tuple[str, str]]:
    query = select(ProbeRun.probe, ProbeRun.target).where(ProbeRun.scan_id == scan_id)
    return {(probe, target) for probe, target in session.execute(query)}


def _key(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["probe"], target_name(entry)


def target_name(entry: dict[str, Any]) -> str:
    """How the target of one entry is written in lists: ``host``, ``host:port`` or a path."""
    if entry.get("path"):
        return str(entry["path"])
    return f"{entry['host']}:{entry['port']}" if entry.get("port") else str(entry["host"])


def _with_ports(context: JobContext, scan_id: int, entry: dict[str, Any]) -> list[dict[str, Any]]:
    if entry.get("port"):
        return [entry]
    with context.platform.work("scan") as session:
        ports = listening_ports(session, scan_id, int(entry["asset_id"]))
    speaking = ports.for_probe(entry["probe"])
    if not speaking:
        return [{**entry, "nothing": ports.why_none(entry["probe"])}]
    return [{**entry, "port": port} for port in speaking[:MAX_PORTS]]


def _authorized(context: JobContext, scan_id: int, entry: dict[str, Any]) -> Scope | Failed:
    """Ask the authorisation again, at the last moment: it may have been revoked or run out meanwhile."""
    with context.platform.work("scan") as session:
        scan = session.get_one(Scan, scan_id)
        authorization = session.get_one(ScanAuthorization, scan.authorization_id)
        now = utc_now()
        try:
            scope = require_authorized(authorization, now)
        except Refused as error:
            return Failed(FailureReason.NOT_AUTHORISED, error.en)
        refusal = check_entry(scope, entry, now)
        if refusal is not None:
            record(
                session,
                "scan.refused",
                scan,
                now=now,
                result="refused",
                reason=str(refusal.reason),
                detail={"target": target_name(entry)},
            )
            return Failed(FailureReason.NOT_AUTHORISED, f"{refusal.reason}: {refusal.detail}")
        return scope


def _look(context: JobContext, scan_id: int, entry: dict[str, Any]) -> None:
    started = utc_now()
    scope = _authorized(context, scan_id, entry)
    attempt = scope if isinstance(scope, Failed) else _ask(context, scope, entry)
    if isinstance(attempt, Failed) and attempt.reason is FailureReason.CANCELLED and context.cancelled():
        raise Cancelled
    asked = _Asked(entry, attempt, started, utc_now())
    judged = judge(entry["probe"], attempt, now=asked.finished) if isinstance(attempt, Completed) else []
    evidence_id = _keep_raw(context, scan_id, asked)
    with context.transaction() as session:
        _write(session, session.get_one(Scan, scan_id), asked, judged, evidence_id, context.claim.attempt)


def _ask(context: JobContext, scope: Scope, entry: dict[str, Any]) -> Attempt[Any]:
    if "nothing" in entry:
        # Said as a run of its own, so that the scan shows "not seen, because" instead of nothing at all.
        return Failed(FailureReason.UNREACHABLE, str(entry["nothing"]))
    try:
        chosen = load_registry().get(entry["probe"])
    except UnknownProbe as error:
        return Failed(FailureReason.MISSING_TOOL, str(error))
    options: dict[str, Any] = {}
    if traits_of(chosen).needs_credentials:
        lent_login = _login(context, entry)
        if isinstance(lent_login, Failed):
            return lent_login
        options["credentials"] = lent_login
    probe = chosen(**options)
    lent = ProbeContext(timeout_s=TIMEOUTS_S[entry["probe"]], cancelled=context.cancelled)
    return run_probe(probe, target_of(entry), lent, scope=scope, now=utc_now())


def _login(context: JobContext, entry: dict[str, Any]) -> Credentials | Failed:
    """The credentials for one target, opened for this look alone, unless this host refused log-ins before."""
    scan_id = int(context.claim.payload["scan_id"])
    with context.platform.work("scan") as session:
        refused = session.scalars(
            select(ProbeRun.entry).where(
                ProbeRun.scan_id == scan_id,
                ProbeRun.probe == entry["probe"],
                ProbeRun.reason == FailureReason.AUTHENTICATION.value,
            )
        )
        if sum(one.get("host") == entry["host"] for one in refused) >= MOST_REFUSED_LOGINS:
            return Failed(
                FailureReason.AUTHENTICATION, "two log-ins were refused at this host; no more are tried"
            )
        try:
            found = lend(session, entry)
        except NotReady as error:
            return Failed(FailureReason.AUTHENTICATION, error.en)
    return found or Failed(FailureReason.AUTHENTICATION, "no credentials are kept for this port")


def _keep_raw(context: JobContext, scan_id: int, asked: _Asked) -> int | None:
    """Seal what the probe saw; what it understood is kept where it saw nothing printable."""
    if not isinstance(asked.attempt, Completed):
        return None
    import json

    name = target_name(asked.entry).strip("/").replace("/", "_").replace(":", "_")
    if asked.attempt.raw:
        content, media_type = asked.attempt.raw, asked.attempt.raw_media_type
        ending = ".xml" if "xml" in media_type else ".bin" if "octet" in media_type else ".txt"
    else:
        content = json.dumps(to_json(asked.attempt.result), ensure_ascii=False, indent=1).encode()
        media_type, ending = "application/json", ".json"
    probe = asked.entry["probe"]
    new = NewEvidence(
        system_id=context.claim.system_id,
        title=f"扫描 {scan_id} {probe} {target_name(asked.entry)} 原始输出",
        file_name=f"scan-{scan_id}-{probe}-{name}{ending}",
        source=EvidenceSource.SCAN,
        state=EvidenceState.ACCEPTED,
        media_type=media_type,
        origin_key=f"scan:{scan_id}:{probe}:{target_name(asked.entry)}"[:160],
    )
    return store_bytes(context.platform, Principal.platform("job:scan"), new, content)


def _write(
    session: Session, scan: Scan, asked: _Asked, judged: list[Judged], evidence_id: int | None, attempt: int
) -> None:
    found = asked.attempt
    base = {"department_id": scan.department_id, "system_id": scan.system_id}
    asset_id = int(asked.entry["asset_id"])
    run = ProbeRun(
        **base,
        scan_id=scan.id,
        asset_id=asset_id,
        probe=asked.entry["probe"],
        target=target_name(asked.entry),
        entry=asked.entry,
        state=RunState.COMPLETED if isinstance(found, Completed) else RunState.FAILED,
        reason="" if isinstance(found, Completed) else found.reason.value,
        detail="" if isinstance(found, Completed) else found.detail[:2000],
        attempt=attempt,
        result=_small(to_json(found.result)) if isinstance(found, Completed) else {},
        evidence_id=evidence_id,
        started_at=asked.started,
        finished_at=asked.finished,
    )
    session.add(run)
    session.flush()
    for one in judged:
        session.execute(
            update(Outcome)
            .where(
                Outcome.asset_id == asset_id,
                Outcome.target == run.target,
                Outcome.rule_id == one.rule_id,
                Outcome.current.is_(True),
            )
            .values(current=False),
            execution_options={"synchronize_session": False},
        )
        session.add(
            Outcome(
                **base,
                probe_run_id=run.id,
                scan_id=scan.id,
                asset_id=asset_id,
                target=run.target,
                rule_id=one.rule_id,
                check_id=one.check_id,
                outcome=one.outcome,
                reason=one.reason,
                facts=one.facts,
                answers=one.answers,
                current=True,
                observed_at=asked.finished,
            )
        )
    record(
        session,
        "scan.target",
        run,
        now=asked.finished,
        detail={"probe": run.probe, "target": run.target, "state": run.state.value, "outcomes": len(judged)},
    )


def _small(result: Any) -> Any:
    """Results are shown on the scan page; a huge one is kept in the evidence and only named here."""
    import json

    if isinstance(result, dict) and len(json.dumps(result, ensure_ascii=False)) <= 256 * 1024:
        return result
    return {"note": "too large for this page; see the evidence"}


def _forget_closed_ports(session: Session, scan: Scan) -> None:
    """A port that the scan looked for and did not find any more speaks for nothing.

    Only for assets and probes whose ports this scan worked out itself: a retest of one port forgets no other.
    """
    for entry in scan.plan:
        if entry["probe"] in PORT_PROBES and not entry.get("port"):
            older = (
                select(ProbeRun.id)
                .where(ProbeRun.probe == entry["probe"], ProbeRun.scan_id != scan.id)
                .scalar_subquery()
            )
            session.execute(
                update(Outcome)
                .where(
                    Outcome.asset_id == int(entry["asset_id"]),
                    Outcome.current.is_(True),
                    Outcome.scan_id != scan.id,
                    Outcome.probe_run_id.in_(older),
                )
                .values(current=False),
                execution_options={"synchronize_session": False},
            )


def _conclude(context: JobContext, scan_id: int, asked: int) -> dict[str, Any]:
    with context.transaction() as session:
        scan = session.get_one(Scan, scan_id)
        system = session.get_one(System, scan.system_id)
        now = utc_now()
        _forget_closed_ports(session, scan)
        counts = absorb_scan(session, scan, rules_by_id(), now=now)
        summary = recompute(session, system, now=now)
        scan.state = ScanState.DONE
        scan.finished_at = now
        record(session, "scan.done", scan, now=now, detail=dict(counts))
        return {
            "scan_id": scan_id,
            "targets": asked,
            "findings": counts,
            "examined_share": str(summary.examined_share) if summary else None,
        }


def job_ended(session: Session, job_id: int, state: str, error: str, now: datetime) -> None:
    """Told when a scan's job is over for good: the scan row says the same."""
    scan = session.scalar(select(Scan).where(Scan.job_id == job_id))
    if scan is None or scan.state in (ScanState.DONE, ScanState.CANCELLED):
        return
    scan.state = {
        JobState.DONE.value: ScanState.DONE,
        JobState.CANCELLED.value: ScanState.CANCELLED,
    }.get(state, ScanState.FAILED)
    scan.error = error[:2000]
    scan.finished_at = now
    record(session, f"scan.{scan.state.value}", scan, now=now, result="failed", reason=error[:200])
