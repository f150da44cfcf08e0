"""Recompute what the machine knows of a system: outcomes and evidence → suggestion per unit and target → roll-up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.ids import UnitId
from controls.posture import Counts as UnitCounts
from controls.posture import roll_up
from controls.terms import TargetKind, Verdict
from controls.verdict import Evidence as RuleEvidence
from controls.verdict import Suggestion, suggest
from reports.read_model import WHOLE_SYSTEM, Counts
from secops.db import local_day
from secops.evidence.documents import answers_of
from secops.evidence.models import BlobState, Evidence, EvidenceLink, EvidenceState
from secops.findings.models import Finding, FindingState
from secops.objects.models import Asset, System
from secops.posture.catalogue import EDITION, rules_speaking_to, selection_for, translate
from secops.posture.combined import settled_together
from secops.posture.decisions import Stood, decisions_of
from secops.posture.models import PostureCell, PostureSummary
from secops.posture.overrides import Override, overrides_of
from secops.scans.models import Outcome, ProbeRun


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything the suggestion of one system is made from."""

    answers: dict[tuple[str, int], list[RuleEvidence]]
    evidence_of_outcome: dict[tuple[str, int], set[int]]
    links: dict[tuple[str, int | None], list[tuple[int, EvidenceState]]]
    decided: Mapping[tuple[str, int | None], Stood]
    # When the newest outcome that speaks to a cell was seen.
    seen: dict[tuple[str, int], datetime]


def recompute(
    session: Session, system: System, *, now: datetime, only: Collection[str] | None = None
) -> PostureSummary | None:
    """Replace the system's cells and add a summary row; None while the system has no level.

    Reads the current outcomes, the living evidence, the last closed assessment, exclusions and inherited results of
    this one system; writes only the posture's own tables.

    Args:
        only: units that changed; the others' cells stay as they are. A whole one is due when targets, level or
            extensions changed. Both ways give the same cells.
    """
    if not system.profile:
        return None
    extensions = tuple(system.extensions)
    every = selection_for(system.profile, extensions).units
    units = every if only is None else tuple(unit for unit in every if str(unit.id) in only)
    touched = None if only is None else {str(unit.id) for unit in units}
    # One at a time per system, and nothing is read before the lock: PostgreSQL waits at the row, SQLite at the delete.
    session.scalar(select(System.id).where(System.id == system.id).with_for_update())
    old = delete(PostureCell).where(PostureCell.system_id == system.id)
    if touched is not None:
        old = old.where(PostureCell.unit_id.in_(sorted(touched)))
    session.execute(old, execution_options={"synchronize_session": False})
    assets = session.scalars(select(Asset).where(Asset.system_id == system.id).order_by(Asset.id)).all()
    today = local_day(session, now)
    known = _gather(session, system, assets, units if touched is not None else None, today)
    _gather_documents(session, system, units, assets, known, today)
    known = replace(known, decided=decisions_of(session, system, now, touched))
    special = overrides_of(session, system, today)
    rows: list[dict[str, Any]] = []
    verdicts: dict[Any, dict[str, Verdict | None]] = {}
    for unit in units:
        found = list(_cells(unit, assets, known, special.get(str(unit.id))))
        verdicts[unit.id] = {key: verdict for key, _, verdict in found}
        place = {"department_id": system.department_id, "system_id": system.id, "computed_at": now}
        rows.extend(row | place for _, row, _ in found)
    if rows:
        session.execute(insert(PostureCell), rows)
    if touched is not None:
        verdicts = _stored(session, system, every)
    return _add_summary(session, system, every, verdicts, now)


def _stored(
    session: Session, system: System, units: Sequence[AssessmentUnit]
) -> dict[Any, dict[str, Verdict | None]]:
    """Verdicts of all cells as they stand, one narrow query, in the form that the roll-up takes."""
    found: dict[str, dict[str, Verdict | None]] = {}
    query = select(PostureCell.unit_id, PostureCell.id, PostureCell.verdict)
    for unit_id, cell, verdict in session.execute(query.where(PostureCell.system_id == system.id)):
        found.setdefault(unit_id, {})[str(cell)] = Verdict(verdict) if verdict else None
    return {unit.id: found.get(str(unit.id), {}) for unit in units}


def _cells(
    unit: AssessmentUnit, assets: Sequence[Asset], known: _Known, special: Override | None
) -> Iterator[tuple[str, dict[str, Any], Verdict | None]]:
    """(key of the target, row, verdict) for each target of a unit, or for what stands in their place."""
    if special is None or special.beside:
        for asset in _targets(unit, assets):
            row, verdict = _cell(unit, asset, known)
            yield str(asset.id) if asset else WHOLE_SYSTEM, row, verdict
    if special is not None:
        row = {
            "unit_id": str(unit.id),
            "asset_id": None,
            "verdict": special.verdict.value if special.verdict else None,
            "suggested": None,
            "reasons": [{"zh": special.zh, "en": special.en}],
            "steps": [],
            "evidence_ids": list(special.evidence_ids),
        }
        yield "provider", row, special.verdict


