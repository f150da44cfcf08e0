"""Departments, systems, assets, classification."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.errors import ControlsError
from controls.grading import classify
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound
from secops.objects.models import Asset, Classification, Department, Hosting, Importance, System, SystemState
from secops.posture.services import recompute

Pairs = Sequence[tuple[str, str]]


def create_department(
    session: Session,
    *,
    code: str,
    name: str,
    parent: Department,
    now: datetime,
    leader: str = "",
    is_example: bool = False,
) -> Department:
    """Add a department below *parent*."""
    if not code.strip() or not name.strip():
        raise BadInput("请填写部门编码和名称。", "Give the department a code and a name.", "code")
    department = Department(
        code=code.strip(),
        name=name.strip(),
        parent_id=parent.id,
        leader=leader,
        is_example=is_example,
        path="/",
    )
    session.add(department)
    session.flush()
    department.path = f"{parent.path}{department.id}/"
    record(session, "department.create", department, object_id=code, now=now)
    session.flush()
    return department


def create_system(
    session: Session,
    *,
    code: str,
    name: str,
    department: Department,
    hosting: Hosting,
    now: datetime,
    state: SystemState = SystemState.RUNNING,
    **more: Any,
) -> System:
    """Register a system; its level comes with the classification.

    Raises:
        BadInput: no code or name, or the code is taken.
    """
    if not code.strip() or not name.strip():
        raise BadInput("请填写系统编码和名称。", "Give the system a code and a name.", "code")
    if session.scalar(select(System.id).where(System.code == code.strip())) is not None:
        raise BadInput(f"系统编码 {code} 已存在。", f"The system code {code} is taken.", "code")
    system = System(
        code=code.strip(),
        name=name.strip(),
        department_id=department.id,
        hosting=hosting,
        state=state,
        created_at=now,
        **more,
    )
    session.add(system)
    record(session, "system.create", system, object_id=code, now=now)
    session.flush()
    return system


def classify_system(
    session: Session,
    system: System,
    *,
    rule_set: str,
    business: Pairs,
    service: Pairs,
    reason: str,
    actor: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> Classification:
    """Run the rules, keep answers and result, and set the system's level.

    ``detail`` is kept beside them: the named businesses and services, expert review, approval.

    Raises:
        BadInput: unknown rule set, object or degree.

    Source: GB/T 22240-2020, 4.3 and 4.4.
    """
    try:
        result = classify(rule_set, business, service)
    except ControlsError as error:
        raise BadInput(f"定级输入有误：{error}", f"Cannot classify: {error}", "business") from error
    row = Classification(
        department_id=system.department_id,
        system_id=system.id,
        rule_set=f"{result.rule_set.id}@{result.rule_set.version}",
        business=[list(pair) for pair in business],
        service=[list(pair) for pair in service],
        s_level=result.s,
        a_level=result.a,
        level=result.level,
        profile=str(result.profile),
        reason=reason,
        detail=detail or {},
        decided_by=actor,
        decided_at=now,
    )
    session.add(row)
    system.level = result.level
    system.profile = str(result.profile)
    record(
        session,
        "system.classify",
        system,
        now=now,
        detail={"profile": row.profile, "rule_set": row.rule_set, "reason": reason[:200]},
    )
    session.flush()
    # Another level asks other items: the posture follows at once.
    recompute(session, system, now=now)
    return row


def create_asset(
    session: Session,
    system: System,
    *,
    name: str,
    kind: str,
    now: datetime,
    address: str = "",
    importance: Importance = Importance.IMPORTANT,
    is_this_machine: bool = False,
    is_example: bool = False,
) -> Asset:
    """Attach a target of testing and evaluation to a system."""
    from controls.terms import TargetKind

    if kind not in {member.value for member in TargetKind}:
        raise BadInput(f"未知的测评对象类型 {kind}。", f"Unknown kind of target {kind}.", "kind")
    asset = Asset(
        department_id=system.department_id,
        system_id=system.id,
        name=name,
        kind=kind,
        address=address,
        importance=importance,
        is_this_machine=is_this_machine,
        is_example=is_example,
    )
    session.add(asset)
    record(session, "asset.create", asset, now=now, detail={"kind": kind, "address": address})
    session.flush()
    recompute(session, system, now=now)
    return asset


def get_system(session: Session, system_id: int) -> System:
    """One system in this scope.

    Raises:
        NotFound
    """
    system = session.scalar(select(System).where(System.id == system_id))
    if system is None:
        raise NotFound
    return system


def system_by_code(session: Session, code: str) -> System:
    system = session.scalar(select(System).where(System.code == code))
    if system is None:
        raise NotFound(f"没有编码为 {code} 的系统。", f"There is no system with the code {code}.")
    return system
