"""Findings: opened by failing rules, a register, an assessment, a notice or by hand, worked through one state machine.

The machine is :data:`secops.findings.machine.STEPS`, printed in ``docs/remediation.md``. Beside its steps the
platform itself moves a finding: a passing retest closes it, a failing one returns it, a later failing scan opens
it again, a register or an assessment that finds the cause gone closes it, an acceptance that ends opens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.loader import load_catalog
from secops.audit_log.services import record
from secops.db import local_day
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.findings import acceptance
from secops.findings.machine import ASKING, DECIDING, OPEN_STATES, STEPS, WORKERS, Step
from secops.findings.models import (
    AttachmentKind,
    Finding,
    FindingEvent,
    FindingEvidence,
    FindingRequest,
    FindingSource,
    FindingState,
    Measure,
    MeasureFinding,
    Severity,
)
from secops.findings.moving import add_event, move
from secops.objects.models import System
from secops.posture.catalogue import translate
from secops.scans.models import Outcome, ProbeRun, Scan
from secops.scans.services import request_scan
from secops.scope import Principal

S = FindingState
_BY_SCAN = frozenset({FindingSource.RULE})


def due_after(session: Session, severity: Severity, now: datetime) -> date:
    """The suggested due date, by the severity policy of the settings."""
    days = str(session.get_bind().get_execution_options().get("finding_days", "30,90,180")).split(",")
    place = (Severity.HIGH, Severity.MEDIUM, Severity.LOW).index(severity)
    return local_day(session, now) + timedelta(days=int(days[place]))


def possible_actions(
    finding: Finding,
    who: Principal,
    *,
    waiting: Mapping[str, FindingRequest] | None = None,
    submitter: str = "",
) -> list[str]:
    """Steps this person may take now, in the order of the table; ``retest`` among them.

    Args:
        waiting: the requests that wait for a decision, by kind.
        submitter: who handed the fix in; nobody confirms his own.
    """
    waiting = waiting or {}
    names = [
        name
        for name, step in STEPS.items()
        if finding.state in step.sources
        and who.roles & step.roles
        and _fits(name, step, waiting.get(step.request), who, submitter)
    ]
    if finding.state is S.SUBMITTED and finding.source in _BY_SCAN and who.roles & WORKERS:
        names.append("retest")
    return names


def _fits(name: str, step: Step, request: FindingRequest | None, who: Principal, submitter: str) -> bool:
    if name in ASKING:
        return request is None
    if name in DECIDING:
        return request is not None and request.asked_by != who.name
    return step.other != "submitter" or submitter != who.name


def submitter_of(session: Session, finding: Finding) -> str:
    """Who handed the newest fix in; "" when nobody did."""
    query = (
        select(FindingEvent.actor)
        .where(FindingEvent.finding_id == finding.id, FindingEvent.action == "submit")
        .order_by(FindingEvent.id.desc())
        .limit(1)
    )
    return session.scalar(query) or ""


def get_finding(session: Session, finding_id: int) -> Finding:
    """One finding in this scope.

    Raises:
        NotFound
    """
    finding = session.scalar(select(Finding).where(Finding.id == finding_id))
    if finding is None:
        raise NotFound
    return finding


def act(
    session: Session,
    finding: Finding,
    name: str,
    *,
    who: Principal,
    now: datetime,
    note: str = "",
    version: int | None = None,
) -> Finding:
    """Take one step of the machine.

    Args:
        version: what the person saw; a finding that changed since then is a conflict.

    Raises:
        BadInput, Refused, Conflict
    """
    step = STEPS.get(name)
    if step is None or step.request:
        raise BadInput("未知的操作。", "Unknown action.", "action")
    require(session, finding, name, who=who, note=note, version=version)
    if step.target is None:
        add_event(session, finding, who.name, name, now, note=note.strip())
        record(session, f"finding.{name}", finding, now=now)
        return finding
    move(session, finding, step.target, actor=who.name, action=name, note=note.strip(), now=now)
    return finding


def require(
    session: Session,
    finding: Finding,
    name: str,
    *,
    who: Principal,
    note: str = "",
    version: int | None = None,
) -> Step:
    """Refuse a step that this person may not take now.

    Raises:
        BadInput, Refused, Conflict
    """
    step = STEPS[name]
    if version is not None and version != finding.version:
        raise Conflict
    # Seeing every row is a matter of scope, not of rights; only the platform's own work stands above roles.
    if not who.has("platform", *step.roles):
        raise Refused("您的角色不能执行这一步。", "Your role does not include this step.")
    if finding.state not in step.sources:
        raise Refused("问题当前的状态不允许这一步。", "The finding's state does not allow this step.")
    if step.other == "submitter" and submitter_of(session, finding) == who.name:
        raise Refused(
            "整改结果须由提交人以外的人确认。", "Somebody else than who handed it in confirms a fix."
        )
    if step.needs_note and not note.strip():
        raise BadInput("请填写说明。", "Write what was done or why.", "note")
    if name == "close" and finding.source is FindingSource.NOTICE:
        _require_closure_letter(session, finding)
    return step


def _require_closure_letter(session: Session, finding: Finding) -> None:
    query = select(FindingEvidence.id).where(
        FindingEvidence.finding_id == finding.id, FindingEvidence.kind == AttachmentKind.CLOSURE
    )
    if session.scalar(query.limit(1)) is None:
        raise Refused(
            "通报问题须先附上销号（办结）材料才能关闭。",
            "A finding of a notice is closed once its closure letter is attached.",
        )


def plan(
    session: Session,
    finding: Finding,
    *,
    text: str,
    owner: str,
    due: date,
    who: Principal,
    now: datetime,
    cost: int | None = None,
    version: int | None = None,
) -> Measure:
    """Say what will be done, by whom, until when; the finding becomes planned.

    Raises:
        BadInput, Refused, Conflict
    """
    if not text.strip() or not owner.strip():
        raise BadInput("请填写整改措施和责任人。", "Say what will be done and by whom.", "measure")
    if due < now.date():
        raise BadInput("整改期限不能早于今天。", "The due date lies in the past.", "due")
    act(session, finding, "plan", who=who, now=now, note=text, version=version)
    finding.owner = owner.strip()
    finding.due = due
    base = {"department_id": finding.department_id, "system_id": finding.system_id}
    measure = Measure(
        **base,
        text=text.strip(),
        owner=owner.strip(),
        due=due,
        cost=cost,
        created_by=who.name,
        created_at=now,
    )
    session.add(measure)
    session.flush()
    session.add(MeasureFinding(**base, measure_id=measure.id, finding_id=finding.id))
    record(
        session, "measure.create", measure, now=now, detail={"finding": finding.id, "due": due.isoformat()}
    )
    return measure


def request_retest(session: Session, finding: Finding, *, who: Principal, now: datetime) -> Scan:
    """Look again at exactly what failed; the finding waits in "submitted" for the answer.

    Raises:
        Refused: it is not submitted, or no valid authorisation covers it.
    """
    if finding.state is not S.SUBMITTED:
        raise Refused("请先提交整改结果，再申请复测。", "Submit the fix before asking for a retest.")
    run = session.scalar(
        select(ProbeRun)
        .join(Outcome, Outcome.probe_run_id == ProbeRun.id)
        .where(
            Outcome.rule_id == finding.rule_id,
            Outcome.asset_id == finding.asset_id,
            Outcome.target == finding.target,
        )
        .order_by(ProbeRun.id.desc())
        .limit(1)
    )
    if run is None:
        raise Refused("没有可复测的扫描记录。", "There is no scan to repeat.")
    scan = session.get_one(Scan, run.scan_id)
    system = session.get_one(System, finding.system_id)
    retest = request_scan(
        session,
        system=system,
        authorization_id=scan.authorization_id,
        actor=who.name,
        now=now,
        cause="retest",
        only=[run.entry],
        finding_id=finding.id,
    )
    add_event(session, finding, who.name, "retest", now, detail={"scan": retest.id})
    record(session, "finding.retest", finding, now=now, detail={"scan": retest.id})
    return retest


def absorb_scan(session: Session, scan: Scan, rules: dict[str, Any], *, now: datetime) -> dict[str, int]:
    """Open, refresh, close and reopen findings from the outcomes of one scan.

    One finding per rule and target. A rule that could not look changes nothing. Only a retest closes, and
    only the finding that asked for it; a passing ordinary scan is noted in the history.

    Args:
        rules: rule id → rule of ``scanners.baseline``, for words, severity and advice.

    Returns:
        counts: ``opened, seen, reopened, closed, returned``.
    """
    counts = dict.fromkeys(("opened", "seen", "reopened", "closed", "returned"), 0)
    system = session.get_one(System, scan.system_id)
    outcomes = session.scalars(select(Outcome).where(Outcome.scan_id == scan.id).order_by(Outcome.id)).all()
    known = {
        finding.key: finding
        for finding in session.scalars(select(Finding).where(Finding.system_id == scan.system_id))
    }
    for outcome in outcomes:
        finding = known.get(finding_key(outcome))
        if outcome.outcome == "fail":
            if finding is not None:
                counts[_seen_again(session, finding, scan, outcome, rules.get(outcome.rule_id), now)] += 1
            elif (
                opened := _open(session, system, scan, outcome, rules.get(outcome.rule_id), now)
            ) is not None:
                known[opened.key] = opened
                counts["opened"] += 1
        elif outcome.outcome == "pass" and finding is not None:
            counts["closed"] += _passed(session, finding, scan, now)
    return counts


@dataclass(frozen=True, slots=True)
class Found:
    """A weakness that no rule of a scan found, as what found it describes it; ``key`` tells it from all others."""

    key: str
    source: FindingSource
    rule_id: str
    title: dict[str, str]
    target: str
    severity: Severity
    severity_reason: dict[str, str]
    layer: str
    units: tuple[str, ...]
    observed: dict[str, str]
    advice: dict[str, str]


def open_or_refresh(session: Session, system: System, found: Found, *, now: datetime) -> Finding:
    """Open a finding, or bring the one with this key up to date; a closed one opens again with its history."""
    finding = session.scalar(
        select(Finding).where(Finding.system_id == system.id, Finding.key == found.key[:240])
    )
    if finding is not None:
        finding.observed, finding.severity = found.observed, found.severity
        finding.severity_reason, finding.target = found.severity_reason, found.target
        if finding.state is S.CLOSED:
            move(session, finding, S.OPEN, actor="platform", action="reopen", now=now)
        elif session.is_modified(finding):
            record(session, "finding.seen", finding, now=now, detail={"source": found.source.value})
        return finding
    finding = Finding(
        department_id=system.department_id,
        system_id=system.id,
        key=found.key[:240],
        title=found.title,
        rule_id=found.rule_id,
        source=found.source,
        target=found.target,
        severity=found.severity,
        severity_reason=found.severity_reason,
        layer=found.layer,
        units=list(found.units),
        observed=found.observed,
        advice=found.advice,
        state=S.OPEN,
        suggested_due=due_after(session, found.severity, now),
        opened_at=now,
    )
    session.add(finding)
    session.flush()
    add_event(session, finding, "platform", "open", now, "", S.OPEN.value)
    record(session, "finding.open", finding, now=now, detail={"rule": found.rule_id})
    return finding


def close_register(session: Session, system: System, key: str, *, note: str, now: datetime) -> bool:
    """Close the finding of a register whose cause is gone; what a person ended otherwise stays as it is."""
    finding = session.scalar(
        select(Finding).where(
            Finding.system_id == system.id,
            Finding.key == key,
            Finding.source == FindingSource.REGISTER,
            Finding.state.in_(OPEN_STATES),
        )
    )
    if finding is None:
        return False
    move(session, finding, S.CLOSED, actor="platform", action="register-fits", now=now, note=note)
    return True


def close_assessed(session: Session, system: System, keys: set[str], *, note: str, now: datetime) -> int:
    """Close the findings of assessments that an assessor now finds met; one query, and one per finding that closes."""
    rows = session.scalars(
        select(Finding).where(
            Finding.system_id == system.id,
            Finding.source == FindingSource.ASSESSMENT,
            Finding.state.in_(OPEN_STATES),
        )
    ).all()
    found = [row for row in rows if row.key in keys]
    for row in found:
        move(session, row, S.CLOSED, actor="platform", action="assessed", now=now, note=note)
    return len(found)


def finding_key(outcome: Outcome) -> str:
    """The stated key: rule, asset and service. The same weakness found again is the same finding."""
    return f"{outcome.rule_id}@{outcome.asset_id}/{outcome.target}"[:240]


def _open(
    session: Session, system: System, scan: Scan, outcome: Outcome, rule: Any, now: datetime
) -> Finding | None:
    units: list[str] = []
    for answer in outcome.answers:
        if answer["strength"] in ("decides", "part"):
            places = translate(answer["unit"], int(answer["step"]), system.profile, tuple(system.extensions))
            units.extend(unit for unit, _ in places if unit not in units)
    if not units or rule is None:
        # A hint, or an item that the system's level does not ask: shown with the outcomes, no finding.
        return None
    severity = Severity(rule.severity)
    due = due_after(session, severity, now)
    finding = Finding(
        department_id=system.department_id,
        system_id=system.id,
        key=finding_key(outcome),
        title={"zh": rule.title.zh, "en": rule.title.en},
        rule_id=outcome.rule_id,
        asset_id=outcome.asset_id,
        target=outcome.target,
        severity=severity,
        severity_reason=_severity_reason(rule),
        layer=load_catalog().unit(units[0]).layer.value,
        units=units,
        observed=dict(outcome.reason),
        advice={"zh": rule.remediation.zh, "en": rule.remediation.en},
        high_risk_case=", ".join(rule.high_risk_cases)[:60],
        state=S.OPEN,
        suggested_due=due,
        first_scan_id=scan.id,
        last_scan_id=scan.id,
        opened_at=now,
    )
    session.add(finding)
    session.flush()
    add_event(session, finding, "platform", "open", now, "", S.OPEN.value, detail={"scan": scan.id})
    record(session, "finding.open", finding, now=now, detail={"rule": outcome.rule_id, "scan": scan.id})
    return finding


def _severity_reason(rule: Any) -> dict[str, str]:
    if rule.high_risk_cases:
        case = ", ".join(rule.high_risk_cases)
        return {
            "zh": f"由规则定为此级别；相关高风险判例 {case}，是否构成高风险由人判定",
            "en": f"set by the rule; related high-risk case {case}, whether it applies is for a person to decide",
        }
    return {"zh": "由规则定为此级别", "en": "set by the rule"}


def _seen_again(
    session: Session, finding: Finding, scan: Scan, outcome: Outcome, rule: Any, now: datetime
) -> str:
    finding.last_scan_id = scan.id
    finding.observed = dict(outcome.reason)
    if rule is not None:
        # A newer rule set may judge the same weakness otherwise.
        finding.severity, finding.severity_reason = Severity(rule.severity), _severity_reason(rule)
        finding.high_risk_case = ", ".join(rule.high_risk_cases)[:60]
    # What an assessor confirmed as fixed and a scan finds broken is open again, as a closed one is.
    if finding.state in (S.CLOSED, S.VERIFIED):
        move(session, finding, S.OPEN, actor="platform", action="reopen", now=now, detail={"scan": scan.id})
        return "reopened"
    if finding.state is S.SUBMITTED and scan.finding_id == finding.id:
        move(
            session,
            finding,
            S.RETURNED,
            actor="platform",
            action="retest-failed",
            now=now,
            note=str(outcome.reason.get("zh", "")),
            detail={"scan": scan.id},
        )
        return "returned"
    record(session, "finding.seen", finding, now=now, detail={"scan": scan.id})
    if finding.state is S.RISK_ACCEPTED and acceptance.end_if_grown(session, finding, now=now):
        return "reopened"
    return "seen"


def _passed(session: Session, finding: Finding, scan: Scan, now: datetime) -> int:
    if finding.state is S.SUBMITTED and scan.finding_id == finding.id:
        finding.last_scan_id = scan.id
        move(
            session,
            finding,
            S.CLOSED,
            actor="platform",
            action="retest-passed",
            now=now,
            detail={"scan": scan.id},
        )
        return 1
    if finding.state in OPEN_STATES:
        add_event(session, finding, "platform", "scan-passed", now, detail={"scan": scan.id})
        record(session, "finding.scan-passed", finding, now=now, detail={"scan": scan.id})
    return 0
