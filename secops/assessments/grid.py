"""What the grid shows, in a form that is small for 211 units × 2,000 targets: ranges, letters and a window at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Integer, Select, case, cast, func, select
from sqlalchemy.orm import Session

from secops.assessments.frame import Frame, Target
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentTask, RecordOrigin, RecordState
from secops.assessments.suggestions import proposed_verdicts

LETTERS = {"compliant": "c", "partial": "p", "non_compliant": "n", "na": "a", None: ""}
STATES = {
    RecordState.OPEN: "o", RecordState.DECIDED: "d", RecordState.SUBMITTED: "s", RecordState.ACCEPTED: "a",
    RecordState.RETURNED: "r",
}  # fmt: skip
DRAFT, COMMENTED, DIFFERS, SETTLED = 1, 2, 4, 8
_R = AssessmentRecord
_COLUMNS: tuple[Any, ...] = (
    _R.unit_id, _R.target_id, _R.verdict, _R.state, _R.text_draft, (_R.comment != "").label("commented"), _R.differs,
    _R.origin, _R.version,
)  # fmt: skip


def ranges(positions: Iterable[int]) -> list[list[int]]:
    """Rising positions as ``[first, last]`` pairs."""
    found: list[list[int]] = []
    for position in positions:
        if found and found[-1][1] == position - 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return found


def cells_in(session: Session, assessment: Assessment, frame: Frame, first: int, last: int) -> dict[str, Any]:
    """Touched cells and proposals of the targets in these positions (both ends in it); two queries."""
    window = [target for target in frame.targets if first <= target.position <= last]
    query = _touched(assessment).where(_R.target_id.in_([target.id for target in window]))
    cells = _rows(frame, session.execute(query))
    taken = {(cell[0], cell[1]) for cell in cells if cell[2]}
    return {"cells": cells, "proposed": _proposed(session, assessment, frame, window, taken)}


def changes_since(session: Session, assessment: Assessment, frame: Frame, since: int) -> list[list[Any]]:
    """Cells that changed after a revision; one query."""
    return _rows(frame, session.execute(_touched(assessment).where(_R.revision > since)))


def _touched(assessment: Assessment) -> Select[Any]:
    return select(*_COLUMNS).where(_R.assessment_id == assessment.id)


def _rows(frame: Frame, rows: Iterable[Any]) -> list[list[Any]]:
    place = {str(unit.id): number for number, unit in enumerate(frame.units)}
    at = {target.id: target.position for target in frame.targets}
    return [
        [
            place[row.unit_id],
            at[row.target_id],
            LETTERS[row.verdict],
            STATES[row.state],
            _flags(row),
            row.version,
        ]
        for row in rows
        if row.unit_id in place and row.target_id in at
    ]


def cell_of(frame: Frame, row: AssessmentRecord) -> list[Any]:
    """One record in the same form."""
    unit = next(number for number, unit in enumerate(frame.units) if str(unit.id) == row.unit_id)
    flags = (
        DRAFT * row.text_draft + COMMENTED * bool(row.comment) + DIFFERS * row.differs
        + SETTLED * (row.origin in (RecordOrigin.INHERITED, RecordOrigin.EXCLUSION))
    )  # fmt: skip
    return [
        unit,
        frame.target_of[row.target_id].position,
        LETTERS[row.verdict],
        STATES[row.state],
        int(flags),
        row.version,
    ]


def _flags(row: Any) -> int:
    settled = row.origin in (RecordOrigin.INHERITED, RecordOrigin.EXCLUSION)
    return (
        DRAFT * row.text_draft + COMMENTED * bool(row.commented) + DIFFERS * row.differs + SETTLED * settled
    )


def _proposed(
    session: Session,
    assessment: Assessment,
    frame: Frame,
    window: Sequence[Target],
    taken: set[tuple[int, int]],
) -> list[list[Any]]:
    place = {str(unit.id): number for number, unit in enumerate(frame.units)}
    found = []
    for (unit_id, target_id), verdict in proposed_verdicts(session, assessment, frame, window).items():
        if unit_id in place and frame.applies(unit_id, target_id):
            cell = [place[unit_id], frame.target_of[target_id].position]
            if tuple(cell) not in taken:
                found.append([*cell, LETTERS[verdict]])
    return found


def unit_figures(session: Session, assessment: Assessment) -> dict[str, dict[str, int]]:
    """Per unit: cells decided, submitted, accepted, returned, with a draft text, differing; one query."""
    r = AssessmentRecord

    def number(clause: Any) -> Any:
        return func.sum(case((clause, 1), else_=0))

    rows = session.execute(
        select(
            r.unit_id,
            number(r.state != RecordState.OPEN).label("decided"),
            number(r.state == RecordState.SUBMITTED).label("submitted"),
            number(r.state == RecordState.ACCEPTED).label("accepted"),
            number(r.state == RecordState.RETURNED).label("returned"),
            number(r.text_draft.is_(True)).label("draft"),
            number(r.differs.is_(True)).label("differs"),
            number(r.verdict.in_(("partial", "non_compliant"))).label("gaps"),
        )
        .where(r.assessment_id == assessment.id)
        .group_by(r.unit_id)
    )
    return {
        row.unit_id: {key: int(value) for key, value in row._mapping.items() if key != "unit_id"}
        for row in rows
    }


def tasks_of(session: Session, assessment_id: int) -> Sequence[AssessmentTask]:
    return session.scalars(
        select(AssessmentTask)
        .where(AssessmentTask.assessment_id == assessment_id)
        .order_by(AssessmentTask.id)
    ).all()


def next_open(
    session: Session, assessment: Assessment, frame: Frame, unit_id: str, target_id: int
) -> tuple[str, int] | None:
    """The next cell without a decision, row by row from the one given, round the corner once."""
    decided = {
        (unit, target)
        for unit, target in session.execute(
            select(_R.unit_id, _R.target_id).where(
                _R.assessment_id == assessment.id, _R.state != RecordState.OPEN
            )
        )
    }
    cells = list(frame.cells())
    start = cells.index((unit_id, target_id)) + 1 if frame.applies(unit_id, target_id) else 0
    for cell in (*cells[start:], *cells[:start]):
        if cell not in decided:
            return cell
    return None


def progress(session: Session, assessment: Assessment) -> dict[str, int]:
    """Cells by state of the whole assessment, ``none`` for those nobody touched; one query."""
    rows = session.execute(
        select(_R.state, func.count()).where(_R.assessment_id == assessment.id).group_by(_R.state)
    )
    found = {state.value: int(number) for state, number in rows}
    found["none"] = max(0, assessment.cells - sum(found.values()) + found.get("open", 0))
    return found


def decided_share(assessment_id: Any) -> Any:
    """SQL for the number of decided cells of an assessment."""
    return (
        select(cast(func.count(_R.id), Integer))
        .where(_R.assessment_id == assessment_id, _R.state != RecordState.OPEN)
        .scalar_subquery()
    )
