"""FAB's security manager with our log-in; FAB's own security views, APIs and role checks are not used.

Who may do what is decided by the gate from one reviewed file, before a view is called; FAB's per-view
permissions would be a second truth, so FAB is told that whoever reached a view may have it.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import LoginManager

from secops.web.principal import principal


class PlatformSecurityManager(SecurityManager):
    """Accounts live in FAB's tables, everything else is ours."""

    def register_views(self) -> None:
        from secops.accounts.views import LoginView

        self.auth_view = LoginView()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Flask-Login makes no session and reads none: it is told who the session on the server belongs to."""
        manager = LoginManager(app)
        manager.session_protection = None
        manager.user_loader(lambda user_id: None)
        manager.request_loader(lambda request: g.get("signed_in"))
        return manager

    def create_db(self) -> None:
        """Tables come from migrations; FAB's Admin and Public roles are never made."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return principal().user_id is not None

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        return set()

    def add_permissions_view(self, base_permissions: Any, view_menu: Any) -> None:
        return None

    def add_permissions_menu(self, view_menu_name: str) -> None:
        return None

    def security_cleanup(self, baseviews: Any, menus: Any) -> None:
        return None

    def auth_user_db(self, username: str, password: str) -> None:
        """Closed: the one way to a session is ``LoginView``."""
        return None
