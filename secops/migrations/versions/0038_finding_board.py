"""The board reads the first findings of a state, the inbox those of an owner.

Revision: 0038, after 0037
"""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_finding_board", "finding", ["state", "rank", "due_on", "id"])
    op.create_index("ix_finding_owner", "finding", ["owner", "state", "due_on"])
