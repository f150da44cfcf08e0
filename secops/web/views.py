"""Health and the component page."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from sqlalchemy import text

from secops.web.base import PageView


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


VIEWS: tuple[type, ...] = (HealthView,)
