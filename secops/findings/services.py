"""Findings: opened by failing rules, a register or an assessment, worked through one state machine, closed by a passing retest.

The machine, one row per action:

===============  =============================  ===============  ==========================================
action           from                           to               asked for
===============  =============================  ===============  ==========================================
plan             open, returned                 planned          what will be done, who, until when
start            planned                        in-progress      –
submit           planned, in-progress           submitted        what was done
return           submitted                      returned         the reason
false-positive   open, planned, in-progress     false-positive   the reason; an officer or assessor
reopen           closed, false-positive         open             the reason; an officer or assessor
(retest passes)  submitted                      closed           a scan of exactly this rule and target
(retest fails)   submitted                      returned         the same
(scan fails)     closed                         open             any later scan
(register fits)  any open one of a register     closed           the register shows that the cause is gone
(assessed met)   any open one of an assessment  closed           an assessment closed that finds the unit met
===============  =============================  ===============  ==========================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.loader import load_catalog
from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.findings.models import (
    Finding,
    FindingEvent,
    FindingSource,
    FindingState,
    Measure,
    MeasureFinding,
    Severity,
)
from secops.objects.models import System
from secops.posture.catalogue import translate
from secops.scans.models import Outcome, ProbeRun, Scan
from secops.scans.services import request_scan
from secops.scope import Principal

S = FindingState
# Suggested days until due; the severity policy of the settings replaces them later.
DUE_DAYS = {Severity.HIGH: 30, Severity.MEDIUM: 90, Severity.LOW: 180}


@dataclass(frozen=True, slots=True)
class Action:
    """One line of the machine: from which states, to which, for whom, and whether words are needed."""

    sources: frozenset[FindingState]
    target: FindingState
    roles: frozenset[str]
    needs_note: bool = False


_WORKERS = frozenset({"officer", "contact", "owner", "assessor"})
_JUDGES = frozenset({"officer", "assessor"})
ACTIONS: dict[str, Action] = {
    "plan": Action(frozenset({S.OPEN, S.RETURNED}), S.PLANNED, _WORKERS),
    "start": Action(frozenset({S.PLANNED}), S.IN_PROGRESS, _WORKERS),
    "submit": Action(frozenset({S.PLANNED, S.IN_PROGRESS}), S.SUBMITTED, _WORKERS, needs_note=True),
    "return": Action(frozenset({S.SUBMITTED}), S.RETURNED, _JUDGES, needs_note=True),
    "false-positive": Action(
        frozenset({S.OPEN, S.PLANNED, S.IN_PROGRESS}), S.FALSE_POSITIVE, _JUDGES, needs_note=True
    ),
    "reopen": Action(frozenset({S.CLOSED, S.FALSE_POSITIVE}), S.OPEN, _JUDGES, needs_note=True),
}
OPEN_STATES = (S.OPEN, S.PLANNED, S.IN_PROGRESS, S.SUBMITTED, S.RETURNED)


def possible_actions(finding: Finding, who: Principal) -> list[str]:
    """Actions this person may take now, in the order of the table; ``retest`` among them."""
    names = [
        name
        for name, action in ACTIONS.items()
        if finding.state in action.sources and who.roles & action.roles
    ]
    by_scan = finding.source is FindingSource.RULE
    if finding.state is S.SUBMITTED and by_scan and who.roles & _WORKERS:
        names.append("retest")
    return names


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
    action = ACTIONS.get(name)
    if action is None:
        raise BadInput("未知的操作。", "Unknown action.", "action")
    if version is not None and version != finding.version:
        raise Conflict
    # Seeing every row is a matter of scope, not of rights; only the platform's own work stands above roles.
    if not who.has("platform", *action.roles):
        raise Refused("您的角色不能执行这一步。", "Your role does not include this step.")
    if finding.state not in action.sources:
        raise Refused("问题当前的状态不允许这一步。", "The finding's state does not allow this step.")
    if action.needs_note and not note.strip():
        raise BadInput("请填写说明。", "Write what was done or why.", "note")
    _move(session, finding, action.target, actor=who.name, action=name, note=note.strip(), now=now)
    return finding


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


def _move(
    session: Session,
    finding: Finding,
    to: FindingState,
    *,
    actor: str,
    action: str,
    now: datetime,
    note: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    before = finding.state
    finding.state = to
    finding.closed_at = now if to is S.CLOSED else None
    _add_event(session, finding, actor, action, now, before.value, to.value, note, detail)
    record(
        session,
        f"finding.{action}",
        finding,
        now=now,
        reason=note[:200],
        detail={"from": before.value, "to": to.value, **(detail or {})},
    )


def _add_event(
    session: Session,
    finding: Finding,
    actor: str,
    action: str,
    now: datetime,
    before: str = "",
    after: str = "",
    note: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    session.add(
        FindingEvent(
            department_id=finding.department_id,
            system_id=finding.system_id,
            finding_id=finding.id,
            at=now,
            actor=actor,
            action=action,
            from_state=before,
            to_state=after,
            note=note,
            detail=detail or {},
        )
    )


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
    _add_event(session, finding, who.name, "retest", now, detail={"scan": retest.id})
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
                counts[_seen_again(session, finding, scan, outcome, now)] += 1
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
            _move(session, finding, S.OPEN, actor="platform", action="reopen", now=now)
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
        suggested_due=(now + timedelta(days=DUE_DAYS[found.severity])).date(),
        opened_at=now,
    )
    session.add(finding)
    session.flush()
    _add_event(session, finding, "platform", "open", now, "", S.OPEN.value)
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
    _move(session, finding, S.CLOSED, actor="platform", action="register-fits", now=now, note=note)
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
        _move(session, row, S.CLOSED, actor="platform", action="assessed", now=now, note=note)
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
    due = (now + timedelta(days=DUE_DAYS[severity])).date()
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
    _add_event(session, finding, "platform", "open", now, "", S.OPEN.value, detail={"scan": scan.id})
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


def _seen_again(session: Session, finding: Finding, scan: Scan, outcome: Outcome, now: datetime) -> str:
    finding.last_scan_id = scan.id
    finding.observed = dict(outcome.reason)
    if finding.state is S.CLOSED:
        _move(session, finding, S.OPEN, actor="platform", action="reopen", now=now, detail={"scan": scan.id})
        return "reopened"
    if finding.state is S.SUBMITTED and scan.finding_id == finding.id:
        _move(
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
    return "seen"


def _passed(session: Session, finding: Finding, scan: Scan, now: datetime) -> int:
    if finding.state is S.SUBMITTED and scan.finding_id == finding.id:
        finding.last_scan_id = scan.id
        _move(
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
        _add_event(session, finding, "platform", "scan-passed", now, detail={"scan": scan.id})
        record(session, "finding.scan-passed", finding, now=now, detail={"scan": scan.id})
    return 0
