"""The web side of a session: the cookie that carries its token, made anew whenever who somebody is becomes surer."""

from __future__ import annotations

from datetime import datetime

from flask import g, request, session
from sqlalchemy.orm import Session

from secops.accounts.models import Account
from secops.accounts.sessions import Limits, rotate, start_session
from secops.config import Settings
from secops.web.principal import TOKEN

_KEPT = ("locale",)


def admit(
    db: Session, account: Account, settings: Settings, *, now: datetime, factor_at: datetime | None = None
) -> None:
    """Begin a session for who was checked; whatever the browser's cookie held before is forgotten."""
    token = start_session(
        db,
        account,
        now=now,
        address=request.remote_addr or "",
        agent=request.headers.get("User-Agent", ""),
        limits=Limits.of(settings),
        factor_at=factor_at,
    )
    forget()
    session.permanent = True
    session[TOKEN] = token


def renew(db: Session) -> None:
    """Give this request's session a new token; a copy of the old cookie is worthless from the commit on."""
    session[TOKEN] = rotate(db, g.user_session)


def forget() -> None:
    """Empty the cookie but for the language."""
    kept = {key: session[key] for key in _KEPT if session.get(key)}
    session.clear()
    session.update(kept)