def _targets(unit: AssessmentUnit, assets: Sequence[Asset]) -> list[Asset | None]:
    kinds = {kind.value for kind in unit.targets}
    found: list[Asset | None] = [asset for asset in assets if asset.kind in kinds]
    return found or [None]


def _gather(
    session: Session,
    system: System,
    assets: Sequence[Asset],
    units: Sequence[AssessmentUnit] | None,
    today: date,
) -> _Known:
    kind_of = {asset.id: asset.kind for asset in assets}
    name_of = {asset.id: asset.name for asset in assets}
    known = _Known({}, {}, {}, {}, {})
    query = (
        select(Outcome, ProbeRun.evidence_id)
        .join(ProbeRun, ProbeRun.id == Outcome.probe_run_id)
        .where(Outcome.system_id == system.id, Outcome.current.is_(True))
        .order_by(Outcome.id)
    )
    if units is not None:
        query = query.where(Outcome.rule_id.in_(sorted(rules_speaking_to(units))))
    services: dict[tuple[int, str], list[Outcome]] = {}
    for outcome, evidence_id in session.execute(query):
        if outcome.asset_id not in kind_of:
            continue
        services.setdefault((outcome.asset_id, outcome.target), []).append(outcome)
        for answer in outcome.answers:
            for key in _note(known, system, outcome, answer, kind_of, name_of):
                known.seen[key] = max(known.seen.get(key, outcome.observed_at), outcome.observed_at)
                if evidence_id is not None:
                    known.evidence_of_outcome.setdefault(key, set()).add(evidence_id)
    for outcomes in services.values():
        for outcome, answer in settled_together(outcomes):
            _note(known, system, outcome, answer, kind_of, name_of)
    _gather_links(session, system, known, today)
    return known


def _gather_documents(
    session: Session,
    system: System,
    units: Sequence[AssessmentUnit],
    assets: Sequence[Asset],
    known: _Known,
    today: date,
) -> None:
    """What papers say of a step counts for registered documents as targets, or for the system where there is none."""
    by_id = {str(unit.id): unit for unit in units}
    papers = [asset.id for asset in assets if asset.kind == TargetKind.DOCUMENT.value]
    for answer in answers_of(session, system, today):
        unit = by_id.get(str(answer.unit_id))
        if unit is None:
            continue
        targets = [asset.id for asset in _targets(unit, assets) if asset is not None]
        for asset_id in [found for found in papers if found in targets] or ([0] if not targets else []):
            known.answers.setdefault((str(unit.id), asset_id), []).append(answer)


def _note(
    known: _Known,
    system: System,
    outcome: Outcome,
    answer: dict[str, Any],
    kind_of: dict[int, str],
    name_of: dict[int, str],
) -> list[tuple[str, int]]:
    """Add one answer where it counts at this system's level; returns the places."""
    keys = []
    places = translate(answer["unit"], int(answer["step"]), system.profile, tuple(system.extensions))
    for unit_id, step in places:
        key = (unit_id, outcome.asset_id)
        keys.append(key)
        known.answers.setdefault(key, []).append(
            RuleEvidence(
                rule_id=answer.get("rule", outcome.rule_id),
                unit_id=UnitId(unit_id),
                target_id=name_of[outcome.asset_id],
                target_kind=TargetKind(kind_of[outcome.asset_id]),
                step=step,
                strength=answer["strength"],
                outcome=answer.get("outcome", outcome.outcome),
                source=f"scan {outcome.scan_id}",
                observed=_observed(outcome, "zh"),
                observed_en=_observed(outcome, "en"),
            )
        )
    return keys


def _observed(outcome: Outcome, language: str) -> str:
    return str(outcome.reason.get(language, ""))[:200]


def _gather_links(session: Session, system: System, known: _Known, today: date) -> None:
    living = (EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)
    query = (
        select(EvidenceLink.unit_id, EvidenceLink.asset_id, Evidence.id, Evidence.state)
        .join(Evidence, Evidence.id == EvidenceLink.evidence_id)
        .where(
            EvidenceLink.system_id == system.id,
            EvidenceLink.edition == EDITION,
            Evidence.blob_state == BlobState.OK,
            Evidence.state.in_(living),
            or_(Evidence.effective_until.is_(None), Evidence.effective_until >= today),
        )
    )
    for unit_id, asset_id, evidence_id, state in session.execute(query):
        known.links.setdefault((unit_id, asset_id), []).append((evidence_id, state))


