"""Accounts beside FAB's user table: the department, the state of the password, and the role grants."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime, Versioned, enum_column


class Role(StrEnum):
    """Who somebody is. The first three administer and see no finding; nobody holds two of them (三员分立)."""

    SYSTEM_ADMIN = "system-admin"
    SECURITY_ADMIN = "security-admin"
    AUDIT_ADMIN = "audit-admin"
    OFFICER = "officer"
    CONTACT = "contact"
    OWNER = "owner"
    ASSESSOR = "assessor"
    INSPECTOR = "inspector"
    LEADER = "leader"
    API_CLIENT = "api-client"


ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})


class Account(Versioned, Base):
    """What the platform knows of one FAB user."""

    __tablename__ = "account"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), nullable=False, index=True)
    display_name: Mapped[str] = mapped_column(String(80), nullable=False)
    post: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    must_change_password: Mapped[bool] = mapped_column(Boolean, nullable=False, default=True)
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_logins: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_example: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    # Raised by log-out, password change, disabling: a cookie of an earlier epoch is dead.
    session_epoch: Mapped[int] = mapped_column(Integer, nullable=False, default=1)
    # The highest sensitivity label this person may see; secops.sensitivity.
    clearance: Mapped[int] = mapped_column(Integer, nullable=False, default=1)
    # From this moment on nobody signs in with it, whatever it may do; None: no end. Never for an administrator.
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def ended(self, now: datetime) -> bool:
        """Whether the account is past its date."""
        return self.valid_until is not None and self.valid_until <= now


class RoleGrant(Base):
    """One role for one account, from a department downwards or for one system, until a date."""

    __tablename__ = "role_grant"
    __table_args__ = (Index("ix_role_grant_user", "user_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False)
    role: Mapped[Role] = mapped_column(enum_column(Role), nullable=False)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), nullable=False)
    system_id: Mapped[int | None] = mapped_column(ForeignKey("system.id"))
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    granted_by: Mapped[str] = mapped_column(String(120), nullable=False)
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The assessment that an assessor was called for; it ends with ``valid_until``.
    assignment: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    # The second person, where the grant needed one.
    approved_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")


class UserSession(Base):
    """One session of one person: made, seen, ended. The token itself is the browser's; here lies its digest.

    Not under the audit guard: its start and its end are told by the log-in, the log-out, or the change that ended it.
    """

    __tablename__ = "user_session"
    __audited__ = False
    __table_args__ = (
        Index("ix_user_session_open", "user_id", "ended_at"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False)
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    # The account's epoch when the session began; the session is dead once the account has moved on.
    epoch: Mapped[int] = mapped_column(Integer, nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    # When a second factor was shown in this session, and when the password was last asked for.
    factor_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reauth_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(String(45), nullable=False, default="")
    agent: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str] = mapped_column(String(32), nullable=False, default="")

    @property
    def ref(self) -> str:
        """What the audit log calls this session; says nothing about the token."""
        return f"s{self.id}"


class LoginAttempt(Base):
    """One attempt at a secret, by whatever path; kept a day, for the limits of :mod:`secops.accounts.throttle`."""

    __tablename__ = "login_attempt"
    __audited__ = False
    __table_args__ = (
        Index("ix_login_attempt_user", "user_id", "at"),
        Index("ix_login_attempt_address", "address", "at"),
        Index("ix_login_attempt_at", "at"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    path: Mapped[str] = mapped_column(String(16), nullable=False)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    address: Mapped[str] = mapped_column(String(45), nullable=False)
    outcome: Mapped[str] = mapped_column(String(16), nullable=False)


class PasswordHistory(Base):
    """A hash that was replaced; the last ones can't come back."""

    __tablename__ = "password_history"
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False, index=True)
    hash: Mapped[str] = mapped_column(String(256), nullable=False)
    replaced_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class TotpFactor(Base):
    """The one-time codes of one account: the seed sealed under a key, and the last time step that was used.

    Not under the audit guard, since each log-in moves the step; what changes it otherwise notes its event.
    """

    __tablename__ = "totp_factor"
    __audited__ = False

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    seed: Mapped[str] = mapped_column(String(400), nullable=False)
    kid: Mapped[str] = mapped_column(String(40), nullable=False)
    last_step: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    # Null until the first code was shown; before that it opens nothing and is asked for by nobody.
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code that stands in for the second factor, once."""

    __tablename__ = "recovery_code"
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False, index=True)
    code_hash: Mapped[str] = mapped_column(String(100), nullable=False)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GrantKind(StrEnum):
    ROLE = "role"
    CLEARANCE = "clearance"
    FACTOR = "factor"


class RequestState(StrEnum):
    """A pending request past ``expires_at`` is over too; no job has to say so."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class GrantRequest(Versioned, Base):
    """A grant that matters, asked for by one person and decided by another."""

    __tablename__ = "grant_request"
    __table_args__ = (
        CheckConstraint("decided_by = '' OR decided_by <> requested_by", name="ck_grant_request_two_people"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[GrantKind] = mapped_column(enum_column(GrantKind), nullable=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False, index=True)
    role: Mapped[Role | None] = mapped_column(enum_column(Role))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    system_id: Mapped[int | None] = mapped_column(ForeignKey("system.id"), index=True)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    assignment: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    clearance: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(400), nullable=False)
    requested_by: Mapped[str] = mapped_column(String(120), nullable=False)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    state: Mapped[RequestState] = mapped_column(
        enum_column(RequestState), nullable=False, default=RequestState.PENDING, index=True
    )
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_reason: Mapped[str] = mapped_column(String(400), nullable=False, default="")
