"""Alembic environment; the engine is handed in by ``secops.store.migrate``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from secops.db import UtcDateTime
from secops.models import metadata


def render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Migrations stay readable without the application: our moment is a plain timestamp with zone."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
