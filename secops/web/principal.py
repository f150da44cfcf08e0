"""Turns the session of a request into its principal."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from flask import current_app, flash, g, request, session
from sqlalchemy.exc import OperationalError

from secops.accounts.models import UserSession
from secops.accounts.services import principal_for
from secops.accounts.sessions import Limits, ending_of, find_session, touch
from secops.clock import utc_now
from secops.scope import NOBODY, Principal
from secops.web.lang import t

TOKEN = "sid"
API_ROOT = "/api/v1/"

log = logging.getLogger("secops.web")


def load_principal() -> None:
    """Set ``g.principal`` and hand it to the database session; runs first in every request.

    One query gives session, user and account; a session that is over is nobody.
    """
    g.request_id = secrets.token_hex(8)
    g.principal = NOBODY
    g.account = g.user_session = g.signed_in = None
    if request.endpoint and (request.endpoint == "static" or request.endpoint.endswith(".static")):
        return
    platform = current_app.extensions["secops"]
    db_session = platform.session
    # Accounts and grants carry no row scope; only the principal built from them may open the rest.
    db_session().info["principal"] = NOBODY
    if request.path.startswith(API_ROOT):
        from secops.api.bearer import load_bearer

        # No cookie is looked at: a browser that is signed in opens nothing there.
        load_bearer()
        return
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return
    found = find_session(db_session(), token)
    if found is None:
        session.pop(TOKEN)
        return
    row, user, account = found
    now = utc_now()
    who = principal_for(
        db_session(),
        user,
        now,
        address=request.remote_addr or "",
        session_ref=row.ref,
        request_id=g.request_id,
    )
    over = ending_of(row, user, account, who.roles, now=now, limits=Limits.of(platform.settings))
    if over is not None:
        session.pop(TOKEN)
        flash(t("会话已结束，请重新登录。", "The session has ended; sign in again."), "info")
        return
    if request.headers.get("X-Fragment") != "1":
        _touch(row, now)
    g.account, g.user_session, g.signed_in, g.principal = account, row, user, who
    db_session().info["principal"] = who


def _touch(row: UserSession, now: datetime) -> None:
    """A store that can't be written right now still shows its pages; the session then idles out the sooner."""
    try:
        touch(current_app.extensions["secops"].engine, row, now)
    except OperationalError as error:
        log.warning("session.untouched", extra={"fields": {"error": type(error.orig).__name__}})


def principal() -> Principal:
    """The principal of this request."""
    found: Principal = g.get("principal", NOBODY)
    return found
