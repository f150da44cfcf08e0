"""Who calls the interface: a bearer token and nothing else, no cookie, no password."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from secops.accounts import throttle
from secops.accounts.factors import is_required
from secops.accounts.services import is_expired, principal_for
from secops.api import tokens
from secops.api.problems import problem
from secops.clock import utc_now

ROOT = "/api/v1/"
log = logging.getLogger("secops.api")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call has no principal: (status, Chinese, English)."""

    status: int
    zh: str
    en: str


NO_TOKEN = Refusal(401, "请用 Authorization: Bearer 令牌访问。", "Send Authorization: Bearer with a token.")
BAD_TOKEN = Refusal(401, "令牌无效或已失效。", "The token is not valid, or no longer.")
TOO_MANY = Refusal(429, "尝试过多，请稍后再试。", "Too many attempts; try later.")
NOT_READY = Refusal(
    403,
    "账号须先在页面登录：改密或启用第二因素。",
    "The account must sign in on the pages first: a new password or a second factor is due.",
)


def load_bearer() -> None:
    """Set the principal of a call from its token; what stands against it lies in ``g.refusal``."""
    g.api_token, g.refusal = None, NO_TOKEN
    kind, _, word = request.headers.get("Authorization", "").partition(" ")
    word = word.strip()
    if kind.lower() != "bearer" or not word:
        return
    platform, now, address = current_app.extensions["secops"], utc_now(), request.remote_addr or ""
    db = platform.session()
    found = tokens.find_token(db, word[:200], now)
    if found is None:
        refused = throttle.begin(db, throttle.Path.TOKEN, None, address, now).refused
        g.refusal = TOO_MANY if refused else BAD_TOKEN
        return
    row, user, account = found
    who = principal_for(db, user, now, address=address, session_ref=row.ref, request_id=g.request_id)
    settings = platform.settings
    lacks_factor = is_required(settings, who.roles) and not tokens.has_factor(db, user.id)
    if account.must_change_password or is_expired(account, settings.password_days, now) or lacks_factor:
        g.refusal = NOT_READY
        return
    try:
        tokens.touch(platform.engine, row, now)
    except OperationalError as error:
        # A store that can't be written right now still answers reads.
        log.warning("token.untouched", extra={"fields": {"error": type(error.orig).__name__}})
    g.account, g.api_token, g.principal, g.refusal = account, row, who, None
    db.info["principal"] = who


def refuse(found: Refusal) -> ResponseReturnValue:
    """The answer to a call without a principal."""
    answer = problem(found.status, found.zh, found.en)
    if found.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="secops"'
    return answer


def may_in_area(area: str) -> bool:
    """Whether the token of this call covers *area*; "" is covered by every token."""
    return not area or area in g.api_token.areas.split(",")
