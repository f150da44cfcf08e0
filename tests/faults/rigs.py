"""The platform that the faults are injected into."""

from __future__ import annotations

from pathlib import Path

from secops.config import Settings
from tests.support.platform_rig import Rig
from tests.support.services import free_port


def make_rig(folder: Path, *, lease_s: int = 45) -> Rig:
    """A home of its own with a private broker and a tick each second; not started yet."""
    settings = Settings(
        home=folder / "home", port=free_port(), tick_seconds=1, web_workers=1, lease_seconds=lease_s
    )
    return Rig(settings.resolved(), folder / "rig")
