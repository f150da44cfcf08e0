"""Accounts with which scans log in: what is kept for which target, taken in, taken away. A secret is never shown."""

from __future__ import annotations

from datetime import datetime

from flask import request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from scanners.database.result import DatabaseKind, TlsUse
from secops.clock import utc_now
from secops.errors import BadInput
from secops.objects.models import Asset, System
from secops.scans import credentials
from secops.scans.words import database_words
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.scope_filters import asked_system, system_options, system_words

_MOST_TARGETS = 500


class CredentialView(PageView):
    """Which targets a scan may log in to, and with which account."""

    route_base = "/scan-credentials"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        kept = credentials.kept_for(self.db)
        query = (
            select(
                Asset.id, Asset.name, Asset.address, System.id.label("system_id"), System.name.label("system")
            )
            .join(System, System.id == Asset.system_id)
            .where(Asset.id.in_({one.asset_id for one in kept}))
        )
        # what lies outside the reader's scope is not among these
        targets = {row.id: row for row in self.db.execute(query)} if kept else {}
        seen = [one for one in kept if one.asset_id in targets]
        names = names_of(self.db, [one.made_by for one in seen])
        rows = [
            {
                "kept": one,
                "target": targets[one.asset_id],
                "kind": database_words(one.kind),
                "maker": shown(one.made_by, names),
                "made_at": datetime.fromisoformat(one.made_at),
            }
            for one in seen
        ]
        return self.page("credentials.html", rows=rows, **LINKS)

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        if request.method == "POST":
            form = Form(request.form)
            if self._create(form):
                return self.done(
                    url_for("CredentialView.index"),
                    "凭据已加密保存。",
                    "The credentials are kept, encrypted.",
                )
            self.db.rollback()
            return self._form(form, request.form.get("system")), 400
        start = Form(tls=TlsUse.PREFER, kind=DatabaseKind.POSTGRESQL)
        return self._form(start, request.args.get("system"))

    def _form(self, form: Form, asked: str | None) -> str:
        system = asked_system(self.db, asked)
        query = select(Asset.id, Asset.name, Asset.address).where(Asset.address != "").order_by(Asset.name)
        rows = (
            self.db.execute(query.where(Asset.system_id == system.id).limit(_MOST_TARGETS)).all()
            if system
            else []
        )
        return self.page(
            "credential_new.html",
            form=form,
            system=system,
            chooser=Form(system=system_words(system) if system else ""),
            systems=system_options(self.db),
            targets=[(row.id, f"{row.name} {row.address}") for row in rows],
            kinds=[(kind.value, database_words(kind)) for kind in DatabaseKind],
            tls=[
                (TlsUse.PREFER.value, t("服务器提供时加密", "Encrypted where the server offers it")),
                (TlsUse.REQUIRE.value, t("必须加密，否则不登录", "Encrypted, or no log-in")),
            ],
        )

    def _create(self, form: Form) -> bool:
        asset = form.text("asset", required=True, limit=9)
        kind = form.choice("kind", tuple(DatabaseKind))
        tls = form.choice("tls", tuple(TlsUse))
        port = form.number("port", least=1, most=65535, required=False)
        username = form.text("username", required=kind != DatabaseKind.REDIS, limit=120)
        database = form.text("database", limit=63)
        password = form.value("password")
        if not form.ok or not asset.isdigit():
            form.fail("asset", "请选择对象。", "Choose a target.") if not asset.isdigit() else None
            return False
        try:
            credentials.keep(
                self.db,
                int(asset),
                kind=kind,
                port=port,
                username=username or "default",
                password=password,
                database=database,
                tls=tls,
                actor=self.who.name,
                now=utc_now(),
            )
        except BadInput as error:
            form.take(error)
            return False
        return True

    @expose("/<int:asset_id>/<int:port>/remove", methods=["POST"])
    def remove(self, asset_id: int, port: int) -> Response:
        credentials.forget(self.db, asset_id, port, now=utc_now())
        return self.done(
            url_for("CredentialView.index"),
            "凭据已删除；之后的扫描不再登录该端口。",
            "Taken away; scans no longer log in to this port.",
        )
