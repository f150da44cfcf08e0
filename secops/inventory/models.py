"""Registers that feed the three layers: data and its flows, releases, policies, key posts, filings; and import drafts."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.scope import DepartmentScoped, SystemScoped


class DataGrade(StrEnum):
    """Source: Data Security Law, article 21."""

    GENERAL = "general"
    IMPORTANT = "important"
    CORE = "core"


class PersonalData(StrEnum):
    """Source: Personal Information Protection Law, articles 4 and 28."""

    NONE = "none"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class Dimension(StrEnum):
    """The three dimensions of the management layer."""

    DESIGN = "design"
    EXECUTION = "execution"
    SUPERVISION = "supervision"


class PolicyState(StrEnum):
    DRAFT = "draft"
    IN_FORCE = "in-force"
    WITHDRAWN = "withdrawn"


class FilingKind(StrEnum):
    FIRST = "first"
    CHANGE = "change"
    REFILING = "refiling"
    EXTENSION = "extension"
    WITHDRAWAL = "withdrawal"


class DataCategory(SystemScoped, Versioned, Base):
    """One category of data of a system: the smallest class, not single fields."""

    __tablename__ = "data_category"
    __table_args__ = (UniqueConstraint("system_id", "name"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    grade: Mapped[DataGrade] = mapped_column(enum_column(DataGrade), nullable=False)
    personal: Mapped[PersonalData] = mapped_column(enum_column(PersonalData), nullable=False)
    records: Mapped[int | None] = mapped_column(Integer)
    stages: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    stores: Mapped[str] = mapped_column(String(300), nullable=False, default="")
    protection: Mapped[str] = mapped_column(String(300), nullable=False, default="")
    keeper: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    reviewed_on: Mapped[date | None] = mapped_column(Date)


class DataFlow(SystemScoped, Versioned, Base):
    """A flow of data between departments or systems, with what is allowed and what was measured."""

    __tablename__ = "data_flow"
    __table_args__ = (UniqueConstraint("system_id", "name"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    source: Mapped[str] = mapped_column(String(160), nullable=False)
    target: Mapped[str] = mapped_column(String(160), nullable=False)
    purpose: Mapped[str] = mapped_column(String(300), nullable=False, default="")
    across: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    # Times a day, MB a day, Mbit/s: allowed and last seen.
    frequency_limit: Mapped[int | None] = mapped_column(Integer)
    frequency_seen: Mapped[int | None] = mapped_column(Integer)
    volume_limit: Mapped[int | None] = mapped_column(Integer)
    volume_seen: Mapped[int | None] = mapped_column(Integer)
    speed_limit: Mapped[int | None] = mapped_column(Integer)
    speed_seen: Mapped[int | None] = mapped_column(Integer)
    encryption: Mapped[str] = mapped_column(String(160), nullable=False, default="")
    approved_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    reviewed_on: Mapped[date | None] = mapped_column(Date)


class Release(SystemScoped, Versioned, Base):
    """A release of an application with the day each gate of secure development was passed."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("system_id", "name"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), nullable=False)
    requirements_on: Mapped[date | None] = mapped_column(Date)
    design_review_on: Mapped[date | None] = mapped_column(Date)
    code_review_on: Mapped[date | None] = mapped_column(Date)
    test_on: Mapped[date | None] = mapped_column(Date)
    penetration_on: Mapped[date | None] = mapped_column(Date)
    assessed_on: Mapped[date | None] = mapped_column(Date)
    released_on: Mapped[date | None] = mapped_column(Date)
    retired_on: Mapped[date | None] = mapped_column(Date)
    open_faults: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(String(400), nullable=False, default="")


