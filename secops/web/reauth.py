"""What a session alone is not enough for: sensitive acts ask for the password again, administrators for their network."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from secops.accounts.models import ADMINISTRATORS
from secops.clock import utc_now
from secops.errors import Refused
from secops.web.lang import t

# Forms are listed with the page that shows them, so that the question comes before the work.
SENSITIVE = frozenset(
    {
        "GrantView.grant",
        "GrantView.revoke",
        "ApprovalView.decide",
        "LabelView.set_person",
        "UserView.create",
        "UserView.toggle",
        "UserView.reset_factor",
        "UserView.export",
        "FactorView.begin",
        "FactorView.codes",
        "FactorView.remove",
        "TokenView.create",
        "AuditView.export",
    }
)
_ADMINISTRATORS = frozenset(role.value for role in ADMINISTRATORS)


def require_recent_login(endpoint: str) -> ResponseReturnValue | None:
    """Lead to the page that asks for the password, when it was asked for too long ago."""
    if endpoint not in SENSITIVE:
        return None
    asked = g.user_session.reauth_at
    limit = timedelta(minutes=current_app.extensions["secops"].settings.reauth_minutes)
    if asked is not None and utc_now() - asked < limit:
        return None
    if request.method == "GET":
        session["confirm_next"] = request.full_path
    else:
        came = urlsplit(request.headers.get("Referer", ""))
        session["confirm_next"] = came.path if came.netloc == request.host else "/"
        flash(
            t(
                "请先确认身份，再提交一次；刚才的操作没有执行。",
                "Confirm who you are, then send it again; nothing was done yet.",
            ),
            "warning",
        )
    return redirect(url_for("AccountView.confirm"))


def require_network(roles: frozenset[str]) -> None:
    """Administrators work from the networks that the settings name.

    Raises:
        Refused
    """
    networks = current_app.extensions["secops"].settings.admin_networks
    if not networks or not roles & _ADMINISTRATORS:
        return
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")
    if not any(address in ipaddress.ip_network(part) for part in networks.split(",")):
        raise Refused("管理员不能从这个地址访问。", "Administrators may not work from this address.")
