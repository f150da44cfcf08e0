"""Units that are answered otherwise than by the system's own targets: taken out, inherited, shared, answered by others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.terms import Verdict
from secops.inventory.models import ExclusionState, InheritedUnit, UnitExclusion
from secops.objects.models import System

WORDS = {
    "inherited": ("继承自", "inherited from"),
    "shared": ("与其共担：", "shared with"),
}


@dataclass(frozen=True, slots=True)
class Override:
    """What stands in place of the targets' answers, or, where *beside* is true, as one more answer among them.

    ``verdict`` None means not examined; the reason says why.
    """

    verdict: Verdict | None
    beside: bool
    zh: str
    en: str
    evidence_ids: tuple[int, ...] = ()


def overrides_of(session: Session, system: System, today: date) -> Mapping[str, Override]:
    """Override by unit; two queries. An approved exclusion wins over an inheritance."""
    found: dict[str, Override] = {}
    for row in session.scalars(select(InheritedUnit).where(InheritedUnit.system_id == system.id)):
        found[row.unit_id] = _inherited(row, today)
    excluded = select(UnitExclusion).where(
        UnitExclusion.system_id == system.id, UnitExclusion.state == ExclusionState.APPROVED
    )
    for one in session.scalars(excluded):
        zh = f"不适用：{one.reason}（{one.decided_by} 批准）"
        found[one.unit_id] = Override(
            Verdict.NA, False, zh, f"not applicable: {one.reason} (approved by {one.decided_by})"
        )
    return found


def _inherited(row: InheritedUnit, today: date) -> Override:
    if row.responsibility == "theirs":
        letter = (row.letter_id,) if row.letter_id is not None else ()
        return Override(
            None, False, "由运行方负责，本地无管理权；说明函见证据",
            "answered by those who run the system; see their letter", letter,
        )  # fmt: skip
    zh, en = WORDS[row.responsibility]
    name = row.provider_name
    beside = row.responsibility == "shared"
    if row.verdict is None or row.expires_on is None:
        return Override(None, beside, f"{zh}{name}：提供方尚未发布这一项", f"{en} {name}: not published yet")
    day = row.expires_on.isoformat()
    if row.expires_on < today:
        return Override(
            None, beside, f"{zh}{name}：结论已于 {day} 到期", f"{en} {name}: the result expired on {day}"
        )
    return Override(
        Verdict(row.verdict), beside, f"{zh}{name}（{row.report}），有效至 {day}",
        f"{en} {name} ({row.report}), valid through {day}",
    )  # fmt: skip
