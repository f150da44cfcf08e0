"""Health, the language switch and the component page."""

from __future__ import annotations

from flask import current_app, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import refresh
from sqlalchemy import text
from werkzeug.exceptions import NotFound

from secops.web.base import PageView
from secops.web.component_page import ComponentView
from secops.web.filters import THEME_COOKIE, THEMES
from secops.web.paths import safe_next


class HealthView(PageView):
    """For supervisors and load balancers; tells nothing but yes or no."""

    route_base = "/health"
    default_view = "live"

    @expose("/live")
    def live(self) -> ResponseReturnValue:
        return jsonify({"status": "ok"})

    @expose("/ready")
    def ready(self) -> ResponseReturnValue:
        self.db.execute(text("SELECT 1"))
        return jsonify({"status": "ok"})


class LanguageView(PageView):
    """Switches the language and leads back to the page one was on, which FAB's own switch does not."""

    route_base = "/language"
    default_view = "choose"

    @expose("/<string:code>")
    def choose(self, code: str) -> ResponseReturnValue:
        if code not in ("zh", "en"):
            raise NotFound
        session["locale"] = code
        refresh()
        return redirect(safe_next(request.args.get("next")))


class ThemeView(PageView):
    """Light, dark, or as the system of the reader is; kept by the browser, since it says nothing of a person."""

    route_base = "/theme"
    default_view = "choose"

    @expose("/<string:code>")
    def choose(self, code: str) -> ResponseReturnValue:
        if code not in THEMES:
            raise NotFound
        answer = redirect(safe_next(request.args.get("next")))
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        answer.set_cookie(
            THEME_COOKIE, code, max_age=365 * 86400, secure=secure, httponly=True, samesite="Lax", path="/"
        )
        return answer


VIEWS: tuple[type, ...] = (HealthView, LanguageView, ThemeView, ComponentView)