def _cell(unit: AssessmentUnit, asset: Asset | None, known: _Known) -> tuple[dict[str, Any], Verdict | None]:
    unit_id = str(unit.id)
    key = (unit_id, asset.id if asset else 0)
    suggestion = suggest(unit, known.answers.get(key, []))
    stood = known.decided.get((unit_id, asset.id if asset else None))
    # A person's judgement holds until something newer was seen that says otherwise.
    holds = stood is not None and (
        suggestion.verdict is None or key not in known.seen or known.seen[key] <= stood.at
    )
    links = list(known.links.get((unit_id, None), []))
    if asset is not None:
        links += known.links.get((unit_id, asset.id), [])
    evidence_ids = sorted({*known.evidence_of_outcome.get(key, set()), *(found for found, _ in links)})
    verdict = suggestion.verdict
    reasons = _reasons(unit, asset, suggestion, links)
    if stood is not None and holds:
        reasons = [stood.reason(over=verdict not in (None, stood.verdict)), *reasons]
        verdict = stood.verdict
    row = {
        "unit_id": unit_id,
        "asset_id": asset.id if asset else None,
        "verdict": verdict.value if verdict else None,
        "suggested": suggestion.verdict.value if suggestion.verdict else None,
        "reasons": reasons,
        "steps": [
            {"number": step.number, "status": step.status.value, "rules": list(step.rules)}
            for step in suggestion.steps
        ],
        "evidence_ids": evidence_ids,
    }
    return row, verdict


def _reasons(
    unit: AssessmentUnit,
    asset: Asset | None,
    suggestion: Suggestion,
    links: Sequence[tuple[int, EvidenceState]],
) -> list[dict[str, str]]:
    reasons = [{"zh": one.zh, "en": one.en} for one in suggestion.reasons]
    if asset is None and not links:
        zh = "、".join(kind.label("zh") for kind in unit.targets)
        en = ", ".join(kind.label("en") for kind in unit.targets)
        reasons.append(
            {"zh": f"未登记此类测评对象：{zh}", "en": f"no target of these kinds is registered: {en}"}
        )
    elif suggestion.not_examined is not None:
        reasons.append({"zh": suggestion.not_examined.zh, "en": suggestion.not_examined.en})
    if links:
        count = len({found for found, _ in links})
        reasons.append(
            {
                "zh": f"已提交证据 {count} 份，待测评人员判定",
                "en": f"{count} piece(s) of evidence given, waiting for an assessor",
            }
        )
    return reasons


def _add_summary(
    session: Session,
    system: System,
    units: Sequence[AssessmentUnit],
    verdicts: dict[Any, dict[str, Verdict | None]],
    now: datetime,
) -> PostureSummary:
    posture = roll_up(units, verdicts)
    session.execute(
        update(PostureSummary)
        .where(PostureSummary.system_id == system.id, PostureSummary.current.is_(True))
        .values(current=False),
        execution_options={"synchronize_session": False},
    )
    counts = to_counts(posture.total)
    summary = PostureSummary(
        department_id=system.department_id,
        system_id=system.id,
        computed_at=now,
        catalogue=EDITION,
        profile=system.profile,
        applicable=counts.applicable,
        compliant=counts.compliant,
        partial=counts.partial,
        non_compliant=counts.non_compliant,
        na=counts.na,
        not_examined=counts.not_examined,
        examined_share=counts.examined_percent or 0,
        open_findings=_open_findings(session, system),
        by_class={code: _as_dict(to_counts(found)) for code, found in posture.by_class.items()},
        by_layer={layer.value: _as_dict(to_counts(found)) for layer, found in posture.by_layer.items()},
        current=True,
    )
    session.add(summary)
    session.flush()
    return summary


def _open_findings(session: Session, system: System) -> int:
    over = (FindingState.CLOSED, FindingState.FALSE_POSITIVE)
    query = select(func.count(Finding.id)).where(Finding.system_id == system.id, Finding.state.not_in(over))
    return int(session.scalar(query) or 0)


def to_counts(counts: UnitCounts) -> Counts:
    """The five numbers as pages and reports print them; shares are worked out there and nowhere else."""
    return Counts(counts.compliant, counts.partial, counts.non_compliant, counts.na, counts.not_examined)


def _as_dict(counts: Counts) -> dict[str, int]:
    return {
        "compliant": counts.compliant,
        "partial": counts.partial,
        "non_compliant": counts.non_compliant,
        "na": counts.na,
        "not_examined": counts.not_examined,
    }


def counts_of(row: dict[str, int] | PostureSummary) -> Counts:
    """Counts of a stored summary row or of one of its groups."""
    names = ("compliant", "partial", "non_compliant", "na", "not_examined")
    if isinstance(row, PostureSummary):
        return Counts(*(getattr(row, name) for name in names))
    return Counts(*(row.get(name, 0) for name in names))


def current_summaries(session: Session, system_ids: Iterable[int] | None = None) -> dict[int, PostureSummary]:
    """The present summary of each system in scope, one query."""
    query = select(PostureSummary).where(PostureSummary.current.is_(True))
    if system_ids is not None:
        query = query.where(PostureSummary.system_id.in_(list(system_ids)))
    return {row.system_id: row for row in session.scalars(query)}
