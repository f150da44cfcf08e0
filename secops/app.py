"""``create_app``: composition and nothing else."""

from __future__ import annotations

import gc
import logging
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.globals import app_ctx
from flask_appbuilder import AppBuilder
from flask_wtf import CSRFProtect
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from werkzeug.middleware.proxy_fix import ProxyFix

from secops.config import Settings
from secops.platform import Platform, secret_key

MAX_FORM_BYTES = 500 * 1024


def settle() -> None:
    """Load the catalogue and keep what is loaded out of the collector; called once by a server that holds the app.

    The catalogue, the tables and the routes are a million objects that live as long as the process. Without this a
    full collection walks all of them in the middle of somebody's request (200 ms on a small machine), and writes to
    every page of memory that forked workers share.
    """
    from controls.loader import load_catalog

    load_catalog()
    gc.collect()
    gc.freeze()


def create_app(settings: Settings | None = None) -> Flask:
    """Build Flask, FAB and the database session, all inside: two apps in one process don't meet.

    Raises:
        secops.config.BadSettings: the environment is wrong.
        secops.store.StoreVersionError: the store is empty or of another version.
        secops.errors.NotReady: production mode, and something is unsafe.
    """
    from secops import models  # noqa: F401  (every table, before FAB looks at the metadata)
    from secops.doctor import require_fit
    from secops.store import require_current

    settings = settings or Settings.from_env()
    platform = Platform.open(settings)
    require_current(platform.engine)
    # Whatever server runs this: production mode starts only when it is safe.
    require_fit(settings)
    # FAB tells of its own start at INFO and of deprecations at WARNING; ours go through secops.logs.
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)
    app = Flask("secops", static_folder="static", template_folder="templates")
    app.config.update(_configuration(settings))
    if settings.behind_tls:
        # Our proxy writes these two anew; without them the audit log would name the proxy for everybody.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    platform.session = _request_session(platform)
    app.extensions["secops"] = platform
    app.teardown_appcontext(lambda error: platform.session.remove())
    CSRFProtect(app)
    with app.app_context():
        _register(app, platform)
    return app


def _request_session(platform: Platform) -> scoped_session[Session]:
    maker = sessionmaker(platform.engine, expire_on_commit=False)
    # One session per application context, as Flask-SQLAlchemy does it.
    return scoped_session(maker, scopefunc=lambda: id(app_ctx._get_current_object()))  # type: ignore[attr-defined]


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key(settings),
        "APP_NAME": "secops",
        "AUTH_TYPE": 1,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "FAB_ADD_MENU_API": False,
        "FAB_BASE_TEMPLATE": "secops/base.html",
        "FAB_INDEX_VIEW": "secops.web.pages.HomeView",
        "FAB_SECURITY_MANAGER_CLASS": "secops.web.security.PlatformSecurityManager",
        "BABEL_DEFAULT_LOCALE": settings.language,
        "BABEL_DEFAULT_TIMEZONE": settings.time_zone,
        "BABEL_TRANSLATION_DIRECTORIES": "translations",
        "LANGUAGES": {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "gb", "name": "English"}},
        "MAX_CONTENT_LENGTH": settings.upload_limit_mb * 1024 * 1024 + MAX_FORM_BYTES,
        "MAX_FORM_MEMORY_SIZE": MAX_FORM_BYTES,
        "MAX_FORM_PARTS": 1000,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        # Else every answer, a late static file too, sends the cookie again and may overwrite a newer session.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_COOKIE_NAME": "__Host-secops" if settings.behind_tls else "secops",
        "SESSION_COOKIE_SECURE": settings.behind_tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "RATELIMIT_ENABLED": False,
        "RATELIMIT_STORAGE_URI": "memory://",
    }


def _register(app: Flask, platform: Platform) -> None:
    from secops.web import errors, filters, gate, headers, navigation
    from secops.web.origin import check_origin
    from secops.web.principal import load_principal

    # The order matters: who is it, may they, and only then FAB and the view.
    app.before_request(headers.start)
    app.before_request(load_principal)
    app.before_request(check_origin)
    app.before_request(gate.check_request)
    headers.register(app)
    errors.register(app)
    filters.register(app)
    appbuilder = AppBuilder(app, platform.session)
    navigation.register(app)
    from secops.web.pages import register_pages

    register_pages(app, appbuilder)
