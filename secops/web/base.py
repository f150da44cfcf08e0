"""Base of all pages: one session, one principal, one way to render, redirect and flash."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request
from flask_appbuilder import BaseView
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from secops.platform import Platform
from secops.scope import Principal
from secops.web.lang import t
from secops.web.principal import principal


class PageView(BaseView):
    """A group of pages. FAB registers it; the gate decides who reaches it."""

    @property
    def platform(self) -> Platform:
        found: Platform = current_app.extensions["secops"]
        return found

    @property
    def db(self) -> Session:
        """The session of this request, narrowed to what the signed-in person may see."""
        session: Session = self.platform.session()
        return session

    @property
    def who(self) -> Principal:
        return principal()

    def page(self, template: str, **context: Any) -> str:
        """Render ``secops/<template>``."""
        return render_template(f"secops/{template}", **context)

    def done(self, url: str, zh: str, en: str, tone: str = "success") -> Response:
        """Commit, say what happened, go on."""
        self.db.commit()
        flash(t(zh, en), tone)
        return redirect(url)


def wants_fragment() -> bool:
    """True when the page's own script asks for a part to be refreshed."""
    return request.headers.get("X-Fragment") == "1"
