"""Grants that need a second person, sensitivity labels, clearance, and the rules of role grants in the database.

Revision: 0004, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = (
    "system-admin",
    "security-admin",
    "audit-admin",
    "officer",
    "contact",
    "owner",
    "assessor",
    "inspector",
    "leader",
    "api-client",
)


def upgrade() -> None:
    for table in ("system", "evidence"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("sensitivity", sa.Integer(), server_default="1", nullable=False))
            batch_op.create_index(batch_op.f(f"ix_{table}_sensitivity"), ["sensitivity"], unique=False)
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clearance", sa.Integer(), server_default="1", nullable=False))
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assignment", sa.String(length=120), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("approved_by", sa.String(length=120), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("reviewed_by", sa.String(length=120), server_default="", nullable=False)
        )
    _requests()
    _selfcheck()
    _triggers()


def _requests() -> None:
    op.create_table(
        "grant_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("role", "clearance", name="grantkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Enum(*ROLES, name="role", native_enum=False, length=32), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("system_id", sa.Integer(), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assignment", sa.String(length=120), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("requested_by", sa.String(length=120), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "approved",
                "refused",
                "withdrawn",
                name="requeststate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(length=400), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"]),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"]),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"]),
        sa.CheckConstraint(
            "decided_by = '' OR decided_by <> requested_by", name="ck_grant_request_two_people"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("grant_request", schema=None) as batch_op:
        for column in ("user_id", "department_id", "system_id", "state"):
            batch_op.create_index(batch_op.f(f"ix_grant_request_{column}"), [column], unique=False)


def _selfcheck() -> None:
    op.create_table(
        "selfcheck_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_by", sa.String(length=120), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("selfcheck_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_selfcheck_run_run_at"), ["run_at"], unique=False)


# One body for both databases; what differs is how a trigger is written around it.
_OTHER = """
    SELECT 1 FROM role_grant AS held
    WHERE held.user_id = NEW.user_id AND held.id <> NEW.id AND held.role <> NEW.role
      AND held.revoked_at IS NULL
      AND (held.valid_until IS NULL OR held.valid_until > NEW.granted_at)
      AND (held.role IN ('system-admin', 'security-admin', 'audit-admin')
           OR NEW.role IN ('system-admin', 'security-admin', 'audit-admin'))
"""
_WATCHED = "user_id, role, valid_until, revoked_at, granted_by"
_SELF = "SELECT 1 FROM ab_user WHERE id = NEW.user_id AND username = NEW.granted_by"
_RULES = (
    ("role_grant: an administrator holds no second role", _OTHER),
    ("role_grant: nobody grants to themselves", _SELF),
    (
        "role_grant: an assessor's grant needs an end",
        "SELECT 1 WHERE NEW.role = 'assessor' AND NEW.valid_until IS NULL",
    ),
)


def _triggers() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _postgresql_triggers() -> None:
    checks = "\n".join(
        f"  IF EXISTS ({query}) THEN RAISE EXCEPTION '{text}' USING ERRCODE = 'check_violation'; END IF;"
        for text, query in ((text.replace("'", "''"), query) for text, query in _RULES)
    )
    # The lock on the account lets two grants to one person happen one after the other only.
    op.execute(
        f"""
        CREATE FUNCTION role_grant_rules() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM 1 FROM account WHERE user_id = NEW.user_id FOR UPDATE;
          IF NEW.revoked_at IS NOT NULL THEN RETURN NEW; END IF;
        {checks}
          RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER role_grant_rules BEFORE INSERT OR UPDATE OF {_WATCHED} ON role_grant "
        "FOR EACH ROW EXECUTE FUNCTION role_grant_rules()"
    )


def _sqlite_triggers() -> None:
    for event in ("INSERT", f"UPDATE OF {_WATCHED}"):
        for number, (text, query) in enumerate(_RULES):
            quoted = text.replace("'", "''")
            # AFTER: before an insert SQLite knows no id yet, and RAISE undoes the statement either way.
            op.execute(
                f"CREATE TRIGGER role_grant_rule_{number}_{event[:6].lower()} AFTER {event} ON role_grant "
                f"WHEN NEW.revoked_at IS NULL AND EXISTS ({query}) "
                f"BEGIN SELECT RAISE(ABORT, '{quoted}'); END"
            )
