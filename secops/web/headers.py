"""Security headers on every answer, and the nonce of the content security policy."""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import BadRequest


def start() -> None:
    """Make the nonce; refuse a Host that is not in the list, when there is a list."""
    g.nonce = secrets.token_urlsafe(16)
    allowed = current_app.extensions["secops"].settings.allowed_hosts
    if allowed and request.host.rsplit(":", 1)[0] not in {name.strip() for name in allowed.split(",")}:
        raise BadRequest("unknown host")


def register(app: Flask) -> None:
    """Add the headers and give templates ``csp_nonce``."""
    app.after_request(_add)
    app.context_processor(lambda: {"csp_nonce": g.get("nonce", "")})


def _add(response: Response) -> Response:
    nonce = g.get("nonce", "")
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "object-src 'none'",
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    is_asset = request.endpoint is not None and request.endpoint.endswith("static")
    if not is_asset:
        headers["Cache-Control"] = "no-store"
    return response
