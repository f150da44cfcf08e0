"""What the machine proposes for a cell, read from the posture, and why; and a text drafted from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.terms import Method
from secops.assessments.frame import Frame, Target
from secops.assessments.models import Assessment
from secops.posture.catalogue import EDITION
from secops.posture.models import PostureCell

_STEP_WORDS = {
    "passed": "成立",
    "failed": "不成立",
    "partly_failed": "部分不成立",
    "na": "不适用",
    "open": "未检查",
}
_METHODS_ZH = {one.value: one.zh for one in Method}


@dataclass(frozen=True, slots=True)
class Proposal:
    """The posture's cell. ``verdict`` None proposes nothing; ``reasons`` are pairs of words."""

    verdict: str | None
    reasons: Sequence[Mapping[str, str]]
    steps: Sequence[Mapping[str, Any]]
    evidence_ids: Sequence[int]
    computed_at: Any

    def as_data(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "reasons": [dict(one) for one in self.reasons][:6],
            "steps": [dict(one) for one in self.steps],
            "at": self.computed_at.isoformat(),
        }


def proposals(
    session: Session, assessment: Assessment, frame: Frame, cells: Collection[tuple[str, int]]
) -> dict[tuple[str, int], Proposal]:
    """Proposals for these cells; one query. The crypto framework has none: D, A and K are a person's."""
    if assessment.framework != EDITION or not cells:
        return {}
    assets = {frame.target_of[target].asset_id for _, target in cells}
    wanted = set(cells)
    by_asset = {one.asset_id: one.id for one in frame.targets if one.asset_id is not None}
    units = sorted({unit for unit, _ in cells})
    clause: ColumnElement[bool] = PostureCell.asset_id.in_([one for one in assets if one is not None])
    if None in assets:
        clause = or_(clause, PostureCell.asset_id.is_(None))
    query = select(PostureCell).where(PostureCell.system_id == assessment.system_id, clause)
    if len(units) <= 400:
        query = query.where(PostureCell.unit_id.in_(units))
    found = {}
    for row in session.scalars(query):
        target = frame.whole.id if row.asset_id is None else by_asset.get(row.asset_id)
        if target is not None and (row.unit_id, target) in wanted:
            found[(row.unit_id, target)] = Proposal(
                row.suggested,
                [one for one in row.reasons if one.get("kind") != "decision"],
                row.steps,
                row.evidence_ids,
                row.computed_at,
            )
    return found


def proposed_verdicts(
    session: Session, assessment: Assessment, frame: Frame, targets: Iterable[Target] | None = None
) -> dict[tuple[str, int], str]:
    """Verdict proposed per cell, those without one left out; one narrow query for the targets of a window."""
    if assessment.framework != EDITION:
        return {}
    chosen = list(frame.targets if targets is None else targets)
    by_asset = {one.asset_id: one.id for one in chosen if one.asset_id is not None}
    clause: ColumnElement[bool] = (
        PostureCell.asset_id.in_(list(by_asset)) if targets is not None else PostureCell.id.is_not(None)
    )
    if any(one.id == frame.whole.id for one in chosen):
        clause = or_(clause, PostureCell.asset_id.is_(None))
    rows = session.execute(
        select(PostureCell.unit_id, PostureCell.asset_id, PostureCell.suggested).where(
            PostureCell.system_id == assessment.system_id, PostureCell.suggested.is_not(None), clause
        )
    )
    found = {}
    for unit_id, asset_id, verdict in rows:
        target = frame.whole.id if asset_id is None else by_asset.get(asset_id)
        if target is not None:
            found[(unit_id, target)] = str(verdict)
    return found


def draft_text(unit: AssessmentUnit, target: Target, proposal: Proposal | None) -> str:
    """A result text from what was seen, for a person to read and mend; never a verdict by itself."""
    methods = "、".join(_METHODS_ZH[one.value] for one in unit.methods)
    head = f"经{methods}（{target.name}）："
    if proposal is None or not proposal.steps:
        return head
    lines = []
    for step in proposal.steps:
        rules = "、".join(step.get("rules") or ())
        by = f"（依据规则 {rules}）" if rules else ""
        lines.append(f"步骤 {step['number']} {_STEP_WORDS[step['status']]}{by}")
    seen = [one.get("zh", "") for one in proposal.reasons if one.get("zh")]
    return (head + "；".join(lines) + "。" + ("实际情况：" + "；".join(seen[:3]) + "。" if seen else ""))[
        :4000
    ]
