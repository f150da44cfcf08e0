"""Assessments: scope, targets, records with their history, tasks, risks, compensations, campaigns.

Revision: 0018, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assessment_campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("edition", sa.String(length=20), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("assessment_campaign", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assessment_campaign_department_id"), ["department_id"], unique=False
        )

    op.create_table(
        "assessment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=48), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column(
            "state",
            sa.Enum("running", "closed", "abandoned", name="assessmentstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("framework", sa.String(length=40), nullable=False),
        sa.Column("catalogue", sa.String(length=60), nullable=False),
        sa.Column("edition", sa.String(length=20), nullable=False),
        sa.Column("profile", sa.String(length=12), nullable=False),
        sa.Column("extensions", sa.JSON(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("lead", sa.String(length=120), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("conclusion", sa.String(length=40), nullable=False),
        sa.Column("closed_by", sa.String(length=120), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopen_reason", sa.String(length=400), nullable=False),
        sa.Column("reopen_by", sa.String(length=120), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["assessment_campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"],
            ["assessment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assessment_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_department_id"), ["department_id"], unique=False)
        batch_op.create_index("ix_assessment_of_system", ["system_id", "state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_system_id"), ["system_id"], unique=False)

    op.create_table(
        "assessment_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessment.id"],
        ),
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
    with op.batch_alter_table("assessment_change", schema=None) as batch_op:
        batch_op.create_index(
            "ix_assessment_change_cell", ["assessment_id", "unit_id", "target_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_assessment_change_department_id"), ["department_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_assessment_change_system_id"), ["system_id"], unique=False)

    op.create_table(
        "assessment_risk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("cases", sa.JSON(), nullable=False),
        sa.Column("likelihood", sa.String(length=8), nullable=False),
        sa.Column("impact", sa.String(length=8), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("major", sa.Boolean(), nullable=False),
        sa.Column("major_fixed", sa.Boolean(), nullable=False),
        sa.Column("analysis", sa.Text(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=True, comment="CNY"),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assessment_id", "unit_id"),
    )
    with op.batch_alter_table("assessment_risk", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assessment_risk_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_risk_system_id"), ["system_id"], unique=False)

    op.create_table(
        "assessment_target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("importance", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"],
            ["asset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assessment_id", "position"),
    )
    with op.batch_alter_table("assessment_target", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assessment_target_assessment_id"), ["assessment_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_assessment_target_asset_id"), ["asset_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_assessment_target_department_id"), ["department_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_assessment_target_system_id"), ["system_id"], unique=False)

    op.create_table(
        "assessment_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("assigned_by", sa.String(length=120), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assessment_id", "part", "value", "person"),
    )
    with op.batch_alter_table("assessment_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assessment_task_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_task_person"), ["person"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_task_system_id"), ["system_id"], unique=False)

    op.create_table(
        "assessment_compensation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("by_unit_id", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["assessment_target.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assessment_id", "unit_id", "target_id"),
    )
    with op.batch_alter_table("assessment_compensation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assessment_compensation_department_id"), ["department_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_assessment_compensation_system_id"), ["system_id"], unique=False)

    op.create_table(
        "assessment_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "decided",
                "submitted",
                "accepted",
                "returned",
                name="recordstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "origin",
            sa.Enum(
                "person",
                "suggestion",
                "sheet",
                "inherited",
                "exclusion",
                name="recordorigin",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_draft", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("methods", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("evidence_ids", sa.JSON(), nullable=False),
        sa.Column("crypto", sa.JSON(), nullable=False),
        sa.Column("suggestion", sa.JSON(), nullable=False),
        sa.Column("differs", sa.Boolean(), nullable=False),
        sa.Column("assessor", sa.String(length=120), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewer", sa.String(length=120), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_note", sa.String(length=400), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
        ),
        sa.ForeignKeyConstraint(
            ["system_id"],
            ["system.id"],
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["assessment_target.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("assessment_id", "unit_id", "target_id"),
    )
    with op.batch_alter_table("assessment_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assessment_record_department_id"), ["department_id"], unique=False
        )
        batch_op.create_index("ix_assessment_record_revision", ["assessment_id", "revision"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessment_record_system_id"), ["system_id"], unique=False)
        batch_op.create_index("ix_assessment_record_target", ["assessment_id", "target_id"], unique=False)

    with op.batch_alter_table("posture_cell", schema=None) as batch_op:
        batch_op.add_column(sa.Column("suggested", sa.String(length=16), nullable=True))
    # Until now every verdict of a cell was the machine's, exclusions and inherited ones apart.
    cells = sa.table("posture_cell", sa.column("verdict", sa.String), sa.column("suggested", sa.String))
    op.execute(cells.update().where(cells.c.verdict != "na").values(suggested=cells.c.verdict))
