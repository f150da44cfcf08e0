"""Turns the signed-in user of a request into the principal of its session."""

from __future__ import annotations

import secrets

from flask import current_app, g, request, session
from flask_login import current_user, logout_user

from secops.accounts.models import Account
from secops.accounts.services import principal_for
from secops.clock import utc_now
from secops.scope import NOBODY, Principal

EPOCH = "epoch"


def load_principal() -> None:
    """Set ``g.principal`` and hand it to the database session; runs first in every request.

    A cookie of an earlier epoch (log-out, new password, disabling) is nobody.
    """
    g.request_id = secrets.token_hex(8)
    g.principal = NOBODY
    g.account = None
    if request.endpoint and (request.endpoint == "static" or request.endpoint.endswith(".static")):
        return
    db_session = current_app.extensions["secops"].session
    # Accounts and grants carry no row scope; only the principal built from them may open the rest.
    db_session().info["principal"] = NOBODY
    if not current_user.is_authenticated:
        return
    account = db_session.get(Account, current_user.id)
    if account is None or not current_user.is_active or session.get(EPOCH) != account.session_epoch:
        logout_user()
        session.pop(EPOCH, None)
        return
    g.account = account
    g.principal = principal_for(
        db_session(),
        current_user,
        utc_now(),
        address=request.remote_addr or "",
        session_ref=str(session.get("ref", "")),
        request_id=g.request_id,
    )
    db_session().info["principal"] = g.principal


def principal() -> Principal:
    """The principal of this request."""
    found: Principal = g.get("principal", NOBODY)
    return found
