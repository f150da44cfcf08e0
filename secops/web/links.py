"""Addresses that a page may show: only of pages that exist and that this person may open."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from secops.web.gate import permissions
from secops.web.principal import principal


def may(endpoint: str, method: str = "GET") -> bool:
    """Whether the signed-in person may call *endpoint*; False when there is no such page."""
    return endpoint in current_app.view_functions and permissions().admits(
        endpoint, method, principal().roles, True
    )


def link(endpoint: str, **values: Any) -> str:
    """Address of a page, or "" for one that this person may not open; tables and templates then show plain words."""
    return url_for(endpoint, **values) if may(endpoint) else ""


# For ``self.page(…, **LINKS)``.
LINKS: dict[str, Any] = {"link": link, "may": may}
