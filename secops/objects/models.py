"""Departments, systems (graded objects), their classification and their assets."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    ForeignKey,
    Integer,
    String,
    Text,
    UniqueConstraint,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.scope import DepartmentScoped, SystemScoped


class Hosting(StrEnum):
    """Where a system runs."""

    GOVERNMENT_CLOUD = "government-cloud"
    OWN_ROOM = "own-room"
    SUPERIOR = "superior"


class CloudState(StrEnum):
    """How far the move to the government cloud is."""

    OPEN = "open"
    APPLIED = "applied"
    CONTRACTED = "contracted"
    MIGRATING = "migrating"
    DONE = "done"
    EXEMPT = "exempt"


class SystemState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    RETIRED = "retired"


class Importance(StrEnum):
    KEY = "key"
    IMPORTANT = "important"
    NORMAL = "normal"


class Department(Versioned, Base):
    """A unit of the organisation. ``path`` holds the ids from the root, ``/1/7/``, so a subtree is one LIKE."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(120), nullable=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    path: Mapped[str] = mapped_column(String(400), nullable=False, default="/", index=True)
    leader: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    is_example: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)

    def __repr__(self) -> str:
        return self.name


class System(DepartmentScoped, Versioned, Base):
    """A target of classified protection (等级保护对象)."""

    __tablename__ = "system"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    kind: Mapped[str] = mapped_column(String(40), nullable=False, default="business")
    business: Mapped[str] = mapped_column(Text, nullable=False, default="")
    boundary: Mapped[str] = mapped_column(Text, nullable=False, default="")
    users: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    hosting: Mapped[Hosting] = mapped_column(enum_column(Hosting), nullable=False)
    state: Mapped[SystemState] = mapped_column(
        enum_column(SystemState), nullable=False, default=SystemState.RUNNING
    )
    level: Mapped[int | None] = mapped_column(Integer)
    profile: Mapped[str] = mapped_column(String(12), nullable=False, default="")
    extensions: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    internet_facing: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    maintainer: Mapped[str] = mapped_column(String(160), nullable=False, default="")
    lost_maintainer: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    run_elsewhere: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    filing_number: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    filed_on: Mapped[date | None] = mapped_column(Date)
    in_operation_on: Mapped[date | None] = mapped_column(Date)
    last_evaluation_on: Mapped[date | None] = mapped_column(Date)
    cloud_state: Mapped[CloudState] = mapped_column(
        enum_column(CloudState), nullable=False, default=CloudState.OPEN
    )
    cloud_note: Mapped[str] = mapped_column(String(300), nullable=False, default="")
    # The platform whose tenant the system is.
    tenant_of: Mapped[str] = mapped_column(String(160), nullable=False, default="")
    data_kinds: Mapped[str] = mapped_column(String(300), nullable=False, default="")
    networks: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    domains: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    responsible: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    maintained_until: Mapped[date | None] = mapped_column(Date)
    evaluation_body: Mapped[str] = mapped_column(String(160), nullable=False, default="")
    evaluation_contract_until: Mapped[date | None] = mapped_column(Date)
    certificate_until: Mapped[date | None] = mapped_column(Date)
    retired_on: Mapped[date | None] = mapped_column(Date)
    is_example: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    is_platform: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    # Who may see the system and all that belongs to it; secops.sensitivity.
    sensitivity: Mapped[int] = mapped_column(Integer, nullable=False, default=1, index=True)

    department: Mapped[Department] = relationship(lazy="raise")

    @classmethod
    def scope_clause(cls, departments: Any, systems: Any) -> ColumnElement[bool]:
        return or_(cls.department_id.in_(departments), cls.id.in_(systems))

    def __repr__(self) -> str:
        return self.name


class Classification(SystemScoped, Base):
    """One run of the classification: rule set, answers and result. Rows are added, never changed."""

    __tablename__ = "classification"

    id: Mapped[int] = mapped_column(primary_key=True)
    rule_set: Mapped[str] = mapped_column(String(60), nullable=False)
    business: Mapped[list[list[str]]] = mapped_column(JSON, nullable=False)
    service: Mapped[list[list[str]]] = mapped_column(JSON, nullable=False)
    s_level: Mapped[int] = mapped_column(Integer, nullable=False)
    a_level: Mapped[int] = mapped_column(Integer, nullable=False)
    level: Mapped[int] = mapped_column(Integer, nullable=False)
    profile: Mapped[str] = mapped_column(String(12), nullable=False)
    reason: Mapped[str] = mapped_column(Text, nullable=False, default="")
    # Named businesses and services with the pair each was judged by, the minimum rules, expert review, approval.
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class Asset(SystemScoped, Versioned, Base):
    """A target of testing and evaluation (测评对象) of one of the kinds that the standard names."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("system_id", "kind", "name"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    kind: Mapped[str] = mapped_column(String(32), nullable=False)
    address: Mapped[str] = mapped_column(String(64), nullable=False, default="")
    importance: Mapped[Importance] = mapped_column(
        enum_column(Importance), nullable=False, default=Importance.IMPORTANT
    )
    is_this_machine: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    group_name: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    sampled: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    note: Mapped[str] = mapped_column(String(300), nullable=False, default="")
    is_example: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)

    def __repr__(self) -> str:
        return self.name
