"""Findings of a system as a whole, and what a list sorts by in columns of its own.

Revision: 0010, after 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FINDING = sa.table(
    "finding",
    sa.column("severity", sa.String),
    sa.column("due", sa.Date),
    sa.column("suggested_due", sa.Date),
    sa.column("rank", sa.Integer),
    sa.column("due_on", sa.Date),
    sa.column("id", sa.Integer),
    sa.column("title", sa.JSON),
    sa.column("rule_id", sa.String),
    sa.column("target", sa.String),
    sa.column("words", sa.String),
)
_CHUNK = 1000


def _fill_words() -> None:
    """Databases read JSON each in their own way, so this goes through Python, a thousand rows at a time."""
    connection = op.get_bind()
    table, last = _FINDING.c, 0
    wanted = sa.select(table.id, table.title, table.rule_id, table.target).order_by(table.id).limit(_CHUNK)
    while rows := connection.execute(wanted.where(table.id > last)).all():
        for row in rows:
            words = (
                f"{row.title.get('zh', '')} {row.title.get('en', '')} {row.rule_id} {row.target}".casefold()
            )
            connection.execute(_FINDING.update().where(table.id == row.id).values(words=words[:600]))
        last = rows[-1].id


def upgrade() -> None:
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.alter_column("asset_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(
            sa.Column(
                "source",
                sa.Enum("rule", "register", name="findingsource", native_enum=False, length=32),
                nullable=False,
                server_default="rule",
            )
        )
        batch_op.add_column(sa.Column("rank", sa.Integer(), nullable=False, server_default="2"))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("words", sa.String(length=600), nullable=False, server_default=""))
        batch_op.drop_index("ix_finding_counts")
    order = sa.case((_FINDING.c.severity == "high", 0), (_FINDING.c.severity == "medium", 1), else_=2)
    op.execute(
        _FINDING.update().values(
            rank=order, due_on=sa.func.coalesce(_FINDING.c.due, _FINDING.c.suggested_due)
        )
    )
    _fill_words()
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.create_index(
            "ix_finding_counts", ["state", "severity", "layer", "system_id", "due_on"], unique=False
        )
        batch_op.create_index("ix_finding_of_system", ["system_id", "state", "severity"], unique=False)
        batch_op.create_index("ix_finding_rank", ["rank", "id"], unique=False)
        batch_op.create_index("ix_finding_due_on", ["due_on", "system_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_finding_asset_id"), ["asset_id"], unique=False)
