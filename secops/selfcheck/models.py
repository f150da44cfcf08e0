"""One run of the self-assessment and what it found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime


class SelfcheckRun(Base):
    """``lines`` as printed by ``secops selfcheck --json``; the same lies sealed in the vault as evidence."""

    __tablename__ = "selfcheck_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False, index=True)
    run_by: Mapped[str] = mapped_column(String(120), nullable=False)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, nullable=False)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False)
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
