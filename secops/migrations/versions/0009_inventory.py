"""Inventory: the move to the cloud, contracts and certificates of systems, and the registers of the three layers.

Revision: 0009, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["ab_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("import_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_draft_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_draft_user_id"), ["user_id"], unique=False)

    op.create_table(
        "key_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("post", sa.String(length=120), nullable=False),
        sa.Column(
            "dimension",
            sa.Enum("design", "execution", "supervision", name="dimension", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("agreement_on", sa.Date(), nullable=True),
        sa.Column("trained_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("access_ended_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("department_id", "person", "post"),
    )
    with op.batch_alter_table("key_post", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_key_post_department_id"), ["department_id"], unique=False)

    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.Column(
            "dimension",
            sa.Enum("design", "execution", "supervision", name="dimension", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("draft", "in-force", "withdrawn", name="policystate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("approved_by", sa.String(length=120), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("review_months", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("department_id", "number"),
    )
    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_department_id"), ["department_id"], unique=False)

    op.create_table(
        "data_category",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column(
            "grade",
            sa.Enum("general", "important", "core", name="datagrade", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "personal",
            sa.Enum("none", "personal", "sensitive", name="personaldata", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("records", sa.Integer(), nullable=True),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("stores", sa.String(length=300), nullable=False),
        sa.Column("protection", sa.String(length=300), nullable=False),
        sa.Column("keeper", sa.String(length=80), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system_id", "name"),
    )
    with op.batch_alter_table("data_category", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_category_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_category_system_id"), ["system_id"], unique=False)

    op.create_table(
        "data_flow",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("source", sa.String(length=160), nullable=False),
        sa.Column("target", sa.String(length=160), nullable=False),
        sa.Column("purpose", sa.String(length=300), nullable=False),
        sa.Column("across", sa.Boolean(), nullable=False),
        sa.Column("frequency_limit", sa.Integer(), nullable=True),
        sa.Column("frequency_seen", sa.Integer(), nullable=True),
        sa.Column("volume_limit", sa.Integer(), nullable=True),
        sa.Column("volume_seen", sa.Integer(), nullable=True),
        sa.Column("speed_limit", sa.Integer(), nullable=True),
        sa.Column("speed_seen", sa.Integer(), nullable=True),
        sa.Column("encryption", sa.String(length=160), nullable=False),
        sa.Column("approved_by", sa.String(length=120), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system_id", "name"),
    )
    with op.batch_alter_table("data_flow", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_flow_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_flow_system_id"), ["system_id"], unique=False)

    op.create_table(
        "filing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "first",
                "change",
                "refiling",
                "extension",
                "withdrawal",
                name="filingkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("organ", sa.String(length=160), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("submitted_on", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("filing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_filing_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_filing_system_id"), ["system_id"], unique=False)

    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report", sa.String(length=200), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("published_by", sa.String(length=120), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_publication_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_publication_expires_on"), ["expires_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_publication_system_id"), ["system_id"], unique=False)

    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("requirements_on", sa.Date(), nullable=True),
        sa.Column("design_review_on", sa.Date(), nullable=True),
        sa.Column("code_review_on", sa.Date(), nullable=True),
        sa.Column("test_on", sa.Date(), nullable=True),
        sa.Column("penetration_on", sa.Date(), nullable=True),
        sa.Column("assessed_on", sa.Date(), nullable=True),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column("open_faults", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system_id", "name"),
    )
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_release_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_system_id"), ["system_id"], unique=False)

    op.create_table(
        "unit_exclusion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "approved",
                "refused",
                "withdrawn",
                name="exclusionstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("requested_by", sa.String(length=120), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(length=400), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("unit_exclusion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_exclusion_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_exclusion_system_id"), ["system_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_exclusion_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "inherited_unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("responsibility", sa.String(length=16), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("provider_name", sa.String(length=160), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("report", sa.String(length=200), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=True),
        sa.Column("claimed_by", sa.String(length=120), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expiry_told_on", sa.Date(), nullable=True),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["letter_id"],
            ["evidence.id"],
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["system.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system_id", "unit_id"),
    )
    with op.batch_alter_table("inherited_unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inherited_unit_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_inherited_unit_expires_on"), ["expires_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_inherited_unit_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_inherited_unit_system_id"), ["system_id"], unique=False)

    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.add_column(sa.Column("group_name", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("sampled", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("note", sa.String(length=300), nullable=False, server_default=""))

    with op.batch_alter_table("classification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("detail", sa.JSON(), nullable=False, server_default="{}"))

    with op.batch_alter_table("system", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "cloud_state",
                sa.Enum(
                    "open",
                    "applied",
                    "contracted",
                    "migrating",
                    "done",
                    "exempt",
                    name="cloudstate",
                    native_enum=False,
                    length=32,
                ),
                nullable=False,
                server_default="open",
            )
        )
        batch_op.add_column(sa.Column("cloud_note", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("data_kinds", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("networks", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("domains", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("responsible", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("maintained_until", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column("evaluation_body", sa.String(length=160), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("evaluation_contract_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("certificate_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("retired_on", sa.Date(), nullable=True))
    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("matter", sa.String(length=40), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system_id", "matter", "due", "late"),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reminder_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reminder_system_id"), ["system_id"], unique=False)
