"""A system changes its department, and everything that carries its place goes along."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from secops.objects.models import Department, System
from secops.scope import SystemScoped, scoped_classes


def move_system(session: Session, system: System, department: Department) -> None:
    """Put *system* and every row of it into *department*; the caller records the event."""
    system.department_id = department.id
    session.flush()
    for model in scoped_classes():
        if issubclass(model, SystemScoped):
            session.execute(
                update(model).where(model.system_id == system.id).values(department_id=department.id),
                execution_options={"synchronize_session": False},
            )