class Policy(DepartmentScoped, Versioned, Base):
    """A management policy (制度) with its approval, publication and review."""

    __tablename__ = "policy"
    __table_args__ = (UniqueConstraint("department_id", "number"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(60), nullable=False)
    title: Mapped[str] = mapped_column(String(200), nullable=False)
    edition: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    dimension: Mapped[Dimension] = mapped_column(enum_column(Dimension), nullable=False)
    state: Mapped[PolicyState] = mapped_column(enum_column(PolicyState), nullable=False)
    approved_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    approved_on: Mapped[date | None] = mapped_column(Date)
    published_on: Mapped[date | None] = mapped_column(Date)
    reviewed_on: Mapped[date | None] = mapped_column(Date)
    review_months: Mapped[int] = mapped_column(Integer, nullable=False, default=12)


class KeyPost(DepartmentScoped, Versioned, Base):
    """A person in a key post: background check, confidentiality agreement, training, leaving."""

    __tablename__ = "key_post"
    __table_args__ = (UniqueConstraint("department_id", "person", "post"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(80), nullable=False)
    post: Mapped[str] = mapped_column(String(120), nullable=False)
    dimension: Mapped[Dimension] = mapped_column(enum_column(Dimension), nullable=False)
    outside: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    started_on: Mapped[date | None] = mapped_column(Date)
    checked_on: Mapped[date | None] = mapped_column(Date)
    agreement_on: Mapped[date | None] = mapped_column(Date)
    trained_on: Mapped[date | None] = mapped_column(Date)
    left_on: Mapped[date | None] = mapped_column(Date)
    access_ended_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str] = mapped_column(Text, nullable=False, default="")


class Filing(SystemScoped, Versioned, Base):
    """One entry of the filing ledger (备案台账)."""

    __tablename__ = "filing"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[FilingKind] = mapped_column(enum_column(FilingKind), nullable=False)
    organ: Mapped[str] = mapped_column(String(160), nullable=False)
    number: Mapped[str] = mapped_column(String(60), nullable=False, default="")
    submitted_on: Mapped[date] = mapped_column(Date, nullable=False)
    issued_on: Mapped[date | None] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(400), nullable=False, default="")


class ExclusionState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class UnitExclusion(SystemScoped, Versioned, Base):
    """A unit that somebody holds for not applicable, with the reason; it counts once a second person approved it.

    Source: GB/T 28449-2018, 8.2.1: the threat that the item answers does not exist for the object.
    """

    __tablename__ = "unit_exclusion"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False, index=True)
    reason: Mapped[str] = mapped_column(String(400), nullable=False)
    state: Mapped[ExclusionState] = mapped_column(enum_column(ExclusionState), nullable=False)
    requested_by: Mapped[str] = mapped_column(String(120), nullable=False)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_note: Mapped[str] = mapped_column(String(400), nullable=False, default="")


class Publication(SystemScoped, Versioned, Base):
    """Decided results that a provider hands down to its tenants, until its report ends."""

    __tablename__ = "publication"

    id: Mapped[int] = mapped_column(primary_key=True)
    report: Mapped[str] = mapped_column(String(200), nullable=False)
    level: Mapped[int] = mapped_column(Integer, nullable=False)
    decided_on: Mapped[date] = mapped_column(Date, nullable=False)
    expires_on: Mapped[date] = mapped_column(Date, nullable=False, index=True)
    # Requirement family → verdict: a tenant of another level reads its own unit of the same family.
    results: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    published_by: Mapped[str] = mapped_column(String(120), nullable=False)
    published_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InheritedUnit(SystemScoped, Versioned, Base):
    """How a tenant answers one unit: inherited from a provider, shared with it, or answered by others altogether.

    Holds a copy of what the provider published, since a tenant may not see the provider's own rows.
    """

    __tablename__ = "inherited_unit"
    __table_args__ = (UniqueConstraint("system_id", "unit_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False)
    responsibility: Mapped[str] = mapped_column(String(16), nullable=False)
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("system.id"), index=True)
    provider_name: Mapped[str] = mapped_column(String(160), nullable=False, default="")
    verdict: Mapped[str | None] = mapped_column(String(16))
    decided_on: Mapped[date | None] = mapped_column(Date)
    expires_on: Mapped[date | None] = mapped_column(Date, index=True)
    report: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    # The letter of those who run the system, for systems without local rights.
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
    claimed_by: Mapped[str] = mapped_column(String(120), nullable=False)
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    # Set when the end of the provider's report was told, so that it is told once.
    expiry_told_on: Mapped[date | None] = mapped_column(Date)


class Reminder(SystemScoped, Base):
    """A date of a system that was told of, once before it and once after; the next date is told anew."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("system_id", "matter", "due", "late"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    matter: Mapped[str] = mapped_column(String(40), nullable=False)
    due: Mapped[date] = mapped_column(Date, nullable=False)
    late: Mapped[bool] = mapped_column(Boolean, nullable=False)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class ImportDraft(Base):
    """Rows of a spreadsheet that somebody looks at before they are taken over; nobody else sees them.

    No decision by itself, so its change needs no audit event; taking it over does.
    """

    __tablename__ = "import_draft"
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False, index=True)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    file_name: Mapped[str] = mapped_column(String(255), nullable=False)
    sm3: Mapped[str] = mapped_column(String(64), nullable=False)
    rows: Mapped[list[list[Any]]] = mapped_column(JSON, nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False, index=True)
