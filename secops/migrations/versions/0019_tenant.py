"""Systems name the platform whose tenant they are.

Revision: 0019, after 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("system", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tenant_of", sa.String(length=160), nullable=False, server_default=""))
