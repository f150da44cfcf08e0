"""The figure of a closed assessment stands beside its conclusion, so that lists need not read the whole result.

Revision: 0033, after 0013
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("figure", sa.String(length=16), nullable=False, server_default=""))
    connection = op.get_bind()
    table = sa.table(
        "assessment",
        sa.column("id", sa.Integer),
        sa.column("result", sa.Text),
        sa.column("figure", sa.String),
    )
    closed = connection.execute(
        sa.select(table.c.id, sa.cast(table.c.result, sa.Text)).where(
            sa.cast(table.c.result, sa.Text) != "{}"
        )
    ).all()
    for number, text in closed:
        output = (json.loads(text) if text else {}).get("output") or {}
        rate, score = output.get("rate"), output.get("score")
        figure = f"{score:.2f}" if score is not None else f"{rate:.2f}%" if rate is not None else ""
        connection.execute(table.update().where(table.c.id == number).values(figure=figure))
