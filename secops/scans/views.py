"""Scans: the list, one scan while it runs and after it, start, cancel, the authorisations and the log-ins they need."""

from __future__ import annotations

from secops.scans.authorization_views import AuthorizationView
from secops.scans.credential_views import CredentialView
from secops.scans.scan_views import ScanView

VIEWS: tuple[type, ...] = (ScanView, AuthorizationView, CredentialView)
