"""Leave to scan: asked for by one person, decided by another, taken back when needed."""

from __future__ import annotations

import ipaddress
from datetime import datetime, time, timedelta

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from scanners.errors import ScannersError
from scanners.limits import MAX_VALIDITY
from scanners.targets import parse_network, parse_networks
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, SecopsError
from secops.scans import queries, services
from secops.scans.models import AuthorizationState, ScanAuthorization
from secops.scans.tables import AUTHORIZATIONS, authorization_label, period
from secops.scans.words import probe_note, probe_options, probe_words
from secops.web.base import PageView
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.history import history
from secops.web.lang import language, t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.scope_filters import asked_system, system_options, system_words
from secops.web.table_export import export_table

MAX_LINES = 64
_OFFERED_DAYS = 30


class AuthorizationView(PageView):
    """Nothing is scanned without one."""

    route_base = "/authorizations"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = AUTHORIZATIONS.load(
            self.db,
            queries.authorization_statement(),
            request.args,
            export_url=url_for("AuthorizationView.export"),
        )
        return self.page("authorizations.html", state=state, now=utc_now(), **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("扫描授权", "authorisations")
        return export_table(
            AUTHORIZATIONS,
            self.db,
            queries.authorization_statement(),
            request.args,
            now=utc_now(),
            title=title,
        )

    @expose("/<int:authorization_id>")
    def show(self, authorization_id: int) -> str:
        return self._show(authorization_id)

    def _show(self, authorization_id: int, form: Form | None = None) -> str:
        found, system, department = queries.get_authorization(self.db, authorization_id)
        names = names_of(self.db, [found.requested_by, found.decided_by])
        events = history(self.db, "ScanAuthorization", found.id)
        now = utc_now()
        return self.page(
            "authorization_show.html",
            found=found,
            system=system,
            department=department,
            state=authorization_label(found),
            period=period(found),
            probes=[[probe_words(probe), probe_note(probe)] for probe in found.probes],
            requester=shown(found.requested_by, names),
            decider=shown(found.decided_by, names),
            is_own=found.requested_by == self.who.name,
            waiting=found.state is AuthorizationState.REQUESTED,
            valid=found.state is AuthorizationState.APPROVED and found.valid_from <= now < found.valid_until,
            in_force=found.state is AuthorizationState.APPROVED and now < found.valid_until,
            history=events,
            form=form or Form(),
            **LINKS,
        )

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        if request.method == "POST":
            form = Form(request.form)
            found = self._create(form)
            if found is not None:
                where = url_for("AuthorizationView.show", authorization_id=found.id)
                return self.done(
                    where, "申请已提交，等待另一人审批。", "The request is made; somebody else decides on it."
                )
            self.db.rollback()
            return self._form(form), 400
        day = utc_now().astimezone(zone()).date()
        system = asked_system(self.db, request.args.get("system"))
        form = Form(
            system=system_words(system) if system else None,
            probes=["nmap", "tls", "sshkex", "tlcp"],
            valid_from=day,
            valid_until=day + timedelta(days=_OFFERED_DAYS),
        )
        return self._form(form)

    def _form(self, form: Form) -> str:
        return self.page(
            "authorization_new.html",
            form=form,
            systems=system_options(self.db),
            probes=probe_options(services.PROBES),
            longest=MAX_VALIDITY.days,
        )

    def _create(self, form: Form) -> ScanAuthorization | None:
        system = asked_system(self.db, form.value("system"))
        if system is None:
            form.fail("system", "请选择系统。", "Choose a system.")
        title = form.text("title", required=True, limit=160)
        networks = _networks(form)
        exceptions = _exceptions(form, networks)
        probes = [probe for probe in services.PROBES if probe in form.values("probes")]
        if not probes:
            form.fail("probes", "请至少选择一种检查方式。", "Choose at least one.")
        reason = form.text("reason", required=True, limit=2000, least=4)
        valid_from, valid_until = _period(form)
        if not form.ok or system is None or valid_from is None or valid_until is None:
            return None
        try:
            return services.request_authorization(
                self.db,
                system,
                title=title,
                networks=networks,
                exceptions=exceptions,
                probes=probes,
                reason=reason,
                valid_from=valid_from,
                valid_until=valid_until,
                actor=self.who.name,
                now=utc_now(),
            )
        except BadInput as error:
            form.take(error)
            return None

    @expose("/<int:authorization_id>/decide", methods=["POST"])
    def decide(self, authorization_id: int) -> Response | tuple[str, int]:
        """Approve or refuse; whoever asked for it never decides."""
        queries.get_authorization(self.db, authorization_id)
        form = Form(request.form)
        decision = form.choice("decision", ("approve", "refuse"))
        reason = form.text("reason", limit=400)
        if decision == "refuse" and not reason:
            form.fail("reason", "拒绝须写明理由。", "Say why it is refused.")
        if form.ok:
            try:
                services.decide_authorization(
                    self.db,
                    authorization_id,
                    approve=decision == "approve",
                    actor=self.who.name,
                    now=utc_now(),
                    reason=reason,
                )
            except NotFound:
                raise
            except SecopsError as error:
                form.fail("", error.zh, error.en)
        if not form.ok:
            self.db.rollback()
            return self._show(authorization_id, form), 400
        where = url_for("AuthorizationView.show", authorization_id=authorization_id)
        if decision == "approve":
            return self.done(where, "授权已批准，可以发起扫描。", "Approved; a scan may start.")
        return self.done(where, "授权已拒绝，理由已记录。", "Refused; the reason is on record.")

    @expose("/<int:authorization_id>/revoke", methods=["POST"])
    def revoke(self, authorization_id: int) -> Response:
        """Take it back; a running scan stops before its next target."""
        where = url_for("AuthorizationView.show", authorization_id=authorization_id)
        reason = request.form.get("reason", "").strip()[:400]
        if not reason:
            flash(t("撤销须写明理由。", "Say why it is revoked."), "danger")
            queries.get_authorization(self.db, authorization_id)
            return redirect(where)
        try:
            services.revoke_authorization(
                self.db, authorization_id, actor=self.who.name, now=utc_now(), reason=reason
            )
        except NotFound:
            raise
        except SecopsError as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(where)
        return self.done(
            where,
            "授权已撤销，进行中的扫描会在下一个目标前停止。",
            "Revoked; a running scan stops before its next target.",
        )


def _lines(form: Form, key: str) -> list[str]:
    return [line.strip() for line in form.value(key).splitlines() if line.strip()]


def _networks(form: Form) -> list[str]:
    """Each line an address or a CIDR network; the first wrong one is named beside the field."""
    found = _lines(form, "networks")
    if not found:
        form.fail("networks", "请填写至少一个地址或网段。", "Give at least one address or network.")
    if len(found) > MAX_LINES:
        form.fail("networks", f"最多 {MAX_LINES} 行。", f"At most {MAX_LINES} lines.")
        return []
    for line in found:
        _check_line(form, "networks", line)
    if form.ok or "networks" not in form.errors:
        try:
            parse_networks(found)
        except ScannersError:
            form.fail("networks", "全部网段合计最多 4096 个地址。", "At most 4,096 addresses in all.")
    return found


def _check_line(form: Form, key: str, line: str) -> None:
    try:
        parse_network(line)
    except ScannersError as error:
        try:
            wide = ipaddress.ip_network(line, strict=False)
        except ValueError:
            form.fail(
                key,
                f"“{line}”不是 IP 地址或网段，例如 10.20.0.0/24。",
                f"“{line}” is no address or network such as 10.20.0.0/24.",
            )
            return
        if "/" in line and str(wide) != line:
            form.fail(
                key, f"“{line}”的主机位须为 0，请写作 {wide}。", f"“{line}” has host bits set; write {wide}."
            )
        else:
            form.fail(
                key, f"“{line}”范围过大或不可扫描。", f"“{line}” is too wide or can't be scanned: {error}"
            )


def _exceptions(form: Form, networks: list[str]) -> list[str]:
    found = _lines(form, "exceptions")
    if len(found) > MAX_LINES:
        form.fail("exceptions", f"最多 {MAX_LINES} 行。", f"At most {MAX_LINES} lines.")
        return []
    for line in found:
        _check_line(form, "exceptions", line)
    if found and not form.error("exceptions") and not form.error("networks"):
        inside = [ipaddress.ip_network(line) for line in networks]
        for line in found:
            one = ipaddress.ip_network(line)
            if not any(one.version == other.version and one.subnet_of(other) for other in inside):  # type: ignore[arg-type]
                form.fail(
                    "exceptions",
                    f"例外 {line} 不在上面的网段内。",
                    f"The exception {line} lies in none of the networks.",
                )
    return found


def _period(form: Form) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to the end of the last, at most :data:`MAX_VALIDITY`."""
    now = utc_now()
    today = now.astimezone(zone()).date()
    first = form.day("valid_from", required=True, after=today - timedelta(days=1))
    last = form.day("valid_until", required=True, after=today - timedelta(days=1))
    if first is None or last is None:
        return None, None
    if last < first:
        form.fail("valid_until", "结束日期早于开始日期。", "It ends before it begins.")
        return None, None
    start = max(now, datetime.combine(first, time(), zone()))
    end = datetime.combine(last + timedelta(days=1), time(), zone())
    if end - start > MAX_VALIDITY:
        days = MAX_VALIDITY.days
        form.fail("valid_until", f"有效期最长 {days} 天。", f"At most {days} days.")
        return None, None
    return start, end
