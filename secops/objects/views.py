"""Pages of this feature."""

from __future__ import annotations

VIEWS: tuple[type, ...] = ()
