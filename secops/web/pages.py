"""Registers every page. The order says nothing; the navigation has its own."""

from __future__ import annotations

from flask import Flask, current_app, redirect, url_for
from flask_appbuilder import AppBuilder, IndexView, expose
from flask_bootstrap import Bootstrap5
from werkzeug.wrappers import Response

from secops.web.gate import permissions
from secops.web.principal import principal

# Where people land, first match wins.
_HOMES = ("DashboardView.index", "FindingView.index", "UserView.index", "GrantView.index", "AuditView.index")


class HomeView(IndexView):
    """``/`` leads to the first page that this person may see."""

    @expose("/")
    def index(self) -> Response:
        who = principal()
        if who.user_id is None:
            return redirect(url_for("LoginView.login"))
        for endpoint in _HOMES:
            if endpoint in current_app.view_functions and permissions().admits(
                endpoint, "GET", who.roles, True
            ):
                return redirect(url_for(endpoint))
        return redirect(url_for("AccountView.password"))


def register_pages(app: Flask, appbuilder: AppBuilder) -> None:
    """Add every view of the platform."""
    from secops.accounts import views as accounts
    from secops.api import views as api
    from secops.api.routes import blueprint
    from secops.assessments import views as assessments
    from secops.audit_log import views as audit_log
    from secops.catalogue import views as catalogue
    from secops.evidence import views as evidence
    from secops.findings import views as findings
    from secops.inventory import views as inventory
    from secops.jobs import views as jobs
    from secops.layers import views as layers
    from secops.objects import views as objects
    from secops.posture import views as posture
    from secops.reporting import views as reporting
    from secops.scans import views as scans
    from secops.schedules import views as schedules
    from secops.selfcheck import views as selfcheck
    from secops.web import views as web

    Bootstrap5(app)
    app.register_blueprint(blueprint)
    # Bearer tokens only: no cookie is read there, so no form of another site can borrow one.
    app.extensions["csrf"].exempt(blueprint)
    for module in (
        accounts,
        api,
        assessments,
        audit_log,
        catalogue,
        evidence,
        findings,
        inventory,
        jobs,
        layers,
        objects,
        posture,
        reporting,
        scans,
        schedules,
        selfcheck,
        web,
    ):
        for view in module.VIEWS:
            appbuilder.add_view_no_menu(view)
