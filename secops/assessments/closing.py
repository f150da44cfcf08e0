"""Close, abandon and reopen. Closing freezes the result; reopening needs a reason and two people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from controls.catalog import Text
from secops.assessments.deciding import begin_change
from secops.assessments.export import export_document
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentState
from secops.assessments.planning import ROLES, note
from secops.assessments.quality import Check, blocking, checks
from secops.assessments.result import figure_words, gaps, verdicts_of, work_out
from secops.assessments.risks import compensations_of, effective, risks_of
from secops.assessments.words import RISK_LEVELS
from secops.audit_log.services import record
from secops.db import local_day
from secops.errors import BadInput, Refused
from secops.findings.models import FindingSource, Severity
from secops.findings.services import Found, close_assessed, open_or_refresh
from secops.objects.models import System
from secops.posture.catalogue import EDITION
from secops.posture.services import recompute
from secops.scope import principal_of

S = AssessmentState


class Unfinished(BadInput):
    """There are faults that stand in the way; ``found`` are the checks with cells."""

    def __init__(self, found: list[Check]) -> None:
        names_zh = "、".join(f"{one.zh}（{len(one.cells)}）" for one in found)
        names_en = ", ".join(f"{one.en} ({len(one.cells)})" for one in found)
        super().__init__(f"还有须处理的质量问题：{names_zh}。", f"Mend first: {names_en}.", "quality")
        self.found = found


def close(
    session: Session, assessment: Assessment, frame: Frame, *, now: datetime, over_faults: str = ""
) -> Assessment:
    """Freeze the result and open or refresh a finding for every unit with a shortfall.

    Args:
        over_faults: why it is closed although checks stand in the way; "" lets none through.

    Raises:
        Unfinished: blocking checks and no reason.
        BadInput: nothing was decided at all.
        Refused
    """
    begin_change(session, assessment)
    found = blocking(checks(session, assessment, frame, today=local_day(session, now)))
    if found and len(over_faults.strip()) < 4:
        raise Unfinished(found)
    result = work_out(session, assessment, frame)
    if result.counts[""] == sum(result.counts.values()) and not result.scoring:
        raise BadInput("还没有任何判定，不能关闭。", "Nothing is decided yet.", "records")
    actor = principal_of(session).name
    document = result.as_data()
    document["faults"] = {one.key: len(one.cells) for one in found}
    assessment.result = document
    output = result.output or {}
    assessment.conclusion, assessment.figure = str(output.get("conclusion") or ""), figure_words(output)
    assessment.state, assessment.closed_by, assessment.closed_at = S.CLOSED, actor, now
    assessment.reopen_by = assessment.reopen_reason = ""
    # What an export gives from now on, whatever the catalogue becomes.
    assessment.result = document | {"export": export_document(session, assessment, frame, result)}
    note(session, assessment, "close", actor, now, after={"conclusion": assessment.conclusion},
         note=over_faults.strip()[:400])  # fmt: skip
    record(session, "assessment.close", assessment, now=now, reason=over_faults[:200],
           detail={"conclusion": assessment.conclusion, "faults": document["faults"]})  # fmt: skip
    session.flush()
    _findings(session, assessment, frame, now)
    _tell_posture(session, assessment, now)
    return assessment


def _tell_posture(session: Session, assessment: Assessment, now: datetime) -> None:
    """The posture reads closed assessments by itself; it only has to look again."""
    if assessment.framework == EDITION:
        recompute(session, session.get_one(System, assessment.system_id), now=now)


def _findings(session: Session, assessment: Assessment, frame: Frame, now: datetime) -> None:
    """One finding per unit with a shortfall; one that an assessor now finds met is closed by that decision."""
    system = session.get_one(System, assessment.system_id)
    verdicts = effective(verdicts_of(session, assessment.id), compensations_of(session, assessment.id))
    risks = risks_of(session, assessment.id)
    open_units = gaps(frame, verdicts)
    for unit_id, targets in open_units.items():
        unit = frame.unit_of[unit_id]
        risk = risks.get(unit_id)
        severity = Severity(risk.level) if risk is not None else Severity.MEDIUM
        names = "、".join(frame.target_of[one].name for one in targets[:6])
        more = f" 等 {len(targets)} 个对象" if len(targets) > 6 else ""
        open_or_refresh(
            session, system,
            Found(
                key=f"assessed:{unit.family}", source=FindingSource.ASSESSMENT, rule_id=unit_id,
                title={"zh": f"{unit.control_point.name.zh}：测评判定不满足", "en": f"{unit.control_point.name.en}: not met when assessed"},
                target=f"{names}{more}"[:200], severity=severity, severity_reason=_why(risk),
                layer=unit.layer.value, units=(unit_id,),
                observed={"zh": f"{assessment.number}：{names}{more}", "en": f"{assessment.number}: {len(targets)} target(s)"},
                advice=_advice(unit.summary),
            ),
            now=now,
        )  # fmt: skip
    met = {
        unit.family
        for unit in frame.units
        if str(unit.id) not in open_units
        and all(
            verdicts.get((str(unit.id), target.id)) in ("compliant", "na")
            for target in frame.places[str(unit.id)]
        )
    }
    close_assessed(session, system, {f"assessed:{family}" for family in met},
                   note=f"{assessment.number} 判定满足", now=now)  # fmt: skip


def _advice(summary: Text) -> dict[str, str]:
    return {"zh": f"使其满足：{summary.zh}", "en": f"Make it so: {summary.en}"}


def _why(risk: Any) -> dict[str, str]:
    if risk is None:
        return {"zh": "未做风险分析，按中处理", "en": "without risk analysis, taken as medium"}
    cases, level = "、".join(one["id"] for one in risk.cases), RISK_LEVELS[risk.level]
    return {
        "zh": f"风险分析：{level.zh}" + (f"，高风险判例 {cases}" if cases else ""),
        "en": f"risk analysis: {level.en}" + (f", high-risk case {cases}" if cases else ""),
    }


def abandon(session: Session, assessment: Assessment, *, reason: str, now: datetime) -> None:
    """End an assessment that should not go on; its records stay readable.

    Raises:
        BadInput: no reason.
        Refused
    """
    if len(reason.strip()) < 4:
        raise BadInput("请写明理由。", "Say why.", "reason")
    begin_change(session, assessment)
    assessment.state = S.ABANDONED
    actor = principal_of(session).name
    note(session, assessment, "abandon", actor, now, note=reason.strip()[:400])
    record(session, "assessment.abandon", assessment, now=now, reason=reason[:200])
    session.flush()


def ask_reopen(session: Session, assessment: Assessment, *, reason: str, now: datetime) -> None:
    """Ask that a closed assessment be opened again; nothing changes until somebody else grants it.

    Raises:
        BadInput: no reason.
        Refused: it is not closed, or this person only reads.
    """
    _closed(session, assessment)
    if len(reason.strip()) < 4:
        raise BadInput("请写明理由。", "Say why.", "reason")
    actor = principal_of(session).name
    assessment.reopen_reason, assessment.reopen_by = reason.strip()[:400], actor
    note(session, assessment, "ask-reopen", actor, now, note=reason.strip()[:400])
    record(session, "assessment.ask-reopen", assessment, now=now, reason=reason[:200])
    session.flush()


def grant_reopen(
    session: Session, assessment: Assessment, *, grant: bool, reason: str, now: datetime
) -> None:
    """Open it again, or not; never by the one who asked.

    Raises:
        Refused, BadInput
    """
    _closed(session, assessment)
    actor = principal_of(session).name
    if not assessment.reopen_by:
        raise Refused("没有待批的重新打开申请。", "Nobody asked to reopen it.")
    if assessment.reopen_by == actor:
        raise Refused("申请人不能批准自己的申请。", "Nobody grants their own request.")
    if not grant and not reason.strip():
        raise BadInput("拒绝须写明理由。", "Say why it is refused.", "reason")
    before: dict[str, Any] = {
        "conclusion": assessment.conclusion,
        "closed_by": assessment.closed_by,
        "asked_by": assessment.reopen_by,
    }
    if grant:
        before["result"] = assessment.result.get("output")
        assessment.state, assessment.closed_at, assessment.closed_by = S.RUNNING, None, ""
        assessment.conclusion, assessment.figure, assessment.result = "", "", {}
    assessment.reopen_by = ""
    action = "reopen" if grant else "refuse-reopen"
    note(session, assessment, action, actor, now, before=before, note=reason.strip()[:400])
    record(session, f"assessment.{action}", assessment, now=now, reason=reason[:200])
    session.flush()
    if grant:
        _tell_posture(session, assessment, now)


def _closed(session: Session, assessment: Assessment) -> None:
    if not principal_of(session).has(*ROLES):
        raise Refused("由网络安全专员或测评人员办理。", "A security officer or an assessor does this.")
    if assessment.state is not S.CLOSED:
        raise Refused("只有已关闭的测评可以重新打开。", "Only a closed assessment can be reopened.")
