"""One's own sessions: what is open where, and ending it."""

from __future__ import annotations

from flask import g, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.accounts import sessions
from secops.accounts.sessions import Ending, Limits
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.web.base import PageView


class SessionView(PageView):
    """Sessions of the signed-in person."""

    route_base = "/account/sessions"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        limits = Limits.of(self.platform.settings)
        rows = sessions.open_sessions(self.db, g.account, now=utc_now(), limits=limits)
        return self.page("account_sessions.html", rows=rows, current=g.user_session.id, limits=limits)

    @expose("/<int:session_id>/end", methods=["POST"])
    def end(self, session_id: int) -> Response:
        """End one of them; the own one is ended by logging out."""
        sessions.end_own(self.db, g.account.user_id, session_id, now=utc_now())
        return self.done(url_for("SessionView.index"), "会话已退出。", "The session has ended.")

    @expose("/end-others", methods=["POST"])
    def end_others(self) -> Response:
        now = utc_now()
        ended = sessions.end_all(self.db, g.account, now=now, why=Ending.OWN, keep=g.user_session.id)
        record(self.db, "session.end", g.account, object_id=self.who.name, now=now, detail={"ended": ended})
        return self.done(
            url_for("SessionView.index"), "其他会话已全部退出。", "Every other session has ended."
        )
