"""The gate: one reviewed file says which roles may call which endpoint by which method; the rest is refused.

``secops/permissions.yaml`` is written by hand. A route that is not in it fails the build and answers 403.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml
from flask import current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from secops.accounts.factors import is_required
from secops.accounts.models import Role
from secops.accounts.services import is_expired
from secops.audit_log.services import record_alone
from secops.clock import utc_now
from secops.errors import Refused
from secops.web.principal import API_ROOT, principal
from secops.web.reauth import require_network, require_recent_login

ANONYMOUS = "anonymous"
ANYBODY = "signed-in"
_GROUPS = frozenset({ANONYMOUS, ANYBODY})


class BadPermissionFile(ValueError):
    """An entry of the permission file can't be read: (endpoint, what is wrong)."""

    def __init__(self, endpoint: str, fault: str) -> None:
        super().__init__(endpoint, fault)
        self.endpoint = endpoint
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Permissions:
    """(endpoint, method) → roles; ``anonymous`` lets everybody in, ``signed-in`` every account."""

    rules: Mapping[tuple[str, str], frozenset[str]]

    def allowed(self, endpoint: str, method: str) -> frozenset[str]:
        return self.rules.get((endpoint, "GET" if method in ("HEAD", "OPTIONS") else method), frozenset())

    def admits(self, endpoint: str, method: str, roles: frozenset[str], signed_in: bool) -> bool:
        allowed = self.allowed(endpoint, method)
        if ANONYMOUS in allowed or (ANYBODY in allowed and signed_in):
            return True
        return bool(allowed & roles)


@lru_cache(maxsize=1)
def permissions() -> Permissions:
    """Read the file once.

    Raises:
        BadPermissionFile: an unknown role or method.
    """
    text = (resources.files("secops") / "permissions.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    names = {role.value for role in Role} | _GROUPS
    aliases = {name: frozenset(roles) for name, roles in content.get("groups", {}).items()}
    rules: dict[tuple[str, str], frozenset[str]] = {}
    for endpoint, methods in content["endpoints"].items():
        for method, roles in methods.items():
            if method not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                raise BadPermissionFile(endpoint, f"{method} is not a method")
            picked: set[str] = set()
            for role in [roles] if isinstance(roles, str) else roles:
                picked |= aliases.get(role, frozenset({role}))
            if picked - names:
                raise BadPermissionFile(endpoint, f"unknown role {sorted(picked - names)}")
            rules[(endpoint, method)] = frozenset(picked)
    return Permissions(rules)


def check_request() -> ResponseReturnValue | None:
    """Let the request through, send it to the log-in page, or refuse it and say so in the audit log."""
    endpoint = request.endpoint
    if endpoint is None:
        return None
    if request.path.startswith(API_ROOT):
        return _check_call(endpoint)
    who = principal()
    signed_in = who.user_id is not None
    require_network(who.roles)
    if permissions().admits(endpoint, request.method, who.roles, signed_in):
        if signed_in and endpoint not in _EXIT_PAGES:
            return _detour(endpoint, who.roles)
        return None
    if not signed_in:
        session["next"] = request.full_path if request.method == "GET" else "/"
        return redirect(url_for("LoginView.login"))
    _deny(endpoint)
    raise Refused("您的角色不能使用这个功能。", "Your role does not include this function.")


def _check_call(endpoint: str) -> ResponseReturnValue | None:
    """The same for the interface: a token, the owner's roles by the file, and the areas of the token."""
    from secops.api.bearer import may_in_area, refuse
    from secops.api.registry import OPERATIONS

    if g.refusal is not None:
        return refuse(g.refusal)
    who = principal()
    require_network(who.roles)
    area = next(
        (one.area for one in OPERATIONS if f"api.{one.name}" == endpoint and one.method == request.method), ""
    )
    if permissions().admits(endpoint, request.method, who.roles, True) and may_in_area(area):
        return None
    _deny(endpoint)
    raise Refused(
        "您的角色或令牌范围不包含这个功能。", "Your roles, or the areas of the token, do not include this."
    )


def _deny(endpoint: str) -> None:
    record_alone(
        current_app.extensions["secops"].engine,
        principal(),
        "request.denied",
        now=utc_now(),
        object_type="endpoint",
        object_id=endpoint,
        result="refused",
        detail={"method": request.method},
    )


def _detour(endpoint: str, roles: frozenset[str]) -> ResponseReturnValue | None:
    """Where somebody is led first who may call this: a new password, a second factor, the password once more."""
    settings = current_app.extensions["secops"].settings
    if g.account.must_change_password or is_expired(g.account, settings.password_days, utc_now()):
        return redirect(url_for("AccountView.password"))
    without = g.user_session.factor_at is None
    if (
        without
        and is_required(settings, roles)
        and not endpoint.startswith(("FactorView.", "AccountView.confirm"))
    ):
        return redirect(url_for("FactorView.index"))
    return require_recent_login(endpoint)


_EXIT_PAGES = frozenset(
    {
        "AccountView.password",
        "LoginView.logout",
        "static",
        "bootstrap.static",
        "LocaleView.index",
    }
)
