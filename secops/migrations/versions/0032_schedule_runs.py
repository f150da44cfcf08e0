"""Schedules have a window, jitter and a catch-up rule; each due moment keeps what became of it.

Revision: 0032, after 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("window_from", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("window_until", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("jitter_seconds", sa.Integer(), nullable=False, server_default="0"))
        # What was due while nothing ran was made up for once before there was a choice.
        batch_op.add_column(sa.Column("catch_up", sa.String(length=8), nullable=False, server_default="once"))
        batch_op.add_column(sa.Column("catch_up_most", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE schedule SET due_at = next_run_at")
    op.create_table(
        "schedule_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("system_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"]),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"]),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"]),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("schedule_id", "due_at", name="uq_schedule_run_due"),
    )
    for column in ("department_id", "system_id", "job_id"):
        op.create_index(f"ix_schedule_run_{column}", "schedule_run", [column])
