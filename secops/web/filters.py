"""Template helpers: languages, times in the configured zone, labels, icons, drawings from the server."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, has_app_context, request
from flask_login import AnonymousUserMixin
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from secops.sensitivity import Sensitivity
from secops.web import labels
from secops.web.lang import language, pick, t
from secops.web.principal import principal


class UnsafeDrawing(ValueError):
    """A drawing holds what the content security policy would refuse, or is no SVG at all."""


class UnknownIcon(ValueError):
    """No icon of this name in Bootstrap Icons."""


def zone() -> ZoneInfo:
    """The platform's time zone; Shanghai outside the application."""
    return ZoneInfo(current_app.config["BABEL_DEFAULT_TIMEZONE"] if has_app_context() else "Asia/Shanghai")


def local_time(moment: datetime | None, seconds: bool = False) -> str:
    """``2026-11-25 09:41`` in the platform's zone; "" for None."""
    if moment is None:
        return ""
    return moment.astimezone(zone()).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def file_size(size: int | None) -> str:
    """Bytes in the nearest unit: ``812 B``, ``3.4 MB``."""
    number = float(size or 0)
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return ""


def thousands(value: int | float | None) -> str:
    """``12,408``; "" for None."""
    return "" if value is None else f"{value:,}"


@lru_cache(maxsize=1)
def _symbols() -> dict[str, str]:
    sprite = resources.files("flask_bootstrap") / "static/bootstrap5/icons/bootstrap-icons.svg"
    pattern = re.compile(r'<symbol class="[^"]*" viewBox="0 0 16 16" id="([a-z0-9-]+)">(.*?)</symbol>')
    return dict(pattern.findall(sprite.read_text(encoding="utf-8")))


@lru_cache(maxsize=512)
def icon(name: str, title: str = "") -> Markup:
    """One icon of Bootstrap Icons as an element of the page; without *title* it is decoration for screen readers.

    Drawn into the page so that no icon font has to load first (1,900 glyphs for the 60 we use).

    Raises:
        UnknownIcon: no such name.
    """
    shapes = _symbols().get(name)
    if shapes is None:
        raise UnknownIcon(name)
    about = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    # Shapes come from the package's own file, the title is escaped.
    return Markup(f'<svg class="icon" viewBox="0 0 16 16" fill="currentColor" {about}>{shapes}</svg>')


_FORBIDDEN_IN_SVG = re.compile(
    r"<script|<foreignobject|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|href\s*=\s*[\"'](?!/|#|\?)|<!|@import",
    re.I,
)


def drawing(svg: str) -> Markup:
    """An SVG of ``reports.charts`` as part of a page.

    Raises:
        UnsafeDrawing: not an SVG, or one with script, style, handlers or addresses elsewhere.
    """
    if (
        not svg.lstrip().startswith("<svg")
        or not svg.rstrip().endswith("</svg>")
        or _FORBIDDEN_IN_SVG.search(svg)
    ):
        raise UnsafeDrawing(svg[:80])
    return Markup(svg)


def is_demo() -> bool:
    """Whether this store was filled by ``secops demo``."""
    return bool((current_app.extensions["secops"].settings.home / "demo.json").exists())


def account_name() -> str:
    """Name of the signed-in person; the user name where the database can't be asked, on the page that says so."""
    account = g.get("account")
    try:
        return str(account.display_name) if account is not None else principal().name
    except SQLAlchemyError:
        return principal().name


def here() -> str:
    """Address of this page, to come back to."""
    return request.full_path.rstrip("?")


def sensitivity(value: int) -> labels.Label:
    """The label of a stored sensitivity; see ``secops.sensitivity``."""
    return labels.label("sensitivity", Sensitivity(value).word)


THEMES = ("light", "dark", "auto")
THEME_COOKIE = "theme"


def theme() -> str:
    """``light``, ``dark`` or ``auto``, as the reader chose it; light before that."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "light"


def register(app: Flask) -> None:
    """Make the helpers known to every template, imported macros included."""
    app.jinja_env.filters.update(
        local_time=local_time, day=day, file_size=file_size, pick=pick, thousands=thousands, drawing=drawing
    )
    app.jinja_env.globals.update(
        t=t,
        pick=pick,
        label=labels.label,
        icon=icon,
        language=language,
        is_demo=is_demo,
        here=here,
        account_name=account_name,
        sensitivity=sensitivity,
        theme=theme,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(_page_context)


def _page_context() -> dict[str, object]:
    # flask-login would ask the database for its current_user now, which no template of ours reads; on the page that
    # says that the database is gone it would fail a second time.
    if not hasattr(g, "_login_user"):
        g._login_user = AnonymousUserMixin()
    return {
        "lang": language(),
        "principal": principal(),
        "fragment": request.headers.get("X-Fragment") == "1",
    }
