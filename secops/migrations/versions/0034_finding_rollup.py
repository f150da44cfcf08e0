"""Counts of findings per system, layer, severity and state.

Revision: 0034, after 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finding_rollup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"]),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system_id", "layer", "severity", "state", name="uq_finding_rollup"),
    )
    op.create_index("ix_finding_rollup_department_id", "finding_rollup", ["department_id"])
    op.create_index("ix_finding_rollup_system_id", "finding_rollup", ["system_id"])
    op.execute(
        "INSERT INTO finding_rollup (department_id, system_id, layer, severity, state, number) "
        "SELECT department_id, system_id, layer, severity, state, COUNT(*) FROM finding "
        "GROUP BY department_id, system_id, layer, severity, state"
    )
