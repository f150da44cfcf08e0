"""Scans: the list, one scan while it runs and after it, start, cancel, and the authorisations they need."""

from __future__ import annotations

from secops.scans.authorization_views import AuthorizationView
from secops.scans.scan_views import ScanView

VIEWS: tuple[type, ...] = (ScanView, AuthorizationView)
